"""How well drawn drives are read that nothing was tuned on: the measures of docs/guide/drive-truth.md.

    python benchmarks/drive_kpi.py --out DIR [--recipe other-test] [--km 50] [--km-per-drive 2]
        [--light day,night,rain] [--fast-km 10] [--keep-films]

Draws drives, lights by turns, watches each as `roadworthy drive` does with its GPS track, and measures all of
them; besides, drives at 110 km/h all along, for how many limits are known before they are passed.  Go on with
the same command after a break.  DIR keeps truth, journals and what was found (benchmarks/drive_rules.py tries
rules on them), films only with --keep-films.  Writes kpi.json, kpi.md and matched.csv.
Intervals: 95 %, bootstrap over drives (over kilometres where there are fewer than eight drives).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from drives import Task, markdown, measured, number, say, share, spec_of, watch_all, write_results

from roadworthy.core.files import write_csv
from roadworthy.drive.kpi.measures import DriveMetrics, Kpis, measure_drives
from roadworthy.workflows.drive_evaluate import matched_rows

FAST_KMH = 110
FIRST_SEED = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipe", default="other-test")
    parser.add_argument("--km", type=float, default=50.0)
    parser.add_argument("--km-per-drive", type=float, default=2.0)
    parser.add_argument("--light", default="day,night,rain", help="by turns")
    parser.add_argument(
        "--fast-km", type=float, default=10.0, help=f"besides, at {FAST_KMH} km/h; 0 for none"
    )
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--keep-films", action="store_true")
    asked = parser.parse_args()
    usual, fast = tasks_of(asked), tasks_of(asked, kmh=FAST_KMH)
    watch_all(
        [*usual, *fast], asked.out, keep_films=asked.keep_films, every=asked.every, threads=asked.threads
    )
    say("measuring")
    metrics = measure_drives(measured(usual, asked.out))
    at_speed = measure_drives(measured(fast, asked.out)) if fast else None
    write_csv(matched_rows(metrics), asked.out / "matched.csv")
    tree = {"asked": vars(asked), "all": metrics.to_dict()}
    if at_speed is not None:
        write_csv(matched_rows(at_speed), asked.out / "matched-fast.csv")
        tree["fast"] = at_speed.to_dict()
    write_results(asked.out, "kpi", tree, list(tables(metrics, at_speed)))


def tasks_of(asked: argparse.Namespace, kmh: int | None = None) -> list[Task]:
    """The drives that make up the kilometres asked for, each of a seed of its own; light by light."""
    lights = asked.light.split(",")
    km = asked.km if kmh is None else asked.fast_km
    count = math.ceil(km / asked.km_per_drive - 1e-9)
    first = FIRST_SEED if kmh is None else 2 * FIRST_SEED
    return [
        Task(
            name=f"{'fast' if kmh else 'drive'}-{number:03d}-{lights[number % len(lights)]}",
            spec=spec_of(
                km=f"{asked.km_per_drive:g}",
                seed=first + number,
                recipe=asked.recipe,
                light=lights[number % len(lights)],
                size=asked.size,
                fps=asked.fps,
                speed=kmh,
            ),
        )
        for number in range(count)
    ]


def tables(metrics: DriveMetrics, fast: DriveMetrics | None) -> Iterator[str]:
    """What was asked for, then by light, weather, speed, road and kind of sign."""
    yield (
        f"{len(metrics.drives)} drives, {metrics.km or 0:.1f} km, {metrics.hours:.2f} h, "
        f"{metrics.true_events} signs, {metrics.asked} of them to be answered; "
        f"intervals over {metrics.interval_over}"
    )
    yield markdown(("what", "measured (95 %)", "n", "to reach", "reached"), list(_asked_rows(metrics, fast)))
    for name, parts in metrics.by.items():
        yield markdown(
            (name, "signs", "event KPI (95 %)", "right class", "distance KPI (95 %)", "dangerous", "false"),
            [_part_row(word, own) for word, own in parts.items()],
        )


def _asked_rows(metrics: DriveMetrics, fast: DriveMetrics | None) -> Iterator[Sequence[object]]:
    own = metrics.all
    yield _row("event KPI", share(own.event_kpi), own.event_kpi.n, ">= 95 %", _least(own.event_kpi, 0.95))
    for name in ("found", "found_once", "right_class", "in_time"):
        one = getattr(own, name)
        yield name.replace("_", " "), share(one), one.n, "", ""
    one = own.distance_kpi
    yield _row("distance KPI", share(one), f"{one.n:,} m", ">= 97 %", _least(one, 0.97))
    yield _row("dangerous limits", metrics.dangerous, f"{metrics.km or 0:.1f} km", "0", not metrics.dangerous)
    one = own.dangerous_per_100_km
    yield _row("dangerous limits a 100 km", number(one), one.n, "", None)
    one = own.false_per_hour
    yield _row("false events an hour", number(one), one.n, "<= 1", _most(one, 1.0))
    yield _row("those accepted", number(own.false_sure_per_hour), own.false_sure_per_hour.n, "", None)
    yield _row("duplicates", share(own.duplicates), own.duplicates.n, "<= 1 %", _most(own.duplicates, 0.01))
    one = own.answer_s_p95
    yield _row("answer after passing, p95", number(one, " s"), one.n, "<= 0.5 s", _most(one, 0.5))
    yield _row(
        "limits known before passing", share(own.limit_signs_before), own.limit_signs_before.n, "", None
    )
    if fast is not None:
        one = fast.all.limit_signs_before
        yield _row(f"the same at {FAST_KMH} km/h", share(one), one.n, ">= 95 %", _least(one, 0.95))
        yield _row(f"event KPI at {FAST_KMH} km/h", share(fast.all.event_kpi), fast.all.event_kpi.n, "", None)


def _row(what: str, value: object, n: object, reach: str, reached: bool | None) -> tuple[object, ...]:
    return what, value, n, reach, "" if reached is None else "yes" if reached else "no"


def _least(one: Any, least: float) -> bool | None:
    return None if one.value is None else one.value >= least


def _most(one: Any, most: float) -> bool | None:
    return None if one.value is None else one.value <= most


def _part_row(word: str, own: Kpis) -> tuple[object, ...]:
    danger = "–" if own.dangerous_per_100_km.value is None else own.dangerous_per_100_km.n
    false = own.false_per_hour.n
    return (
        word,
        own.event_kpi.n,
        share(own.event_kpi),
        share(own.right_class),
        share(own.distance_kpi),
        danger,
        false,
    )


if __name__ == "__main__":
    main()
