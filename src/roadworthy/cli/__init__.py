"""The command line: a file for each group of verbs, and `app`, which puts them together."""

from __future__ import annotations

from typing import Any

from roadworthy.core.moved import moved


def __getattr__(name: str) -> Any:
    if name == "main":
        return moved("cli.main", name)
    raise AttributeError(f"module 'roadworthy.cli' has no attribute {name!r}")
