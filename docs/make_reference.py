"""Write docs/guide/configuration.md's tables from config.py: python docs/make_reference.py."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any, get_args, get_origin

from roadworthy.config import Config

PAGE = Path(__file__).parent / "guide" / "configuration.md"
START, END = "<!-- reference: written by docs/make_reference.py -->", "<!-- end of reference -->"


def reference() -> str:
    """A heading, the docstring and a table for every section."""
    return "\n".join(_section("", Config()))


def _section(prefix: str, section: Any) -> list[str]:
    fields = [(f, getattr(section, f.name)) for f in dataclasses.fields(section)]
    plain = [(f, value) for f, value in fields if not dataclasses.is_dataclass(value)]
    lines: list[str] = []
    if plain:
        lines += [f"### [{prefix.rstrip('.')}]", "", *_docstring(section), ""]
        lines += ["| setting | takes | default |", "|---|---|---|"]
        types = inspect.get_annotations(type(section), eval_str=True)
        lines += [f"| `{prefix}{f.name}` | {_type(types[f.name])} | `{_value(v)}` |" for f, v in plain]
        lines.append("")
    for f, value in fields:
        if dataclasses.is_dataclass(value):
            lines += _section(f"{prefix}{f.name}.", value)
    return lines


def _docstring(section: Any) -> list[str]:
    """The docstring, its `name: meaning` lines as a list, their continuation joined."""
    lines: list[str] = []
    for line in inspect.cleandoc(type(section).__doc__ or "").splitlines():
        name = line.partition(":")[0]
        if set(name.split(" / ")) <= {f.name for f in dataclasses.fields(section)} and ":" in line:
            lines.append(f"- {line}")
        elif line.startswith(" ") and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return lines


def _type(annotation: Any) -> str:
    if annotation is type(None):
        return "absent"
    if get_origin(annotation) is tuple:
        return "list of names"
    parts = get_args(annotation)
    if not parts:
        return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}[
            annotation.__name__
        ]
    if all(isinstance(part, str) for part in parts):
        return ", ".join(f"`{part}`" for part in parts)
    return " or ".join(map(_type, parts))


def _value(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(list(value) if isinstance(value, tuple) else value).replace("'", '"')


def updated(page: str) -> str:
    """The page with its reference renewed."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{reference()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
