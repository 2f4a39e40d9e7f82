"""Label Studio: tasks with annotations, and the labelling interface that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from roadworthy.core.files import write_json, write_text
from roadworthy.data.frames import Annotation
from roadworthy.data.writers import Layout, Written, writer
from roadworthy.data.writers._shared import classes_of, word_of


@writer("labelstudio", Layout(source="labelstudio", keeps=("ignore", "group", "sequence", "split")))
def write(frames: Sequence[Written], out: Path) -> str:
    """Label Studio: tasks.json, and interface.xml to set up the project with."""
    write_json([_task(number, frame) for number, frame in enumerate(frames, 1)], out / "tasks.json")
    labels = "".join(f"    <Label value={quoteattr(name)}/>\n" for name in classes_of(frames))
    write_text(
        '<View>\n  <Image name="image" value="$image"/>\n  <RectangleLabels name="label" toName="image">\n'
        f"{labels}  </RectangleLabels>\n</View>\n",
        out / "interface.xml",
    )
    return "tasks.json"


def _task(number: int, frame: Written) -> dict[str, Any]:
    data = {"image": f"/data/local-files/?d={quote(frame.picture)}"}
    data |= {name: value for name in ("split", "sequence") if (value := getattr(frame, name))}
    result = [_region(f"{number}-{place}", one, frame) for place, one in enumerate(frame.annotations)]
    return {"id": number, "data": data, "annotations": [{"result": result, "was_cancelled": False}]}


def _region(identity: str, one: Annotation, frame: Written) -> dict[str, Any]:
    x1, y1, x2, y2 = one.box
    meta = ({"ignore": True} if one.ignore else {}) | ({"track_id": one.group} if one.group else {})
    return {
        "id": identity,
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": frame.width,
        "original_height": frame.height,
        "image_rotation": 0,
        "value": {
            "x": x1 / frame.width * 100,
            "y": y1 / frame.height * 100,
            "width": (x2 - x1) / frame.width * 100,
            "height": (y2 - y1) / frame.height * 100,
            "rotation": 0,
            "rectanglelabels": [word_of(one)],
        },
        **({"meta": meta} if meta else {}),
    }
