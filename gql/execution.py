"""The executor: graphql-core's, with finished JSON let through and one snapshot per table.

A resolver may answer with an `orjson.Fragment` that already has the shape of its selection. It goes
into the response as it is: no resolver per cell, no completion per value.
"""

import asyncio
from typing import Any, TypeAlias, cast

import orjson
from graphql import FieldNode, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

Selected: TypeAlias = dict[str, tuple[str, list[FieldNode]]]
"""Of a selection set: response name to field name and the nodes that ask for it."""


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Runs one operation. `context_value.executor` leads resolvers that compile back to it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._snapshots: list[tuple[Path | None, asyncio.Future[Any]]] = []

    def complete_value(
        self, return_type: Any, details: Any, info: Any, path: Any, result: Any, position: Any
    ) -> Any:
        if type(result) is orjson.Fragment:
            return result
        return super().complete_value(return_type, details, info, path, result, position)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        if parent_type.name == "Table":
            asked = [details[0].node.name.value for details in grouped_field_set.values()]
            source_value = source_value.asked_for(asked)
            if source_value.snapshot is not None:
                self._snapshots.append((path, source_value.snapshot))
        return super().execute_fields(
            parent_type, source_value, path, grouped_field_set, position_context
        )

    def handle_field_error(
        self, raw_error: Exception, return_type: Any, details: Any, path: Path
    ) -> None:
        # A page that failed, perhaps before its resolver ran, must not be waited for.
        if details[0].node.name.value == "rows":
            for table_path, snapshot in self._snapshots:
                if table_path is path.prev and not snapshot.done():
                    snapshot.cancel()
        super().handle_field_error(raw_error, return_type, details, path)

    def for_event(self, event: object, context: object) -> "Executor":
        """A copy that runs the subscription's selection on one event."""
        executor: Any = self.build_per_event_executor(event)
        executor.context_value = context
        executor._snapshots = []
        executor._relevant_sub_fields = self._relevant_sub_fields
        return cast("Executor", executor)

    def selected(self, type_name: str, nodes: list[FieldNode]) -> Selected:
        """What the nodes select of an object type: fragments, @skip and @include applied."""
        object_type: Any = self.schema.get_type(type_name)
        details = [FieldDetails(node, None, None) for node in nodes]
        grouped = self.collect_subfields(object_type, details).grouped_field_set
        return {
            name: (found[0].node.name.value, [each.node for each in found])
            for name, found in grouped.items()
        }

    def arguments(self, type_name: str, node: FieldNode) -> dict[str, Any]:
        """The arguments of a field, variables put in. Raises `GraphQLError`."""
        object_type: Any = self.schema.get_type(type_name)
        field = object_type.fields[node.name.value]
        return get_argument_values(field, node, self.variable_values)
