"""Finding the rows that runs take.

The rows are looked at in the order of the table, some thousand at a time, so that no statement
lasts long on a table of which little is to be done."""

from itertools import accumulate

from domain.columns import TableShape
from domain.run_records import BEFORE_ALL, STATUSES, Chunk, SampleRow, Search
from domain.tool_records import Tool
from persistence.engine import Pool
from persistence.fetching import fetch
from persistence.filter_sql import Params, compile_filter
from persistence.run_cells import input_keys, inputs_array, wanted_cells
from persistence.run_weights import weigh_rows

#: Rows that the first statement of a run looks at: with it, most runs are small ones. The later
#: ones look at fewer, since all that is not taken is looked at again.
_FIRST_WINDOW = 20_000
#: Bytes of inputs that a sample holds.
SAMPLE_BYTES = 8_000_000


async def find_rows(pool: Pool, shape: TableShape, search: Search) -> Chunk:
    """The next rows with cells that a run would take, or that another run holds."""
    params = Params()
    window, edge = _window(shape, search, params)
    wanted = _wanted(shape, search, params)
    taken = f"(NOT held AND status = {_statuses(search, params)})"
    limit = params.add(search.limit, "bigint")
    left = params.add(search.rows_left, "bigint")
    statement = f"""
WITH w AS MATERIALIZED ({window}), rows AS (
  SELECT row_id, position, row_number() OVER o AS n, sum(takes::int) OVER o AS taken
  FROM (SELECT row_id, position, bool_or{taken} AS takes FROM ({wanted}) x
        WHERE held OR {taken} GROUP BY row_id, position) y
  WINDOW o AS (ORDER BY position)
), chosen AS (SELECT * FROM rows WHERE n <= {limit} AND coalesce(taken <= {left}, TRUE))
SELECT {edge}, ARRAY(SELECT row_id FROM chosen ORDER BY position) AS row_ids,
       (SELECT max(position) FROM chosen) AS place,
       EXISTS (SELECT 1 FROM rows WHERE n > {limit}) AS more,
       EXISTS (SELECT 1 FROM rows WHERE n <= {limit} AND taken > {left}) AS cut
"""
    r = (await fetch(pool, statement, params.values))[0]
    if r["more"] and not r["cut"]:
        return Chunk(r["row_ids"], r["place"], last=False)
    return Chunk(r["row_ids"], r["upto"], last=r["cut"] or r["whole"], cut=r["cut"])


async def count_cells(
    pool: Pool, shape: TableShape, search: Search
) -> tuple[int, dict[int, int], Chunk]:
    """Rows and cells by column in the next window; the chunk says where to go on."""
    params = Params()
    window, edge = _window(shape, search, params)
    wanted = _wanted(shape, search, params)
    taken = f"NOT held AND status = {_statuses(search, params)}"
    statement = f"""
WITH w AS MATERIALIZED ({window}), taken AS (SELECT * FROM ({wanted}) x WHERE {taken})
SELECT {edge}, (SELECT count(DISTINCT row_id) FROM taken) AS rows,
       ARRAY(SELECT ROW(number, count(*)) FROM taken GROUP BY number) AS cells
"""
    record = (await fetch(pool, statement, params.values))[0]
    cells: dict[int, int] = dict(record["cells"])
    return record["rows"], cells, Chunk((), record["upto"], last=record["whole"])


async def sample_rows(pool: Pool, shape: TableShape, search: Search, tool: Tool) -> list[SampleRow]:
    """The first rows of the window that match, with the inputs of a tool: fewer of them, and one at
    least, when they are large. Who asks is a web process that serves others too."""
    params = Params()
    window, _ = _window(shape, search, params)
    limit = params.add(search.limit, "bigint")
    matching = _matching(shape, search, params)
    statement = f"WITH w AS ({window}) SELECT t.id FROM {matching} AS t ORDER BY t.position"
    records = await fetch(pool, f"{statement} LIMIT {limit}", params.values)
    filled = [(column, tool) for column in search.columns[:1]]
    row_ids = [record["id"] for record in records]
    weights = await weigh_rows(pool, shape, row_ids, filled)
    totals = accumulate(weights.get(row_id, 0) for row_id in row_ids)
    kept = [row_id for row_id, total in zip(row_ids, totals, strict=True) if total <= SAMPLE_BYTES]
    kept = kept or row_ids[:1]
    keys = input_keys(shape, filled)
    values = inputs_array(shape, keys, "t")
    statement = f"SELECT t.id, {values} AS vals FROM {shape.sql_name} AS t WHERE t.id = ANY($1)"
    found = {r["id"]: r["vals"] for r in await fetch(pool, statement, [kept])}
    return [
        SampleRow(row_id, dict(zip(keys, found[row_id], strict=True)))
        for row_id in kept
        if row_id in found
    ]


def _window(shape: TableShape, search: Search, params: Params) -> tuple[str, str]:
    """The rows to look at, and what tells where they end."""
    if search.row_ids is not None:
        given = params.add(list(search.row_ids), "uuid[]")
        rows = f"SELECT t.* FROM {shape.sql_name} AS t WHERE t.id = ANY({given})"
        return rows, "0::bigint AS upto, TRUE AS whole"
    size = _FIRST_WINDOW if search.after == BEFORE_ALL else 2 * search.limit
    after = params.add(search.after, "bigint")
    rows = (
        f"SELECT t.* FROM {shape.sql_name} AS t WHERE t.position > {after}"
        f" ORDER BY t.position LIMIT {size}"
    )
    ends = f"coalesce((SELECT max(position) FROM w), {after}) AS upto"
    return rows, f"{ends}, (SELECT count(*) FROM w) < {size} AS whole"


def _matching(shape: TableShape, search: Search, params: Params) -> str:
    conditions = []
    if search.filter is not None:
        conditions.append(f"({compile_filter(search.filter, params, 't')}) IS TRUE")
    if search.failed_of is not None:
        run_id = params.add(search.failed_of, "uuid")
        conditions.append(
            f"EXISTS (SELECT 1 FROM cell_state f WHERE f.table_id = '{shape.id}'"
            f" AND f.row_id = t.id AND f.run_id = {run_id} AND f.status = 'error')"
        )
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"(SELECT t.* FROM w AS t{where})"


def _wanted(shape: TableShape, search: Search, params: Params) -> str:
    return wanted_cells(shape, search, f"{_matching(shape, search, params)} AS t")


def _statuses(search: Search, params: Params) -> str:
    names = sorted(status.value for status in STATUSES[search.mode])
    return f"ANY({params.add(names, 'text[]')})"
