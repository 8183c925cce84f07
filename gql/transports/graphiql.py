"""GraphiQL for browsers. The page holds no data: whoever opens it needs a key for every request."""

import json
from functools import lru_cache

_VERSION = "3.8.3"
_CDN = "https://unpkg.com"

CONTENT_SECURITY_POLICY = (
    f"default-src 'self'; script-src 'unsafe-inline' {_CDN}; style-src 'unsafe-inline' {_CDN};"
    f" font-src {_CDN} data:; img-src 'self' data:; connect-src 'self' ws: wss:;"
    " frame-ancestors 'none'; base-uri 'none'"
)

_START = """# Put your key into the Headers tab: {"Authorization": "Bearer tc_..."}
query { tables { id name rowCount columns { key type } } }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>tablecast GraphiQL</title>
<link rel="stylesheet" href="{cdn}/graphiql@{version}/graphiql.min.css">
<style>
body {{ margin: 0 }}
#graphiql {{ height: 100vh }}
p {{ font-family: sans-serif; padding: 1em }}
</style>
</head>
<body>
<div id="graphiql">
<p>Loading GraphiQL from {cdn}. Without it, send queries to {path} by POST.</p>
</div>
<script src="{cdn}/react@18.3.1/umd/react.production.min.js"></script>
<script src="{cdn}/react-dom@18.3.1/umd/react-dom.production.min.js"></script>
<script src="{cdn}/graphql-ws@5.16.0/umd/graphql-ws.min.js"></script>
<script src="{cdn}/graphiql@{version}/graphiql.min.js"></script>
<script>
const header = () => {{
  try {{ return JSON.parse(sessionStorage.getItem("tablecast:headers") || "{{}}"); }}
  catch {{ return {{}}; }}
}};
const client = graphqlWs.createClient({{
  url: location.origin.replace(/^http/, "ws") + "{path}",
  connectionParams: header,
}});
const http = GraphiQL.createFetcher({{ url: "{path}", wsClient: client }});
const fetcher = (parameters, options) => {{
  sessionStorage.setItem("tablecast:headers", JSON.stringify((options || {{}}).headers || {{}}));
  return http(parameters, options);
}};
const start = {start};
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {{
    fetcher,
    defaultQuery: start,
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: "headers",
  }}));
</script>
</body>
</html>
"""


@lru_cache(maxsize=4)
def page(path: str) -> str:
    """The page, for the endpoint at `path`."""
    return _PAGE.format(cdn=_CDN, version=_VERSION, path=path, start=json.dumps(_START))
