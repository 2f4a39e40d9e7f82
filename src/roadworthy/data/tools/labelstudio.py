"""Label Studio: tasks.json with predictions, and labels.xml, the labelling interface.

Boxes are in percent of the picture's sides.  The pictures are served from images/ as local files
(LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true, LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=the folder above).
Source: https://labelstud.io/guide/predictions
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlparse

from roadworthy.core.errors import DataError
from roadworthy.core.files import write_json, write_text
from roadworthy.core.words import visible
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources._labels import label_reader
from roadworthy.data.tools import PICTURES, TOOLS, Proposed, Tool, class_names

FROM, TO = "label", "image"


def write(proposals: Sequence[Proposed], folder: Path) -> None:
    """One task a frame, its boxes as a prediction with their scores."""
    tasks = []
    for own in proposals:
        boxes = [
            {
                "id": f"{number}",
                "type": "rectanglelabels",
                "from_name": FROM,
                "to_name": TO,
                "original_width": own.width,
                "original_height": own.height,
                "score": round(float(score), 4),
                "value": {**_percent(one.box, own), "rotation": 0, "rectanglelabels": [one.label]},
            }
            for number, (one, score) in enumerate(zip(own.frame.annotations, own.scores, strict=True))
        ]
        # Tasks can be sorted by it: of the least sure box.
        score = round(float(min(own.scores, default=1.0)), 4)
        place = quote(f"{folder.name}/{PICTURES}/{own.frame.path}")
        tasks.append(
            {
                "data": {TO: f"/data/local-files/?d={place}"},
                "predictions": [{"model_version": "roadworthy", "score": score, "result": boxes}],
            }
        )
    write_json(tasks, folder / "tasks.json")
    labels = "".join(f'    <Label value="{escape(name)}"/>\n' for name in class_names(proposals))
    write_text(
        f'<View>\n  <Image name="{TO}" value="${TO}"/>\n  <RectangleLabels name="{FROM}" toName="{TO}">\n'
        f"{labels}  </RectangleLabels>\n</View>\n",
        folder / "labels.xml",
    )


def _percent(box: Sequence[float], own: Proposed) -> dict[str, float]:
    x1, y1, x2, y2 = box
    across, down = 100 / own.width, 100 / own.height
    return {"x": x1 * across, "y": y1 * down, "width": (x2 - x1) * across, "height": (y2 - y1) * down}


def read(path: Path, labels: str) -> list[Frame]:
    """What Label Studio exports as JSON; tasks that nobody has submitted are left out."""
    try:
        tasks = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and "data" in t for t in tasks):
        raise DataError(f"{path} is no list of tasks; export the project as JSON, not as JSON-MIN or COCO")
    name_of, frames = label_reader(labels), list[Frame]()
    for task in tasks:
        given = [one for one in task.get("annotations", ()) if not one.get("was_cancelled")]
        if not given:
            continue
        try:
            name = _name(task["data"])
            own = tuple(_annotation(one, name_of) for one in given[-1]["result"] if _is_box(one))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            where = visible(str(task.get("id", len(frames))))
            raise DataError(f"{path}, task {where}: it has no usable {error}") from error
        frames.append(Frame(path=name, annotations=own))
    if not frames:
        raise DataError(f"{path} holds no task that was submitted; submit some, then export it again")
    return frames


def _is_box(one: Mapping[str, Any]) -> bool:
    return one.get("type") == "rectanglelabels"


def _name(data: Mapping[str, Any]) -> str:
    """The picture's name, of an address or of a path."""
    address = str(data.get(TO) or next(iter(data.values())))
    local = parse_qs(urlparse(address).query).get("d")
    return unquote(local[0] if local else urlparse(address).path).rpartition("/")[2]


def _annotation(one: Mapping[str, Any], name_of: Callable[[str], str]) -> Annotation:
    value = one["value"]
    x, y, w, h = (float(value[name]) / 100 for name in ("x", "y", "width", "height"))
    width, height = float(one["original_width"]), float(one["original_height"])
    box = _enclosing(x * width, y * height, w * width, h * height, float(value.get("rotation", 0)))
    if not all(map(math.isfinite, box)) or box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError(f"box {box}")
    return Annotation(box=box, label=name_of(value["rectanglelabels"][0]))


def _enclosing(x: float, y: float, w: float, h: float, turn: float) -> tuple[float, float, float, float]:
    """The upright box about one that is turned clockwise about its upper left corner."""
    sine, cosine = math.sin(math.radians(turn)), math.cos(math.radians(turn))
    xs = [x + a * cosine - b * sine for a, b in ((0, 0), (w, 0), (0, h), (w, h))]
    ys = [y + a * sine + b * cosine for a, b in ((0, 0), (w, 0), (0, h), (w, h))]
    return min(xs), min(ys), max(xs), max(ys)


TOOLS.register("labelstudio")(Tool(endings=(".json",), write=write, read=read))
