"""Data sets looked at: audits, overviews, contact sheets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from roadworthy.config import AugmentConfig, DataConfig
from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import make_folder, write_json
from roadworthy.core.notes import hearing
from roadworthy.core.paths import as_path
from roadworthy.imaging.decode import SUFFIXES
from roadworthy.imaging.spec import InputSpec

if TYPE_CHECKING:
    from roadworthy.data.audit import Audit
    from roadworthy.data.frame_audit import FrameAudit
    from roadworthy.data.frame_overview import FrameOverview
    from roadworthy.data.frames import Frame
    from roadworthy.data.overview import Overview
from roadworthy.core.files import write_png
from roadworthy.core.paths import StrPath
from roadworthy.core.progress import Progress
from roadworthy.data.spec import extras_for


def audit(
    data: DataConfig, *, out: StrPath | None = None, progress: Progress | None = None
) -> Audit | FrameAudit:
    """What is wrong or odd with a data set; with `out`, it is also written.

    Where all of the set are frames with boxes, these are checked as such.
    out: a folder for audit.json and a picture of doubtful pairs.
    """
    from roadworthy.data.frame_specs import has_frames
    from roadworthy.data.spec import refuse_within_data

    with hearing() as notes:
        found, sheet = (_audit_frames if has_frames(data.spec) else _audit_pictures)(data, progress)
    found = replace(found, notes=tuple(notes))
    if out is not None:
        out = as_path(out)
        refuse_within_data(out, data.spec)
        make_folder(out)
        write_json(found.to_dict(), out / "audit.json")
        if (picture := sheet()) is not None:
            write_png(picture, out / "audit.png")
    return found


def _audit_pictures(
    data: DataConfig, progress: Progress | None
) -> tuple[Audit, Callable[[], ByteArray | None]]:
    """The audit, and what draws its doubtful pairs."""
    from roadworthy.data.audit import audit as run_audit
    from roadworthy.data.audit import audit_picture
    from roadworthy.data.spec import read_records

    records = read_records(data.spec, data.labels)
    if any(record.drawing is not None for record in records):
        raise UsageError(
            f"{data.spec} is drawn, so nothing of it can be damaged or mislabelled; audit a set of files, "
            "or look at drawn ones with: roadworthy data preview"
        )
    found = run_audit(records, progress=progress)
    return found, lambda: audit_picture(found)


def _audit_frames(
    data: DataConfig, progress: Progress | None
) -> tuple[FrameAudit, Callable[[], ByteArray | None]]:
    """The same of frames."""
    from roadworthy.data.frame_audit import audit_frames, pairs_picture
    from roadworthy.data.frame_specs import read_frames

    found = audit_frames(read_frames(data.spec, data.labels), progress=progress)
    return found, lambda: pairs_picture(found)


def overview(data: DataConfig) -> Overview | FrameOverview:
    """The first pages that a person wants of a data set: classes, counts, icons, heads of the tables.

    Of frames with boxes: how many, with how many signs of which class and size.
    """
    from roadworthy.data.frame_overview import frame_overview
    from roadworthy.data.frame_specs import has_frames
    from roadworthy.data.overview import overview as make_overview
    from roadworthy.data.spec import read_records
    from roadworthy.data.task import select

    if has_frames(data.spec):
        return frame_overview(*_frames(data))
    task = select(read_records(data.spec, data.labels), data.classes, data.group_by, data.labels)
    return make_overview(task.records, task.classes, [data.spec])


def preview(
    data: DataConfig,
    input: InputSpec | None = None,
    augment: AugmentConfig | None = None,
    out: StrPath = "preview.png",
    n: int = 64,
    seed: int = 0,
) -> Path:
    """A contact sheet of pictures as the network gets them; of training frames, whole, with their boxes.

    augment: vary the pictures as this policy does in training; `roadworthy list policies` shows them all.
    out: the picture to write, like sheet.png.
    n: how many pictures.
    seed: which pictures; another seed takes others.
    """
    from roadworthy.data.frame_specs import has_frames
    from roadworthy.data.open import load_pictures
    from roadworthy.data.sheet import contact_sheet
    from roadworthy.data.spec import read_records
    from roadworthy.data.task import select

    require("a preview", *extras_for(data.spec), *([] if augment is None else ["train"]))
    spec, out = input or InputSpec(), as_path(out)
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{out} is no name for a picture; end it with .png")
    if has_frames(data.spec):
        return _preview_frames(data, spec, augment, out, n, seed)
    task = select(read_records(data.spec, data.labels), data.classes, data.group_by, data.labels)
    if not task.records:
        raise DataError(f"{data.spec} holds no pictures of the classes asked for")
    rng = np.random.default_rng(seed)
    chosen = [task.records[int(i)] for i in np.sort(rng.permutation(len(task.records))[:n])]
    pictures = load_pictures(chosen, data, spec)
    images, labels = pictures.images, [chosen[int(i)].label for i in pictures.kept]
    if augment is not None:
        images, labels = _augmented(images, labels, task.classes, augment, seed)
    make_folder(out.parent)
    write_png(contact_sheet(list(images), labels), out)
    return out


def _frames(data: DataConfig) -> tuple[list[Frame], tuple[str, ...]]:
    """The frames of a spec with signs of the classes asked for, and these classes."""
    from roadworthy.data.frame_overview import with_classes
    from roadworthy.data.frame_specs import read_frames

    return with_classes(read_frames(data.spec, data.labels), data.classes, data.group_by, data.labels)


def _preview_frames(
    data: DataConfig, spec: InputSpec, augment: AugmentConfig | None, out: Path, n: int, seed: int
) -> Path:
    from roadworthy.data.frame_sheet import frame_sheet
    from roadworthy.data.frame_splits import split_frames

    if augment is not None or spec != InputSpec():
        raise UsageError(
            f"{data.spec} is of frames, which are shown whole with their boxes; --policy, --size and --crop "
            "are for pictures of single signs"
        )
    found = _frames(data)[0]
    frames = [frame for frame in found if not frame.fault]
    if not frames:
        raise DataError(
            f"none of the {len(found):,} frames of {data.spec} can be used, first: {found[0].path} "
            f"{found[0].fault}"
        )
    # Whoever looks at the frames to be tested on, and then chooses, has been tuned on them.
    shown = split_frames(frames, data.split, data.split_seed, data.val_fraction)["train"] or frames
    rng = np.random.default_rng(seed)
    chosen = [shown[int(i)] for i in np.sort(rng.permutation(len(shown))[:n])]
    make_folder(out.parent)
    write_png(frame_sheet(chosen), out)
    return out


def _augmented(
    images: ByteArray, labels: list[str], classes: Sequence[str], config: AugmentConfig, seed: int
) -> tuple[ByteArray, list[str]]:
    import torch

    from roadworthy.augment.policy import build_policy
    from roadworthy.core.device import generator

    targets = torch.tensor([list(classes).index(label) for label in labels])
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    varied, targets = build_policy(config, classes)(batch, targets, generator("cpu", seed, "preview"))
    pixels = (varied.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return pixels, [classes[int(t)] for t in targets]
