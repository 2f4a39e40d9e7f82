"""Labels as the tools take them in which a person corrects them.

For every tool the pictures lie in images/, named so that their order is that of what is worth a look.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from roadworthy.core.files import as_file_name, folder_replacing, write_text
from roadworthy.core.notes import say
from roadworthy.core.registry import Registry
from roadworthy.data.frames import Frame

PICTURES = "images"
Sizes = Mapping[str, tuple[int, int]]
Scores = Mapping[str, Sequence[float]]
Tool = Callable[[Sequence[Frame], Sizes, Scores, Path], None]
"""Writes frames into a folder, their paths being names in images/; sizes and scores go by these names."""

TOOLS: Registry[Tool] = Registry("labelling tool")


def write_labels(
    frames: Sequence[Frame], sizes: Sizes, scores: Scores, tool: str, out: Path
) -> tuple[Path, list[str]]:
    """Write the labels for a tool; returns where they are, and what each picture is called there.

    frames: in the order in which they are to be looked at.  sizes: (width, height) by path.  scores: by path,
    how sure each box is.
    Labels that are there already may have been corrected, and stay.
    """
    digits = max(4, len(str(len(frames))))
    names = [
        f"{number:0{digits}d}-{as_file_name(Path(frame.path).name)}"
        for number, frame in enumerate(frames, start=1)
    ]
    place = out / tool
    if place.exists():
        say(f"{place} is there already and may have been corrected, so it stays as it is")
        return place, names
    named = [replace(frame, path=name) for frame, name in zip(frames, names, strict=True)]
    paths = dict(zip(names, (frame.path for frame in frames), strict=True))
    with folder_replacing(place) as folder:
        (folder / PICTURES).mkdir()
        for name, path in paths.items():
            shutil.copyfile(path, folder / PICTURES / name)  # a tool may turn or strip what it gets
        TOOLS.get(tool)(
            named,
            {name: sizes[path] for name, path in paths.items()},
            {name: scores[path] for name, path in paths.items()},
            folder,
        )
    return place, names


@TOOLS.register("yolo")
def _yolo(frames: Sequence[Frame], sizes: Sizes, scores: Scores, folder: Path) -> None:
    """labels/NAME.txt beside images/, and data.yaml with the classes."""
    names = sorted({one.label for frame in frames for one in frame.annotations})
    (folder / "labels").mkdir()
    for frame in frames:
        width, height = sizes[frame.path]
        lines = []
        for one in frame.annotations:
            x1, y1, x2, y2 = one.box
            shares = (
                (x1 + x2) / 2 / width,
                (y1 + y2) / 2 / height,
                (x2 - x1) / width,
                (y2 - y1) / height,
            )
            lines.append(f"{names.index(one.label)} " + " ".join(f"{share:.6f}" for share in shares) + "\n")
        write_text("".join(lines), (folder / "labels" / frame.path).with_suffix(".txt"))
    listed = "".join(f"  {number}: '{name}'\n" for number, name in enumerate(names))
    write_text(f"path: .\ntrain: {PICTURES}\nnames:\n{listed}", folder / "data.yaml")
