"""How likely the answer to a trail is right: fitted on drawn drives, and checked on others.

    python benchmarks/drive_sureness.py --fit DIR... --check DIR... [--write]

DIR: folders that benchmarks/drive_kpi.py --keep-films wrote; to fit on, of the recipe default, and to check
on, of other-val; never those that are measured in the end.  A drive whose journal is of another reader or
finder than the packaged ones is watched again first, so that this one command refits after either changed.
The least probability of a sure answer is the smallest from 0.9 on by which no more answers are sure and wrong
than by the product of score and confidence, both on drives that were left out of the fit.
--write puts the numbers into src/roadworthy/drive/sureness.toml.  Prints what both rules make of the drives.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from drives import JOURNAL, ORIGIN, Replay, drives_in, markdown, number, replayed, say, share

from drives import Task, watch_all  # isort: skip
from drive_rules import summary, tried_on

from roadworthy import api
from roadworthy.core.arrays import FloatArray
from roadworthy.drive.journal import FORMAT
from roadworthy.drive.kpi.matching import NAMELESS
from roadworthy.drive.kpi.truth import film_in, truths_in
from roadworthy.drive.reading import ReadingRule, read_trail, rule_of, trail_features
from roadworthy.drive.seen import AT_LEAST, Trail
from roadworthy.drive.sureness import FEATURES, NUMBERS, Sureness, sureness_of
from roadworthy.drive.tracking.joining import joined
from roadworthy.evaluate.detection.matching import intersection_over_union
from roadworthy.inference.classifier import model_file
from roadworthy.inference.finder import finder_file
from roadworthy.workflows.drive import fingerprint

OVERLAP = 0.3  # of a box with a true one: a finder frames the ring of a limit, truth its plate
MOST = 10  # moments of a trail that are fitted to
THRESHOLDS = np.round(np.concatenate([np.arange(0.9, 0.95, 0.01), np.arange(0.95, 0.9991, 0.001)]), 3)


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """A trail: its features after some of its frames, and whether the answer was right then.

    drive: which it is of.  features: (M, K); the last of them of the whole trail.  right: (M,).
    sure_before: whether the product of score and confidence makes it sure.
    """

    drive: int
    features: FloatArray
    right: FloatArray
    sure_before: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--fit", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--check", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    classifier = api.load()
    rule = rule_of(classifier.network, classifier.finder)
    product = replace(rule, sureness=None)
    fit, check = (
        [one for folder in folders for one in replays_of(folder, asked.threads)]
        for folders in (asked.fit, asked.check)
    )
    if not fit:
        parser.error("no drive that was watched to its end is in the folders to fit on")
    examples = [example for place, one in enumerate(fit) for example in examples_of(place, one, product)]
    tree = fitted(examples)
    tree |= {"reader": classifier.network.sha256, "finder": classifier.finder.sha256, "fit": told(fit)}
    new = replace(rule, sureness=sureness_of(tree))
    rows = [
        row(f"{name}, {len(drives)} drives", word, drives, each)
        for name, drives in (("fitted on", fit), ("checked on", check))
        if drives
        for word, each in (("product", product), ("fitted", new))
    ]
    print(tomli_w.dumps(tree))
    header = ("drives", "rule", "event KPI", "distance KPI", "sure and wrong", "false an hour")
    print(markdown((*header, "of them sure", "duplicates", "dangerous", "before passing"), rows))
    if asked.write:
        NUMBERS.write_text(tomli_w.dumps(tree), encoding="utf-8")
        say(f"{NUMBERS} is written")


def told(replays: Sequence[Replay]) -> dict[str, Any]:
    """Where numbers come from."""
    return {
        "drives": len(replays),
        "km": round(sum(float(one.truth.travelled.metres[-1]) for one in replays) / 1000, 1),
        "commit": ORIGIN.get("commit") or "unknown",
    }


# The drives, watched by the reader and finder that come along


def replays_of(folder: Path, threads: int) -> list[Replay]:
    """The drives of a folder; those that others watched are watched again, where their film is there."""
    for truth in truths_in(folder / "drives"):
        driven = folder / "driven" / truth.name
        if film_in(truth) and not is_current(driven / JOURNAL):
            shutil.rmtree(driven, ignore_errors=True)
            watch_all([Task(name=truth.name, spec="")], folder, keep_films=True, threads=threads)
    return [replayed(truth, driven) for truth, driven in drives_in(folder) if is_current(driven / JOURNAL)]


def is_current(journal: Path) -> bool:
    """Whether a journal is of the packaged reader and finder, as this version reads boxes."""
    try:
        with journal.open("rb") as file:
            about = json.loads(file.readline()[9:])
    except (OSError, ValueError):
        return False
    return (about.get("format"), about.get("reader"), about.get("finder")) == (
        FORMAT,
        fingerprint(model_file(None)),
        fingerprint(finder_file(None)),
    )


# What is fitted to


def examples_of(drive: int, replay: Replay, rule: ReadingRule) -> Iterable[Example]:
    """The trails of a drive, but for those that are read as what tells a driver nothing."""
    shown = [trail for trail in replay.trails if len(trail.seen) >= max(AT_LEAST, rule.frames)]
    for trail in joined(shown, lambda one: read_trail(one.seen, rule).sign, replay.scene.headings):
        reading = read_trail(trail.seen, rule)
        if reading.sign in NAMELESS:
            continue
        features, chosen = trail_features(trail.seen, rule)
        places = np.unique(np.geomspace(rule.frames, len(trail.seen), MOST).round().astype(int)) - 1
        true = true_sign(trail, replay)
        right = np.array([rule.classes[int(chosen[place])] == true for place in places], float)
        yield Example(drive=drive, features=features[places], right=right, sure_before=reading.accepted)


def true_sign(trail: Trail, replay: Replay) -> str | None:
    """The class of the true sign that most of a trail's boxes show; None where most show none."""
    there: dict[int, list[Any]] = {}
    for box in replay.truth.boxes:
        there.setdefault(box.frame, []).append(box)
    signs = {event.event: event.sign for event in replay.truth.events}
    votes: Counter[str | None] = Counter()
    for one in trail.seen:
        near = [(intersection_over_union(box.box, one.box), box.event) for box in there.get(one.frame, ())]
        overlap, event = max(near, default=(0.0, ""))
        votes[event if overlap >= OVERLAP else None] += 1
    event, _ = votes.most_common(1)[0]
    return None if event is None else signs.get(event)


# The fit


def fitted(examples: Sequence[Example]) -> dict[str, Any]:
    """The numbers, and how many answers were sure and wrong on drives left out, by both rules."""
    whole = regression(examples)
    if whole is None:
        raise SystemExit("a fit takes trails that were read right and wrong ones; give more drives")
    left_out = [
        (float(without.probabilities(one.features[-1:])[0]), one)
        for drive in sorted({one.drive for one in examples})
        for without in [regression([one for one in examples if one.drive != drive]) or whole]
        for one in examples
        if one.drive == drive
    ]
    wrong_before = sum(one.sure_before and not one.right[-1] for one in examples)
    sure = next(
        (
            float(least)
            for least in THRESHOLDS
            if sum(p >= least and not one.right[-1] for p, one in left_out) <= wrong_before
        ),
        float(THRESHOLDS[-1]),
    )
    return {
        "sure": sure,
        "bias": round(whole.bias, 5),
        "weights": {name: round(w, 5) for name, w in zip(FEATURES, whole.weights, strict=True)},
        "trails": {
            "all": len(examples),
            "wrong": sum(not one.right[-1] for one in examples),
            "sure": sum(p >= sure for p, _ in left_out),
            "sure_and_wrong": sum(p >= sure and not one.right[-1] for p, one in left_out),
            "sure_by_product": sum(one.sure_before for one in examples),
            "sure_and_wrong_by_product": int(wrong_before),
        },
    }


def regression(examples: Sequence[Example]) -> Sureness | None:
    """The regression without negative weights: evidence makes no answer less likely.  None of one kind."""
    from sklearn.linear_model import LogisticRegression

    if not examples:
        return None
    x = np.concatenate([one.features for one in examples])
    y = np.concatenate([one.right for one in examples])
    counts = np.concatenate([np.full(len(one.right), 1 / len(one.right)) for one in examples])
    if len(set(y.tolist())) < 2:
        return None
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    used = list(range(x.shape[1]))
    while True:
        model = LogisticRegression(C=1.0).fit(((x - mean) / spread)[:, used], y, sample_weight=counts)
        kept = [place for place, weight in zip(used, model.coef_[0], strict=True) if weight > 0]
        if len(kept) == len(used) or not kept:
            break
        used = kept
    weights = np.zeros(x.shape[1])
    weights[used] = model.coef_[0] / spread[used]
    bias = float(model.intercept_[0] - weights @ mean)
    return Sureness(weights=tuple(weights.tolist()), bias=bias, sure=0.5)


def row(drives: str, word: str, replays: Sequence[Replay], rule: ReadingRule) -> Sequence[object]:
    """The measures of drives by a rule."""
    own = summary(tried_on(replays, rule, {}, 500))
    return (
        drives,
        word,
        share(own["event_kpi"]),
        share(own["distance_kpi"]),
        own["sure_and_wrong"],
        number(own["false_per_hour"]),
        number(own["false_sure_per_hour"]),
        share(own["duplicates"]),
        own["dangerous"],
        share(own["limit_signs_before"]),
    )


if __name__ == "__main__":
    main()
