"""What a document may cost, and that finding out is cheap for documents made to be dear."""

import pytest
from graphql import GraphQLError, OperationDefinitionNode, get_introspection_query, parse

from gql.limits import Limits, check_cost, check_size
from gql.operations import Documents, Refused


def refusal(text: str, **variables: object) -> str:
    """Why an operation is refused before it runs; empty when it is not."""
    documents = Documents(Limits())
    try:
        document = documents.prepare(text)
        documents.check_cost(document, document.operation(None), variables)
    except Refused as refused:
        return refused.errors[0].message
    return ""


def weigh(text: str, limits: Limits) -> None:
    """The check of cost alone. Raises GraphQLError."""
    tree = parse(text)
    check_size(tree, Limits(fields=1000, spreads=1000))
    operation = tree.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    check_cost(tree, operation, {}, limits)


def page(rows: str, fields: str = "id data") -> str:
    return f'table(id: "x") {{ rows{rows} {{ nodes {{ {fields} }} }} }}'


TOO_LARGE = {
    "fields": "{" + "".join(f"projects {{ id name {'status ' * 10}}}" for _ in range(80)) + "}",
    "aliases": "{" + "".join(f"a{n}: __typename " for n in range(201)) + "}",
    "directives": "{ __typename " + "@skip(if: false)" * 201 + "}",
    "spreads": "{" + "...F " * 61 + "} fragment F on Query { __typename }",
    "repeats": "{" + "__typename " * 52 + "}",
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_large_documents_are_refused_before_validation(name: str) -> None:
    assert f" {name}; the limit is " in refusal(TOO_LARGE[name])


def test_repeats_are_counted_through_inline_fragments() -> None:
    text = "{ tables { " + "... on Table { id } " * 52 + "} }"
    assert refusal(text) == "The document has 51 repeats; the limit is 50"
    assert refusal("{" + "".join(f"a{n}: tables {{ id }} " for n in range(52)) + "}") == ""


def test_long_and_deep_texts_are_refused_while_they_are_read() -> None:
    assert "longer than 100000 characters" in refusal("{ __typename }" + " " * 100_000)
    assert "token" in refusal("{ " + "a " * 10_001 + "}")
    assert "nested too deeply" in refusal("{a" * 4000 + "}" * 4000)
    assert refusal("{ tables(search: " + "[" * 4000 + "]" * 4000 + ") { id } }")


def test_depth_is_bounded() -> None:
    assert "30 levels deep; the limit is 25" in refusal(
        "{ __schema { types " + "{ ofType" * 27 + " { name }" + "}" * 29
    )
    text = (
        "{ tables { ...A } } fragment A on Table { project { tables { ...B } } }"
        " fragment B on Table { project { tables { project { id } } } }"
    )
    weigh(text, Limits(depth=7, cost=10**9))
    with pytest.raises(GraphQLError, match="7 levels deep; the limit is 6"):
        weigh(text, Limits(depth=6))


def test_lists_multiply_what_stands_in_them() -> None:
    cells = "id cells { status value error updatedAt }"
    assert refusal("{" + page("(first: 1000)", cells) + "}") == ""
    assert "costs" in refusal("{ tables { rows(first: 1000) { nodes { " + cells + " } } } }")
    assert refusal("{ tables { rows(first: 5) { nodes { " + cells + " } } } }") == ""
    many = "".join(f"a{n}: {page('(first: 1000)', cells)} " for n in range(7))
    assert "costs" in refusal("{" + many + "}")


def test_a_variable_counts_with_its_value() -> None:
    text = (
        "query($n: Int = 1000) { tables {"
        " rows(first: $n) { nodes { id data version cells { id value status } } } } }"
    )
    assert refusal(text, n=10) == ""
    assert "costs" in refusal(text, n=1000)
    assert "costs" in refusal(text)
    assert "costs" in refusal(text, n=10**12)
    ids = (
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Table {"
        " rows(first: 1000) { nodes { id data createdAt } } } } }"
    )
    assert refusal(ids, ids=["x"] * 10) == ""
    assert "costs" in refusal(ids, ids=["x"] * 200)


def test_a_cheap_operation_does_not_vouch_for_its_neighbour() -> None:
    dear = "{ tables { rows(first: 1000) { nodes { cells { id value status error } } } } }"
    documents = Documents(Limits())
    document = documents.prepare(f"query A {{ __typename }} query B {dear}")
    documents.check_cost(document, document.operation("A"), {})
    with pytest.raises(Refused):
        documents.check_cost(document, document.operation("B"), {})


def test_nested_fragments_are_weighed_once() -> None:
    """Limiters that walk fragments anew at each spread take a minute for this: the work doubles
    with every one."""
    parts = [f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60)]
    text = "{ ...f0 } fragment f60 on Query { __typename } " + " ".join(parts)
    with pytest.raises(GraphQLError, match=f"costs {2**60};"):
        weigh(text, Limits())


def test_fragment_cycles_end() -> None:
    for text in (
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A __typename }",
    ):
        assert "within itself" in refusal(text)
        weigh(text, Limits())


def test_introspection_of_tools_fits() -> None:
    assert refusal(get_introspection_query()) == ""


def test_the_least_used_documents_are_dropped() -> None:
    documents = Documents(Limits(cached_documents=2))
    first = documents.prepare("{ a: __typename }")
    documents.prepare("{ b: __typename }")
    assert documents.prepare("{ a: __typename }") is first
    documents.prepare("{ c: __typename }")
    assert documents.prepare("{ a: __typename }") is first
    documents.prepare("{ d: __typename }")
    documents.prepare("{ e: __typename }")
    assert documents.prepare("{ a: __typename }") is not first


def _often(count: int, field: str) -> str:
    return " ".join(f"a{n}: {field}" for n in range(count))


@pytest.mark.parametrize(
    "text",
    [
        '{ table(id: "x") { runs(first: 1000) { failedCells(first: 1000) { error } } } }',
        "{ webhooks { deliveries(first: 100) { nodes { attempts { number error at } } } } }",
        "{" + _often(100, 'runEstimate(tableId: "x") { rows }') + "}",
    ],
    ids=["failed cells", "deliveries", "estimates"],
)
def test_lists_and_counts_of_runs_and_webhooks_have_their_price(text: str) -> None:
    with pytest.raises(GraphQLError, match="costs"):
        weigh(text, Limits(cost=20_000))
