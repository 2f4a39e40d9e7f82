"""Rules of reading drives, tried on what their frames showed, without looking at any frame again.

    python benchmarks/drive_rules.py DIR... --out DIR [--set NAME=VALUE,VALUE...]...

DIR: folders that benchmarks/drive_kpi.py wrote, of drives to choose on (--recipe other-val), never those that
are measured in the end.  NAME: a field of ReadingRule (sure, independence, doubted, frames, lasts_s,
told_frames, told_score, told_confidence) or of MeaningRule (at_least, high, across, far_aside, limit_far,
turned, still_s, ...).  All combinations are tried, after the rule as it is; where a sureness was fitted for
the reader, `sure` says nothing.  `sure and wrong` are accepted events that are no sign, or another.  Writes
rules.json and rules.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from drives import Replay, drives_in, markdown, number, replayed, say, share, write_results

from roadworthy import api
from roadworthy.drive.kpi.measures import DriveMetrics, DrivenDrive, measure_drives
from roadworthy.drive.limits.regions import region_named
from roadworthy.drive.meaning import MEANING, MeaningRule
from roadworthy.drive.reading import ReadingRule, rule_of
from roadworthy.drive.understanding import understand
from roadworthy.workflows.drive import NO_REGION

READING = tuple(field.name for field in fields(ReadingRule) if field.type in ("float", "int"))[1:]
MEANINGS = tuple(field.name for field in fields(MeaningRule))
Changes = Mapping[str, float]
GRID = {
    "sure": (0.6, 0.7, 0.77, 0.85, 0.9, 0.95),
    "independence": (0.0, 0.05, 0.1, 0.2, 0.4),
    "frames": (3, 5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUES", dest="sets")
    parser.add_argument("--reader", help="that the journals are of; the packaged one without")
    parser.add_argument("--finder")
    parser.add_argument("--repetitions", type=int, default=200, help="of the bootstrap")
    asked = parser.parse_args()
    grid = grid_of(asked.sets, parser)
    classifier = api.load(asked.reader, finder=asked.finder)
    own = rule_of(classifier.network, classifier.finder)
    replays = []
    for folder in asked.folders:
        for truth, driven in drives_in(folder):
            replays.append(replayed(truth, driven))
            say(f"{truth.name}: {len(replays[-1].trails)} trails")
    if not replays:
        parser.error("no drive that was watched to its end is in these folders")
    tried: list[dict[str, Any]] = []
    for step, changes in enumerate(grid, start=1):
        metrics = tried_on(replays, own, changes, asked.repetitions)
        tried.append({"rule": changes, **summary(metrics)})
        say(f"{step} of {len(grid)}: {as_text(changes)}: event KPI {share(metrics.all.event_kpi)}")
        tree = {"as it is": as_it_is(own), "drives": len(replays), "tried": tried}
    write_results(asked.out, "rules", tree, [table(tried)])


def grid_of(sets: Sequence[str], parser: argparse.ArgumentParser) -> list[Changes]:
    """All combinations of the values asked for, the rule as it is first."""
    axes: dict[str, tuple[float, ...]] = {}
    for text in sets:
        name, _, values = text.partition("=")
        if name not in (*READING, *MEANINGS) or not values:
            parser.error(
                f"--set got {text!r}; write NAME=VALUE,VALUE with {', '.join((*READING, *MEANINGS))}"
            )
        axes[name] = tuple(map(float, values.split(",")))
    axes = axes or GRID
    return [{}, *(dict(zip(axes, values, strict=True)) for values in product(*axes.values()))]


def tried_on(replays: Sequence[Replay], own: ReadingRule, changes: Changes, repetitions: int) -> DriveMetrics:
    """The measures of drives under a rule."""
    rule = replace(own, **{name: value for name, value in changes.items() if name in READING})
    meaning = replace(MEANING, **{name: value for name, value in changes.items() if name in MEANINGS})
    return measure_drives([_understood(one, rule, meaning) for one in replays], repetitions=repetitions)


def _understood(one: Replay, rule: ReadingRule, meaning: MeaningRule) -> DrivenDrive:
    about = one.truth.about
    understood = understand(
        one.trails,
        rule,
        one.scene,
        region_named(about.region or NO_REGION),
        end_s=one.end_s,
        start=about.began,
        meaning=meaning,
    )
    return DrivenDrive(truth=one.truth, events=understood.events, limits=understood.limits)


def summary(metrics: DriveMetrics) -> dict[str, Any]:
    """What a rule is chosen by."""
    misread = sum(
        one.found is not None and one.found.accepted and one.found.counts and not one.right_class
        for matching in metrics.matchings
        for one in matching.matched
    )
    own = metrics.all
    return {
        "sure_and_wrong": misread + metrics.false_sure,
        "misread_sure": misread,
        "false": metrics.false,
        "false_sure": metrics.false_sure,
        "dangerous": metrics.dangerous,
        "not_ours": metrics.not_ours,
        "again": metrics.again,
        **{name: getattr(own, name) for name in SHOWN},
    }


SHOWN = (
    *("event_kpi", "found", "right_class", "distance_kpi", "answered", "duplicates"),
    *("limit_signs_before", "answer_s_p95", "false_per_hour", "false_sure_per_hour"),
)


def as_it_is(own: ReadingRule) -> dict[str, float]:
    """The values that are changed."""
    return {
        **{name: getattr(own, name) for name in READING},
        **{name: getattr(MEANING, name) for name in MEANINGS},
    }


def as_text(changes: Changes) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in changes.items()) or "as it is"


def table(tried: Sequence[Mapping[str, Any]]) -> str:
    header = ("rule", "event KPI", "distance KPI", "sure and wrong", "dangerous", "false an hour")
    header += ("of them sure", "not ours, taken", "duplicates", "before passing", "answer p95")
    return markdown(header, _rows(tried))


def _rows(tried: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[object]]:
    for one in tried:
        yield (
            as_text(one["rule"]),
            share(one["event_kpi"]),
            share(one["distance_kpi"]),
            one["sure_and_wrong"],
            one["dangerous"],
            number(one["false_per_hour"]),
            number(one["false_sure_per_hour"]),
            one["not_ours"],
            share(one["duplicates"]),
            share(one["limit_signs_before"]),
            number(one["answer_s_p95"], " s"),
        )


if __name__ == "__main__":
    main()
