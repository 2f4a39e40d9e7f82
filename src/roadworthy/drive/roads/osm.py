"""OpenStreetMap's XML (.osm, also in .gz), as its export, Overpass and osmium write it.

Ways that cars drive count, with `maxspeed`, or `maxspeed:forward` and `maxspeed:backward`, in km/h or mph.
Values without a number (`none`, `walk`, `AU:urban`, `variable`) and limits under conditions say nothing
here.  Of PBF a line says how to convert it.  Source: wiki.openstreetmap.org, Key:maxspeed, July 2026.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, cast
from xml.etree import ElementTree

import numpy as np

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.core.words import plural
from roadworthy.drive.roads.road import Road, kmh_of, map_format

_GZIP, _PBF = b"\x1f\x8b", b"OSMHeader"
_NOT_FOR_CARS = frozenset(
    {
        *("footway", "cycleway", "path", "steps", "pedestrian", "bridleway", "corridor", "elevator"),
        *("platform", "construction", "proposed", "busway", "raceway", "rest_area", "services"),
    }
)
_ONE_WAY = {"yes": (True, False), "true": (True, False), "1": (True, False), "-1": (False, True)}


def _recognises(start: bytes) -> bool:
    return b"<osm" in start or start[:2] == _GZIP or _PBF in start[:64]


@map_format("osm", recognises=_recognises)
def read(path: Path) -> list[Road]:
    """OpenStreetMap's XML: ways with maxspeed."""
    with path.open("rb") as file:
        start = file.read(4096)
    if _PBF in start[:64]:
        raise DataError(
            f"{path} is a PBF, which is not read; convert it: osmium tags-filter {path.name} w/maxspeed "
            "-o roads.osm"
        )
    odd: Counter[str] = Counter()
    try:
        with gzip.open(path) if start[:2] == _GZIP else path.open("rb") as file:
            roads = list(_roads(cast("IO[bytes]", file), odd))
    except (ElementTree.ParseError, OSError, EOFError, ValueError) as error:
        raise DataError(f"{path} is no OSM file that can be read: {error}") from error
    for why, n in odd.items():
        notes.say(f"{path.name}: {plural(n, 'road')} {why}")
    return roads


def _roads(file: IO[bytes], odd: Counter[str]) -> Iterator[Road]:
    """One road for each way; places come before ways in such files."""
    places: dict[str, tuple[float, float]] = {}
    for _, element in ElementTree.iterparse(_WithoutEntities(file), events=("end",)):
        if element.tag == "node":
            places[element.get("id", "")] = float(element.get("lat", "nan")), float(element.get("lon", "nan"))
        elif element.tag == "way":
            tags = {tag.get("k", ""): tag.get("v", "") for tag in element.iter("tag")}
            nodes = [places.get(node.get("ref", "")) for node in element.iter("nd")]
            if (road := _road(element.get("id", ""), tags, nodes, odd)) is not None:
                yield road
        if element.tag in ("node", "way", "relation"):
            element.clear()


def _road(
    name: str, tags: Mapping[str, str], nodes: list[tuple[float, float] | None], odd: Counter[str]
) -> Road | None:
    if tags.get("highway", "") in {"", *_NOT_FOR_CARS} or not any(tag.startswith("maxspeed") for tag in tags):
        return None
    line = [node for node in nodes if node is not None]
    if len(line) < len(nodes) or len(line) < 2:
        odd["without places for all of their points, left out"] += 1
        return None
    both = tags.get("maxspeed", "")
    may_along, may_against = _ONE_WAY.get(tags.get("oneway", ""), (True, True))
    if tags.get("junction") == "roundabout" and "oneway" not in tags:
        may_against = False
    along = kmh_of(tags.get("maxspeed:forward", both)) if may_along else None
    against = kmh_of(tags.get("maxspeed:backward", both)) if may_against else None
    if along is None and against is None:
        odd["whose maxspeed is no number, left out"] += 1
        return None
    return Road(name=f"way/{name}", line=np.array(line, np.float64), along=along, against=against)


class _WithoutEntities:
    """A file that no entities may be defined in: none are needed, and they can grow beyond all bounds."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """The next bytes.  ValueError where they define something."""
        data = self._file.read(size)
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise ValueError("it defines entities, which no OSM file needs")
        return data
