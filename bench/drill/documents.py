"""The GraphQL that the drill speaks."""

TABLE_CREATE = """
mutation ($input: TableCreateInput!) {
  tableCreate(input: $input) { table { id } errors { code message } }
}"""
ROWS_ADD = """
mutation ($input: RowsAddInput!) {
  rowsAdd(input: $input) { revision rowIds errors { code message } }
}"""
ROWS_UPDATE = """
mutation ($input: RowsUpdateInput!) {
  rowsUpdate(input: $input) { revision errors { code message } }
}"""
ROWS_DELETE = """
mutation ($input: RowsDeleteInput!) {
  rowsDelete(input: $input) { revision deletedIds errors { code message } }
}"""
CELLS_REPORT = """
mutation ($input: CellsReportInput!) {
  cellsReport(input: $input) { revision errors { code message } }
}"""
KEY_CREATE = """
mutation ($input: ApiKeyCreateInput!) {
  apiKeyCreate(input: $input) { apiKey { id } secret errors { code message } }
}"""
KEY_REVOKE = """
mutation ($input: ApiKeyRevokeInput!) {
  apiKeyRevoke(input: $input) { apiKey { id } errors { code message } }
}"""
PROJECT_CREATE = """
mutation ($input: ProjectCreateInput!) {
  projectCreate(input: $input) { project { id } errors { code message } }
}"""
IMPORT_START = """
mutation ($input: ImportStartInput!) {
  importStart(input: $input) { import { id status } errors { code message } }
}"""
IMPORT = """
query ($id: ID!) { import(id: $id) { status rowsImported rowsSkipped error } }"""
IMPORT_PROGRESS = """
subscription ($importId: ID!) {
  importProgress(importId: $importId) {
    __typename revision import { status rowsImported rowsSkipped error }
  }
}"""
PAGE = """
query ($id: ID!, $first: Int!, $after: String, $sort: [RowSortInput!]) {
  table(id: $id) {
    rows(first: $first, after: $after, sort: $sort) {
      nodes { data } pageInfo { hasNextPage endCursor }
    }
  }
}"""
COUNT = """
query ($id: ID!, $filter: RowFilter) {
  table(id: $id) { rows(first: 1, filter: $filter) { totalCount } }
}"""

_ROW = "id version data"
_CELL = "rowId column previousStatus status value error progress"
TABLE_CHANGED = f"""
subscription ($tableId: ID!, $after: Int, $filter: RowFilter) {{
  tableChanged(tableId: $tableId, after: $after, filter: $filter) {{
    __typename
    ... on StreamStarted {{ revision state }}
    ... on ChangeEvent {{ revision at }}
    ... on RowsAdded {{ rows {{ {_ROW} }} }}
    ... on RowsEntered {{ rows {{ {_ROW} }} }}
    ... on RowsChanged {{ rows {{ {_ROW} }} columns entered {{ {_ROW} }} left }}
    ... on RowsLeft {{ rowIds why: reason }}
    ... on RowsDeleted {{ rowIds }}
    ... on CellsChanged {{
      cells {{ {_CELL} }} rows {{ {_ROW} }} entered {{ {_ROW} }} left
    }}
    ... on BulkChanged {{ rowsAdded rowsChanged rowsDeleted }}
  }}
}}"""
STATUS_CHANGED = f"""
subscription ($tableId: ID!, $after: Int, $statuses: [CellStatus!]) {{
  cellStatusChanged(tableId: $tableId, after: $after, statuses: $statuses) {{
    __typename
    ... on StreamStarted {{ revision state }}
    ... on ChangeEvent {{ revision at }}
    ... on CellStatusesChanged {{ cells {{ {_CELL} }} }}
    ... on BulkChanged {{ rowsAdded rowsChanged rowsDeleted }}
  }}
}}"""
ORGANIZATION_CHANGED = """
subscription ($after: Int) {
  organizationChanged(after: $after) {
    __typename
    ... on StreamStarted { revision state }
    ... on OrganizationChanged { revision at kind subjectId }
  }
}"""
