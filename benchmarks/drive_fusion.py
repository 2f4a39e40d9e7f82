"""What the frames of one sign say together: reading of trails on real signs that a car drives up to.

    python benchmarks/drive_fusion.py --out DIR [--data gtsrb:] [--corrupted 3] [--tracks N]

GTSRB's training tracks are 30 frames each, approaching; validation's are taken, the test split stays closed.
The packaged reader answers for each frame, with the box of the labels, and drive/reading.py for all of them
(the score of boxes is 1: no finder is asked).  --corrupted SEVERITY (0 for none) spoils all frames of a sign
alike, too, by each corruption of ours in turn: clean frames leave hardly anything to choose by.  Those of
--without are left out: led-flicker in every frame leaves nothing of a sign that is not made of LEDs.
`independence` is chosen where the right answers are likeliest, mean over clean and corrupted frames.  The
reader has learned from other tracks of the same set, and `--val-fraction` is its recipe's.
Intervals: 95 %, bootstrap over signs.  Writes fusion.json and fusion.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from drives import markdown, say, write_results

from roadworthy import api
from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.device import derive_seed
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_splits
from roadworthy.drive.look import sharpness
from roadworthy.drive.reading import ReadingRule, answers_so_far, read_trail
from roadworthy.drive.seen import Seen
from roadworthy.evaluate.fusion import Track, tracks

RATE = 15.0  # frames a second that are taken for the tracks', which do not tell theirs
WORTHS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
CLEAN = "clean"
REPETITIONS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", default="gtsrb:")
    parser.add_argument("--val-fraction", type=float, default=0.05)
    parser.add_argument("--corrupted", type=int, default=3, metavar="SEVERITY")
    parser.add_argument("--without", nargs="*", default=["led-flicker"], help="corruptions")
    parser.add_argument("--tracks", type=int, default=0, help="at most so many; 0 for all")
    asked = parser.parse_args()
    classifier = api.load()
    rule = ReadingRule(
        classes=classifier.classes,
        temperature=classifier.temperature,
        rejection=classifier.rejection,
        sure=classifier.finder.rule.sure,
    )
    data = DataConfig(spec=asked.data, val_fraction=asked.val_fraction)
    held_out = open_splits(data, classifier.spec, with_test=False).val
    own = tracks(held_out)[: asked.tracks or None]
    say(f"{len(own)} signs, {sum(len(track.rows) for track in own)} frames")
    conditions: dict[str, list[dict[str, Any]]] = {}
    for name, spoil in spoilers(asked.corrupted, asked.without).items():
        trails = trails_of(held_out, own, spoil, classifier.logits)
        conditions[name] = [
            told(trails, targets(held_out, own, rule), replace(rule, independence=w)) for w in WORTHS
        ]
        at = conditions[name][WORTHS.index(rule.independence)]
        say(f"{name}: {np.mean(at['single']):.4f} of frames right, {np.mean(at['right']):.4f} of trails")
    rows = [summary(conditions, number) for number in range(len(WORTHS))]
    best = min(rows, key=lambda row: row["nll_all"])
    tree = {
        "signs": len(own),
        "conditions": list(conditions),
        "independence": best["independence"],
        "rows": rows,
    }
    write_results(asked.out, "fusion", tree, tables(rows, best, len(own), len(conditions)))


def spoilers(severity: int, without: Sequence[str]) -> dict[str, Callable[[ByteArray], ByteArray]]:
    """Ways in which frames are seen, by name."""
    found: dict[str, Callable[[ByteArray], ByteArray]] = {CLEAN: lambda images: images}
    if severity:
        import torch

        from roadworthy.evaluate.corruptions import CORRUPTIONS, corrupt

        def by(name: str) -> Callable[[ByteArray], ByteArray]:
            def spoil(images: ByteArray) -> ByteArray:
                generator = torch.Generator().manual_seed(derive_seed(0, name, len(images)))
                return corrupt(images, name, severity, generator)

            return spoil

        found |= {name: by(name) for name in CORRUPTIONS if name not in without}
    return found


def trails_of(
    data: Dataset,
    own: Sequence[Track],
    spoil: Callable[[ByteArray], ByteArray],
    logits: Callable[[ByteArray], FloatArray],
) -> list[list[Seen]]:
    """Each sign's frames as a drive would have seen them."""
    images = np.asarray(data.images)
    trails = []
    for track in own:
        pictures = spoil(np.ascontiguousarray(images[track.rows]))
        answers = logits(pictures)
        trails.append(
            [
                Seen(
                    frame=place,
                    time_s=place / RATE,
                    box=data.records[row].box or (0.0, 0.0, 32.0, 32.0),
                    logits=answers[place],
                    score=1.0,
                    sharpness=sharpness(pictures[place]),
                )
                for place, row in enumerate(track.rows.tolist())
            ]
        )
    return trails


def targets(data: Dataset, own: Sequence[Track], rule: ReadingRule) -> list[int]:
    """The number of each sign's class among the reader's."""
    return [rule.classes.index(data.classes[track.target]) for track in own]


def told(
    trails: Sequence[Sequence[Seen]], wanted: Sequence[int], rule: ReadingRule
) -> dict[str, list[float]]:
    """Of each sign: the share of its frames read rightly, and what all together say."""
    found: dict[str, list[float]] = {
        name: [] for name in ("single", "right", "sure", "wrong", "nll", "frames")
    }
    for seen, target in zip(trails, wanted, strict=True):
        alone = [int(one.logits.argmax()) == target for one in seen]
        reading = read_trail(seen, rule)
        right = reading.sign == rule.classes[target]
        found["single"].append(float(np.mean(alone)))
        found["right"].append(float(right))
        found["sure"].append(float(reading.accepted))
        found["wrong"].append(float(reading.accepted and not right))
        # A zero that was rounded to would outweigh all else.
        found["nll"].append(-max(float(answers_so_far(seen, rule)[-1, target]), np.log(1e-6)))
        found["frames"].append(float("nan") if reading.confirmed is None else reading.confirmed + 1.0)
    return found


def summary(conditions: Mapping[str, Sequence[Mapping[str, list[float]]]], number: int) -> dict[str, Any]:
    """One independence: clean, and the mean over the corruptions."""
    clean = conditions[CLEAN][number]
    spoilt = [own[number] for name, own in conditions.items() if name != CLEAN] or [clean]
    row: dict[str, Any] = {"independence": WORTHS[number]}
    for key in ("single", "right", "sure", "wrong", "nll"):
        row[key] = with_ends(np.array([clean[key]]))
        row[f"{key}_corrupted"] = with_ends(np.array([one[key] for one in spoilt]))
    row["nll_all"] = float(np.mean([np.mean(own[number]["nll"]) for own in conditions.values()]))
    row["frames_median"] = float(np.nanmedian(clean["frames"]))
    return row


def with_ends(values: FloatArray) -> tuple[float, float, float]:
    """The mean of (conditions, signs), and its interval over signs."""
    each = values.mean(axis=0)
    drawn = np.random.default_rng(0).integers(len(each), size=(REPETITIONS, len(each)))
    low, high = np.quantile(each[drawn].mean(axis=1), [0.025, 0.975])
    return float(each.mean()), float(low), float(high)


def tables(
    rows: Sequence[Mapping[str, Any]], best: Mapping[str, Any], signs: int, conditions: int
) -> list[str]:
    header = ("independence", "right", "sure", "sure and wrong", "-log p", "frames until sure")
    header += ("right, corrupted", "sure", "sure and wrong", "-log p")
    return [
        f"{signs} signs, clean and by {conditions - 1} corruptions; right of single frames: "
        f"{_share(best['single'])} clean, {_share(best['single_corrupted'])} corrupted. "
        f"The right answers are likeliest at independence {best['independence']:g}.",
        markdown(header, _rows(rows)),
    ]


def _rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[object]]:
    for row in rows:
        yield (
            f"{row['independence']:g}",
            *(_share(row[key]) for key in ("right", "sure", "wrong")),
            f"{row['nll'][0]:.4f}",
            f"{row['frames_median']:.0f}",
            *(_share(row[f"{key}_corrupted"]) for key in ("right", "sure", "wrong")),
            f"{row['nll_corrupted'][0]:.4f}",
        )


def _share(one: Sequence[float]) -> str:
    value, low, high = (100 * part for part in one)
    return f"{value:.2f} % ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
