"""How far off is accuracy that is estimated without labels, and how often is an alarm about the camera false?

    python benchmarks/drift.py --out DIR [--model MODEL] [--pictures 1000] [--days 500]

Estimates: GTSRB's test as it is and under each corruption, Belgium, and drawings of other-test; the labels
are asked only afterwards.  What confidence is worth comes from the model's own validation.
Alarms: a camera is 300 signs of GTSRB's training, one photograph each.  A day is 100 others.  Unchanged days
say how often an alarm is false; days under a corruption, a tint, or another framing how often one is right.
The seed draws all.  It opens test sets, and nothing is chosen by it.  Needs ROADWORTHY_DATA.
Intervals: 95 %.  Writes drift.json and drift.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from drives import markdown, say, write_results

from roadworthy import api
from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray
from roadworthy.core.predictions import probabilities
from roadworthy.core.words import interval, percent, points
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_dataset, open_splits
from roadworthy.evaluate.corruptions import CORRUPTIONS, corrupt
from roadworthy.evaluate.drift import ESTIMATORS, Known, alarming, estimate
from roadworthy.evaluate.metrics import sign_indices
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.inference.network import all_logits
from roadworthy.workflows.unlabelled import Answered, compared, known_by

REFERENCE, A_DAY = 300, 100  # signs
RATE = 0.01
SEVERITY = 3
Change = Callable[[ByteArray], ByteArray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="packaged")
    parser.add_argument("--pictures", type=int, default=1000, help="of each set and corruption")
    parser.add_argument("--days", type=int, default=500, help="without a change")
    parser.add_argument("--changed-days", type=int, default=40, help="of each change")
    asked = parser.parse_args()
    classifier, known = api.load(asked.model), known_by(asked.model)
    assert known is not None, "the model does not say what its confidence was worth"
    estimated = [one_set(classifier, known, name, data) for name, data in sets(classifier, asked.pictures)]
    days = Days(classifier)
    unchanged = days.alarms(np.copy, asked.days, 0)
    changed = {}
    for name, change in camera_changes().items():
        say(name)
        changed[name] = days.alarms(change, asked.changed_days, 1)
    tree = {"known": vars(known), "estimated": estimated, "unchanged": unchanged, "changed": changed}
    write_results(asked.out, "drift", tree, list(tables(known, estimated, unchanged, changed)))


# Estimates ----------------------------------------------------------------------------------------------


def sets(classifier: api.Classifier, most: int) -> Iterator[tuple[str, Dataset]]:
    """What is estimated on, by name; pictures of classes that the model does not know are left out."""

    def opened(spec: str) -> Dataset:
        found, _ = open_dataset(DataConfig(spec=spec), classifier.spec, classifier.classes, skip_unknown=True)
        return found.some_signs(most)

    german = opened("gtsrb:")
    yield "GTSRB's test", german
    for number, name in enumerate(CORRUPTIONS):
        generator = torch.Generator().manual_seed(number)
        images = corrupt(np.asarray(german.images), name, SEVERITY, generator)
        yield (
            f"under {name}",
            Dataset(images=images, targets=german.targets, records=german.records, classes=german.classes),
        )
    yield "Belgium", opened("folder:belgium")
    yield "drawings of other-test", opened("rendered:au?recipe=other-test&per_class=16")


def one_set(classifier: api.Classifier, known: Known, name: str, data: Dataset) -> dict[str, Any]:
    """The accuracy of a set, and what would be estimated without its labels."""
    say(name)
    logits = all_logits(classifier, np.asarray(data.images), 512)
    confidences = probabilities(logits, classifier.temperature).max(axis=1)
    signs = sign_indices([record.group for record in data.records], data.targets)
    generator = np.random.default_rng(0)
    return {
        "set": name,
        "n": len(data),
        "accuracy": float((logits.argmax(axis=1) == data.targets).mean()),
        **{way: vars(estimate(way, known, confidences, signs, generator)) for way in ESTIMATORS},
    }


# Alarms -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Days:
    """Days of one camera: signs of GTSRB's training, one photograph of each."""

    classifier: api.Classifier

    def alarms(self, change: Change, days: int, seed: int) -> dict[str, Any]:
        """How many days under a change alarm, and which trait they name first, beside days without one."""
        images = _photographs(self.classifier)
        rng = np.random.default_rng(seed)
        count, first = 0, dict[str, int]()
        for _ in range(days):
            order = rng.permutation(len(images))
            before = self._answered(images[order[:REFERENCE]])
            now = self._answered(change(images[order[REFERENCE : REFERENCE + A_DAY]]))
            if found := alarming(compared(now, before), RATE):
                count += 1
                first[found[0].trait] = first.get(found[0].trait, 0) + 1
        return {"days": days, "alarms": count, "first": first}

    def _answered(self, images: ByteArray) -> Answered:
        logits = all_logits(self.classifier, images, 512)
        return Answered(
            images=images,
            sizes_px=np.full(len(images), np.nan),
            predicted=logits.argmax(axis=1),
            confidences=probabilities(logits, self.classifier.temperature).max(axis=1),
            accepted=None,
            signs=None,
            unreadable=0,
        )


_KEPT: dict[int, ByteArray] = {}


def _photographs(classifier: api.Classifier) -> ByteArray:
    """One photograph of each sign, from the middle of its approach."""
    if not _KEPT:
        train = open_splits(DataConfig(spec="gtsrb:"), classifier.spec, with_test=False).train
        by_sign: dict[str, list[int]] = {}
        for row, record in enumerate(train.records):
            by_sign.setdefault(record.group, []).append(row)
        _KEPT[0] = np.asarray(train.images)[[rows[len(rows) // 2] for rows in by_sign.values()]]
    return _KEPT[0]


def camera_changes() -> dict[str, Change]:
    """What may happen to a camera, mild and plain."""
    return {
        "a tenth darker": lambda images: _scaled(images, 0.9),
        "a third darker": lambda images: _scaled(images, 0.67),
        "warmer: blue a tenth less": lambda images: _scaled(images, np.array([1, 1, 0.9])),
        "a little blur (severity 1)": lambda images: _spoilt(images, "gaussian-blur", 1),
        "blur (severity 3)": lambda images: _spoilt(images, "gaussian-blur", 3),
        "noise (severity 1)": lambda images: _spoilt(images, "gaussian-noise", 1),
        "fog (severity 1)": lambda images: _spoilt(images, "fog", 1),
        "JPEG (severity 3)": lambda images: _spoilt(images, "jpeg", 3),
        "framed a tenth looser": lambda images: _framed(images, 1.1),
        "framed a quarter looser": lambda images: _framed(images, 1.25),
    }


def _scaled(images: ByteArray, factor: Any) -> ByteArray:
    return np.asarray((images * factor).round().clip(0, 255).astype(np.uint8))


def _spoilt(images: ByteArray, name: str, severity: int) -> ByteArray:
    return corrupt(images, name, severity, torch.Generator().manual_seed(0))


def _framed(images: ByteArray, factor: float) -> ByteArray:
    """The sign smaller by a factor, edges repeated."""
    from roadworthy.imaging import ops

    pictures = ops.to_float(torch.from_numpy(images).permute(0, 3, 1, 2))
    smaller = ops.warp(pictures, ops.zoom(torch.full((len(images),), 1 / factor)))
    return np.asarray(smaller.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())


# Tables -------------------------------------------------------------------------------------------------


def tables(
    known: Known, estimated: list[dict[str, Any]], unchanged: dict[str, Any], changed: dict[str, Any]
) -> Iterator[str]:
    """What is estimated, how far off that is, and how often an alarm is raised."""
    yield (
        f"known from {known.n:,} pictures of validation, {percent(known.accuracy)} right, "
        f"mean confidence {percent(known.confidence)}"
    )
    yield markdown(
        ("set", "n", "right", *(f"{way} (95 %)" for way in ESTIMATORS)),
        [
            (
                one["set"],
                f"{one['n']:,}",
                percent(one["accuracy"]),
                *(
                    f"{percent(one[way]['value'])} ({interval((one[way]['low'], one[way]['high']))})"
                    for way in ESTIMATORS
                ),
            )
            for one in estimated
        ],
    )
    yield markdown(("estimate", "off by, mean", "at most", "interval holds it"), list(_summary(estimated)))
    yield markdown(
        ("camera", "days with an alarm", "named first"),
        [_day_row("unchanged", unchanged), *(_day_row(name, one) for name, one in changed.items())],
    )


def _summary(estimated: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    for way in ESTIMATORS:
        off = [abs(one[way]["value"] - one["accuracy"]) for one in estimated]
        held = sum(one[way]["low"] <= one["accuracy"] <= one[way]["high"] for one in estimated)
        worst = estimated[int(np.argmax(off))]["set"]
        yield (
            way,
            points(float(np.mean(off)), signed=False),
            f"{points(max(off), signed=False)} ({worst})",
            f"{held} of {len(off)}",
        )


def _day_row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    share = found["alarms"] / found["days"]
    spread = interval(wilson(found["alarms"], found["days"]))
    first = sorted(found["first"], key=found["first"].get, reverse=True)[:2]
    return name, f"{percent(share, 1)} ({spread}) of {found['days']}", ", ".join(first)


if __name__ == "__main__":
    main()
