"""GeoJSON: lines with a limit among their properties, as QGIS and road authorities write them.

The limit is `maxspeed`, `speed_limit`, `speedlimit`, `limit` or `speed`, capitals or not; `oneway` is as in
OpenStreetMap.  Points with a limit are places, with `heading` if they have one.  Source: RFC 7946.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.core.words import plural
from roadworthy.drive.roads.road import Road, kmh_of, map_format

LIMITS = ("maxspeed", "speed_limit", "speedlimit", "limit", "speed")
_LINES = {"LineString": 1, "MultiLineString": 2, "Point": 0}


def _recognises(start: bytes) -> bool:
    return start.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{"


@map_format("geojson", recognises=_recognises)
def read(path: Path) -> list[Road]:
    """GeoJSON: lines and points with a limit."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"))
        features = tree["features"]
        crs = str(tree.get("crs", "")) if isinstance(tree, dict) else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{path} is no GeoJSON with features: {type(error).__name__}: {error}") from error
    if crs and not any(name in crs for name in ("CRS84", "4326", "7844", "GDA2020")):
        raise DataError(
            f"{path} has positions in {crs}; RFC 7946 wants longitude and latitude: export it as EPSG:4326"
        )
    odd: Counter[str] = Counter()
    try:
        roads = [
            road for number, feature in enumerate(features) for road in _roads(number, feature or {}, odd)
        ]
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise DataError(f"{path} has a feature that cannot be read: {error}") from error
    for why, n in odd.items():
        notes.say(f"{path.name}: {plural(n, 'feature')} {why}")
    return roads


def _roads(number: int, feature: Mapping[str, Any], odd: Counter[str]) -> Iterator[Road]:
    said = {str(key).lower(): value for key, value in (feature.get("properties") or {}).items()}
    limit = next((kmh_of(str(said[key])) for key in LIMITS if said.get(key) is not None), None)
    geometry = feature.get("geometry") or {}
    deep = _LINES.get(str(geometry.get("type")))
    if limit is None or deep is None:
        odd["without a limit left out" if deep is not None else "that are no line or point left out"] += 1
        return
    held = geometry["coordinates"]
    lines = {0: [[held]], 1: [held], 2: held}[deep]
    one_way = str(said.get("oneway", "")).lower()
    name = f"feature/{feature.get('id', said.get('id', number))}"
    for line in lines:
        places = np.array([[point[1], point[0]] for point in line], np.float64)
        if not (np.abs(places[:, 0]) <= 90).all() or not (np.abs(places[:, 1]) <= 180).all():
            odd["with positions that are no latitude and longitude left out"] += 1
            continue
        yield Road(
            name=name,
            line=places,
            along=None if one_way == "-1" else limit,
            against=None if one_way in ("yes", "true", "1") else limit,
            heading=float(said["heading"]) % 360 if deep == 0 and said.get("heading") is not None else None,
        )
