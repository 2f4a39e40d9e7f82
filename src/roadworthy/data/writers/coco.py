"""COCO: a .json for each split; regions to be ignored are crowds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roadworthy.core.files import write_json
from roadworthy.data.writers import Layout, Written, writer
from roadworthy.data.writers._shared import classes_of, plain, word_of


@writer("coco", Layout(source="coco", keeps=("ignore", "group", "sequence", "split")))
def write(frames: Sequence[Written], out: Path) -> str:
    """COCO: a .json for each split, pictures in images/."""
    classes = {name: n for n, name in enumerate(classes_of(frames), 1)}
    splits = sorted({frame.split for frame in frames})
    for split in splits:
        own = [frame for frame in frames if frame.split == split]
        write_json(_tree(own, classes), out / f"instances_{split or 'all'}.json")
    return "instances_all.json" if splits == [""] else "."


def _tree(frames: Sequence[Written], classes: dict[str, int]) -> dict[str, Any]:
    videos = {name: n for n, name in enumerate(sorted({f.sequence for f in frames if f.sequence}), 1)}
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for number, frame in enumerate(frames, 1):
        image = {
            "id": number,
            "file_name": frame.picture.removeprefix("images/"),
            "width": frame.width,
            "height": frame.height,
        }
        images.append(image | ({"video_id": videos[frame.sequence]} if frame.sequence else {}))
        for one in frame.annotations:
            x1, y1, x2, y2 = one.box
            boxes.append(
                {
                    "id": len(boxes) + 1,
                    "image_id": number,
                    "category_id": classes[word_of(one)],
                    "bbox": [plain(value) for value in (x1, y1, x2 - x1, y2 - y1)],
                    "area": plain((x2 - x1) * (y2 - y1)),
                    "iscrowd": int(one.ignore),
                    **({"track_id": one.group} if one.group else {}),
                }
            )
    return {
        "info": {"description": "written by Roadworthy"},
        "licenses": [],
        "videos": [{"id": n, "name": name} for name, n in videos.items()],
        "images": images,
        "categories": [{"id": n, "name": name} for name, n in classes.items()],
        "annotations": boxes,
    }
