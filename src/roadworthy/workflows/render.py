"""Drawn pictures as a data set of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from roadworthy.config import DataConfig
from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import folder_filling, make_folder, remove_leftovers
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.progress import Progress
from roadworthy.data.records import Record
from roadworthy.imaging.spec import InputSpec
from roadworthy.workflows.drawn_drives import is_drive, render_drives

_DRAWN_AT_ONCE = 4096
_SIZE_PX = 48


def render(
    spec: str,
    out: StrPath,
    n: int | None = None,
    *,
    per_class: int | None = None,
    size: int = 48,
    recipe: str | None = None,
    seed: int | None = None,
    faces: StrPath | None = None,
    progress: Progress | None = None,
) -> Path:
    """Draw labelled pictures into a new folder, one folder a class, as `folder:` reads them; or drives.

    spec: what to draw: `rendered:au`, `rendered:de` or `rendered:au+de`, or films of drives,
        `drive:au?km=5&light=night`.  What is given here wins over what the spec says.
    out: a new folder, with a folder for each class in it, or with the film, its track and its truth.
    n: how many pictures in all, either `n` or `per_class`, here or in the spec; of drives, how many, or one.
    per_class: how many pictures of each class, in place of `n`.
    size: side of each picture in pixels.
    recipe: which camera; `roadworthy list recipes` shows them all.
    seed: which pictures; another seed draws others.
    faces: a folder with faces of your own: catalogue.toml and SVG files.
    Each picture is a sign of its own: CLASS/NNNNN_00000.png.
    """
    if is_drive(spec):
        if per_class is not None or faces is not None or size != _SIZE_PX:
            raise UsageError(
                f"{spec!r} takes no per_class, faces or size in px; write drive:au?size=1280x720"
            )
        return render_drives(spec, out, n, recipe=recipe, seed=seed, progress=progress)
    require("drawing signs", "train", "signs")
    from roadworthy.data.drawings import check_rendered
    from roadworthy.data.sources import SOURCES
    from roadworthy.data.spec import locate, parse_spec

    out, parts = as_path(out), parse_spec(spec)
    if len(parts) != 1 or parts[0].source != "rendered" or parts[0].share is not None:
        raise UsageError(f"{spec!r} is nothing to draw; write rendered:au, rendered:de or rendered:au+de")
    named = dict(parts[0].options)
    if n is not None or per_class is not None:
        named = {name: v for name, v in named.items() if name not in ("n", "per_class")}
    given = {
        "n": n,
        "per_class": per_class,
        "recipe": recipe,
        "seed": seed,
        "faces": faces and os.fspath(faces),
    }
    options = {**named, **{name: str(v) for name, v in given.items() if v is not None}}
    if not options.keys() & {"n", "per_class"}:
        raise UsageError("how many pictures to draw is not said; give --n N or --per-class N")
    records = SOURCES.get("rendered")(locate(parts[0]), options, "names")
    check_rendered(options)
    remove_leftovers(make_folder(out))
    if any(out.iterdir()):
        raise UsageError(f"{out} is not empty; name a new folder")
    drawn = [record for record in records if record.split in ("", "train")]
    try:
        with folder_filling(out) as aside:  # half a set would read like a whole one
            _draw(drawn, DataConfig(spec=spec), InputSpec(size=size), aside, progress)
    except OSError as error:
        raise UsageError(
            f"the pictures cannot be written to {out}: {error.strerror or error}; nothing is left there"
        ) from error
    return out


def _draw(
    records: Sequence[Record], config: DataConfig, spec: InputSpec, folder: Path, progress: Progress | None
) -> None:
    """Draw the pictures, some at a time, each into the folder of its class."""
    from PIL import Image

    from roadworthy.data.open import load_pictures

    for start in range(0, len(records), _DRAWN_AT_ONCE):
        part = records[start : start + _DRAWN_AT_ONCE]
        for image, record in zip(load_pictures(part, config, spec).images, part, strict=True):
            assert record.drawing is not None
            path = folder / record.label / f"{record.drawing.number:05d}_00000.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(image).save(path)
        if progress is not None:
            progress(start + len(part), len(records))
