"""How often do studies find a difference where there is none, and miss one that was planted?

    python benchmarks/false_alarms.py --out runs/alarms [--trainings 60] [--seeds 5] [--planted-seeds 30]
    python benchmarks/false_alarms.py --out runs/alarms-quick --quick [--trainings 60]

Trains the same thing many times (the study's four classes, measured on a fifth of GTSRB's training signs; so
many gradients each as take three seconds when it begins), then draws two arms of it at random, 100 times, and
judges them as a study does: every verdict but `no difference shown` is a false alarm.  For the second figure
one arm has a point of its pictures made wrong, at random but by signs.
--quick judges as a quick look does, on its seconds and seeds: an alarm is an arm called larger or smaller.
Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np

from roadworthy.config import load_config
from roadworthy.core.arrays import FloatArray
from roadworthy.core.files import write_json
from roadworthy.core.verdicts import BETTER, NO_DIFFERENCE, NOT_JUDGED, QUICK_LOOK
from roadworthy.evaluate.results import Comparison
from roadworthy.evaluate.statistics.pairing import Pairing, pair
from roadworthy.evaluate.statistics.verdicts import judge
from roadworthy.studies.budgets import LEAST
from roadworthy.studies.conclude import compared
from roadworthy.studies.estimate import noise_speed
from roadworthy.studies.executors import Here, carry_out
from roadworthy.studies.plan import Job, sections
from roadworthy.studies.questions.setups import COMPACT, QUICK_SECONDS

REPETITIONS = 100
SETTINGS = {
    **COMPACT,
    "data.spec": "gtsrb:",
    "data.classes": ("speed-50", "speed-60", "stop", "no-entry"),
    "data.split": "fold=1/5",
    # Cropped to the sign it is learnt within seconds: trainings that all end well differ little.
    "input.crop": "roi",
    "optim.lr": 0.2,
}
SECONDS = 3.0
QUICK_SEEDS = 3  # what `roadworthy study --quick` takes


def main() -> None:
    parser = argparse.ArgumentParser(description="False alarms and missed effects of a study's statistics.")
    parser.add_argument("--out", type=Path, default=Path("runs/alarms"))
    parser.add_argument("--trainings", type=int, default=60)
    parser.add_argument("--seeds", type=int, help="of each arm without a difference: 5, with --quick 3")
    parser.add_argument("--planted-seeds", type=int, default=30, help="of each arm with one")
    parser.add_argument("--effect", type=float, default=0.01)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    seeds = asked.seeds or (QUICK_SEEDS if asked.quick else 5)

    both = trained(asked.out, asked.trainings, QUICK_SECONDS if asked.quick else SECONDS)
    mean, spread = both.a.mean(axis=1).mean(), both.a.mean(axis=1).std(ddof=1)
    print(f"{len(both.a)} trainings, {both.a.shape[1]:,} pictures of {both.signs} signs")
    print(f"accuracy {100 * mean:.2f} %, deviation over seeds {100 * spread:.2f} points")

    rng = np.random.default_rng(0)
    said = Counter(word(judged(arms(both, seeds, rng), asked.quick)) for _ in range(REPETITIONS))
    print(f"no difference, {seeds} seeds an arm: {said} in {REPETITIONS}")
    if asked.quick:
        return
    if 2 * asked.planted_seeds > asked.trainings:
        print(f"no difference planted: {2 * asked.planted_seeds} trainings are needed for it")
        return
    found = 0
    for _ in range(REPETITIONS):
        chosen = arms(both, asked.planted_seeds, rng)
        worse = worsened(chosen.b, both.groups, asked.effect, rng)
        found += judged(dataclasses.replace(chosen, b=worse), quick=False).verdict == BETTER
    effect = f"{100 * asked.effect:g} point, {asked.planted_seeds} seeds an arm"
    print(f"a difference of {effect}: found {found} times in {REPETITIONS}")


def trained(out: Path, trainings: int, seconds: float) -> Pairing:
    """Right and wrong of each, those that are not there yet trained now, for equally many gradients."""
    out.mkdir(parents=True, exist_ok=True)
    budget = out / "budget.json"
    if not budget.is_file():  # another day the machine is faster or slower, and the trainings would differ
        tried = load_config(None, (), **sections(SETTINGS))
        measured = seconds * noise_speed(tried) / tried.train.batch_size
        write_json({"gradients": max(LEAST, round(measured))}, budget)
    gradients = json.loads(budget.read_text(encoding="utf-8"))["gradients"]
    print(f"{gradients} gradients a training, about {seconds:g} s when that was measured", flush=True)
    jobs = [job(out, seed, gradients) for seed in range(trainings)]
    waiting = [job for job in jobs if not (job.folder / "metrics.json").is_file()]
    carry_out(waiting, Here(), lambda job, what, _: print(f"seed {job.seed} {what}", flush=True))
    folders = [job.folder for job in jobs]
    return pair(folders, folders)


def job(out: Path, seed: int, gradients: int) -> Job:
    settings = {**SETTINGS, "train.seed": seed, "train.gradients": gradients}
    config = load_config(None, (), **sections(settings))
    return Job(study="baseline", arm="same", seed=seed, fold=0, folder=out / f"seed-{seed}", config=config)


def arms(both: Pairing, seeds: int, rng: np.random.Generator) -> Pairing:
    """Two arms of different trainings."""
    chosen = rng.permutation(len(both.a))
    return dataclasses.replace(both, a=both.a[chosen[:seeds]], b=both.a[chosen[seeds : 2 * seeds]])


def judged(both: Pairing, quick: bool) -> Comparison:
    """As a study judges it, alone."""
    return judge([compared("a", "b", both)], quick=quick)[0]


def word(found: Comparison) -> str:
    """What it is called; a quick look's larger and smaller are alarms too."""
    if found.verdict != NOT_JUDGED:
        return found.verdict if found.verdict == NO_DIFFERENCE else "alarm"
    return "alarm" if found.reason.startswith(QUICK_LOOK) else f"{NOT_JUDGED}, {found.reason[:9]}"


def worsened(right: FloatArray, groups: tuple[str, ...], by: float, rng: np.random.Generator) -> FloatArray:
    """Each training reads so many more pictures wrong: frames of signs that are drawn for each anew."""
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    result = right.copy()
    for row in result:
        hard = rng.random(codes.max() + 1)[codes] + rng.random(len(row)) * 0.3
        now_right = np.flatnonzero(row)
        row[now_right[np.argsort(hard[now_right])[: round(by * len(row))]]] = 0.0
    return result


if __name__ == "__main__":
    main()
