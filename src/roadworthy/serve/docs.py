"""The page at /docs: the OpenAPI description as a person reads it.  No scripts, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from roadworthy.drive.limits.regions import region_names
from roadworthy.serve.service import DRIVE
from roadworthy.serve.uploads import AS_JSON

Tree = dict[str, Any]
EXAMPLES = {
    "image/*": "--data-binary @photo.jpg",
    "multipart/form-data": "-F images=@one.jpg -F images=@two.jpg",
    "application/json": f"-H 'content-type: application/json' -d '{AS_JSON}'",
}
FRAMES = {name: EXAMPLES[name] for name in ("multipart/form-data", "application/json")}  # several pictures
ANSWERED = "200"


def docs_page(description: Tree, base: str, *, key: bool) -> str:
    """HTML.  base: the address that examples ask.  key: whether requests must carry one."""
    asked = [
        (path, method.upper(), operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    ]
    title = escape(f"{description['info']['title']} {description['info']['version']}")
    about = escape(description["info"]["description"])
    if key:
        about += " Requests carry the key, <code>Authorization: Bearer KEY</code>, where the examples do."
    parts = [
        f"<h1>{title}</h1>",
        f"<p>{about}</p>",
        '<p><a href="/">The page for pictures</a>, ',
        '<a href="/openapi.json">the description for programs</a></p>',
        "<ul>",
        *(f'<li><a href="#{_anchor(path)}">{method} {escape(path)}</a></li>' for path, method, _ in asked),
        f'<li><a href="#{_anchor(DRIVE)}">WebSocket {DRIVE}</a></li>',
        "</ul>",
        *(
            part
            for path, method, one in asked
            for part in _operation(path, method, one, base.rstrip("/"), description)
        ),
        *_drives(base.rstrip("/")),
        "<h2>What a refusal says</h2>",
        "<p>Each endpoint may refuse a request with these, whose body is a ",
        f'<a href="#{_anchor("Failure")}">Failure</a>.</p>',
        _table("Refusals", _answers(_shared(description))),
        "<h2>What is answered</h2>",
        *(part for name, schema in _schemas(description) for part in _schema(name, schema)),
    ]
    return _PAGE.format(title=title, body="\n".join(parts))


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<link rel="stylesheet" href="/docs.css">
</head>
<body class="docs">
{body}
</body>
</html>
"""


def _operation(path: str, method: str, operation: Tree, base: str, description: Tree) -> Iterator[str]:
    yield f'<section id="{_anchor(path)}"><h2>{method} {escape(path)}</h2>'
    # FastAPI keeps the line breaks of a docstring.
    yield from (f"<p>{escape(' '.join(one.split()))}</p>" for one in operation["description"].split("\n\n"))
    query = [
        (one["name"], _kind(one["schema"]), one.get("description", ""))
        for one in operation.get("parameters", ())
    ]
    if query:
        yield _table("Query", query)
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        yield f"<p>Body: {', '.join(f'<code>{escape(name)}</code>' for name in content)}</p>"
    yield f"<pre>{escape(chr(10).join(_examples(path, method, operation, base)))}</pre>"
    shared = _shared(description)
    own = {
        status: response
        for status, response in operation["responses"].items()
        if shared.get(status) != response
    }
    yield _table("Answers", _answers(own))
    schema = operation["responses"][ANSWERED].get("content", {}).get("application/json", {}).get("schema")
    if schema:
        answer = json.dumps(_sample(schema, description["components"]["schemas"]), indent=1)
        yield f"<p>An answer:</p><pre>{escape(answer)}</pre>"
    yield "</section>"


def _drives(base: str) -> Iterator[str]:
    """The WebSocket, which OpenAPI has no words for."""
    address = f"{base.replace('http', 'ws', 1)}{DRIVE}?region=au-vic&start=2026-11-30T08:15:00%2B11:00"
    yield f'<section id="{_anchor(DRIVE)}"><h2>WebSocket {DRIVE}</h2>'
    yield "<p>The frames of a drive as they are taken, each a binary message: JPEG, PNG or WebP. "
    yield "After each comes JSON: the signs in it, the signs that were passed, the limit that holds.</p>"
    yield _table(
        "Query",
        [
            ("region", "string", f"Whose rules of the road hold: {', '.join(region_names())}."),
            ("start", "string", "Date and time of the drive's zero, for limits of hours."),
            ("model", "string", "Which model reads; if left out, the first of /v1/models."),
        ],
    )
    yield _table(
        "Text messages from the client",
        [
            ('{"time_s": 1.25}', "before a frame", "When it was taken, in seconds of the drive."),
            ('{"end": true}', "after the last frame", "The answer is a summary with all events and limits."),
        ],
    )
    yield f"<pre>{escape(address)}</pre></section>"


def _shared(description: Tree) -> Tree:
    """The answers that all endpoints have in common."""
    first, *others = (
        operation["responses"] for paths in description["paths"].values() for operation in paths.values()
    )
    return {
        status: response
        for status, response in first.items()
        if all(other.get(status) == response for other in others) and status != ANSWERED
    }


def _answers(responses: Tree) -> list[tuple[str, str, str]]:
    return [
        # FastAPI's own words for it say nothing more.
        (status, _answer(response), "The answer" if status == ANSWERED else response["description"])
        for status, response in responses.items()
    ]


def _sample(schema: Tree, schemas: Tree) -> Any:
    """A value of that form, from the examples in the description."""
    if "$ref" in schema:
        named = schemas[schema["$ref"].rpartition("/")[2]]
        return {field: _sample(one, schemas) for field, one in named["properties"].items()}
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("type") == "array":
        return [_sample(schema["items"], schemas)]
    return None


def _examples(path: str, method: str, operation: Tree, base: str) -> Iterator[str]:
    key = '-H "Authorization: Bearer $ROADWORTHY_API_KEY" ' if operation.get("security") else ""
    content = operation.get("requestBody", {}).get("content", {})
    examples = FRAMES if path.endswith("/track") else EXAMPLES
    if not content:
        yield f"curl {key}{'-X POST ' if method == 'POST' else ''}{base}{path}"
    for name, body in examples.items():
        if name in content:
            yield f"curl {key}{body} {base}{path}"


def _answer(response: Tree) -> str:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return _kind(schema) if schema else "text"


def _schemas(description: Tree) -> Iterator[tuple[str, Tree]]:
    for name, schema in description["components"]["schemas"].items():
        if not name.endswith("ValidationError"):  # FastAPI's own, which never leave this service
            yield name, schema


def _schema(name: str, schema: Tree) -> Iterator[str]:
    rows = [
        (field, _kind(one), one.get("description", "") or _example(one))
        for field, one in schema["properties"].items()
    ]
    about = " ".join(schema.get("description", "").split())
    yield f'<section id="{_anchor(name)}"><h3>{escape(name)}</h3><p>{escape(about)}</p>'
    yield _table("Fields", rows) + "</section>"


def _example(schema: Tree) -> str:
    return "".join(f"like {json.dumps(one)}" for one in schema.get("examples", ())[:1])


def _kind(schema: Tree) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    bounds = [f"{word} {schema[name]}" for name, word in _BOUNDS.items() if name in schema]
    default = [f"default {json.dumps(schema['default'])}"] if schema.get("default") is not None else []
    return ", ".join([schema.get("type", "anything"), *bounds, *default])


_BOUNDS = {"minimum": "from", "maximum": "to"}


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    lines = (
        f"<tr><th scope=row><code>{escape(name)}</code><td>{escape(kind)}<td>{escape(said)}</tr>"
        for name, kind, said in rows
    )
    return f"<div class=wide><table><caption>{title}</caption>{''.join(lines)}</table></div>"


def _anchor(name: str) -> str:
    return escape(name.strip("/").replace("/", "-"), quote=True)
