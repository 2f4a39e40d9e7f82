"""Several frames of one sign against each of them, when weather and camera spoil them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.core.document import Column, DataTable
from roadworthy.core.predictions import log_probabilities
from roadworthy.core.words import percent
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_splits
from roadworthy.evaluate.calibration import expected_calibration_error
from roadworthy.evaluate.fusion import (
    SINGLE,
    TOGETHER,
    Track,
    choose_independence,
    error_of_frames,
    fused,
    tracks,
)
from roadworthy.studies.answers import within
from roadworthy.studies.plan import STUDIES, Arm, Job, Plan, Study, StudyRequest, read_measured
from roadworthy.studies.questions.corruptions import kinds_in, kinds_of_corruption
from roadworthy.studies.questions.setups import classes_of, many_classes
from roadworthy.studies.results import Curve, Curves, StudyResult

ARM = "photographs"
FOLDS, QUICK_FOLDS = 5, 3
SEVERITY = 3
COUNTS = (1, 2, 5, 10, 20)  # frames of a sign, spread evenly over all that it has
REPETITIONS = 2000
QUICK_FRAMES = 2500  # of each fold's held-out signs


class Frames(Study):
    """What are several frames of one sign worth, when weather and camera spoil them?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """Folds by track: every training sign is answered for by a network that never saw it."""
        return Plan(
            base=many_classes(ask),
            arms=(Arm(name=ARM, settings={"data.classes": classes_of(ask)}),),
            folds=QUICK_FOLDS if ask.quick else FOLDS,
            seeds=1,
            domains=False,
        )

    def measure(self, job: Job) -> Mapping[str, Any]:
        """Of each held-out sign, under every corruption: its frames' errors and those of all together."""
        import torch

        from roadworthy.core.device import derive_seed
        from roadworthy.evaluate.corruptions import corrupt
        from roadworthy.inference.torch import predict_logits
        from roadworthy.train.checkpoint import load_checkpoint

        model, card = load_checkpoint(job.model)
        splits = open_splits(job.config.data, job.config.input)

        def spoilt(data: Dataset, name: str) -> FloatArray:
            generator = torch.Generator().manual_seed(derive_seed(job.fold, name, len(data)))
            images = corrupt(np.asarray(data.images), name, SEVERITY, generator)
            return log_probabilities(predict_logits(model, images, card.input), card.temperature)

        kinds = kinds_of_corruption()
        names = list(kinds["groups"])
        chosen = choose_independence([spoilt(splits.val, name) for name in names], tracks(splits.val))
        test = splits.test.some_signs(QUICK_FRAMES) if job.quick else splits.test
        held_out = tracks(test)
        each: dict[str, Any] = {name: _errors(spoilt(test, name), held_out, chosen) for name in names}
        clean = log_probabilities(predict_logits(model, test.images, card.input), card.temperature)
        return {
            "independence": chosen,
            "signs": [track.name for track in held_out],
            "frames": sum(len(track.rows) for track in held_out),
            "clean": _errors(clean, held_out, chosen),
            "corrupted": each,
            **kinds,
        }

    def answer(self, result: StudyResult, folder: Path) -> str:
        """The errors of single frames and of all of a sign, and their ratio with its interval over signs."""
        pooled = _Pooled(result, folder)
        single, together = pooled.mean(SINGLE), pooled.mean(TOGETHER)
        if not single:
            return f"Open: no frame of {pooled.signs:,} signs was read wrongly."
        low, high = pooled.ratio_ci95()
        reply = within(1 - high, 1 - low, 0.0, quick=bool(result.asked["quick"]))
        words = {
            "Yes": "several frames are read better than one",
            "No": "several frames are read worse than one",
        }
        return (
            f"{reply}: {words.get(reply, 'what several frames are worth is not shown')}. "
            f"Over {len(pooled.names)} corruptions at severity {SEVERITY}, {percent(single)} of single "
            f"frames are read wrongly and {percent(together)} of signs by all their frames: "
            f"{together / single:.2f} of it (95 % over {pooled.signs:,} signs {low:.2f} to {high:.2f})."
        )

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """Ways to put frames together, each corruption, and what confidence is worth afterwards."""
        pooled = _Pooled(result, folder)
        return [_by_way(pooled), _by_corruption(pooled), _calibration(pooled)]

    def curves(self, result: StudyResult, folder: Path) -> Sequence[Curves]:
        """Errors against how many frames are seen."""
        pooled = _Pooled(result, folder)
        lines = []
        for name, error in (("clean", pooled.clean), ("corrupted", pooled.mean)):
            ys = [1 - error(f"frames: {count}") for count in COUNTS]
            nothing = (None,) * len(COUNTS)
            lines.append(
                Curve(name=name, xs=tuple(map(float, COUNTS)), ys=tuple(ys), lows=nothing, highs=nothing)
            )
        return [
            Curves(
                name="frames",
                caption="Signs read correctly from so many of their frames together",
                x_label="frames, spread evenly over the track",
                curves=tuple(lines),
            )
        ]


def _errors(log_probs_NC: FloatArray, held_out: Sequence[Track], independence: float) -> dict[str, Any]:
    """Of each sign, in order, by each way to answer; calibration errors over all of them."""
    targets = np.array([track.target for track in held_out])
    found: dict[str, Any] = {
        name: [round(value, 4) for value in values]
        for name, values in error_of_frames(log_probs_NC, held_out).items()
    }
    for count in COUNTS:
        few = [track.spread(count) for track in held_out]
        answers = fused(log_probs_NC, few, 0.0).argmax(axis=1)
        found[f"frames: {count}"] = (answers != targets).astype(int).tolist()
    for name, worth in (("mean", 0.0), ("chosen", independence), ("sum", 1.0)):
        probs = np.exp(fused(log_probs_NC, held_out, worth))
        found[f"ece: {name}"] = expected_calibration_error(probs, targets)
    return found


class _Pooled:
    """All folds together: each training sign once."""

    def __init__(self, result: StudyResult, folder: Path) -> None:
        self.folds = [read_measured(folder / run.folder) for run in result.arm(ARM).runs]
        self.names = list(self.folds[0]["corrupted"])
        self.signs = sum(len(fold["signs"]) for fold in self.folds)
        self.frames = sum(fold["frames"] for fold in self.folds)

    def each(self, way: str, names: Sequence[str] = ()) -> FloatArray:
        """(T,) the error of each sign, over those corruptions, all without a name."""
        names = names or self.names
        return np.concatenate(
            [np.mean([fold["corrupted"][name][way] for name in names], axis=0) for fold in self.folds]
        )

    def mean(self, way: str, names: Sequence[str] = ()) -> float:
        """Over signs."""
        return float(self.each(way, names).mean())

    def clean(self, way: str) -> float:
        """Over signs, pictures as they are."""
        return float(np.concatenate([fold["clean"][way] for fold in self.folds]).mean())

    def ratio_ci95(self) -> tuple[float, float]:
        """Of the error by all frames to that of single ones: bootstrap over signs."""
        single, together = self.each(SINGLE), self.each(TOGETHER)
        rows = np.random.default_rng(0).integers(self.signs, size=(REPETITIONS, self.signs))
        ratios = together[rows].mean(axis=1) / np.maximum(single[rows].mean(axis=1), 1e-12)
        low, high = np.quantile(ratios, [0.025, 0.975])
        return float(low), float(high)

    def ece(self, key: str) -> tuple[float, float]:
        """Clean and corrupted, means over folds and corruptions."""
        clean = float(np.mean([fold["clean"][key] for fold in self.folds]))
        return clean, float(np.mean([one[key] for fold in self.folds for one in fold["corrupted"].values()]))

    def independence(self) -> str:
        """What each fold's validation chose."""
        return ", ".join(f"{fold['independence']:.2f}" for fold in self.folds)


def _by_way(pooled: _Pooled) -> DataTable:
    """Signs read wrongly: by how their frames are put together."""
    standard = kinds_in(pooled.folds[0])["standard"]
    ways = [name for name in pooled.folds[0]["clean"] if not name.startswith(("frames", "ece"))]
    return DataTable(
        caption=f"Signs read wrongly: {pooled.signs:,} signs and {pooled.frames:,} frames, each by a "
        "network that never saw the sign",
        columns=(
            Column("answer by"),
            Column("clean", "share"),
            Column("all corruptions", "share"),
            Column("ImageNet-C's fifteen", "share"),
        ),
        rows=tuple((way, pooled.clean(way), pooled.mean(way), pooled.mean(way, standard)) for way in ways),
    )


def _by_corruption(pooled: _Pooled) -> DataTable:
    """Single frames and all of them, under each corruption."""
    each = [(name, pooled.mean(SINGLE, [name]), pooled.mean(TOGETHER, [name])) for name in pooled.names]
    return DataTable(
        caption=f"By corruption, severity {SEVERITY}",
        columns=(
            Column("corruption"),
            Column("single frames", "share"),
            Column("all frames", "share"),
            Column("ratio", "number"),
        ),
        rows=tuple(
            (name, single, together, together / single if single else None) for name, single, together in each
        ),
    )


def _calibration(pooled: _Pooled) -> DataTable:
    """What a further frame should count for."""
    worths = (
        ("nothing: the mean", "ece: mean"),
        (f"what validation chose: {pooled.independence()}", "ece: chosen"),
        ("in full: each is new evidence", "ece: sum"),
    )
    return DataTable(
        caption="Calibration error of fused answers: how much each further frame counts",
        columns=(Column("a further frame counts"), Column("clean", "share"), Column("corrupted", "share")),
        rows=tuple((name, *pooled.ece(key)) for name, key in worths),
    )


STUDIES.register("frames")(Frames())
