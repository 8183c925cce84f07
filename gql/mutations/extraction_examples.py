"""Mutations on examples of schemas of extraction."""

from typing import Annotated

import strawberry

from domain import extraction_examples
from domain.extraction_commands import ExamplesAdd, ExampleValue
from gql.context import Info, given_id
from gql.types.errors import EXPECTED, UserError, user_errors
from gql.types.extraction import ExtractionExample


@strawberry.input(description="The right value of one column.")
class ExtractionExampleValueInput:
    key: str = strawberry.field(description="The key of the column.")
    after: str | None = strawberry.field(
        default=None, description="What is right to be read, as text; null: nothing."
    )
    before: str | None = strawberry.field(
        default=None, description="What was read in its place, if it was wrong."
    )


@strawberry.input(description="A part of a document with what is right to be read from it.")
class ExtractionExampleAddInput:
    schema_id: strawberry.ID = strawberry.field(description="The schema to teach.")
    table_id: strawberry.ID = strawberry.field(description="One of its tables.")
    text: str = strawberry.field(description="The part of the document; 20,000 characters.")
    values: list[ExtractionExampleValueInput] = strawberry.field(
        description="What is right, one value for each column."
    )
    file_id: strawberry.ID | None = strawberry.field(
        default=None, description="The document, if it is stored."
    )


@strawberry.input(description="An example to be deleted.")
class ExtractionExampleDeleteInput:
    example_id: strawberry.ID = strawberry.field(description="The example.")


@strawberry.type(description="The answer of `extractionExampleAdd`.")
class ExtractionExampleAddPayload:
    examples: list[ExtractionExample] | None = strawberry.field(
        description="The new examples, one for each value."
    )
    errors: list[UserError] = strawberry.field(description="Why there are none.")


@strawberry.type(description="The answer of `extractionExampleDelete`.")
class ExtractionExampleDeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the example.")
    errors: list[UserError] = strawberry.field(description="Why it is still there.")


@strawberry.type
class ExtractionExampleMutations:
    @strawberry.mutation(
        description="Show what is right to be read from a part of a document. Later extractions "
        "see it; only the newest 500 examples of a schema are kept."
    )
    async def extraction_example_add(
        self,
        info: Info,
        input: Annotated[
            ExtractionExampleAddInput, strawberry.argument(description="What to add.")
        ],
    ) -> ExtractionExampleAddPayload | None:
        command = ExamplesAdd(
            given_id(input.schema_id),
            given_id(input.table_id),
            input.text,
            [ExampleValue(each.key, each.after, each.before) for each in input.values],
            given_id(input.file_id) if input.file_id is not None else None,
        )
        context = info.context
        try:
            made = await extraction_examples.add_examples(context.viewer, context.storage, command)
        except EXPECTED as error:
            return ExtractionExampleAddPayload(examples=None, errors=user_errors(error))
        return ExtractionExampleAddPayload(
            examples=[ExtractionExample.of(each) for each in made], errors=[]
        )

    @strawberry.mutation(description="Delete an example: later extractions do not see it.")
    async def extraction_example_delete(
        self,
        info: Info,
        input: Annotated[
            ExtractionExampleDeleteInput, strawberry.argument(description="Which one.")
        ],
    ) -> ExtractionExampleDeletePayload | None:
        context = info.context
        try:
            await extraction_examples.delete_example(
                context.viewer, context.storage, given_id(input.example_id)
            )
        except EXPECTED as error:
            return ExtractionExampleDeletePayload(deleted_id=None, errors=user_errors(error))
        return ExtractionExampleDeletePayload(deleted_id=input.example_id, errors=[])
