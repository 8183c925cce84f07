"""Documents on their way to execution: parsed, weighed and validated once, then kept by their
text."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    parse,
    validate,
    visit,
)
from graphql.execution.execute import create_source_event_stream, execute_root_selection_set

from gql.context import Context
from gql.execution import Executor
from gql.feeds import Feed
from gql.limits import Limits, check_cost, check_size, size_variables
from gql.schema import core_schema


class Refused(Exception):
    """The request was not executed: its document, its variables or its form are wrong."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


@dataclass
class Document:
    """A valid document. `costs` remembers operations whose cost no variable changes."""

    text: str
    tree: DocumentNode
    sized_by: frozenset[str]
    cheap: set[str | None] = field(default_factory=set)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Several without a name given are refused. Raises `Refused`."""
        found = [
            definition
            for definition in self.tree.definitions
            if isinstance(definition, OperationDefinitionNode)
            and (name is None or (definition.name and definition.name.value == name))
        ]
        if len(found) == 1:
            return found[0]
        if name is not None:
            raise Refused([GraphQLError(f"Unknown operation named '{name}'.")])
        if found:
            raise Refused([GraphQLError("Several operations: operationName must name one.")])
        raise Refused([GraphQLError("Must provide an operation.")])

    def start_variable(self, name: str | None) -> str | None:
        """The variable that a subscription gives as `after` and uses for nothing else."""
        for argument in _root_arguments(self.operation(name)):
            value = argument.value
            if argument.name.value == "after" and isinstance(value, VariableNode):
                uses = _Uses(value.name.value)
                visit(self.tree, uses)
                return value.name.value if uses.count == 1 else None
        return None


class _Uses(Visitor):
    """Counts the places where a variable is used; its definition is none."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.count = 0

    def enter_variable_definition(self, *_: Any) -> Any:
        return self.SKIP

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.count += node.name.value == self._name


def _root_arguments(operation: OperationDefinitionNode) -> Sequence[ArgumentNode]:
    """Of the one root field; none when it stands in a fragment."""
    root = operation.selection_set.selections[0]
    return root.arguments or () if isinstance(root, FieldNode) else ()


class Documents:
    """Prepared documents by text, the least used ones dropped; one per process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: OrderedDict[str, Document | list[GraphQLError]] = OrderedDict()

    def prepare(self, text: str) -> Document:
        """The document of this text. Raises `Refused` with the errors of syntax, size or
        validation."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._read(text)
            if len(self._known) > self._limits.cached_documents:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(text)
        if isinstance(known, list):
            raise Refused(known)
        return known

    def check_cost(
        self, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> None:
        """Refuse what would cost too much. Raises `Refused`."""
        name = operation.name.value if operation.name else None
        if name in document.cheap:
            return
        try:
            check_cost(document.tree, operation, variables, self._limits)
        except GraphQLError as error:
            raise Refused([error]) from None
        if not document.sized_by:
            document.cheap.add(name)

    def _read(self, text: str) -> Document | list[GraphQLError]:
        if len(text) > self._limits.document_bytes:
            most = self._limits.document_bytes
            return [GraphQLError(f"The document is longer than {most} characters")]
        try:
            tree = parse(text, max_tokens=self._limits.tokens)
            check_size(tree, self._limits)
        except GraphQLSyntaxError as error:
            return [error]
        except GraphQLError as error:
            return [error]
        except RecursionError:
            return [GraphQLError("The document is nested too deeply")]
        errors = validate(core_schema, tree)
        return errors or Document(text, tree, size_variables(tree))


def is_subscription(operation: OperationDefinitionNode) -> bool:
    """Whether the operation is a subscription."""
    return operation.operation is OperationType.SUBSCRIPTION


def is_query(operation: OperationDefinitionNode) -> bool:
    """Whether the operation only reads."""
    return operation.operation is OperationType.QUERY


async def execute(
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    context: Context,
) -> ExecutionResult:
    """Run a query or mutation. Raises `Refused` for bad variables."""
    executor = _executor(document, operation, variables, context)
    result: Any = execute_root_selection_set(executor)
    return result if isinstance(result, ExecutionResult) else await result


async def open_feed(
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    context: Context,
) -> tuple[Executor, Feed]:
    """Open a subscription: the executor for its events and what it follows.

    Raises `Refused` with the resolver's error, such as an unknown table."""
    executor = _executor(document, operation, variables, context)
    stream: Any = create_source_event_stream(executor)
    if not isinstance(stream, Feed | ExecutionResult):
        stream = await stream
    if isinstance(stream, ExecutionResult):
        raise Refused(stream.errors or [])
    return executor, stream


async def execute_event(executor: Executor, event: object) -> ExecutionResult:
    """Run a subscription's selection on one event, with empty loaders."""
    context = executor.context_value.fresh()
    run = executor.for_event(event, context)
    context.executor = run
    result: Any = execute_root_selection_set(run)
    return result if isinstance(result, ExecutionResult) else await result


def _executor(
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    context: Context,
) -> Executor:
    built: Any = Executor.build(
        core_schema,
        document.tree,
        context_value=context,
        raw_variable_values=dict(variables),
        operation_name=operation.name.value if operation.name else None,
        hide_suggestions=True,
    )
    if isinstance(built, list):
        raise Refused(built)
    context.executor = built
    executor: Executor = built
    return executor
