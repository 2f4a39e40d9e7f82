"""Which epoch's weights a training should keep once validation is saturated: rules tried on held-out signs.

    python benchmarks/best_rule.py [--out runs/best-rule] [--recipe constant] [--seeds 2] [--epochs 16]
    python benchmarks/best_rule.py --out runs/best-rule --table

The study's four classes, on cuts of GTSRB's training signs alone; the official test stays closed.  Each cut
holds out half of the signs, sets about 20 of the others aside for validation and trains a small network on
the rest, once along a one-cycle schedule with averaged weights (as recipes/four.toml does), once at a
constant rate without (as the study did).  Validation and held-out signs are answered by the weights of every
epoch, so one training tries all rules.  Needs ROADWORTHY_DATA and about ten minutes of one core; trainings
that are there are kept, and --table only judges them.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from roadworthy.config import load_config
from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.files import scratch, write_arrays
from roadworthy.core.predictions import log_probabilities
from roadworthy.data.dataset import Dataset
from roadworthy.studies.plan import Settings, sections
from roadworthy.train.choice import best_epoch
from roadworthy.workflows import train as workflow
from roadworthy.workflows.site import open_site
from roadworthy.workflows.validation import predict, validate

CUTS = tuple((fold, seed) for seed in (0, 1) for fold in (1, 2))
COMMON: Settings = {
    "data.spec": "gtsrb:",
    "data.classes": ("speed-50", "speed-60", "stop", "no-entry"),
    "data.val_fraction": 0.22,  # 20 or so of the 92 signs that are not held out
    "model.width": 0.5,
    "model.depth": 1,
    "input.size": 28,
    "input.crop": "margin=0.1",
    "train.batch_size": 64,
    "train.precision": "fp32",
    "train.threads": 1,
}
RECIPES: Mapping[str, Settings] = {
    "one-cycle": {"optim.lr": 0.1, "train.ema": 0.99},
    "constant": {
        "optim.name": "adam",
        "optim.lr": 1e-3,
        "optim.weight_decay": 0.0,
        "schedule.name": "constant",
        "augment.policy": "none",
        "train.ema": 0.0,
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/best-rule"))
    parser.add_argument("--recipe", choices=RECIPES, help="one of the two alone")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--table", action="store_true", help="only judge the trainings that are there")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES if asked.recipe is None else (asked.recipe,):
        trained = []
        for cut in CUTS:
            for seed in range(asked.seeds):
                file = asked.out / f"{recipe}-fold{cut[0]}-split{cut[1]}-seed{seed}.npz"
                if not (file.is_file() or asked.table):
                    answer_every_epoch(recipe, cut, seed, asked.epochs, file)
                if file.is_file():
                    trained.append(read(file))
        if trained:
            print(table(recipe, trained), flush=True)


def answer_every_epoch(recipe: str, cut: tuple[int, int], seed: int, epochs: int, file: Path) -> None:
    """Train once; keep what the weights of each epoch answer, and what the mean of the tied ones does."""
    fold, split_seed = cut
    settings: Settings = {
        **COMMON,
        **RECIPES[recipe],
        "data.split": f"fold={fold}/2",
        "data.split_seed": split_seed,
        "train.epochs": epochs,
        "train.seed": seed,
    }
    config = load_config(None, (), **sections(settings))
    with scratch() as place, open_site(place / "run", ()) as site:
        prepared = workflow.prepare(config, site, False, "", None)
        training = workflow.build(prepared)
        val, held_out = prepared.splits.val, prepared.splits.test
        answers = functools.partial(
            predict, spec=config.input, config=config.evaluate, hardware=prepared.hardware
        )
        weights, val_logits, logits = [], [], []

        def measure(model: torch.nn.Module) -> Mapping[str, float]:
            weights.append(copy.deepcopy(model.state_dict()))
            val_logits.append(answers(model, val))
            logits.append(answers(model, held_out))
            return validate(
                model, val=val, spec=config.input, config=config.evaluate, hardware=prepared.hardware
            )

        workflow.loop(
            dataclasses.replace(training, hooks=dataclasses.replace(training.hooks, validate=measure))
        )
        accuracy = np.array([(one.argmax(1) == val.targets).mean() for one in val_logits])
        tied = [weights[i] for i in np.flatnonzero(accuracy == accuracy.max())]
        model = copy.deepcopy(training.state.evaluated)
        model.load_state_dict({name: mean([one[name] for one in tied]) for name in tied[0]})
        write_arrays(
            {
                "val_logits": np.stack(val_logits),
                "val_targets": val.targets,
                "val_signs": signs(val),
                "logits": np.stack(logits),
                "targets": held_out.targets,
                "signs": signs(held_out),
                "averaged": answers(model, held_out),
                "train_signs": len(np.unique(signs(prepared.splits.train))),
            },
            file,
        )


def mean(values: list[torch.Tensor]) -> torch.Tensor:
    """Of counters the last."""
    return torch.stack(values).mean(0) if values[0].is_floating_point() else values[-1]


def signs(data: Dataset) -> IntArray:
    """(N,) the number of the physical sign that each picture shows."""
    return np.unique([record.group for record in data.records], return_inverse=True)[1]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """E epochs of one training.

    history: as the training's own.  right, losses: (E, signs) of validation, means over the pictures of each
    sign.  margins: (E, N) log-odds of the true class against all others together.  scores: accuracy, loss on
    what was held out, by epoch.  averaged: the same of the mean of all weights that tie in accuracy.
    """

    history: list[dict[str, float]]

    right: FloatArray
    losses: FloatArray
    picture_losses: FloatArray
    margins: FloatArray
    accuracy: FloatArray
    val_signs: int
    scores: FloatArray
    averaged: FloatArray
    sizes: tuple[int, int, int, int]


def read(file: Path) -> Trained:
    with np.load(file) as stored:
        kept = {name: stored[name] for name in stored.files}
    targets, number = kept["val_targets"], kept["val_signs"]
    logp = np.stack([log_probabilities(one) for one in kept["val_logits"]])
    true = logp[:, np.arange(len(targets)), targets]
    right = kept["val_logits"].argmax(2) == targets
    others = np.log(-np.expm1(np.minimum(true, -1e-12)))
    of_signs = by_sign(right, number)
    errors = of_signs.std(1, ddof=1) / np.sqrt(of_signs.shape[1])
    return Trained(
        history=[
            {"val_accuracy": float(accuracy), "val_accuracy_se": float(error), "val_loss": float(loss)}
            for accuracy, error, loss in zip(right.mean(1), errors, -true.mean(1), strict=True)
        ],
        right=of_signs,
        losses=by_sign(-true, number),
        picture_losses=-true,
        margins=true - others,
        accuracy=right.mean(1),
        val_signs=int(number.max()) + 1,
        scores=np.array([scored(one, kept["targets"]) for one in kept["logits"]]),
        averaged=scored(kept["averaged"], kept["targets"]),
        sizes=(
            int(kept["train_signs"]),
            int(number.max()) + 1,
            int(kept["signs"].max()) + 1,
            len(kept["targets"]),
        ),
    )


def by_sign(values: FloatArray, number: IntArray) -> FloatArray:
    """(E, N) to (E, signs): the mean over each sign's pictures."""
    return np.stack([values[:, number == i].mean(1) for i in range(number.max() + 1)], axis=1)


def scored(logits: FloatArray, targets: IntArray) -> FloatArray:
    """Accuracy and cross-entropy."""
    logp = log_probabilities(logits)
    return np.array([(logp.argmax(1) == targets).mean(), -logp[np.arange(len(targets)), targets].mean()])


def best_of(*keys: FloatArray) -> int:
    """The epoch with the largest first key; ties go by the next key, and to the first epoch at last."""
    return max(range(len(keys[0])), key=lambda e: (*(key[e] for key in keys), -e))


def later(t: Trained) -> FloatArray:
    return np.arange(len(t.accuracy), dtype=np.float64)


def within_error(values: FloatArray, best: int) -> FloatArray:
    """(E,) whether each epoch's mean over signs is above the best's by no more than the latter's error."""
    error = values[best].std(ddof=1) / np.sqrt(values.shape[1])
    return (values.mean(1) <= values[best].mean() + error).astype(float)


def within_paired_error(values: FloatArray, best: int) -> FloatArray:
    """(E,) whether each epoch's difference from the best is no more than its own standard error."""
    worse = values - values[best]
    error = worse.std(1, ddof=1) / np.sqrt(values.shape[1])
    return (worse.mean(1) <= error).astype(float)


def floor(t: Trained) -> FloatArray:
    """The loss, but no smaller than n signs can tell: that of a probability of (n + 1) / (n + 2)."""
    return np.maximum(t.picture_losses.mean(1), np.log((t.val_signs + 2) / (t.val_signs + 1)))


def last_if_tied(t: Trained) -> int:
    tied = t.accuracy[-1] == t.accuracy.max()
    return len(t.accuracy) - 1 if tied else best_of(t.accuracy, -t.picture_losses.mean(1))


RULES: Mapping[str, Callable[[Trained], int]] = {
    "accuracy, then loss (before)": lambda t: best_of(t.accuracy, -t.picture_losses.mean(1)),
    "loss": lambda t: best_of(-t.picture_losses.mean(1)),
    "the last epoch": lambda t: len(t.accuracy) - 1,
    "accuracy, then the first": lambda t: best_of(t.accuracy),
    "accuracy, then the latest": lambda t: best_of(t.accuracy, later(t)),
    "the last if it ties, else accuracy, then loss": last_if_tied,
    "accuracy, then mean log-odds": lambda t: best_of(t.accuracy, t.margins.mean(1)),
    "accuracy, then smallest log-odds": lambda t: best_of(t.accuracy, t.margins.min(1)),
    "accuracy, then loss with a floor, then the latest": lambda t: best_of(t.accuracy, -floor(t), later(t)),
    "loss with a floor, then the latest": lambda t: best_of(-floor(t), later(t)),
    "accuracy within its standard error over signs, then the latest (now)": lambda t: (
        best_epoch(t.history, "accuracy") - 1
    ),
    "the same of the difference, sign by sign": lambda t: best_of(
        within_paired_error(1 - t.right, best_of(t.accuracy)), later(t)
    ),
    "loss within its standard error over signs, then the latest": lambda t: best_of(
        within_error(t.losses, best_of(-t.losses.mean(1))), later(t)
    ),
    "the same of the loss's difference": lambda t: best_of(
        within_paired_error(t.losses, best_of(-t.losses.mean(1))), later(t)
    ),
}


def table(recipe: str, trained: list[Trained]) -> str:
    """What each rule's weights score on what was held out, and beside those of the rule before."""
    rows: dict[str, list[tuple[str, FloatArray]]] = {
        name: [(str(rule(t) + 1), t.scores[rule(t)]) for t in trained] for name, rule in RULES.items()
    }
    rows["mean of the weights that tie in accuracy"] = [("", t.averaged) for t in trained]
    rows["(best on what was held out)"] = [
        (str(best_of(*t.scores.T * [[1], [-1]]) + 1), t.scores[best_of(*t.scores.T * [[1], [-1]])])
        for t in trained
    ]
    before = np.array([score for _, score in rows[next(iter(RULES))]])
    tied = [int((t.accuracy == t.accuracy.max()).sum()) for t in trained]
    full = sum(bool(t.accuracy.max() == 1) for t in trained)
    train, val, held, frames = np.median([t.sizes for t in trained], axis=0).astype(int)
    lines = [
        f"\n{recipe}: {len(trained)} trainings of {len(trained[0].accuracy)} epochs; signs, about: {train} "
        f"to train, {val} to validate, {held} held out ({frames:,} pictures)",
        f"validation reached 100 % in {full}; epochs that tie for its best: {tied}",
        "",
        "| rule | accuracy, mean | least | against before, points (95 %) | loss | epochs |",
        "|---|---|---|---|---|---|",
    ]
    for name, chosen in rows.items():
        scores = np.array([score for _, score in chosen])
        epochs = " ".join(epoch for epoch, _ in chosen)
        lines.append(
            f"| {name} | {scores[:, 0].mean():.2%} | {scores[:, 0].min():.2%} | "
            f"{difference(100 * (scores - before)[:, 0])} | {scores[:, 1].mean():.4f} | {epochs} |"
        )
    return "\n".join(lines)


def difference(values: FloatArray) -> str:
    """Mean and 95 % t interval over trainings."""
    if len(values) < 2 or not values.any():
        return f"{values.mean():+.2f}"
    half: Any = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.2f} ({values.mean() - half:+.2f} to {values.mean() + half:+.2f})"


if __name__ == "__main__":
    main()
