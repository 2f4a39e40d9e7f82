"""Two readers side by side, in one run and on the same pictures: the table that a new edition must show.

    python benchmarks/reader.py --model NEW [--beside OLD] [--out DIR] [--only gtsrb,belgium] [--quick]

NEW and OLD are bundles, checkpoints or run folders; OLD is the packaged reader without.  Writes reader.json
and reader.md into DIR as it goes on.  It opens test sets: run it once, for what was chosen without them.
--quick takes a few pictures of each.

gtsrb        GTSRB's test, all classes open
belgium      folder:belgium, classes that both know
other-test   64 drawings of each class that OLD knows and Australia's drawings had in the first edition
colour       800 limits of GTSRB's test in grey, and with red and blue swapped
look-alikes  24 kinds of numbers that limit no car's speed, 64 views each, recipe other-test
framing      squares of drawn streets in which a sign takes up so much of the width, 200 each
speed        one thread, the two in turn: a crop of a frame to its answer, and batches of 64

The first three are the networks' answers at first sight, as `roadworthy evaluate` counts them; the next three
those of `Classifier.predict`, which looks closer where it is not sure, if the bundle has its -find.onnx.
Pictures of classes that one of the two does not know are left out and counted.  A model without a threshold
accepts everything.  Named as a sign with a class is whatever is not no-sign, other-sign or not-a-limit.
Intervals: 95 %; over signs where photographs tell which they show; of speed over rounds.  The calibration
error has none: resampled, it only grows.

These rows of docs/results/packaged.md come from here: accuracy, calibration error and danger of GTSRB's test,
Belgium and other-test for both editions; what is accepted; what is accepted, wrong and named as a sign with a
class; look-alikes accepted as a limit (there by recipe other-val: benchmarks/look_alikes.py).
Needs ROADWORTHY_DATA, and for ten minutes two quiet cores.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from colour import grey, in_any_order, is_end, limits_of, predicted, swapped
from finding_speed import Contender, in_turn
from finding_speed import row as timed
from framing import SHARES, Tally, framed
from look_alikes import KINDS, named_a_limit, views
from serving import BATCH, batch_of_crops, of_a_box, one_by_one
from strangers import NAMELESS

from roadworthy import api
from roadworthy.config import DataConfig, EvaluateConfig
from roadworthy.core.arrays import BoolArray, ByteArray, FloatArray, IntArray
from roadworthy.core.errors import RoadworthyError
from roadworthy.core.files import make_folder, write_json, write_text
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.core.provenance import provenance_of
from roadworthy.core.words import interval, percent, plural
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_dataset
from roadworthy.evaluate.calibration import expected_calibration_error
from roadworthy.evaluate.metrics import danger_costs, sign_indices
from roadworthy.evaluate.rejection import threshold_for
from roadworthy.evaluate.statistics.intervals import Interval, bootstrap_mean, wilson
from roadworthy.imaging.decode import decode
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.answers import Row
from roadworthy.inference.confidence import SCORES, accepted
from roadworthy.inference.network import all_logits
from roadworthy.signs.catalogue import NO_SIGN
from roadworthy.signs.catalogue import faces as faces_of
from roadworthy.workflows.evaluate import Calibration, as_predictions

# Classes with Australian faces of today that the first edition's drawings had none of, or that it lacked.
LATER = (
    *("no-overtaking", "no-trucks", "double-bend", "bumpy-road", "bicycles", "ice-snow", "end-speed-130"),
    *("bicycle-lane", "bus-lane", "divided-road", "end-divided-road", "end-road-works", "end-school-zone"),
    *(
        "floodway",
        "ford",
        "grid",
        "keep-left-unless-overtaking",
        "low-clearance",
        "merge-left",
        "merge-right",
    ),
    *("no-parking", "no-stopping", "other-sign", "road-narrows", "school-zone", "steep-descent"),
    *("weight-limit", "winding-road"),
)
LEAST_RECALL, WORST = 0.9, 8
CROPS, BATCHES, WARM_UP = 40, 6, 5  # of a round of the timing
CONFIG = EvaluateConfig()
WAYS = {
    "right": "right",
    "ece": "calibration error",
    "danger": "danger per 100",
    "surest": "wrong among the surest 99 %",
    "accepted": "accepted",
    "accepted_wrong": "accepted and wrong",
    "named_wrong": "accepted, wrong, and named as a sign with a class",
}


@dataclass(frozen=True)
class Sizes:
    """How much of each is measured; None is all that there is."""

    pictures: int | None = None
    per_class: int = 64
    limits: int = 800
    views: int = 64
    signs: int = 200
    rounds: int = 60


QUICK = Sizes(pictures=300, per_class=1, limits=24, views=1, signs=2, rounds=3)


@dataclass(frozen=True)
class Cell:
    """A figure of one reader.

    count: of the n, where the value is a share of them.  note: what else is said of it.
    """

    n: int
    value: float
    ci95: Interval | None = None
    count: int | None = None
    note: str = ""


Cells = dict[str, Cell]  # by what they tell


@dataclass(frozen=True)
class Pair:
    """The two readers, `new` and `beside`."""

    paths: dict[str, str]
    readers: dict[str, api.Classifier]
    notes: list[str] = field(default_factory=list)

    @property
    def shared(self) -> tuple[str, ...]:
        """The classes that both know."""
        return tuple(name for name in self.readers["beside"].classes if name in self.readers["new"].classes)

    def each(self, ask: Callable[[api.Classifier], Cells]) -> dict[str, Cells]:
        """What one function finds of either."""
        return {name: ask(reader) for name, reader in self.readers.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True, help="a bundle, checkpoint or run folder")
    parser.add_argument("--beside", default="packaged", help="another; default: the packaged one")
    parser.add_argument("--out", type=Path, default=Path("runs/reader"))
    parser.add_argument("--only", type=_parts, default=list(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="a few pictures of each, to try it out")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore", message="red and blue seem to be swapped")  # some are, on purpose
    paths = {"new": asked.model, "beside": asked.beside}
    try:
        pair = Pair(paths, {name: api.load(path) for name, path in paths.items()})
        make_folder(asked.out)
    except RoadworthyError as error:
        parser.error(str(error))
    sizes = QUICK if asked.quick else Sizes()
    begun = {"provenance": provenance_of(" ".join(sys.argv)), "quick": asked.quick, "load": os.getloadavg()}
    facts = {**begun, "models": {name: described(paths[name], of) for name, of in pair.readers.items()}}
    found: dict[str, dict[str, Cells]] = {}
    seconds: dict[str, float] = {}
    for part, ask in PARTS.items():
        if part in asked.only:
            with timing(seconds, part):
                found[part] = ask(pair, sizes)
            more = {"seconds": seconds, "left_out": pair.notes, "parts": as_json(found)}
            write_json({**facts, **more}, asked.out / "reader.json")
            write_text(table(found, paths), asked.out / "reader.md")
            print(f"{part}: {seconds[part]:.0f} s", file=sys.stderr, flush=True)
    print(table(found, paths), *pair.notes, sep="\n")


def _parts(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in PARTS]
    if wrong or not names:
        what = f"has {', '.join(wrong)}" if wrong else "names nothing"
        raise argparse.ArgumentTypeError(f"{text!r} {what}; give some of {', '.join(PARTS)}")
    return names


@contextmanager
def timing(seconds: dict[str, float], part: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - begun


def described(path: str, reader: api.Classifier) -> dict[str, Any]:
    """What tells which model it was."""
    return {
        "path": path,
        "sha256": hashlib.sha256(api.model_file(path).read_bytes()).hexdigest(),
        "classes": len(reader.classes),
        "temperature": reader.temperature,
        "rejection": None if reader.rejection is None else asdict(reader.rejection),
        "without_colour": reader.without_colour,
        "looks_closer": reader.looks_closer,
    }


# Sets with labels -------------------------------------------------------------------------------------------


def gtsrb(pair: Pair, sizes: Sizes) -> dict[str, Cells]:
    return labelled(pair, "gtsrb:", sizes.pictures)


def belgium(pair: Pair, sizes: Sizes) -> dict[str, Cells]:
    return labelled(pair, "folder:belgium", sizes.pictures)


def other_test(pair: Pair, sizes: Sizes) -> dict[str, Cells]:
    signs = "+".join(first_edition(pair.readers["beside"].classes))
    spec = f"rendered:au?recipe=other-test&per_class={sizes.per_class}&signs={signs}"
    return labelled(pair, spec, None, by_class=True)


def first_edition(classes: Sequence[str]) -> list[str]:
    """Those of some classes that Australia's drawings had in the first edition."""
    drawn = {NO_SIGN, *(face.sign for face in faces_of(["au"]))} - set(LATER)
    return [name for name in classes if name in drawn]


def labelled(pair: Pair, spec: str, most: int | None, *, by_class: bool = False) -> dict[str, Cells]:
    """What both say of the test pictures of a set whose classes both know, at first sight."""

    @cache
    def opened(input: InputSpec) -> Dataset:
        data, left_out = open_dataset(DataConfig(spec=spec), input, pair.shared, skip_unknown=True)
        if left_out:
            counted = f"{plural(sum(left_out.values()), 'picture')} of {plural(len(left_out), 'class')}"
            pair.notes.append(f"{spec}: left out {counted} that one of the two does not know")
        return data if most is None else data.some_signs(most)

    def ask(reader: api.Classifier) -> Cells:
        data = as_its_own(opened(reader.spec), reader.classes)
        calibration = Calibration(temperature=reader.temperature, rejection=reader.rejection)
        predictions = as_predictions(all_logits(reader, data.images, BATCH), data, calibration)
        return judged(predictions) | (of_classes(predictions) if by_class else {})

    return pair.each(ask)


def as_its_own(data: Dataset, classes: Sequence[str]) -> Dataset:
    """The same pictures with targets among a reader's own classes."""
    numbers = np.array([classes.index(name) for name in data.classes])
    return replace(data, classes=tuple(classes), targets=numbers[data.targets])


def judged(predictions: Predictions) -> Cells:
    """How often answers are right, what mistakes cost, and which are accepted."""
    logits, targets, classes = predictions.logits, predictions.targets, predictions.classes
    chosen, temperature = predictions.rejection, predictions.temperature
    answers = logits.argmax(axis=1)
    wrong = answers != targets
    sure = accepted(logits, temperature, chosen)
    kept = np.ones(len(wrong), dtype=bool) if sure is None else sure
    named = np.array([name not in NAMELESS for name in classes])[answers]
    scores = SCORES.get("probability" if chosen is None else chosen.score)(logits, temperature)
    surest = scores >= threshold_for(scores, 0.99)
    signs = sign_indices(predictions.groups, targets)
    return {
        "right": share(~wrong, signs),
        "ece": Cell(len(targets), expected_calibration_error(probabilities(logits, temperature), targets)),
        "danger": mean(100 * danger_costs(classes, CONFIG.danger)[targets, answers], signs),
        "surest": share(wrong[surest], None if signs is None else signs[surest]),
        "accepted": share(kept, signs),
        "accepted_wrong": share(kept & wrong, signs),
        "named_wrong": share(kept & wrong & named, signs),
    }


def of_classes(predictions: Predictions) -> Cells:
    """How many classes are read too rarely, and the worst of all by name."""
    right = predictions.logits.argmax(axis=1) == predictions.targets
    shown = np.unique(predictions.targets)
    recalls = {predictions.classes[i]: float(right[predictions.targets == i].mean()) for i in shown}
    worst = sorted(recalls, key=lambda name: (recalls[name], name))[:WORST]
    low = sum(recall < LEAST_RECALL for recall in recalls.values())
    named = ", ".join(f"{name} {percent(recalls[name], 0)}" for name in worst)
    told = f"classes read in less than {percent(LEAST_RECALL, 0)}"
    return {told: Cell(len(recalls), low, note=named)}


def share(flags: Sequence[bool] | BoolArray, signs: IntArray | None = None) -> Cell:
    """How many are true.  signs: (N,) which sign each belongs to, where that is known."""
    n, count = len(flags), int(np.sum(flags))
    found = None if signs is None else mean(np.asarray(flags, dtype=np.float64), signs).ci95
    # Where resampling tells nothing, because all signs are alike, each counts as one trial.
    trials = n if signs is None else len(np.unique(signs))
    return Cell(n, count / n, found or wilson(count / n * trials, trials), count)


def mean(values: FloatArray, signs: IntArray | None = None) -> Cell:
    """The mean of values, resampled by signs."""
    ends = bootstrap_mean(values, signs, generator=np.random.default_rng(0), repetitions=CONFIG.bootstrap)
    return Cell(len(values), float(values.mean()), ends)


# Pictures that `predict` answers ----------------------------------------------------------------------------


def colour(pair: Pair, sizes: Sizes) -> dict[str, Cells]:
    every = limits_of(in_any_order(np.random.default_rng(0)))
    records = [record for record in every if record.label in pair.shared][: sizes.limits]
    pictures, labels = [decode(record.path) for record in records], [record.label for record in records]
    signs = sign_indices([record.group for record in records], numbers(labels))

    def ask(reader: api.Classifier) -> Cells:
        without = predicted(reader, [grey(picture) for picture in pictures])
        other = predicted(reader, [swapped(picture) for picture in pictures])
        return of_limits(without, other, labels, signs)

    return pair.each(ask)


def of_limits(
    without: Sequence[Row], other: Sequence[Row], labels: Sequence[str], signs: IntArray | None = None
) -> Cells:
    """Answers to limits in grey, and with red and blue swapped."""
    right = as_array(row.predicted == label for row, label in zip(without, labels, strict=True))
    ends = as_array(is_end(row.predicted) for row in without)
    kept, kept_swapped = (as_array(map(is_accepted, rows)) for rows in (without, other))
    wrong = as_array(row.predicted != label for row, label in zip(other, labels, strict=True)) & kept_swapped
    named = as_array(row.predicted not in NAMELESS for row in other) & wrong
    return {
        "in grey: right": share(right, signs),
        "in grey: accepted and right": share(kept & right, signs),
        "in grey: accepted as the end of a limit": share(kept & ends, signs),
        "red and blue swapped: accepted and wrong": share(wrong, signs),
        "red and blue swapped: of these named as a sign with a class": share(named, signs),
    }


def is_accepted(row: Row) -> bool:
    return row.accepted is not False


def as_array(flags: Iterable[bool]) -> BoolArray:
    return np.array(list(flags), dtype=bool)


def numbers(labels: Sequence[str]) -> IntArray:
    """(N,) one number for each label."""
    return np.unique(labels, return_inverse=True)[1]


def alike(pair: Pair, sizes: Sizes) -> dict[str, Cells]:
    @cache
    def drawn(spec: InputSpec) -> ByteArray:
        return views(spec, "other-test", sizes.views)

    return pair.each(lambda reader: of_kinds(predicted(reader, list(drawn(reader.spec)))))


def of_kinds(rows: Sequence[Row]) -> Cells:
    """Answers to look-alikes, the kinds in turn."""
    named = named_a_limit(rows)
    bad = named & as_array(map(is_accepted, rows))
    names = list(KINDS)
    counts = {name: int(bad[i :: len(names)].sum()) for i, name in enumerate(names)}
    worst = [name for name in sorted(names, key=lambda name: -counts[name])[:3] if counts[name]]
    note = ", ".join(f"{name} {counts[name]}" for name in worst)
    return {"named a limit": share(named), "accepted as a limit": replace(share(bad), note=note)}


def framing(pair: Pair, sizes: Sizes) -> dict[str, Cells]:
    seen = {name: {one: Tally() for one in SHARES} for name in pair.readers}
    for one, picture, sign in framed("au", sizes.signs, 0, pair.shared):
        for name, reader in pair.readers.items():
            seen[name][one].look(reader, picture, sign)
    return {name: of_shares(tallies) for name, tallies in seen.items()}


def of_shares(tallies: dict[float, Tally]) -> Cells:
    cells: Cells = {}
    for one, tally in tallies.items():
        bad = [sure and not right for right, sure in zip(tally.final, tally.sure, strict=True)]
        cells[f"{percent(one, 0)} of the width: right at first sight"] = share(tally.first)
        cells[f"{percent(one, 0)} of the width: right"] = share(tally.final)
        cells[f"{percent(one, 0)} of the width: accepted and wrong"] = share(bad)
    return cells


# Speed ------------------------------------------------------------------------------------------------------


def speed(pair: Pair, sizes: Sizes) -> dict[str, Cells]:
    readers = {name: api.load(pair.paths[name], threads=1) for name in ("beside", "new")}
    contenders = {name: timed_turns(reader) for name, reader in readers.items()}
    turns = in_turn(contenders, 2, sizes.rounds)
    return {name: of_turns(name, turns) for name in pair.readers}


def timed_turns(reader: api.Classifier) -> Contender:
    """Turn 0: seconds of a crop, the median of some.  Turn 1: of a batch, the mean of some."""
    spec = of_a_box(reader.spec)
    images = batch_of_crops(spec)

    def turn(number: int) -> tuple[float, float, float, int]:
        if number == 0:
            seconds = float(np.median(one_by_one(reader.logits, spec, WARM_UP + CROPS)[WARM_UP:]))
        else:
            reader.logits(images)
            begun = time.perf_counter()
            for _ in range(BATCHES):
                reader.logits(images)
            seconds = (time.perf_counter() - begun) / BATCHES
        return seconds, float("nan"), float("nan"), 0

    return turn


def of_turns(name: str, turns: dict[str, FloatArray]) -> Cells:
    """turns: by name (rounds, 2, 4), from `in_turn`."""
    single, batch = (
        timed(name, {own: taken[:, [kind]] for own, taken in turns.items()}, "beside") for kind in (0, 1)
    )
    n = len(turns[name])
    low, high = batch["p50_ms_ci95"]
    least, most = batch["times_ci95"]
    return {
        "crop to answer, p50, ms": Cell(n, single["p50_ms"], single["p50_ms_ci95"]),
        "crop to answer, times the other's": Cell(n, single["times"], single["times_ci95"]),
        "crops a second in batches of 64": Cell(
            n, 1e3 * BATCH / batch["p50_ms"], (1e3 * BATCH / high, 1e3 * BATCH / low)
        ),
        "crops a second, times the other's": Cell(n, 1 / batch["times"], (1 / most, 1 / least)),
    }


# In this order: the last one binds torch to one thread.
PARTS: dict[str, Callable[[Pair, Sizes], dict[str, Cells]]] = {
    "gtsrb": gtsrb,
    "belgium": belgium,
    "other-test": other_test,
    "colour": colour,
    "look-alikes": alike,
    "framing": framing,
    "speed": speed,
}
UNITS = {"danger": 2, "crop to answer, p50, ms": 3, "crops a second in batches of 64": 0}  # digits


# Words ------------------------------------------------------------------------------------------------------


def as_json(found: dict[str, dict[str, Cells]]) -> dict[str, Any]:
    return {
        part: {name: {what: asdict(cell) for what, cell in cells.items()} for name, cells in by_name.items()}
        for part, by_name in found.items()
    }


def table(found: dict[str, dict[str, Cells]], paths: dict[str, str]) -> str:
    """In Markdown, a line for each figure."""
    lines = [f"| on | what | n | {paths['new']} | {paths['beside']} |", "|---|---|---|---|---|"]
    for part, cells in found.items():
        for what, new in cells["new"].items():
            beside = cells["beside"][what]
            n = f"{new.n:,}" if new.n == beside.n else f"{new.n:,} and {beside.n:,}"
            lines.append(
                f"| {part} | {WAYS.get(what, what)} | {n} | {said(what, new)} | {said(what, beside)} |"
            )
    return "\n".join(lines) + "\n"


def said(what: str, cell: Cell) -> str:
    """A figure, its interval, how many these are, and what else there is to say."""
    if what == "ece" or cell.count is not None:
        value, ends = percent(cell.value), cell.ci95 and interval(cell.ci95)
    else:
        digits = 0 if cell.ci95 is None else UNITS.get(what, 2)
        value = f"{cell.value:,.{digits}f}"
        ends = cell.ci95 and " to ".join(f"{end:,.{digits}f}" for end in cell.ci95)
    more = [f"{cell.count:,}"] if cell.count is not None else []
    return "; ".join([f"{value} ({ends})" if ends else value, *more, *([cell.note] if cell.note else [])])


if __name__ == "__main__":
    main()
