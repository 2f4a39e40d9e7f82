"""The rules of the road by region, from regions/*.toml: defaults, ends, turns, school zones."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.drive.limits.events import Hours, read_hours

FOLDER = Path(__file__).parent / "regions"
Setting = Literal["built-up", "open", "unsealed", "motorway"]
SETTINGS: tuple[Setting, ...] = ("built-up", "open", "unsealed", "motorway")
AFTER_END = ("default", "built-up", "open", "before", "unknown")
AFTER_TURN = ("holds", "unknown")
_TABLES = ("defaults", "ends", "turns", "repeaters", "school")


@dataclass(frozen=True, kw_only=True)
class SchoolZones:
    """When school zones hold that do not say so themselves.

    days: the state whose school days count, as the package holidays calls it; None where there is no such
    calendar.  hours: the usual ones; uniform: whether a zone without hours of its own may be taken to have
    them.  children: whether zones hold while children are there, at any hour.
    """

    days: str | None
    hours: tuple[Hours, ...]
    uniform: bool
    children: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Repeaters:
    """After how much road or time (where no position is known) a limit without a new sign is unknown.

    expected: whether signs are repeated along a road.  after_m, after_s: of limits; school_after_m and
    school_after_s: of school zones whose end was not seen.
    """

    expected: bool
    after_m: float
    after_s: float
    school_after_m: float
    school_after_s: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Region:
    """The rules of one region.

    region: its name, like `au-vic`.  time_zone: of the IANA data base, or None.
    defaults: km/h by setting (`built-up`, `open`, `unsealed`, `motorway`), None for unlimited.
    ends: by `speed`, `all`, `area`, `shared`, `school` and `work` what holds behind the sign that ends it.
    turns: by `limit`, `area`, `shared`, `school` and `work` whether it `holds` behind a turn or is `unknown`.
    new_setting_ends_limit: whether the sign at a town ends what was posted before.
    sources: by table where its facts are from.
    """

    region: str
    name: str
    time_zone: str | None
    defaults: dict[str, int | None]
    ends: dict[str, str]
    turns: dict[str, str]
    repeaters: Repeaters
    school: SchoolZones
    new_setting_ends_limit: bool
    sources: dict[str, str]


def region_names() -> list[str]:
    """The regions that there are, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def region_named(name: str) -> Region:
    """The rules of a region.  Raises UnknownNameError for one that is not there."""
    if name not in region_names():
        raise UnknownNameError("region", name, region_names())
    return read_region(FOLDER / f"{name}.toml")


def read_region(path: Path) -> Region:
    """The rules in a file; tables that it lacks are those of the region that it is `like`.

    Raises ConfigError for a file that says what no region can.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        if "like" in tables:
            tables = tomllib.loads((FOLDER / f"{tables['like']}.toml").read_text(encoding="utf-8")) | tables
        return _region(path.stem, tables)
    except KeyError as error:
        raise ConfigError(f"{path} lacks {error}") from error
    except (ValueError, TypeError, OSError) as error:
        raise ConfigError(f"{path} is no region: {error}") from error


def _region(region: str, tables: dict[str, Any]) -> Region:
    sources = {table: str(tables[table]["source"]) for table in _TABLES}
    defaults, ends, turns = (_without_source(tables[name]) for name in ("defaults", "ends", "turns"))
    _check(defaults, keys=SETTINGS)
    _check(ends, keys=("speed", "all", "area", "shared", "school", "work"), values=AFTER_END)
    _check(turns, keys=("limit", "area", "shared", "school", "work"), values=AFTER_TURN)
    return Region(
        region=region,
        name=tables["name"],
        time_zone=tables.get("time_zone"),
        defaults={key: None if value == "unlimited" else int(value) for key, value in defaults.items()},
        ends=ends,
        turns=turns,
        repeaters=Repeaters(**tables["repeaters"]),
        school=_school(tables["school"]),
        new_setting_ends_limit=bool(tables.get("settings", {}).get("new_ends_limit", False)),
        sources=sources,
    )


def _school(table: dict[str, Any]) -> SchoolZones:
    when = table.get("when", "school-days")
    if when not in ("school-days", "children"):
        raise ValueError(f"school zones hold when {when!r}; it must be school-days or children")
    return SchoolZones(
        days=table.get("days"),
        hours=tuple(map(read_hours, table.get("hours", []))),
        uniform=table.get("uniform", False),
        children=when == "children",
        source=table["source"],
    )


def _without_source(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != "source"}


def _check(table: dict[str, Any], *, keys: tuple[str, ...], values: tuple[str, ...] = ()) -> None:
    for key, value in table.items():
        if key not in keys or (values and value not in values):
            raise ValueError(
                f"{key} = {value!r}; keys are {', '.join(keys)}, values {', '.join(values) or 'km/h'}"
            )
    if values and set(table) != set(keys):
        raise ValueError(f"it must say what follows for {', '.join(sorted(set(keys) - set(table)))}")
