"""The roads of a map, in whatever format it is."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import roadworthy.drive.roads
from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.words import visible
from roadworthy.drive.roads.road import FORMATS, RECOGNISED_BY, Road

_FIRST = 65_536

for _module in pkgutil.iter_modules(roadworthy.drive.roads.__path__):
    importlib.import_module(f"{roadworthy.drive.roads.__name__}.{_module.name}")


def read_roads(path: Path) -> list[Road]:
    """All roads of a file with a limit, its format told by its content.

    Raises DataNotFoundError or DataError, in one line, where there are none to be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_FIRST)
    except FileNotFoundError as error:
        raise DataNotFoundError(f"no map {path}; give an .osm file, GeoJSON or a CSV table") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    for name in FORMATS:
        if RECOGNISED_BY[name](start):
            roads = FORMATS.get(name)(path)
            if not roads:
                raise DataError(f"{path} has no road with a limit that is read here ({name})")
            return roads
    begins = visible(start[:16].decode(errors="replace"))
    raise DataError(
        f"{path} is no map: it begins with {begins!r}; maps are OSM's XML, GeoJSON with lines, or a table "
        "with the columns lat, lon and limit"
    )
