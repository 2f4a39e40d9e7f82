"""Labels as the tools take them in which a person corrects them.

The pictures are named so that their order is that of what is worth a look.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from roadworthy.core.files import as_file_name, folder_replacing
from roadworthy.core.notes import say
from roadworthy.data.frames import Frame
from roadworthy.data.tools import PICTURES, TOOLS, Proposed


def write_labels(
    frames: Sequence[Frame],
    sizes: Mapping[str, tuple[int, int]],
    scores: Mapping[str, Sequence[float]],
    tool: str,
    out: Path,
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
    proposals = []
    with folder_replacing(place) as aside:
        folder = aside / tool  # tools write its name into their files
        (folder / PICTURES).mkdir(parents=True)
        for name, frame in zip(names, frames, strict=True):
            shutil.copyfile(frame.path, folder / PICTURES / name)  # a tool may turn or strip what it gets
            width, height = sizes[frame.path]
            named = replace(frame, path=name)
            proposals.append(Proposed(frame=named, width=width, height=height, scores=scores[frame.path]))
        TOOLS.get(tool).write(proposals, folder)
        for entry in folder.iterdir():
            entry.rename(aside / entry.name)
        folder.rmdir()
    return place, names
