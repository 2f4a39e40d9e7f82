"""signs.geojson and track.geojson: what maps (QGIS, a browser's) open as they are.

Positions are longitude, latitude in WGS84 degrees, to 7 decimals (1 cm), as RFC 7946 has it.
Source: https://www.rfc-editor.org/rfc/rfc7946
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.events.tables import as_row
from roadworthy.drive.gps.fixes import Fix, is_place
from roadworthy.drive.gps.track import Track

DECIMALS = 7
DATUM = (
    "WGS84, as receivers say positions; GDA2020 is Australia's plate as it lay in 2020 and moves 7 cm a year "
    "against it"
)
"""What a file of positions says of them, as its foreign member `datum`."""


def signs_geojson(events: Iterable[DriveEvent]) -> str:
    """The events that have a place as points, with the columns of events.csv as their properties.

    Those without one are left out; the foreign member `events_without_place` counts them.
    """
    events = list(events)
    placed = [event for event in events if _is_placed(event)]
    return collection(map(_sign, placed), events_without_place=len(events) - len(placed))


def track_geojson(track: Track | None) -> str:
    """The way as one LineString for each part without a gap, for nothing is invented between.

    Properties: `part` from 1, `from_s` and `to_s` (the track's seconds), `metres`, and `seconds`, those of
    each point in a text with spaces between.  A part of a single fix is no line; the foreign
    member `fixes_left_out` counts those.  Lines end at the 180th meridian.
    """
    parts = list(_parts(track)) if track is not None else []
    lines = [part for part in parts if len(part) > 1]
    features = (_line(number, part) for number, part in enumerate(lines, start=1))
    return collection(features, fixes_left_out=sum(len(part) == 1 for part in parts))


def collection(features: Iterable[dict[str, Any]], **foreign: int) -> str:
    """A FeatureCollection, one feature a line, so that versions of a file can be compared."""
    lines = ",\n".join(json.dumps(feature, allow_nan=False) for feature in features)
    members = "".join(f'"{name}": {value}, ' for name, value in foreign.items())
    members += f'"datum": {json.dumps(DATUM)}, '
    return f'{{"type": "FeatureCollection", {members}"features": [\n{lines}\n]}}\n'


def _is_placed(event: DriveEvent) -> bool:
    return event.lat is not None and event.lon is not None and is_place(event.lat, event.lon)


def _sign(event: DriveEvent) -> dict[str, Any]:
    assert event.lat is not None and event.lon is not None  # noqa: PT018 - only those with a place come here
    row = {name: _plain(value) for name, value in as_row(event).items()}
    # A list would be a column of lists in QGIS, which most of its formats cannot hold.
    row["box"] = " ".join(f"{edge:g}" for edge in row["box"])
    return {
        "type": "Feature",
        "id": event.event,
        "geometry": {"type": "Point", "coordinates": position(event.lat, event.lon)},
        "properties": row,
    }


def _line(number: int, part: Sequence[tuple[float, float, Fix]]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {
            "type": "LineString",
            "coordinates": [position(fix.lat, fix.lon) for _, _, fix in part],
        },
        "properties": {
            "part": number,
            "from_s": round(part[0][0], 3),
            "to_s": round(part[-1][0], 3),
            "metres": round(part[-1][1] - part[0][1], 1),
            # A list would be a column of lists in QGIS.
            "seconds": " ".join(str(round(second, 3)) for second, _, _ in part),
        },
    }


def _parts(track: Track) -> Iterator[list[tuple[float, float, Fix]]]:
    """(second, metres driven, fix) of each stretch in which the car was known."""
    breaks = {start for start, _ in track.gaps()}
    part: list[tuple[float, float, Fix]] = []
    for second, fix in zip(track.seconds.tolist(), track.fixes, strict=True):
        if part and (part[-1][0] in breaks or abs(fix.lon - part[-1][2].lon) > 180):
            yield part
            part = []
        part.append((second, track.driven_m(float(track.seconds[0]), second), fix))
    if part:
        yield part


def position(lat: float, lon: float) -> list[float]:
    """A place as GeoJSON has it, longitude first."""
    return [round(lon, DECIMALS), round(lat, DECIMALS)]


def _plain(value: Any) -> Any:
    """JSON has no infinity and no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
