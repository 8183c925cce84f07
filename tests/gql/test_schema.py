"""The schema keeps its own rules, and the file in the repository is it."""

from collections.abc import Iterator

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_specified_scalar_type,
)

from domain.access import OPERATIONS
from gql.schema import core_schema, schema_text
from tests.rules.source import ROOT, report

TYPES = {
    name: each
    for name, each in core_schema.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(each)
}


def _described() -> Iterator[tuple[str, str | None]]:
    for name, each in TYPES.items():
        yield name, each.description
        if isinstance(each, GraphQLEnumType):
            for value, entry in each.values.items():
                yield f"{name}.{value}", entry.description
        if isinstance(each, GraphQLInputObjectType):
            for key, input_field in each.fields.items():
                yield f"{name}.{key}", input_field.description
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType):
            for key, field in each.fields.items():
                yield f"{name}.{key}", field.description
                for argument, entered in field.args.items():
                    yield f"{name}.{key}({argument})", entered.description


def test_everything_has_a_description() -> None:
    faults = [
        name
        for name, text in _described()
        if not text
        or not text.strip().endswith((".", "`"))
        or not (text[0].isupper() or text[0].isdigit())
    ]
    report(faults, "Say in a sentence what it is.")


def test_the_file_is_the_schema() -> None:
    written = (ROOT / "schema.graphql").read_text()
    assert written == schema_text(), "Run `tablecast schema export`."


def test_names_tell_what_a_type_is_for() -> None:
    faults = []
    mutations = core_schema.mutation_type
    assert mutations is not None
    payloads = {get_named_type(field.type).name for field in mutations.fields.values()}
    for name, each in TYPES.items():
        if isinstance(each, GraphQLInputObjectType) and not name.endswith(("Input", "Filter")):
            faults.append(f"the input {name}")
        if name.endswith("Payload") != (name in payloads):
            faults.append(f"the payload {name}")
        if isinstance(each, GraphQLEnumType):
            faults += [f"{name}.{value}" for value in each.values if value != value.upper()]
    report(faults, "Inputs end in Input, payloads in Payload; enum values are in capitals.")


def test_every_mutation_takes_one_input_and_may_be_null() -> None:
    mutations = core_schema.mutation_type
    assert mutations is not None
    faults = []
    for name, field in mutations.fields.items():
        inputs = [each.type for each in field.args.values()]
        if list(field.args) != ["input"] or not isinstance(inputs[0], GraphQLNonNull):
            faults.append(f"{name} does not take one non-null `input`")
        if isinstance(field.type, GraphQLNonNull):
            faults.append(f"{name} is not nullable")
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        if str(payload.fields["errors"].type) != "[UserError!]!":
            faults.append(f"{payload.name} has no `errors: [UserError!]!`")
        faults += [
            f"{payload.name}.{key} is not nullable"
            for key, entry in payload.fields.items()
            if key != "errors" and isinstance(entry.type, GraphQLNonNull)
        ]
    report(faults, "One failed mutation must not take the answers of others with it.")


def test_every_operation_stands_in_the_table_of_rights() -> None:
    roots = [core_schema.query_type, core_schema.mutation_type, core_schema.subscription_type]
    fields = {name for root in roots if root is not None for name in root.fields}
    # Finding by id asks for the right to what is found.
    faults = sorted(fields - set(OPERATIONS) - {"node", "nodes", "cell"})
    report(faults, "Add it to domain.access.OPERATIONS.")


def test_members_of_a_union_can_be_asked_for_together() -> None:
    faults = []
    for union in TYPES.values():
        seen: dict[str, str] = {}
        for member in union.types if isinstance(union, GraphQLUnionType) else ():
            for name, field in member.fields.items():
                if seen.setdefault(name, str(field.type)) != str(field.type):
                    faults.append(f"{union.name}: {member.name}.{name}")
    report(faults, "Fields of one name need one type, or no document can ask for both.")
