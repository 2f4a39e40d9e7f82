"""How often do studies find a difference where there is none, and miss one that was planted?

    python benchmarks/false_alarms.py --out runs/alarms [--trainings 60] [--seeds 5] [--planted-seeds 30]

Trains the same thing many times (the study's four classes, three seconds each, measured on a fifth of GTSRB's
training signs), then draws two arms of it at random, 100 times: every verdict but `no difference shown` is a
false alarm.  For the second figure one arm has a point of its pictures made wrong, at random but by signs.
Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadworthy.config import load_config
from roadworthy.evaluate.statistics.pairing import pair
from roadworthy.evaluate.statistics.verdicts import judge, paired
from roadworthy.studies.executors import Here, carry_out
from roadworthy.studies.plan import Job, sections
from roadworthy.studies.questions.setups import COMPACT

REPETITIONS = 100
SETTINGS = {
    **COMPACT,
    "data.spec": "gtsrb:",
    "data.classes": ("speed-50", "speed-60", "stop", "no-entry"),
    "data.split": "fold=1/5",
    # Cropped to the sign it is learnt within seconds: trainings that all end well differ little.
    "input.crop": "roi",
    "optim.lr": 0.2,
    "train.minutes": 3 / 60,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="False alarms and missed effects of a study's statistics.")
    parser.add_argument("--out", type=Path, default=Path("runs/alarms"))
    parser.add_argument("--trainings", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5, help="of each arm without a difference")
    parser.add_argument("--planted-seeds", type=int, default=30, help="of each arm with one")
    parser.add_argument("--effect", type=float, default=0.01)
    asked = parser.parse_args()

    jobs = [job(asked.out, seed) for seed in range(asked.trainings)]
    waiting = [job for job in jobs if not (job.folder / "metrics.json").is_file()]
    carry_out(waiting, Here(), lambda job, what: print(f"seed {job.seed} {what}", flush=True))
    both = pair([job.folder for job in jobs], [job.folder for job in jobs])
    right, groups = both.a, both.groups
    mean, spread = right.mean(axis=1).mean(), right.mean(axis=1).std(ddof=1)
    print(f"{len(right)} trainings, {right.shape[1]:,} pictures of {len(set(groups))} signs")
    print(f"accuracy {100 * mean:.2f} %, deviation over seeds {100 * spread:.2f} points")

    rng = np.random.default_rng(0)
    alarms = sum(verdict(*arms(right, asked.seeds, rng), groups) != "" for _ in range(REPETITIONS))
    print(f"no difference, {asked.seeds} seeds an arm: {alarms} alarms in {REPETITIONS}")
    found = 0
    for _ in range(REPETITIONS):
        a, b = arms(right, asked.planted_seeds, rng)
        found += verdict(a, worsened(b, groups, asked.effect, rng), groups) == "better"
    effect = f"{100 * asked.effect:g} point, {asked.planted_seeds} seeds an arm"
    print(f"a difference of {effect}: found {found} times in {REPETITIONS}")


def job(out: Path, seed: int) -> Job:
    config = load_config(None, (), **sections({**SETTINGS, "train.seed": seed}))
    return Job(arm="same", seed=seed, fold=0, folder=out / f"seed-{seed}", config=config)


def arms(right: NDArray[np.float64], seeds: int, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Two arms of different trainings."""
    chosen = rng.permutation(len(right))
    return [right[chosen[:seeds]], right[chosen[seeds : 2 * seeds]]]


def worsened(
    right: NDArray[np.float64], groups: tuple[str, ...], by: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Each training reads so many more pictures wrong: frames of signs that are drawn for each anew."""
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    result = right.copy()
    for row in result:
        hard = rng.random(codes.max() + 1)[codes] + rng.random(len(row)) * 0.3
        now_right = np.flatnonzero(row)
        row[now_right[np.argsort(hard[now_right])[: round(by * len(row))]]] = 0.0
    return result


def verdict(a: NDArray[np.float64], b: NDArray[np.float64], groups: tuple[str, ...]) -> str:
    """`better`, `worse`, or nothing."""
    found = judge([paired("a", "b", a, b, groups, generator=np.random.default_rng(0))])[0]
    return found.verdict if found.verdict in ("better", "worse") else ""


if __name__ == "__main__":
    main()
