"""Settings as users write them, TOML or `a.b=c`, as nested values whose names are checked."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.core.errors import ConfigError
from roadworthy.core.files import check_regular


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as nested values; ConfigError where it cannot be read, or is none."""
    try:
        check_regular(path)
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"config file {path} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {path} is no TOML: {error}") from error


def parse_setting(setting: str) -> dict[str, Any]:
    """`a.b=c` as nested values; c is read as TOML, and a bare word is a text."""
    name, equals, value = setting.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set got {setting!r}; write it as section.name=value, like train.epochs=30")
    leaf: Any
    try:
        leaf = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        leaf = value.strip()  # a bare word is a string
    *sections, last = name.strip().split(".")
    tree: dict[str, Any] = {last: leaf}
    for section in reversed(sections):
        tree = {section: tree}
    return tree


def merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    """Put nested values into others; the new ones win."""
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def refuse_unknown(tree: Mapping[str, Any], cls: type, prefix: str) -> None:
    """ConfigError for names that the dataclass `cls`, or one within it, does not have."""
    sections = {f.name: f for f in dataclasses.fields(cls)}
    for key, value in tree.items():
        if key not in sections:
            known = sorted(sections)
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {prefix}{close[0]}?" if close else ""
            raise ConfigError(f"setting {prefix}{key} does not exist{hint} Known here: {', '.join(known)}")
        default = sections[key].default_factory
        inner = default if isinstance(default, type) and dataclasses.is_dataclass(default) else None
        if inner is not None:
            if not isinstance(value, Mapping):
                raise ConfigError(f"setting {prefix}{key} is a section; got {value!r}")
            refuse_unknown(value, inner, f"{prefix}{key}.")
