"""YOLO: labels/ beside images/, and a data.yaml that names both and the classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import yaml

from roadworthy.core.files import make_folder, write_text
from roadworthy.data.writers import Layout, Written, writer
from roadworthy.data.writers._shared import classes_of, wanted, word_of


@writer("yolo", Layout(source="yolo", picture="images/{split}/{name}", keeps=("split",)))
def write(frames: Sequence[Written], out: Path) -> str:
    """YOLO: a .txt for each picture, and data.yaml."""
    kept = wanted(frames, "yolo")
    numbers = {name: n for n, name in enumerate(classes_of(frames))}
    for frame, marks in kept:
        path = out / PurePosixPath("labels", *PurePosixPath(frame.picture).parts[1:]).with_suffix(".txt")
        make_folder(path.parent)
        lines = []
        for one in marks:
            x1, y1, x2, y2 = one.box
            shares = (
                (x1 + x2) / 2 / frame.width,
                (y1 + y2) / 2 / frame.height,
                (x2 - x1) / frame.width,
                (y2 - y1) / frame.height,
            )
            # All digits: rounded shares would move corners by a part of a pixel.
            lines.append(" ".join([str(numbers[word_of(one)]), *(f"{share:.17g}" for share in shares)]))
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    splits = {frame.split for frame in frames}
    tree: dict[str, object] = {
        name: f"images/{name}" for name in ("train", "val", "test") if name in splits
    } or {"train": "images"}
    tree |= {"nc": len(numbers), "names": list(numbers)}
    write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), out / "data.yaml")
    return "data.yaml" if splits != {""} else "."
