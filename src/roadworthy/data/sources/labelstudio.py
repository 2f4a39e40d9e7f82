"""Label Studio: an export as JSON, or as JSON-MIN, of tasks with rectangles.

    labelstudio:FILE.json
    ?images=DIR            where the pictures lie, if not beside the file or in images/

Values are shares of the picture in percent.  A rectangle turns clockwise about its upper left corner; what
encloses it is read.  Of several annotations of a task the last that nobody cancelled counts, and how many
have others is said; predictions are not read.  A task without annotations is not labelled, so left out.
A task of a film is left out: `roadworthy data truth` reads films.
`split`, `sequence` of a task's data, `ignore` and `track_id` in a region's meta are read where given.
Source: https://labelstud.io/guide/export; https://labelstud.io/tags/rectanglelabels
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import say
from roadworthy.core.paths import at_home
from roadworthy.data.frames import Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._box_tables import Boxes, number
from roadworthy.data.sources._boxes import WORDS, SignWords, frame_source
from roadworthy.data.sources._json import read_json
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import split_of
from roadworthy.imaging.decode import SUFFIXES

_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")  # what Label Studio sets before the name of an upload
_FILMS = ("videorectangle", "timelinelabels")
_FILM_SUFFIXES = (".mp4", ".webm", ".mov", ".avi", ".mkv")

TERMS = "frames of the user's own, under their own terms"


def _looks(seen: Glimpse) -> bool:
    head = seen.first(".json")
    return any(f'"{name}"' in head for name in ("rectanglelabels", "original_width", "annotation_id"))


FORM = Form(
    title="Label Studio",
    boxes="percent of the picture",
    tracks="`sequence` in the data, ours",
    groups="`track_id` in the meta, ours",
    lost="predictions, polygons, brushes, the turn of turned boxes",
)


@frame_source("labelstudio", settings=("images", *WORDS), form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """Label Studio: an export as JSON or JSON-MIN."""
    if not place.is_file():
        raise DataNotFoundError(f"no file {place}; labelstudio:FILE needs an export as JSON or JSON-MIN")
    tasks = read_json(place)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise DataError(f"{place} is no export of Label Studio: it must be a list of tasks")
    images = at_home(options["images"]) if options.get("images") else None
    folders = [place.parent, place.parent / "images"] if images is None else [images]
    boxes = Boxes(
        place=f"labelstudio:{place}",
        table=place,
        folders=folders,
        words=SignWords(f"labelstudio:{place}", labels, options),
    )
    reader = _Reader(boxes=boxes)
    for count, task in enumerate(tasks, 1):
        reader.task(task, f"{place}, task {task.get('id', count)}")
    for what, n in reader.odd.items():
        say(f"labelstudio:{place}: {what}: {n:,}")
    if not boxes.frames:
        raise DataNotFoundError(f"{place}: {len(tasks):,} tasks, and none has an annotation of a picture")
    return boxes.read()


@dataclass(kw_only=True)
class _Reader:
    """Reads tasks and counts what a person should know of them."""

    boxes: Boxes
    odd: Counter[str] = field(default_factory=Counter)

    def task(self, task: Mapping[str, Any], where: str) -> None:
        data = task.get("data", task)
        regions = self._regions(task)
        if regions is None:
            self.odd["tasks without annotations are not labelled and left out"] += 1
            return
        if any(_kind(region) in _FILMS for region in regions) or _of_film(data):
            self.odd["tasks are of films and left out (roadworthy data truth reads films)"] += 1
            return
        named = self._picture(data if isinstance(data, dict) else {}, where)
        split = split_of(str(data.get("split", "")))
        self.boxes.frame(named, sequence=str(data.get("sequence", "")), split=split)
        words = _words_apart(regions)
        for count, region in enumerate(regions, 1):
            if _kind(region) != "labels":
                self._region(named, region, f"{where}, region {count}", words)

    def _regions(self, task: Mapping[str, Any]) -> list[Any] | None:
        """What is marked, or None where nobody has labelled the task."""
        if "data" not in task:  # JSON-MIN: the rectangles under the name of their tag
            found = [value for value in task.values() if _are_regions(value)]
            return found[0] if found else ([] if "annotation_id" in task else None)
        given = task.get("annotations") or task.get("completions") or []
        done = [one for one in given if isinstance(one, dict) and not one.get("was_cancelled")]
        if not done:
            if task.get("predictions"):
                self.odd["tasks have predictions alone, which are not read"] += 1
            return None
        if len(done) > 1:
            self.odd["tasks have several annotations; the last of each is taken"] += 1
        result = sorted(done, key=lambda one: str(one.get("updated_at", "")))[-1].get("result")
        return result if isinstance(result, list) else []

    def _picture(self, data: Mapping[str, Any], where: str) -> str:
        texts = [value for value in data.values() if isinstance(value, str)]
        found = [name for text in texts if (name := _name(text)).lower().endswith(tuple(SUFFIXES))]
        if not found:
            raise DataError(f"{where}: its data name no picture; they have {', '.join(data) or 'nothing'}")
        named = found[0]
        last = named.rpartition("/")[2]
        match = _UPLOADED.fullmatch(last)
        if match and not any(self.boxes.pictures.find(f, last) for f in self.boxes.folders):
            return match[1]
        return named

    def _region(self, named: str, region: Any, where: str, words_apart: Mapping[str, Any]) -> None:
        value = region.get("value", region) if isinstance(region, dict) else None
        if not isinstance(value, dict):
            raise DataError(f"{where}: it is no object")
        kind = _kind(region)
        if kind not in ("rectanglelabels", "rectangle", ""):
            self.odd["regions that are no rectangles are left out"] += 1
            return
        meta = region.get("meta") if isinstance(region.get("meta"), dict) else {}
        words = value.get("rectanglelabels") or value.get("labels") or words_apart.get(str(region.get("id")))
        try:
            size = number(region, "original_width"), number(region, "original_height")
            box = self._box(value, size)
        except ValueError as error:
            self.boxes.fault(named, where, error)
            return
        ignore, group = meta.get("ignore") is True, str(meta.get("track_id", ""))
        word = words[0] if isinstance(words, list) and words else words or ""
        self.boxes.mark(named, str(word), box, where, ignore=ignore, group=group)

    def _box(self, value: Mapping[str, Any], size: tuple[float, float]) -> Box:
        x, y, w, h = (number(value, name) / 100 for name in ("x", "y", "width", "height"))
        x, w, y, h = x * size[0], w * size[0], y * size[1], h * size[1]
        turn = math.radians(number(value, "rotation") if value.get("rotation") else 0)
        if not turn:
            return x, y, x + w, y + h
        self.odd["turned boxes are enclosed"] += 1
        across = (w * math.cos(turn), w * math.sin(turn))
        down = (-h * math.sin(turn), h * math.cos(turn))
        xs = [x, x + across[0], x + down[0], x + across[0] + down[0]]
        ys = [y, y + across[1], y + down[1], y + across[1] + down[1]]
        return min(xs), min(ys), max(xs), max(ys)


def _kind(region: Any) -> str:
    if not isinstance(region, dict):
        return ""
    if "sequence" in region or "framesCount" in region:
        return _FILMS[0]
    return str(region.get("type", "")).lower()


def _are_regions(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], dict)
        and any(name in value[0] for name in ("original_width", "framesCount", "sequence"))
    )


def _of_film(data: object) -> bool:
    """Whether a task shows a film: nobody may have marked anything in it."""
    texts = data.values() if isinstance(data, dict) else ()
    return any(isinstance(text, str) and _name(text).lower().endswith(_FILM_SUFFIXES) for text in texts)


def _words_apart(regions: list[Any]) -> dict[str, Any]:
    """Labels by the id of their rectangle, of projects that have <Rectangle> and <Labels> apart."""
    own = [(region.get("id"), region.get("value")) for region in regions if _kind(region) == "labels"]
    return {str(number): value.get("labels") for number, value in own if isinstance(value, dict)}


def _name(text: str) -> str:
    """The path that the address of a picture means: of an upload, of a served file, of another machine."""
    try:
        parts = urlsplit(text)
    except ValueError:  # such as http://[a
        return text
    # No parse_qs: a plus in the name of a file is one.
    served = next((part[2:] for part in parts.query.split("&") if part.startswith("d=")), "")
    path = served or (parts.path if parts.scheme or "%" in text else text)
    return unquote(path).lstrip("/")
