"""What resolvers reach through `info.context`: who asks, the services, and this request's
loaders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import strawberry
from graphql import FieldNode

from domain import ids
from domain.access import Viewer
from domain.tool_ports import Engines, Toolbox
from gql.execution import Executor
from gql.links import Links
from gql.loaders import Loaders
from persistence.storage import PostgresStorage
from realtime.hub import Hub

Plan = TypeVar("Plan")


@dataclass
class Context:
    """One per operation, and one per slice of events. Loaders are never shared between viewers."""

    viewer: Viewer
    storage: PostgresStorage
    hub: Hub
    engines: Engines
    _executor: Executor | None = field(default=None, repr=False)
    _plans: dict[tuple[int, ...], Any] = field(default_factory=dict, repr=False)

    @property
    def tools(self) -> Toolbox:
        """Every kind of tool, for looks that write nothing."""
        return self.engines.tools

    @cached_property
    def loaders(self) -> Loaders:
        """Made when the first field needs one."""
        return Loaders(self.storage, self.viewer.organization_id)

    @cached_property
    def links(self) -> Links:
        """Made when the first relation is followed."""
        return Links(self.viewer, self.storage)

    def once(self, nodes: Sequence[FieldNode], plan: Callable[[], Plan]) -> Plan:
        """The plan for these field nodes, made once in an operation: a resolver that runs in every
        row of a list sees the same nodes each time."""
        key = tuple(map(id, nodes))
        if key not in self._plans:
            self._plans[key] = plan()
        found: Plan = self._plans[key]
        return found

    @property
    def executor(self) -> Executor:
        """The executor that runs this operation."""
        if self._executor is None:
            raise RuntimeError("the operation has not begun")
        return self._executor

    @executor.setter
    def executor(self, executor: Executor) -> None:
        self._executor = executor

    def fresh(self) -> "Context":
        """The same viewer with empty loaders: events must not see what was loaded for earlier
        ones."""
        return Context(self.viewer, self.storage, self.hub, self.engines)


Info: TypeAlias = strawberry.Info[Context, None]


def given_id(text: str, index: int = 0) -> UUID:
    """The id in `text`. What cannot be an id becomes one that names nothing, so that the use case
    answers as for any unknown id; `index` keeps several of them apart."""
    return ids.parse(text) or UUID(int=index)
