"""A road of a map with its limit, and the file formats that hold such roads, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from roadworthy.core.arrays import FloatArray
from roadworthy.core.registry import Registry

MOST_KMH = 200

Reader = Callable[[Path], "list[Road]"]
FORMATS: Registry[Reader] = Registry("map format")
RECOGNISED_BY: dict[str, Callable[[bytes], bool]] = {}


@dataclass(frozen=True, kw_only=True, eq=False)
class Road:
    """A stretch of road with one limit, or a place where one holds.

    name: by which limits.csv justifies its limit, like `way/42`.
    line: (P, 2) latitudes and longitudes, WGS84; a single point is a place.
    along, against: km/h for those who drive as the points run, and the other way; None where a map says
    none, or nobody may drive so.
    heading: of a place, for whom its limit is, degrees clockwise from north; None for all.
    """

    name: str
    line: FloatArray
    along: int | None
    against: int | None
    heading: float | None = None


def map_format(name: str, *, recognises: Callable[[bytes], bool]) -> Callable[[Reader], Reader]:
    """Decorator that files a reader of maps; `recognises` judges the first bytes of a file."""

    def file(read: Reader) -> Reader:
        FORMATS.register(name)(read)
        RECOGNISED_BY[name] = recognises
        return read

    return file


def kmh_of(text: str) -> int | None:
    """A limit as maps write it: `60`, `60 km/h`, `60.0`, `40 mph`; None for whatever is no number."""
    number, _, unit = text.strip().lower().partition(" ")
    if not unit and number.endswith("mph"):
        number, unit = number.removesuffix("mph"), "mph"
    try:
        value = float(number)
    except ValueError:
        return None
    value *= {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344}.get(unit.strip(), float("nan"))
    return round(value) if 0 < value <= MOST_KMH else None
