"""events.csv and events.jsonl: written, and read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from roadworthy.core.errors import DataError
from roadworthy.core.words import csv_cell, visible
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.limits.events import plates_text, read_plates

COLUMNS = (
    "event",
    "class",
    "kind",
    "value",
    "confidence",
    "accepted",
    "first_s",
    "last_s",
    "passed_s",
    "frames",
    "best_frame",
    "box",
    "side",
    "plates",
    "lat",
    "lon",
    "zone",
    "confirmed_s",
    "error_m",
    "counts",
    "why",
)
_YES_NO = {"yes": True, "no": False}


def events_csv(events: Iterable[DriveEvent]) -> str:
    """The text of events.csv: an empty cell for what is not known, a box as four numbers with spaces."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for event in events:
        row = as_row(event)
        writer.writerow([_cell(name, row[name]) for name in COLUMNS])
    return text.getvalue()


def events_jsonl(events: Iterable[DriveEvent]) -> str:
    """The text of events.jsonl: a JSON object a line, with the columns of events.csv."""
    return "".join(f"{json.dumps(as_row(event))}\n" for event in events)


def as_row(event: DriveEvent) -> dict[str, Any]:
    """An event by the columns of events.csv."""
    return {
        "event": event.event,
        "class": event.sign,
        "kind": event.kind,
        "value": event.value,
        "confidence": round(event.confidence, 4),
        "accepted": event.accepted,
        "first_s": round(event.first_s, 3),
        "last_s": round(event.last_s, 3),
        "passed_s": round(event.passed_s, 3),
        "frames": event.frames,
        "best_frame": event.best_frame,
        "box": [round(edge, 1) for edge in event.box],
        "side": event.side,
        "plates": plates_text(event.plates),
        "lat": _rounded(event.lat, 7),
        "lon": _rounded(event.lon, 7),
        "zone": event.zone,
        "confirmed_s": _rounded(event.confirmed_s, 3),
        "error_m": _rounded(event.error_m, 1),
        "counts": event.counts,
        "why": event.why,
    }


def read_events(path: Path) -> list[DriveEvent]:
    """The events of an events.csv, ours or one that follows its columns.

    Wanted are `class` and `passed_s`; what else is missing takes what is likeliest for a table made by hand:
    seen from 2 s before, sure, meant for this car.  Raises DataError, with the row, for what is wrong.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV of events: {error}") from error
    events = []
    for number, row in enumerate(rows, start=2):
        try:
            events.append(_event(row, f"e{number - 1:04d}"))
        except (KeyError, TypeError, ValueError, DataError) as error:
            what = f"no column {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{path}, row {number}: {visible(what)}") from error
    return events


def _event(row: Mapping[str, str], name: str) -> DriveEvent:
    def said(column: str) -> str:
        return (row.get(column) or "").strip()

    def number(column: str, default: float) -> float:
        return float(said(column)) if said(column) else default

    def maybe(column: str) -> float | None:
        return float(said(column)) if said(column) else None

    passed_s = float(row["passed_s"])
    edges = [float(edge) for edge in said("box").split()] or [0.0] * 4
    if len(edges) != 4:
        raise DataError(f"box is {said('box')!r}; it must be four numbers, x1 y1 x2 y2")
    return DriveEvent(
        event=said("event") or name,
        sign=row["class"].strip(),
        confidence=number("confidence", 1.0),
        accepted=_yes_no(said("accepted")),
        first_s=number("first_s", passed_s - 2),
        last_s=number("last_s", passed_s),
        passed_s=passed_s,
        frames=int(number("frames", 0)),
        best_frame=int(number("best_frame", 0)),
        box=(edges[0], edges[1], edges[2], edges[3]),
        confirmed_s=maybe("confirmed_s"),
        side=said("side") or None,
        plates=read_plates(said("plates")),
        zone=said("zone") or None,
        lat=maybe("lat"),
        lon=maybe("lon"),
        error_m=maybe("error_m"),
        counts=_yes_no(said("counts")),
        why=said("why"),
    )


def _yes_no(text: str) -> bool:
    if text and text.lower() not in _YES_NO:
        raise DataError(f"{text!r} is neither yes nor no")
    return _YES_NO[text.lower()] if text else True


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "box":
        return " ".join(f"{edge:g}" for edge in value)
    return csv_cell(value) if isinstance(value, str) else value
