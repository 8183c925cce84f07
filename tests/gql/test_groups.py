"""Which subscribers share what is rendered for them."""

from gql.limits import Limits
from gql.operations import Documents


def _start_variable(text: str) -> str | None:
    return Documents(Limits()).prepare(text).start_variable(None)


def test_only_the_start_of_a_stream_is_left_out_of_the_group() -> None:
    changed = "tableChanged(tableId: $t, after: $after) { __typename %s }"
    rows = "... on TableChanged { table { rows(first: %s) { nodes { id } } } }"
    apart = f"subscription($t: ID!, $after: Int, $n: Int) {{ {changed % (rows % '$n')} }}"
    shared = f"subscription($t: ID!, $after: Int) {{ {changed % (rows % '$after')} }}"
    assert _start_variable(apart) == "after"
    assert _start_variable(shared) is None


def test_the_variable_may_have_any_name() -> None:
    text = "subscription($from: Int) { organizationChanged(after: $from) { __typename } }"
    assert _start_variable(text) == "from"
    text = "subscription($after: ID!) { tableChanged(tableId: $after) { __typename } }"
    assert _start_variable(text) is None
