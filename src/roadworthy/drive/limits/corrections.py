"""A user's corrections of limits: a CSV of what holds from a second of the film on."""

from __future__ import annotations

import math
from pathlib import Path

from roadworthy.data.tables import Row, read_table, require_columns
from roadworthy.drive.limits.machine import Correction

MOST_KMH = 200


def read_corrections(path: Path) -> list[Correction]:
    """The corrections of a table with the columns from_s, limit and, if wanted, event.

    from_s: seconds of the film.  limit: km/h; empty for unknown.  event: the name that limits.csv gives it;
    `correction` and the line without.
    Raises DataError, naming the line, for what is neither.
    """
    has, rows = read_table(path)
    require_columns(path, has, "from_s", "limit")
    return [_correction(row) for row in rows]


def _correction(row: Row) -> Correction:
    at_s = row.checked(float, "from_s")
    if not (math.isfinite(at_s) and at_s >= 0):
        raise row.fail(f"from_s is {at_s:g}; it must be seconds of the film, 0 or more")
    text = row.text("limit")
    if text and not (text.isdecimal() and 0 < int(text) <= MOST_KMH):
        raise row.fail(f"limit is {text!r}; it must be km/h up to {MOST_KMH}, or empty for unknown")
    return Correction(
        at_s=at_s,
        limit=int(text) if text else None,
        event=row.text("event") or f"correction {row.line}",
    )
