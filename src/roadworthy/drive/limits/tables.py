"""limits.csv, read back."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from roadworthy.core.errors import DataError
from roadworthy.core.words import visible
from roadworthy.drive.limits.machine import LimitRow

STATES = (
    *("limit", "default", "map", "corrected"),  # with a limit
    *("unlimited", "conditional", "conditional, unread", "unknown"),
)
WITH_LIMIT = STATES[:4]
"""States that have a number; those of the others are empty."""
_MOST_KMH = 200
_APART_S = 0.0015  # seconds are written with three digits


def read_limits(path: Path) -> list[LimitRow]:
    """The rows of a limits.csv, ours or one that follows its columns, in order of time.

    Wanted are `from_s`, `to_s` and `limit`; a row without `state` is of a sign's limit, or unknown where it
    has no number.  Raises DataError, with the row, for what is wrong; gaps and overlaps are not looked for.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV of limits: {error}") from error
    limits = []
    for number, row in enumerate(rows, start=2):
        try:
            limits.append(_limit(row))
        except (KeyError, ValueError, DataError) as error:
            what = f"no column {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{path}, row {number}: {visible(what)}") from error
    return sorted(limits, key=lambda row: row.from_s)


def gaps_and_overlaps(rows: Iterable[LimitRow]) -> Iterator[str]:
    """One line for each two rows that leave seconds between them, or share some; rows in order of time."""
    for before, after in pairwise(rows):
        if after.from_s > before.to_s + _APART_S:
            gap = f"{before.to_s:g} to {after.from_s:g} s"
            yield f"nothing is said from {gap}; add a row, or one of `unknown`"
        elif after.from_s < before.to_s - _APART_S:
            end_s = min(before.to_s, after.to_s)
            yield f"two rows speak of {after.from_s:g} to {end_s:g} s; let one end where the other begins"


def _limit(row: Mapping[str, str]) -> LimitRow:
    from_s, to_s = float(row["from_s"]), float(row["to_s"])
    if not (math.isfinite(from_s) and math.isfinite(to_s) and 0 <= from_s < to_s):
        raise DataError(f"it lasts from {from_s:g} to {to_s:g} s; it must begin at 0 or later, and end later")
    limit = _kmh((row["limit"] or "").strip())
    state = (row.get("state") or "").strip() or ("unknown" if limit is None else "limit")
    if state not in STATES:
        raise DataError(f"no state {state!r}; there are {', '.join(STATES)}")
    if (limit is not None) != (state in WITH_LIMIT):
        has = "no limit" if limit is None else f"a limit of {limit}"
        raise DataError(f"state {state!r} with {has}; a number belongs to {', '.join(WITH_LIMIT)} alone")
    return LimitRow(
        from_s=from_s,
        to_s=to_s,
        limit=limit,
        state=state,
        event=(row.get("event") or "").strip(),
        condition=(row.get("condition") or "").strip(),
    )


def _kmh(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) <= _MOST_KMH:
        raise DataError(f"limit is {text!r}; it must be km/h, a whole number up to {_MOST_KMH}, or empty")
    return int(text)
