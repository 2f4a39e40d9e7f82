"""What stored results hold, as the story asks for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from zipfile import BadZipFile

import numpy as np

from roadworthy.core.document import Figure, Gallery, Picture
from roadworthy.core.errors import CheckpointError
from roadworthy.core.words import interval, percent, points, points_interval
from roadworthy.evaluate.statistics.verdicts import summarise_shares
from roadworthy.report import figures
from roadworthy.report.study import Tree, answer, comparison_row, read_study
from roadworthy.studies.story.confused import Finished

FOUR = ("speed-50", "speed-60", "stop", "no-entry")
SHOWN = 12  # pictures of a gallery, rows of a chart


Library = Mapping[str, Finished]


def read_library(folder: Path) -> Library:
    """Every finished study in a folder of studies, by name."""
    places = sorted(path.parent for path in folder.glob("*/results.json"))
    found = (Finished(tree=read_study(place), folder=place) for place in places)
    return {one.tree["study"]: one for one in found}


def command_of(one: Finished) -> str:
    """The command that makes a study, places without their folders."""
    asked = one.tree["asked"]
    words = ["roadworthy study", one.tree["study"]]
    words += [f"--data {_short(asked['data'])}"] if asked.get("data") else []
    words += [f"--new {_short(spec)}" for spec in asked.get("new", {}).values()]
    words += [f"--cifar {_short(asked['cifar'])}"] if asked.get("cifar") else []
    classes = tuple(asked.get("classes", ()))
    words += [f"--classes {','.join(classes)}"] if classes not in ((), FOUR) else []
    words += ["--quick"] if one.quick else []
    words += [f"--seeds {asked['seeds']}"] if "seeds" in asked else []
    return " ".join([*words, *(f"--set {text}" for text in asked.get("settings", ()))])


def _short(spec: str) -> str:
    """`gtsrb:/data/gtsrb` as `gtsrb:`, `folder:/data/belgium` as `folder:belgium`."""
    source, _, place = spec.partition(":")
    if not PurePath(place).is_absolute():
        return spec
    return f"{source}:" + (PurePath(place).name if source == "folder" else "")


def headline(one: Finished) -> str:
    """The first sentence of a study's answer."""
    first, end, _ = answer(one.tree).partition(". ")
    return first + end.rstrip() if end else first


def accuracy_sentence(one: Finished, arm: str, place: str = "") -> str | None:
    """An arm's mean with its interval over seeds; None where it was not measured."""
    measured = measured_by(one, arm, place)
    if not measured:
        return None
    summary = summarise_shares([found["accuracy"] for found in measured])
    sure = f"95 % {interval(summary.ci95)}, " if summary.ci95 is not None else "no interval, "
    return (
        f"{place or 'test'}, {arm}: {percent(summary.mean)} right ({sure}"
        f"{summary.n} seed{'s' if summary.n > 1 else ''}, {measured[0]['n']:,} pictures)"
    )


def measured_by(one: Finished, arm: str, place: str = "") -> list[Tree]:
    """What each training of an arm measured, at home or elsewhere."""
    runs = [run for own in one.tree["arms"] if own["name"] == arm for run in own["runs"]]
    return [
        run["new"][place] if place else run["metrics"] for run in runs if not place or place in run["new"]
    ]


def comparison_sentence(comparison: Tree) -> str:
    """A comparison with its interval and what the design could see."""
    place = comparison["metric"].partition(" on ")[2] or "test"
    sure = "no interval" if comparison["ci95"] is None else f"95 % {points_interval(comparison['ci95'])}"
    return (
        f"{place}: {comparison['a']} against {comparison['b']} {points(comparison['effect'])} points "
        f"({sure}; {comparison['seeds']} seeds, {comparison['n']:,} pictures): {comparison['verdict']}"
    )


def comparisons_on(one: Finished, place: str = "") -> list[Tree]:
    """Those at home, or at another place."""
    metric = f"accuracy on {place}" if place else "accuracy"
    return [c for c in one.tree["comparisons"] if c["metric"] == metric]


def gains_chart(name: str, caption: str, comparisons: Sequence[Tree], most: int = SHOWN) -> list[Figure]:
    """Differences with their intervals, the largest `most`; nothing where there are none."""
    known = [c for c in comparisons if c["ci95"] is not None]
    if not known:
        return []
    largest = sorted(known, key=lambda c: -abs(c["effect"]))[:most]
    shown = sorted(largest, key=lambda c: -c["effect"])
    rows = [comparison_row(c) for c in shown]
    rest = f"; the {most} largest of {len(known)}" if len(known) > most else ""
    alt = "; ".join(f"{row.name}: {points(row.value)} points" for row in rows)
    return [figures.interval_chart(name=name, caption=caption + rest, alt=alt, rows=rows, difference=True)]


def accuracy_chart(name: str, caption: str, one: Finished, arms: Sequence[tuple[str, str]]) -> list[Figure]:
    """Mean accuracy of (arm, place) with intervals over seeds; nothing where none has several seeds."""
    rows = []
    for arm, place in arms:
        values = [found["accuracy"] for found in measured_by(one, arm, place)]
        summary = summarise_shares(values) if values else None
        if summary is not None and summary.ci95 is not None:
            low, high = summary.ci95
            label = place if len({arm for arm, _ in arms}) == 1 else arm
            rows.append(figures.Interval(name=label or "test", value=summary.mean, low=low, high=high))
    if not rows:
        return []
    alt = "; ".join(f"{row.name}: {percent(row.value)}" for row in rows)
    return [figures.interval_chart(name=name, caption=caption, alt=alt, rows=rows)]


def galleries(one: Finished, most: int = SHOWN) -> list[Gallery]:
    """The study's galleries, as far as their pictures lie in its folder: what is kept elsewhere has none."""
    found = []
    for stored in one.tree["galleries"]:
        try:
            with np.load(one.folder / stored["file"], allow_pickle=False) as arrays:
                images = arrays["images"][:most]
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise CheckpointError(f"{one.folder / stored['file']} cannot be read: {error}") from error
        pictures = tuple(
            Picture(image=image, caption=caption, alt=caption)
            for image, caption in zip(images, stored["captions"], strict=False)
        )
        found.append(Gallery(caption=stored["caption"], pictures=pictures))
    return found


def class_counts(library: Library) -> Mapping[str, Mapping[str, int]]:
    """Pictures by split and class, as the first training that kept them used them; empty for none."""
    for one in library.values():
        for path in sorted(one.folder.glob("runs/*/*/data.json")):
            stored = json.loads(path.read_text(encoding="utf-8"))
            if (
                tuple(stored["classes"]) == FOUR
                and stored["spec"].startswith("gtsrb:")
                and "," not in stored["spec"]
            ):
                counts: Mapping[str, Mapping[str, int]] = stored["counts"]
                return counts
    return {}
