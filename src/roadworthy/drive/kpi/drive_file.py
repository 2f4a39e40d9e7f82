"""drive.toml: what is known of a drive as a whole, and of its stretches."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from roadworthy.core.errors import DataError, RoadworthyError
from roadworthy.core.words import visible
from roadworthy.drive.limits.calendar import local_time, zone_named
from roadworthy.drive.limits.regions import region_named

WORDS = ("light", "weather", "road")
"""What a stretch says in words of the user's own, by which results are told apart."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a drive in which the circumstances stay the same; empty where they are not told.

    from_s, to_s: seconds of the film.  light: like `day`, `dusk`, `night`.  weather: like `dry`, `rain`.
    road: `built-up`, `open`, `unsealed` or `motorway` as the regions' rules have them, or any other word.
    speed_kmh: how fast the car drove.
    """

    from_s: float
    to_s: float
    light: str = ""
    weather: str = ""
    road: str = ""
    speed_kmh: float | None = None


@dataclass(frozen=True, kw_only=True)
class DriveFile:
    """What drive.toml says; every part of it may be missing, and more may stand there than is read here.

    region: as `drive.limits.regions` names them.  start: the moment of the film's zero, local unless it has
    a zone of its own.  time_zone: of the IANA data base, instead of the region's.
    length_s: of the film.  stretches: in order of time, none of them overlapping another.
    """

    region: str | None = None
    start: datetime | None = None
    time_zone: str | None = None
    length_s: float | None = None
    stretches: tuple[Stretch, ...] = ()

    @property
    def began(self) -> datetime | None:
        """The start with its time zone; None where either is not known."""
        zone = self.time_zone or (region_named(self.region).time_zone if self.region else None)
        if self.start is None or self.start.tzinfo is not None or zone is None:
            return self.start if self.start is not None and self.start.tzinfo is not None else None
        return local_time(self.start, zone_named(zone))


_KNOWN = ("region", "start", "time_zone", "length_s", "stretches")


def read_drive_file(path: Path) -> tuple[DriveFile, list[str]]:
    """What a drive.toml says, and its faults, one line each; without the file nothing is known.

    Raises DataError for a file that is no TOML.
    """
    if not path.exists():
        return DriveFile(), []
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path} cannot be read as TOML: {error}") from error
    rows = tree.pop("stretches", [])
    faults = [f"drive.toml: {line}" for line in _faults_of_drive(tree)]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return DriveFile(), [*faults, "drive.toml: stretches must be tables, each under [[stretches]]"]
    faults += [
        f"drive.toml, stretch {number}: {line}"
        for number, row in enumerate(rows, start=1)
        for line in _faults_of_stretch(row)
    ]
    if faults:
        return DriveFile(), faults
    stretches = sorted((_stretch(row) for row in rows), key=lambda stretch: stretch.from_s)
    overlaps = [f"drive.toml: {line}" for line in _overlaps(stretches)]
    told = {name: tree[name] for name in _KNOWN if name in tree}
    told["start"] = _moment(tree.get("start"))
    return DriveFile(**told, stretches=tuple(stretches)), overlaps


def _faults_of_drive(tree: Mapping[str, Any]) -> Iterator[str]:
    # Files may tell more (of the camera, of how a drive was drawn), but no misspelt name is passed over.
    for name in sorted(set(tree) - set(_KNOWN)):
        if near := difflib.get_close_matches(name, _KNOWN, n=1, cutoff=0.75):
            yield f"{visible(name)!r} is not known here; did you mean {near[0]!r}?"
    if "start" in tree and _moment(tree["start"]) is None:
        yield f"start is {tree['start']!r}; it must be a date and time, like 2026-03-04T08:05:00"
    for name, check in (("region", region_named), ("time_zone", zone_named)):
        if name not in tree:
            continue
        if not isinstance(tree[name], str):
            yield f"{name} is {tree[name]!r}; it must be a name"
            continue
        try:
            check(tree[name])
        except RoadworthyError as error:
            yield str(error)
    if "length_s" in tree and not (_is_number(tree["length_s"]) and tree["length_s"] > 0):
        yield f"length_s is {tree['length_s']!r}; it must be seconds, above 0"


def _faults_of_stretch(row: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(set(row) - {field.name for field in fields(Stretch)}):
        known = ", ".join(field.name for field in fields(Stretch))
        yield f"{visible(name)!r} is not known here; known are {known}"
    if missing := [name for name in ("from_s", "to_s") if not _is_number(row.get(name))]:
        yield f"{' and '.join(missing)} must be seconds of the film"
    elif not 0 <= row["from_s"] < row["to_s"]:
        lasts = f"{row['from_s']:g} to {row['to_s']:g} s"
        yield f"it lasts from {lasts}; it must begin at 0 or later, and end later"
    yield from (f"{name} is {row[name]!r}; it must be a word" for name in WORDS if not _is_word(row, name))
    speed = row.get("speed_kmh", 0)
    if not (_is_number(speed) and speed >= 0):
        yield f"speed_kmh is {speed!r}; it must be a number, 0 or more"


def _moment(value: object) -> datetime | None:
    """A date and time, as TOML has them or as text; None for what is none."""
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_word(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name, "")
    return isinstance(value, str) and value.isprintable()


def _stretch(row: Mapping[str, Any]) -> Stretch:
    plain: dict[str, Any] = {key: one.strip() if isinstance(one, str) else one for key, one in row.items()}
    return Stretch(**plain)


def _overlaps(stretches: list[Stretch]) -> Iterator[str]:
    for before, after in pairwise(stretches):
        if after.from_s < before.to_s:
            end_s = min(before.to_s, after.to_s)
            shared = f"{after.from_s:g} to {end_s:g} s"
            yield f"two stretches speak of {shared}; let one end where the other begins"
