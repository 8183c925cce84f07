"""What computed columns compute: their formulas and rollups bound to the columns of a table.

A shape carries the result: each computed column its `Computation`. What cannot be bound, since a
column that it names is gone, computes null; what stands in a cycle computes `#CYCLE`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.columns import Column, ColumnType
from domain.formula_nodes import (
    CYCLE,
    TEXT_CHARACTERS,
    Aggregate,
    AggregateFunction,
    Computation,
    Constant,
    Convert,
    DaysBetween,
    Kind,
    Node,
    Reference,
    Rollup,
    Today,
    children,
)
from domain.formula_parser import (
    Additive,
    Binary,
    Call,
    FormulaError,
    Name,
    Negation,
    Template,
    Tree,
    parse,
    parse_template,
)
from domain.formula_values import NATURAL, Value, aggregate, as_text, convert, reference, text_value
from domain.formulas import Binder, NotComputable
from domain.values import Family, family, result_family

#: Most nodes of a formula, and the deepest nesting, with the computed columns that it uses.
MAX_SIZE = 2_500
MAX_DEPTH = 250
#: Most nodes of all computed columns of a table: a statement that reads whole rows spends 6 µs on
#: each, however few rows it reads.
MAX_TABLE_SIZE = 100_000


@dataclass(frozen=True, slots=True)
class Target:
    """A table that rollups look into: its name in SQL and its columns by key."""

    table: str
    columns: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Attached:
    """Columns with their computations, in the given order, and what is wrong by column key."""

    columns: tuple[Column, ...]
    problems: Mapping[str, str]


def attach(columns: Sequence[Column], table: str, targets: Mapping[str, Target]) -> Attached:
    """Bind every computed column. `table` is the name of the table in SQL; `targets` holds the
    tables that relation columns name, by what stands in their config. Never raises."""
    if not any(column.type is ColumnType.COMPUTED for column in columns):
        return Attached(tuple(columns), {})
    return _Attacher(columns, table, targets).attached()


def target_ids(columns: Sequence[Column]) -> set[str]:
    """Which tables the rollups among the columns look into, by what stands in the configs."""
    relations = {column.key: column for column in columns if column.type is ColumnType.RELATION}
    found = set()
    for column in columns:
        relation = relations.get(str((rollup_of(column) or {}).get("relation")))
        target = (relation.config or {}).get("targetTableId") if relation else None
        if isinstance(target, str):
            found.add(target)
    return found


def rollup_of(column: Column) -> Mapping[str, Any] | None:
    """The definition of a rollup, None for other columns."""
    if column.type is not ColumnType.COMPUTED:
        return None
    found = (column.config or {}).get("rollup")
    return found if isinstance(found, Mapping) else None


class _Attacher:
    """Binds in the order of dependencies, without recursion from formula to formula: a chain may
    be as long as the table has columns."""

    def __init__(
        self, columns: Sequence[Column], table: str, targets: Mapping[str, Target]
    ) -> None:
        self._given = columns
        self._targets = targets
        self._binder = Binder(table, self._lookup)
        self._known = {column.key: column for column in columns if column.stored}
        self._trees: dict[str, Tree] = {}
        self._problems: dict[str, str] = {}
        self._size = 0

    def attached(self) -> Attached:
        waiting = {each.key: each for each in self._given if each.type is ColumnType.COMPUTED}
        needs = {key: self._needs(column) & waiting.keys() for key, column in waiting.items()}
        for key in _in_order(needs):
            column = waiting.pop(key)
            self._known[key] = replace(column, computation=self._compute(column))
        for key, column in waiting.items():
            self._problems[key] = f"formula: {_cycle(key, needs, set(waiting))} is a cycle"
            root = Constant(Kind.TEXT, CYCLE)
            self._known[key] = replace(column, computation=_computation(root, Family.TEXT))
        return Attached(tuple(self._known[each.key] for each in self._given), self._problems)

    def _lookup(self, key: str) -> Column:
        column = self._known[key]
        if key in self._problems:
            raise NotComputable
        return column

    def _needs(self, column: Column) -> set[str]:
        """The names in the column's formula, which is parsed here."""
        text = (column.config or {}).get("formula")
        if rollup_of(column) is not None or not isinstance(text, str) or not text.strip():
            return set()
        try:
            self._trees[column.key] = _parse(text, (column.config or {}).get("formulaType"))
        except FormulaError as error:
            self._problems[column.key] = f"formula: {error}"
            return set()
        names = set()
        for name in _names(self._trees[column.key]):
            names |= {name, name.strip()}
        return names

    def _compute(self, column: Column) -> Computation | None:
        config = column.config or {}
        try:
            value = self._value(column)
            if value is None:
                return None
            target = result_family(config, NATURAL[value.kind])
            if target is Family.TEXT and value.kind is Kind.DATE and not _is_told(config):
                target = _day_or_moment(value.node)
            computation = _computation(convert(value, target), target)
            _check_size(computation)
            self._check_total(computation)
        except FormulaError as error:
            self._problems[column.key] = f"formula: {error}"
        except ValueError as error:
            self._problems[column.key] = str(error)
        else:
            return computation
        unfit = result_family(config, Family.TEXT)
        return _computation(convert(Value(Constant(Kind.TEXT, None), Kind.TEXT), unfit), unfit)

    def _check_total(self, computation: Computation) -> None:
        if self._size + computation.size > MAX_TABLE_SIZE:
            message = (
                f"formula: the computed columns of the table have over {MAX_TABLE_SIZE:,} parts"
            )
            raise ValueError(message)
        self._size += computation.size

    def _value(self, column: Column) -> Value | None:
        rollup = rollup_of(column)
        if rollup is not None:
            return self._rollup(rollup)
        if column.key in self._problems:
            raise ValueError(self._problems[column.key])
        tree = self._trees.get(column.key)
        return None if tree is None else self._binder.bind(tree)

    def _rollup(self, config: Mapping[str, Any]) -> Value:
        """Raises ValueError, whose message begins with `rollup`."""
        relation = self._known.get(str(config.get("relation")))
        if relation is None or relation.type is not ColumnType.RELATION:
            raise ValueError("rollup.relation is not the key of a relation column")
        target = self._targets.get(str((relation.config or {}).get("targetTableId")))
        if target is None:
            raise ValueError("rollup.relation: the table that the column names is not there")
        function = _function(config.get("function"))
        key = config.get("column")
        if key is None and function is AggregateFunction.COUNT:
            return _rolled(function, relation, target, None)
        column = target.columns.get(key) if isinstance(key, str) else None
        if column is None:
            raise ValueError("rollup.column is not the key of a column of the other table")
        if rollup_of(column) or (column.computation and _looks_elsewhere(column.computation.root)):
            raise ValueError("rollup.column: a rollup of the other table cannot be rolled up again")
        return _rolled(function, relation, target, reference(column))


def _function(given: Any) -> AggregateFunction:
    try:
        return AggregateFunction.LOOKUP if given is None else AggregateFunction(given)
    except ValueError:
        names = ", ".join(AggregateFunction)
        raise ValueError(f"rollup.function must be one of {names}") from None


def _rolled(
    function: AggregateFunction, relation: Column, target: Target, value: Value | None
) -> Value:
    if value is None:
        value = Value(Constant(Kind.BOOLEAN, True), Kind.BOOLEAN)

    def make(node: Node, kind: Kind, before: Kind) -> Node:
        return Rollup(function, relation, target.table, node, kind, before)

    many = bool((relation.config or {}).get("multiple"))
    if function is AggregateFunction.LOOKUP and not many:
        return replace(value, node=make(value.node, value.kind, value.kind), nullable=True)
    if function in (AggregateFunction.LOOKUP, AggregateFunction.CONCAT):
        shown = as_text(value)
        function = AggregateFunction.CONCAT
        node = Rollup(function, relation, target.table, shown.node, Kind.TEXT, Kind.TEXT)
        return text_value(node, TEXT_CHARACTERS, nullable=True)
    return aggregate(function, value, make)


def _parse(text: str, formula_type: Any) -> Tree:
    """A join of texts may be written as a template, which is what does not parse otherwise."""
    try:
        return parse(text)
    except FormulaError:
        if formula_type != "text_concat":
            raise
        return parse_template(text)


def _names(tree: Tree) -> Iterator[str]:
    match tree:
        case Name():
            yield tree.name
        case Negation():
            yield from _names(tree.operand)
        case Binary():
            yield from _names(tree.left)
            yield from _names(tree.right)
        case Additive():
            for part in (tree.first, *(part for _, part in tree.rest)):
                yield from _names(part)
        case Call():
            for part in tree.arguments:
                yield from _names(part)
        case Template():
            for part in tree.parts:
                yield from _names(part)


def _in_order(needs: Mapping[str, set[str]]) -> list[str]:
    """Keys after all that they need; those in a cycle, or behind one, are left out."""
    ordered: list[str] = []
    left = {key: set(names) for key, names in needs.items()}
    while ready := [key for key, names in left.items() if not names]:
        ordered += ready
        for key in ready:
            del left[key]
        done = set(ready)
        for names in left.values():
            names -= done
    return ordered


def _cycle(key: str, needs: Mapping[str, set[str]], among: set[str]) -> str:
    """The way from the column to where it comes round, as `a → b → a`."""
    path = [key]
    while True:
        following = min(needs[path[-1]] & among)
        if following in path:
            return " → ".join([*path, following])
        path.append(following)


def _is_told(config: Mapping[str, Any]) -> bool:
    return config.get("resultType") is not None or config.get("formulaType") is not None


def _day_or_moment(node: Node) -> Family:
    """What a date is shown as when the config says nothing: as the column that it comes from."""
    if isinstance(node, Rollup | Aggregate):
        node = node.value
    return family(node.column) if isinstance(node, Reference) else Family.TEXT


def _check_size(computation: Computation) -> None:
    if computation.size > MAX_SIZE:
        message = f"formula: with the columns that it uses, it has over {MAX_SIZE:,} parts"
        raise ValueError(message)
    if computation.depth > MAX_DEPTH:
        message = f"formula: with the columns that it uses, it nests over {MAX_DEPTH} deep"
        raise ValueError(message)


def _looks_elsewhere(root: Node) -> bool:
    """Whether a rollup stands in the formula or in one that it uses."""
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, Rollup):
            return True
        todo += children(node)
        if isinstance(node, Aggregate):
            todo.append(node.value)
        elif isinstance(node, Reference) and node.column.computation is not None:
            todo.append(node.column.computation.root)
    return False


def _computation(root: Node, result: Family) -> Computation:
    size, depth, volatile, indexable, inputs = 0, 0, False, True, set[int]()
    todo = [(root, 1, root, True)]
    while todo:
        node, level, parent, is_here = todo.pop()
        size += 1
        depth = max(depth, level)
        match node:
            case Today() | Aggregate() | Rollup():
                volatile, indexable = True, False
            case DaysBetween():
                indexable &= _is_moment(node.left) and _is_moment(node.right)
            case Convert():
                indexable &= node.family is Family.BOOLEAN or _is_moment(node.part)
            case Reference():
                # What a rollup reads of other rows are no columns of this one.
                inputs |= {node.column.number} if is_here else set()
                indexable &= _reads_plainly(node, parent)
        inner = node.column.computation if isinstance(node, Reference) else None
        if inner is not None:
            size, depth = size + inner.size, max(depth, level + inner.depth)
            volatile |= inner.volatile
            indexable &= inner.indexable
            inputs |= inner.inputs if is_here else set()
        if isinstance(node, Rollup):
            inputs.add(node.relation.number)
        if isinstance(node, Aggregate | Rollup):
            here = is_here and isinstance(node, Aggregate)
            todo.append((node.value, level + 1, node, here))
        todo += ((child, level + 1, node, is_here) for child in children(node))
    indexable = indexable and bool(inputs)
    return Computation(root, result, size, depth, volatile, indexable, frozenset(inputs))


def _is_moment(node: Node) -> bool:
    return isinstance(node, Reference) and family(node.column) in (Family.DATE, Family.DATETIME)


def _reads_plainly(node: Reference, parent: Node) -> bool:
    """PostgreSQL writes dates and lists as texts in ways that depend on settings: such an
    expression cannot stand in an index."""
    found = family(node.column)
    if found in (Family.DATE, Family.DATETIME):
        return isinstance(parent, DaysBetween | Convert)
    return found in (Family.TEXT, Family.NUMBER, Family.BOOLEAN)
