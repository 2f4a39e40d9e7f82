"""Stored tables of values as tables of text, or drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from roadworthy.core.document import Figure, Table
from roadworthy.core.words import hundredths, interval, percent, points, points_interval
from roadworthy.report import figures

Format = Callable[[Any, int], str]


def shown(stored: Mapping[str, Any], study: str) -> Table | Figure:
    """A DataTable of a study as it came back from JSON, drawn where it says so."""
    return _matrix(stored, study) if stored.get("drawn") == "confusion" else formatted(stored)


def _matrix(stored: Mapping[str, Any], study: str) -> Figure:
    labels = [str(row[0]) for row in stored["rows"]]
    counts = np.array([row[1:] for row in stored["rows"]], dtype=np.float64)
    right = counts.trace() / max(counts.sum(), 1e-9)
    return figures.confusion_chart(
        name=re.sub(r"[^a-z0-9]+", "-", f"{study} {stored['caption']}".lower()).strip("-"),
        caption=stored["caption"],
        alt=f"{stored['caption']}. {percent(right)} are right.",
        labels=labels,
        counts=counts,
    )


def formatted(stored: Mapping[str, Any]) -> Table:
    """A DataTable as it came back from JSON; one of texts, as older studies stored them, stays as it is."""
    if all(isinstance(column, str) for column in stored["columns"]):
        return Table(
            caption=stored["caption"],
            columns=tuple(stored["columns"]),
            rows=tuple(map(tuple, stored["rows"])),
            align_right=tuple(stored.get("align_right", ())),
            collapsed=stored.get("collapsed", False),
        )
    kinds = [(column["kind"], column["digits"]) for column in stored["columns"]]
    return Table(
        caption=stored["caption"],
        columns=tuple(column["name"] for column in stored["columns"]),
        rows=tuple(
            tuple(_cell(value, kind, digits) for value, (kind, digits) in zip(row, kinds, strict=True))
            for row in stored["rows"]
        ),
        align_right=tuple(i for i, (kind, _) in enumerate(kinds) if kind not in LEFT),
        collapsed=stored.get("collapsed", False),
    )


def _cell(value: Any, kind: str, digits: int | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    form, usual = FORMATS[kind]
    return form(value, usual if digits is None else digits)


def in_words(value: Any, kind: str = "") -> str:
    """A stored value on its own: yes or no, a count, or a number of a few digits, unless `kind` says more."""
    if kind:
        return _cell(value, kind, None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and abs(value) < 1000:
        return f"{value:.4g}"
    return _cell(value, "count" if isinstance(value, int | float) else "text", None)


def _number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}"


def _estimate(one: Format) -> Format:
    """A value with its interval in brackets, alone where there is none."""

    def form(found: Sequence[float | None], digits: int) -> str:
        value, low, high = found
        if low is None or high is None:
            return one(value, digits)
        return f"{one(value, digits)} ({one(low, digits)} to {one(high, digits)})"

    return form


def _shares(values: Sequence[Any], digits: int) -> str:
    pairs = [("", value) if isinstance(value, int | float) else value for value in values]
    return ", ".join(f"{name} {percent(share, digits)}".lstrip() for name, share in pairs)


LEFT = {"text", "shares", "estimate", "share estimate", "correlation"}  # words, or as good as words
FORMATS: Mapping[str, tuple[Format, int]] = {  # by kind, with the digits that are usual
    "text": (lambda value, digits: str(value), 0),
    "count": (_number, 0),
    "number": (_number, 2),
    "significant": (lambda value, digits: f"{value:.{digits}g}", 3),
    "signed": (_signed, 2),
    "times": (lambda value, digits: f"{value:.{digits}f}x", 2),
    "seconds": (_number, 0),
    "share": (percent, 2),
    "percent": (hundredths, 2),
    "points": (points, 2),
    "interval": (interval, 2),
    "points interval": (points_interval, 2),
    "estimate": (_estimate(_number), 2),
    "share estimate": (_estimate(percent), 2),
    "correlation": (_estimate(_signed), 2),
    "shares": (_shares, 2),
}
