"""A bounded memory of SQL texts made from table shapes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from domain.columns import TableShape

_MOST = 4000


class StatementCache:
    """Texts by (table, version of its columns, what the statement is for); the least used one goes
    first.

    Texts of an older version of the columns are never asked for again and so age out by
    themselves."""

    def __init__(self, most: int = _MOST) -> None:
        self._texts: OrderedDict[Hashable, str] = OrderedDict()
        self._most = most

    def get(self, shape: TableShape, purpose: Hashable, build: Callable[[], str]) -> str:
        """The text for this shape and purpose, built when it is not known."""
        key = (shape.id, shape.columns_version, purpose)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = build()
            if len(self._texts) > self._most:
                self._texts.popitem(last=False)
        else:
            self._texts.move_to_end(key)
        return text


statements = StatementCache()
