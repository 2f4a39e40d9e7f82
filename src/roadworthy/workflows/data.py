"""Data sets looked at: audits, overviews, contact sheets."""

from __future__ import annotations

from collections.abc import Sequence
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
    from roadworthy.data.overview import Overview
from roadworthy.core.files import write_png
from roadworthy.core.paths import StrPath
from roadworthy.core.progress import Progress
from roadworthy.data.spec import extras_for


def audit(data: DataConfig, *, out: StrPath | None = None, progress: Progress | None = None) -> Audit:
    """What is wrong or odd with a data set; with `out`, it is also written.

    out: a folder for audit.json and a picture of doubtful pairs.
    """
    from roadworthy.data.audit import audit as run_audit
    from roadworthy.data.audit import audit_picture
    from roadworthy.data.spec import read_records, refuse_within_data

    with hearing() as notes:
        records = read_records(data.spec, data.labels)
    if any(record.drawing is not None for record in records):
        raise UsageError(
            f"{data.spec} is drawn, so nothing of it can be damaged or mislabelled; audit a set of files, "
            "or look at drawn ones with: roadworthy data preview"
        )
    found = run_audit(records, progress=progress)
    found = replace(found, notes=tuple(notes))
    if out is not None:
        out = as_path(out)
        refuse_within_data(out, data.spec)
        make_folder(out)
        write_json(found.to_dict(), out / "audit.json")
        sheet = audit_picture(found)
        if sheet is not None:
            write_png(sheet, out / "audit.png")
    return found


def overview(data: DataConfig) -> Overview:
    """The first pages that a person wants of a data set: classes, counts, icons, heads of the tables."""
    from roadworthy.data.overview import overview as make_overview
    from roadworthy.data.spec import read_records
    from roadworthy.data.task import select

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
    """A contact sheet of pictures as the network gets them.

    augment: vary the pictures as this policy does in training; `roadworthy list policies` shows them all.
    out: the picture to write, like sheet.png.
    n: how many pictures.
    seed: which pictures; another seed takes others.
    """
    from roadworthy.data.open import load_pictures
    from roadworthy.data.sheet import contact_sheet
    from roadworthy.data.spec import read_records
    from roadworthy.data.task import select

    require("a preview", *extras_for(data.spec), *([] if augment is None else ["train"]))
    spec, out = input or InputSpec(), as_path(out)
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{out} is no name for a picture; end it with .png")
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
