"""Frames with boxes written in another format."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from roadworthy.config import DataConfig
from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.files import as_file_name, folder_filling, make_folder, write_png
from roadworthy.core.notes import say
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.data.frames import Frame
from roadworthy.data.writers import LAYOUTS, WRITERS, Layout, Written
from roadworthy.imaging.decode import decode, picture_size

_OWN = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}  # what other tools read, too
_FIRST_TEST, _MOST = 450, 100_000


def convert(
    data: DataConfig,
    *,
    to: str,
    out: StrPath,
    pictures: str = "copy",
    progress: Progress | None = None,
) -> str:
    """The data spec of a new folder that holds the frames of another in a format of others.

    to: the format to write, like yolo or coco; an unknown one is told all that there are.
    out: a new folder, or an empty one.
    pictures: copy them, or link to where they lie.
    Boxes come back to a millionth of a pixel.  What the format has no place for is said.
    Raises DataError for frames that cannot be used: converted, they would be frames without signs.
    """
    from roadworthy.data.frame_specs import read_frames
    from roadworthy.data.spec import refuse_within_data

    write, layout = WRITERS.get(to), LAYOUTS[to]
    if pictures not in ("copy", "link"):
        raise UsageError(f"got pictures={pictures!r}; they are copied (copy) or linked to (link)")
    out = as_path(out)
    refuse_within_data(out, data.spec)
    frames = read_frames(data.spec, data.labels)
    if faults := [frame for frame in frames if frame.fault]:
        raise DataError(
            f"{len(faults):,} frames cannot be used, first: {faults[0].path} {faults[0].fault}; correct or "
            "remove them (roadworthy data audit lists all)"
        )
    make_folder(out)
    if any(out.iterdir()):
        raise UsageError(f"{out} is not empty; name a new folder")
    _say_lost(frames, layout, to)
    with folder_filling(out) as aside:
        written = []
        for count, (frame, name) in enumerate(zip(frames, _names(frames, layout), strict=True), 1):
            written.append(_placed(frame, name, aside, pictures))
            if progress is not None:
                progress(count, len(frames))
        place = write(written, aside)
    return f"{layout.source}:{out if place == '.' else out / place}"


def _say_lost(frames: Sequence[Frame], layout: Layout, to: str) -> None:
    """What the format has no place for, as far as these frames have it."""
    marks = [one for frame in frames for one in frame.annotations]
    has = {
        "group": any(one.group for one in marks),
        "sequence": any(frame.sequence for frame in frames),
        "split": any(frame.split for frame in frames),
    }
    words = {"group": "physical signs", "sequence": "films", "split": "splits"}
    if lost := [words[name] for name, there in has.items() if there and name not in layout.keeps]:
        say(f"{to} has no place for {' and '.join(lost)}; they are lost")


def _names(frames: Sequence[Frame], layout: Layout) -> list[str]:
    """Where each picture goes, below the new folder."""
    if layout.films:
        return _film_names(frames, layout)
    bases = _unique([frame.path for frame in frames])
    numbers = {"train": 0, "test": _FIRST_TEST}
    names = []
    for frame, base in zip(frames, bases, strict=True):
        kind = "test" if frame.split == "test" else "train"
        suffix = PurePath(base).suffix
        names.append(
            layout.picture.format(name=base, split=frame.split, gtsdb=numbers[kind], suffix=suffix)
            .replace("//", "/")
            .lstrip("/")
        )
        numbers[kind] += 1
    if "gtsdb" in layout.picture and (numbers["train"] > _FIRST_TEST or numbers["test"] > _MOST):
        raise DataError(
            f"gtsdb numbers its test from {_FIRST_TEST} on, so it holds {_FIRST_TEST} frames to train "
            f"on; got {numbers['train']:,}; write another format"
        )
    return names


def _film_names(frames: Sequence[Frame], layout: Layout) -> list[str]:
    counts: Counter[str] = Counter()
    names = []
    for frame in frames:
        film = as_file_name("-".join(part for part in (frame.split, frame.sequence or "frames") if part))
        suffix = _suffix(frame.path)
        names.append(layout.picture.format(film=film, number=counts[film], suffix=suffix))
        counts[film] += 1
    return names


def _suffix(path: str) -> str:
    suffix = PurePath(path).suffix.lower()
    return suffix if suffix in _OWN else ".png"


def _unique(paths: Sequence[str]) -> list[str]:
    """File names, no two of which have one stem; with the folders above where names alone would clash."""
    stems = Counter(PurePath(path).stem.lower() for path in paths)
    above = os.path.commonpath([os.path.abspath(os.path.dirname(path)) for path in paths])  # noqa: PTH100, PTH120
    names: list[str] = []
    taken: set[str] = set()
    for path in paths:
        pure = PurePath(path)
        stem = pure.stem
        if stems[stem.lower()] > 1:
            stem = "_".join(PurePath(os.path.relpath(path, above)).with_suffix("").parts)
        stem, number = as_file_name(stem), 2
        while stem.lower() in taken:
            stem, number = f"{stem}_{number}", number + 1
        taken.add(stem.lower())
        names.append(f"{stem}{_suffix(path)}")
    return names


def _placed(frame: Frame, name: str, folder: Path, pictures: str) -> Written:
    """The frame with its picture in the new folder; rare formats become PNG, which loses nothing."""
    path = folder / name
    make_folder(path.parent)
    if PurePath(frame.path).suffix.lower() not in _OWN:
        write_png(decode(frame.path), path)
    elif pictures == "link":
        path.symlink_to(Path(frame.path).absolute())
    else:
        shutil.copyfile(frame.path, path)
    width, height = picture_size(path)
    return Written(
        picture=name,
        width=width,
        height=height,
        annotations=frame.annotations,
        sequence=frame.sequence,
        split=frame.split,
    )
