"""A plain page of an OpenAPI document. It loads nothing from anywhere."""

import json
from html import escape
from typing import Any

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1b1f24;background:#fff}
h2{margin-top:2.5rem;font-size:1.05rem}code,pre{font:14px/1.45 ui-monospace,monospace}
pre{background:#f4f5f7;padding:.75rem;overflow:auto;border-radius:6px}
b{display:inline-block;min-width:4.5rem}td,th{text-align:left;padding:.15rem 1rem .15rem 0;
vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#14171a}pre{background:#20252a}}
"""


def render(document: dict[str, Any], json_name: str) -> str:
    """The page as HTML; `json_name` is the link to the document itself."""
    title = escape(document["info"]["title"])
    operations = [
        _operation(method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [
        f'<h2 id="{escape(name)}"><code>{escape(name)}</code></h2>{_json(schema)}'
        for name, schema in document["components"]["schemas"].items()
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f'<h1>{title}</h1><p><a href="{escape(json_name)}">OpenAPI {document["openapi"]}</a>. '
        "Send <code>Authorization: Bearer &lt;key&gt;</code> with every request.</p>"
        f"{''.join(operations)}<h1>Schemas</h1>{''.join(schemas)}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    field = operation.get("x-graphql-field")
    parts = [
        f'<h2 id="{escape(operation["operationId"])}"><b>{method}</b>'
        f"<code>{escape(path)}</code></h2><p>{escape(operation['summary'])} "
        f"{f'GraphQL: <code>{escape(field)}</code>.' if field else ''}</p>"
    ]
    rows = [
        f"<tr><td><code>{escape(each['name'])}</code><td>{each['in']}"
        f"<td>{escape(each['description'])}"
        for each in operation["parameters"]
    ]
    if rows:
        parts.append(f"<table>{''.join(rows)}</table>")
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body, {escape(media_type)}:</p>{_json(content['schema'])}")
    for status, response in operation["responses"].items():
        parts.append(f"<p><code>{status}</code> {escape(response['description'])}</p>")
        if status.startswith("2"):
            parts += [_json(each["schema"]) for each in response.get("content", {}).values()]
    return "".join(parts)


def _json(schema: dict[str, Any]) -> str:
    text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    for name in _references(schema):
        reference = f"#/components/schemas/{name}"
        text = text.replace(
            f"&quot;{reference}&quot;", f'<a href="#{escape(name)}">{escape(name)}</a>'
        )
    return f"<pre>{text}</pre>"


def _references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = schema.get("$ref")
        found = [own.rsplit("/", 1)[-1]] if isinstance(own, str) else []
        return found + [name for each in schema.values() for name in _references(each)]
    if isinstance(schema, list):
        return [name for each in schema for name in _references(each)]
    return []
