"""YOLO: labels/NAME.txt for images/NAME, and data.yaml with the classes; many tools open it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from roadworthy.core.files import write_text
from roadworthy.data.frames import Frame
from roadworthy.data.tools import PICTURES, TOOLS, Proposed, Tool, class_names


def write(proposals: Sequence[Proposed], folder: Path) -> None:
    """Middles and sizes as shares of the picture's, to a millionth."""
    names = class_names(proposals)
    (folder / "labels").mkdir()
    for own in proposals:
        lines = []
        for one in own.frame.annotations:
            x1, y1, x2, y2 = one.box
            middle = ((x1 + x2) / 2 / own.width, (y1 + y2) / 2 / own.height)
            shares = (*middle, (x2 - x1) / own.width, (y2 - y1) / own.height)
            lines.append(f"{names.index(one.label)} " + " ".join(f"{share:.6f}" for share in shares) + "\n")
        write_text("".join(lines), (folder / "labels" / own.frame.path).with_suffix(".txt"))
    described = {"path": ".", "train": PICTURES, "names": dict(enumerate(names))}
    write_text(yaml.safe_dump(described, sort_keys=False, allow_unicode=True), folder / "data.yaml")


def read(path: Path, labels: str) -> list[Frame]:
    """A folder, or its data.yaml; it must hold the pictures, whose sizes the boxes need."""
    from roadworthy.data.frame_specs import read_frames

    return read_frames(f"yolo:{path}", labels)


TOOLS.register("yolo")(Tool(endings=(".yaml", ".yml"), write=write, read=read))
