"""One arm against another, on the pictures that both were measured on.  No torch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.finder_predictions import TASK, FinderPredictions
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.provenance import machines_apart
from roadworthy.evaluate.detection.paired import FinderComparison
from roadworthy.evaluate.detection.paired import compare_finders as compare_predictions
from roadworthy.evaluate.results import Comparison
from roadworthy.evaluate.statistics.pairing import Pairing, pair
from roadworthy.inference.onnx import PACKAGED
from roadworthy.workflows.predict import names_of


def compare(
    runs_a: StrPath | Sequence[StrPath], runs_b: StrPath | Sequence[StrPath]
) -> tuple[Comparison, Pairing]:
    """The accuracies of the stored answers of both, in pairs (api.compare tells the rules)."""
    require("comparing", "train", modules=("scipy",))
    from roadworthy.evaluate.statistics.unjudged import at_chance  # these take scipy
    from roadworthy.evaluate.statistics.verdicts import judge, paired

    folders_a, folders_b = names_of(runs_a), names_of(runs_b)
    if PACKAGED in (*folders_a, *folders_b):
        raise UsageError(
            f"{PACKAGED} is a model, and what is compared are stored answers; first: roadworthy evaluate "
            f"{PACKAGED} --data SPEC --out DIR, then compare DIR (a folder of that name is ./{PACKAGED})"
        )
    a, b = (list(map(as_path, folders)) for folders in (folders_a, folders_b))
    if finder := next((folder for folder in (*a, *b) if are_finders([folder])), None):
        other = next((folder for folder in (*a, *b) if not are_finders([folder])), None)
        beside = "" if other is None else f", and {other} holds no answers of a finder"
        raise UsageError(f"{finder} is of a finder{beside}; compare two folders of finders, or readers")
    both = pair(a, b)
    names = (a[0].name, b[0].name)
    found = paired(
        *names,
        both.a,
        both.b,
        both.groups,
        frames_per_sign=both.unnamed_frames,
        generator=np.random.default_rng(0),
    )
    found = dataclasses.replace(found, reason=at_chance(*names, both))
    return judge([found])[0], both


def compare_finders(run_a: StrPath, run_b: StrPath) -> FinderComparison:
    """Two finders on the frames that both were measured on (api.compare_finders tells the rules)."""
    folders = [as_path(run) for run in (run_a, run_b)]
    a, b = (FinderPredictions.read(folder) for folder in folders)
    return compare_predictions(a, b, names=(folders[0].name, folders[1].name))


def are_finders(runs: Sequence[StrPath]) -> bool:
    """Whether each of some folders holds what a finder was measured at; False for one that holds nothing."""
    try:
        return all(_stored(as_path(run), "metrics.json").get("task") == TASK for run in runs)
    except (OSError, ValueError):
        return False


@dataclass(frozen=True, kw_only=True)
class Speeds:
    """Pictures a second that either arm's trainings took in, means over them.

    apart: why the two cannot be set side by side; then they are None.
    """

    a: float | None
    b: float | None
    apart: str = ""


def training_speeds(
    runs_a: StrPath | Sequence[StrPath], runs_b: StrPath | Sequence[StrPath]
) -> Speeds | None:
    """How fast either arm trained; None where a folder holds no training."""
    arms = [[as_path(folder) for folder in names_of(runs)] for runs in (runs_a, runs_b)]
    try:
        origins = [_stored(folder, "provenance.json") for arm in arms for folder in arm]
        measured = [[_stored(folder, "metrics.json") for folder in arm] for arm in arms]
        a, b = (float(np.mean([one["samples"] / one["train_seconds"] for one in arm])) for arm in measured)
    except (OSError, ValueError, KeyError, ZeroDivisionError):
        return None
    if apart := machines_apart(origins):
        return Speeds(a=None, b=None, apart=apart)
    return Speeds(a=a, b=b)


def _stored(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found
