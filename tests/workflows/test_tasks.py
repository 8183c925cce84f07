"""Tasks: made by people and by firings, changed, listed."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from domain import ids, projects, tasks
from domain.entities import ProjectCreate
from domain.errors import ErrorCode, Invalid, NotFound
from domain.ids import Kind
from domain.task_records import TaskCreate, TaskSearch, TaskStatus, TaskUpdate
from tests.worlds import World, open_world


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with open_world(postgres_url) as opened:
        yield opened


async def test_a_new_task_is_planned_with_priority_2(world: World) -> None:
    made = await tasks.create_task(world.viewer, world.storage, TaskCreate("Call them"))
    assert (made.title, made.status, made.priority) == ("Call them", TaskStatus.PLANNED, 2)
    assert made.created_by == world.viewer.actor
    assert await tasks.get_task(world.viewer, world.storage, made.id) == made


async def test_a_firing_makes_its_task_once(world: World) -> None:
    firing = ids.new_id(Kind.FIRING)
    command = TaskCreate("Once", firing_id=firing)
    first = await tasks.create_task(world.viewer, world.storage, command)
    again = await tasks.create_task(world.viewer, world.storage, command)
    assert first == again
    assert first.firing_id == firing
    assert await tasks.count_tasks(world.viewer, world.storage, TaskSearch()) == 1


async def test_an_update_changes_what_it_names(world: World) -> None:
    viewer, storage = world.viewer, world.storage
    project = await projects.create_project(viewer, storage, ProjectCreate("P"))
    made = await tasks.create_task(viewer, storage, TaskCreate("A", "text", 0, project.id))
    update = TaskUpdate(status=TaskStatus.COMPLETED, description=None)
    changed = await tasks.update_task(viewer, storage, made.id, update)
    assert (changed.title, changed.description, changed.status) == (
        "A",
        None,
        TaskStatus.COMPLETED,
    )
    assert (changed.priority, changed.project_id) == (0, project.id)
    assert changed.updated_at > made.updated_at


async def test_all_problems_of_a_task_are_told(world: World) -> None:
    bad = TaskCreate("x" * 201, "\0", 4, ids.new_id(Kind.PROJECT))
    with pytest.raises(Invalid) as caught:
        await tasks.create_task(world.viewer, world.storage, bad)
    assert [(each.code, each.path) for each in caught.value.problems] == [
        (ErrorCode.TOO_LONG, ("title",)),
        (ErrorCode.INVALID, ("description",)),
        (ErrorCode.OUT_OF_RANGE, ("priority",)),
        (ErrorCode.NOT_FOUND, ("projectId",)),
    ]
    made = await tasks.create_task(world.viewer, world.storage, TaskCreate("A"))
    empty = TaskUpdate(title=None, status=None, priority=None)
    with pytest.raises(Invalid) as caught:
        await tasks.update_task(world.viewer, world.storage, made.id, empty)
    assert [each.path for each in caught.value.problems] == [("title",), ("status",), ("priority",)]
    with pytest.raises(NotFound, match="Task not found"):
        await tasks.get_task(world.viewer, world.storage, ids.new_id(Kind.TASK))


async def test_tasks_are_listed_newest_first_page_by_page(world: World) -> None:
    viewer, storage = world.viewer, world.storage
    made = [await tasks.create_task(viewer, storage, TaskCreate(f"{n}")) for n in range(5)]
    await tasks.update_task(viewer, storage, made[1].id, TaskUpdate(status=TaskStatus.RUNNING))
    seen: list[str] = []
    after: UUID | None = None
    while True:
        page = await tasks.list_tasks(viewer, storage, TaskSearch(), after, 2)
        seen += [task.title for task in page.tasks]
        if not page.has_more:
            break
        after = page.tasks[-1].id
    assert seen == ["4", "3", "2", "1", "0"]
    running = TaskSearch(status=TaskStatus.RUNNING)
    assert await tasks.count_tasks(viewer, storage, running) == 1
    page = await tasks.list_tasks(viewer, storage, running, None, 10)
    assert [task.id for task in page.tasks] == [made[1].id]
    with pytest.raises(Invalid, match="first must be 0 to 100"):
        await tasks.list_tasks(viewer, storage, TaskSearch(), None, 101)
