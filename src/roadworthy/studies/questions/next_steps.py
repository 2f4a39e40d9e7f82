"""What to try against mistakes, whether that was tried here, and how large the pictures are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from roadworthy.config import load_config
from roadworthy.core.document import Column, DataTable
from roadworthy.core.files import write_json
from roadworthy.core.words import percent
from roadworthy.data.open import open_splits
from roadworthy.data.records import Record
from roadworthy.evaluate.analysis.causes import Action
from roadworthy.imaging.spec import InputSpec
from roadworthy.studies.claims import Part, better
from roadworthy.studies.kept import SIZES
from roadworthy.studies.questions.measures import effect_words
from roadworthy.studies.questions.mistakes_arms import ASKED, LARGER
from roadworthy.studies.results import ArmResult, StudyResult

BUDGETS = ("train.epochs", "train.minutes", "train.samples", "train.gradients")


def to_try(result: StudyResult, found: Sequence[Action]) -> DataTable:
    """Each action with its settings, and what the arm that has just these gained here."""
    return DataTable(
        caption="What to try next; tried: in this study, each from the same beginning as "
        f"'{ASKED}', points of accuracy with 95 % intervals",
        columns=(Column("action"), Column("because"), Column("settings"), Column("tried")),
        rows=tuple(
            (
                action.name,
                action.evidence,
                ", ".join(f"{name}={value}" for name, value in action.settings.items()) or None,
                tried(result, action.settings) if action.settings else None,
            )
            for action in found
        ),
    )


def tried(result: StudyResult, settings: Mapping[str, Any]) -> str:
    """What came out of the arm with these settings; that there is none."""
    asked = result.arm(ASKED)
    for arm in result.arms:
        if arm.name != ASKED and arm.after and _differs_in(arm, asked) == dict(settings):
            compared = [c for c in result.comparisons if (c.a, c.b) == (arm.name, ASKED)]
            for comparison in compared:
                if comparison.metric == "accuracy":
                    return f"tried: {effect_words(comparison)}; {comparison.verdict}"
    return "not tried here"


def _differs_in(arm: ArmResult, other: ArmResult) -> Mapping[str, Any]:
    """The settings that the other lacks or has otherwise, budgets aside: each arm's is its own."""
    return {
        name: value
        for name, value in arm.settings.items()
        if name not in BUDGETS and other.settings.get(name) != value
    }


def longer_sides(result: StudyResult, folder: Path) -> Mapping[str, Mapping[int, int]]:
    """How many pictures of training and test have which longer side in pixels, cut as the network gets them.

    Kept in the study's folder once they are counted; read from the pictures of the first training.
    """
    path = folder / SIZES
    if not path.is_file():
        config = load_config(folder / result.arm(ASKED).runs[0].folder / "config.toml")
        splits = open_splits(config.data, config.input)
        counted = {
            name: Counter(
                _longer_side(record, config.input) for record in part.records if record.drawing is None
            )
            for name, part in (("train", splits.train), ("test", splits.test))
        }
        write_json({name: {str(px): n for px, n in sides.items()} for name, sides in counted.items()}, path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    return {name: {int(px): n for px, n in sides.items()} for name, sides in stored.items()}


def _longer_side(record: Record, spec: InputSpec) -> int:
    if record.box is not None and spec.crop != "full":
        x1, y1, x2, y2 = record.box
        return round(max(x2 - x1, y2 - y1))
    with Image.open(record.path) as image:
        return max(image.size)


def sizes_table(sides: Mapping[str, Mapping[int, int]], larger: int) -> DataTable:
    """How many pictures hold what a larger input could show, and how many are as large as any."""
    top = max((max(counts) for counts in sides.values() if counts), default=0)
    rows = []
    for name, counts in sides.items():
        n = sum(counts.values())
        enough = sum(count for px, count in counts.items() if px >= larger)
        rows.append((name, n, enough, counts.get(top, 0), counts.get(top, 0) / n if n else None))
    return DataTable(
        caption=f"How large the pictures are, by their longer side; the largest has {top} px",
        columns=(
            Column("pictures of"),
            Column("pictures", "count"),
            Column(f"of {larger} px or more", "count"),
            Column(f"of exactly {top} px", "count"),
            Column("of all", "share", 1),
        ),
        rows=tuple(rows),
    )


def higher_resolution(result: StudyResult, folder: Path) -> Part:
    """C8's part: open where no picture has what the larger input could show."""
    part = better(result.comparison(LARGER, ASKED), by=0.005)
    sides, larger = longer_sides(result, folder), larger_size(result, folder)
    n = sum(sum(counts.values()) for counts in sides.values())
    enough = sum(count for counts in sides.values() for px, count in counts.items() if px >= larger)
    top = max((max(counts) for counts in sides.values() if counts), default=0)
    capped = sum(counts.get(top, 0) for counts in sides.values())
    said = (
        f"{enough:,} of {n:,} pictures of training and test have {larger} px or more, {capped:,} "
        f"({percent(capped / n if n else 0.0, 0)}) the {top} px that none exceeds"
    )
    if enough:
        return Part(verdict=part.verdict, evidence=f"{part.evidence} ({said})")
    return Part(verdict="open", evidence=f"{part.evidence}, which says nothing of higher resolution: {said}")


def larger_size(result: StudyResult, folder: Path) -> int:
    """Side of the larger input, in pixels."""
    return load_config(folder / result.arm(LARGER).runs[0].folder / "config.toml").input.size
