"""What light, frame rate and pixels cost a drive: the same drives under several conditions, pair by pair.

    python benchmarks/drive_studies.py --study light|speed|camera --out DIR [--drives 12] [--km 1]
        [--recipe other-val] [--keep-films]

light    the same roads by day, at night and in rain
speed    the same films with every frame, and every second, third and fifth: what a frame rate costs
camera   the same roads at 110 km/h in pictures of 640x360 to 1920x1080: pixels needed for a limit in time

Each drive is drawn once for each condition that changes its pixels, watched, and kept as its journal; go on
with the same command after a break.  A condition is compared with the first on the same drives: differences
in percentage points, 95 % interval by bootstrap over drives, wider for the number of comparisons (Bonferroni)
where it decides on better or worse.  Fewer than eight drives are not judged.  Writes STUDY.json and STUDY.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from drives import Task, markdown, measured, number, say, share, spec_of, watch_all, write_results

from roadworthy.core.arrays import FloatArray
from roadworthy.drive.kpi.measures import DriveMetrics, DrivenDrive, measure_drives
from roadworthy.drive.kpi.sampling import ENOUGH_DRIVES

FIRST_SEED = 3000
REPETITIONS = 4000
SIZES = ("1280x720", "640x360", "960x540", "1920x1080")
EVERY = (1, 2, 3, 5)
LIGHTS = ("day", "night", "rain")
COMPARED = {
    "event_kpi": "event KPI",
    "limit_signs_before": "limits known before passing",
    "distance_kpi": "distance KPI",
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way in which the same drives are seen.

    drawn: settings of drawing.  watched: of watching; conditions that are drawn alike share their films.
    """

    name: str
    drawn: Mapping[str, object]
    watched: Mapping[str, int]


def conditions(study: str, fps: int) -> list[Condition]:
    """Those of a study; the others are compared with the first."""
    if study == "light":
        return [
            Condition(name=light, drawn={"light": light}, watched={}) for light in ("day", "night", "rain")
        ]
    if study == "speed":
        return [
            Condition(name=f"{fps / every:.3g} frames a second", drawn={}, watched={"every": every})
            for every in EVERY
        ]
    return [Condition(name=size, drawn={"size": size, "speed": 110}, watched={}) for size in SIZES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--study", choices=("light", "speed", "camera"), required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipe", default="other-val")
    parser.add_argument("--drives", type=int, default=12)
    parser.add_argument("--km", type=float, default=1.0, help="of each drive")
    parser.add_argument("--fps", type=int, help="30 for the study of speed, else 15")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--keep-films", action="store_true")
    asked = parser.parse_args()
    fps = asked.fps or (30 if asked.study == "speed" else 15)
    arms = {condition.name: tasks_of(condition, asked, fps) for condition in conditions(asked.study, fps)}
    # Seed by seed, so that a study that was cut off has whole pairs, and films are soon taken away.
    order = [task for together in zip(*arms.values(), strict=True) for task in together]
    watch_all(order, asked.out, keep_films=asked.keep_films, threads=asked.threads)
    say("measuring")
    driven = {name: measured(tasks, asked.out) for name, tasks in arms.items()}
    metrics = {name: measure_drives(drives) for name, drives in driven.items()}
    compared = list(comparisons(driven))
    tree = {
        "study": f"drive-{asked.study}",
        "asked": {**vars(asked), "fps": fps},
        "arms": {name: one.to_dict() for name, one in metrics.items()},
        "comparisons": compared,
    }
    write_results(asked.out, asked.study, tree, [arm_table(metrics), comparison_table(compared)])


def tasks_of(condition: Condition, asked: argparse.Namespace, fps: int) -> list[Task]:
    """Its drives, seed by seed."""
    tasks = []
    for seed in range(FIRST_SEED, FIRST_SEED + asked.drives):
        drawn = {"km": f"{asked.km:g}", "seed": seed, "recipe": asked.recipe, "fps": fps, **condition.drawn}
        word = condition.name.replace(" ", "-")
        film = "-".join(map(str, (seed, *condition.drawn.values())))
        tasks.append(
            Task(name=f"{seed}-{word}", spec=spec_of(**drawn), film=film, settings=condition.watched)
        )
    return tasks


def comparisons(driven: Mapping[str, Sequence[DrivenDrive]]) -> Iterator[dict[str, Any]]:
    """Each condition against the first, on the same drives, in each measure."""
    sums = {name: {m: sums_of(drives, m) for m in COMPARED} for name, drives in driven.items()}
    first, *others = sums
    count = len(others) * len(COMPARED)
    for name in others:
        for measure in COMPARED:
            yield compared(first, name, measure, sums[first][measure], sums[name][measure], count)


def sums_of(drives: Sequence[DrivenDrive], measure: str) -> FloatArray:
    """(drives, 2): how much holds, and of how much, in each drive."""
    found = []
    for drive in drives:
        one = getattr(measure_drives([drive], repetitions=2).all, measure)
        found.append(((one.value or 0.0) * one.n, float(one.n)))
    return np.array(found)


def compared(
    first: str, other: str, measure: str, a: FloatArray, b: FloatArray, count: int
) -> dict[str, Any]:
    """The difference of two shares over the same drives, other minus first, in points."""
    drawn = np.random.default_rng(0).integers(len(a), size=(REPETITIONS, len(a)))
    effects = 100 * (_shares(b[drawn].sum(axis=1)) - _shares(a[drawn].sum(axis=1)))
    known = effects[np.isfinite(effects)]
    row: dict[str, Any] = {"a": other, "b": first, "metric": measure, "drives": len(a)}
    if not len(known):
        return {**row, "effect": None, "ci95": None, "verdict": "not judged"}
    effect = float(100 * (_shares(b.sum(axis=0)) - _shares(a.sum(axis=0))))
    low, high = np.quantile(known, [0.025, 0.975]).tolist()
    strict = np.quantile(known, [0.025 / count, 1 - 0.025 / count]).tolist()
    verdict = "better" if strict[0] > 0 else "worse" if strict[1] < 0 else "no difference shown"
    return {
        **row,
        "effect": effect,
        "ci95": [low, high],
        "interval_adjusted": strict,
        "verdict": verdict if len(a) >= ENOUGH_DRIVES else "not judged",
    }


def _shares(sums: FloatArray) -> FloatArray:
    """Of (..., 2) sums."""
    return np.divide(sums[..., 0], sums[..., 1], out=np.full(sums.shape[:-1], np.nan), where=sums[..., 1] > 0)


def arm_table(metrics: Mapping[str, DriveMetrics]) -> str:
    header = ("", "km", "signs", "event KPI (95 %)", "found", "right class", "known before passing")
    header += ("metres before, median", "distance KPI", "dangerous", "false")
    return markdown(header, _arm_rows(metrics))


def _arm_rows(metrics: Mapping[str, DriveMetrics]) -> Iterator[Sequence[object]]:
    for name, one in metrics.items():
        own = one.all
        yield (
            name,
            f"{one.km or 0:.1f}",
            one.asked,
            *(share(m) for m in (own.event_kpi, own.found, own.right_class, own.limit_signs_before)),
            number(own.confirmed_m_median),
            share(own.distance_kpi),
            one.dangerous,
            one.false,
        )


def comparison_table(rows: Sequence[Mapping[str, Any]]) -> str:
    return markdown(
        ("", "against", "in", "points (95 %)", "verdict"),
        (
            (
                one["a"],
                one["b"],
                COMPARED[one["metric"]],
                "–"
                if one["effect"] is None
                else f"{one['effect']:+.1f} ({one['ci95'][0]:+.1f} to {one['ci95'][1]:+.1f})",
                one["verdict"],
            )
            for one in rows
        ),
    )


if __name__ == "__main__":
    main()
