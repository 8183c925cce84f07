"""Which tool columns a change of a column reaches, against a search that knows no shortcuts."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.columns import Column, ColumnType, ComputedBy
from domain.tool_graph import tool_graph
from domain.tool_records import AiTool, Tool


def columns_of(reads: dict[int, set[int]], count: int) -> list[Column]:
    """Text columns `k0`, `k1` …; those in `reads` have a tool that reads the named ones."""
    return [
        Column(
            UUID(int=number),
            number,
            f"k{number}",
            f"K{number}",
            ColumnType.TEXT,
            number,
            computed_by=ComputedBy.TOOL if number in reads else None,
            tool=Tool(AiTool("?"), tuple(f"k{each}" for each in sorted(reads[number])))
            if number in reads
            else None,
        )
        for number in range(count)
    ]


@st.composite
def graphs(draw: st.DrawFn, *, circles: bool) -> tuple[dict[int, set[int]], int]:
    count = draw(st.integers(1, 9))
    reads: dict[int, set[int]] = {}
    for number in draw(st.permutations(range(count))):
        among = [each for each in range(count) if circles or each < number]
        is_tool = draw(st.booleans())
        if among and is_tool:
            reads[number] = draw(st.sets(st.sampled_from(among), min_size=1))
    return reads, count


def reached(reads: dict[int, set[int]], start: int) -> set[int]:
    """Tool columns that read `start`, or one that does."""
    found: set[int] = set()
    while more := {
        tool for tool, wanted in reads.items() if wanted & (found | {start}) and tool not in found
    }:
        found |= more
    return found


@given(graphs(circles=True))
def test_dependents_are_those_that_a_search_reaches(graph: tuple[dict[int, set[int]], int]) -> None:
    reads, count = graph
    made = tool_graph(columns_of(reads, count))
    for number in range(count):
        assert made.dependents.get(number, frozenset()) == reached(reads, number)
    circles = any(number in reached(reads, number) for number in reads)
    assert bool(made.cycle) == circles
    for key in made.cycle:
        number = int(key[1:])
        assert number in reached(reads, number)


@given(graphs(circles=False))
def test_each_tool_stands_behind_those_that_it_reads(
    graph: tuple[dict[int, set[int]], int],
) -> None:
    reads, count = graph
    made = tool_graph(columns_of(reads, count))
    assert sorted(made.order) == sorted(reads)
    place = {number: index for index, number in enumerate(made.order)}
    for tool, wanted in reads.items():
        assert all(place[each] < place[tool] for each in wanted & reads.keys())


def test_a_table_without_tools_has_an_empty_graph() -> None:
    made = tool_graph(columns_of({}, 3))
    assert (made.order, dict(made.dependents), made.cycle) == ((), {}, ())
