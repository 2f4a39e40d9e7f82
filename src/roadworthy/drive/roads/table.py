"""A table by position: CSV with the columns lat, lon and limit, and if known heading and name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from roadworthy.data.tables import Row, read_table, require_columns
from roadworthy.drive.gps.fixes import is_place
from roadworthy.drive.roads.road import MOST_KMH, Road, kmh_of, map_format


def _recognises(start: bytes) -> bool:
    first = start.decode("utf-8-sig", errors="replace").partition("\n")[0].lower()
    return "lat" in first and "lon" in first and "limit" in first


@map_format("table", recognises=_recognises)
def read(path: Path) -> list[Road]:
    """A table of places with limits."""
    has, rows = read_table(path)
    require_columns(path, has, "lat", "lon", "limit")
    return [_place(row) for row in rows]


def _place(row: Row) -> Road:
    lat, lon = row.checked(float, "lat"), row.checked(float, "lon")
    if not is_place(lat, lon):
        raise row.fail(f"{lat:g}, {lon:g} is no latitude and longitude in degrees")
    limit = kmh_of(row.text("limit"))
    if limit is None:
        raise row.fail(f"limit is {row.text('limit')!r}; it must be km/h up to {MOST_KMH}, like 60")
    heading = row.checked(float, "heading") % 360 if row.text("heading") else None
    return Road(
        name=row.text("name") or f"line {row.line}",
        line=np.array([[lat, lon]]),
        along=limit,
        against=limit,
        heading=heading,
    )
