"""How many boxes that `roadworthy label` writes need no correction?

    python benchmarks/prelabels.py gtsdb: --split test [--judged docs/results/kept/prelabels-judged.csv]

A box needs none where it overlaps a labelled one by half or more and its class is right; how closely it fits
is told beside, and whether the order of what is worth a look puts frames first that need a correction.
GTSDB's labels leave signs out: boxes that match no label are written to judge.csv and drawn
on judge.png, to be judged by eye (`right`: a sign of that class; `misnamed`: a sign of another; `wrong`: no
sign) and given back with --judged.  Choose settings on `val`.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from roadworthy.config import DataConfig
from roadworthy.core.arrays import Box
from roadworthy.core.boxes import as_boxes
from roadworthy.core.files import make_folder, write_csv, write_png
from roadworthy.data.frames import Frame
from roadworthy.data.label_changes import Effort
from roadworthy.data.open_frames import open_split
from roadworthy.data.sheet import contact_sheet
from roadworthy.evaluate.detection.matching import intersection_over_union, match_frame
from roadworthy.evaluate.statistics.intervals import bootstrap_ratio, wilson
from roadworthy.evaluate.worth import Judged, looks
from roadworthy.inference.classifier import load
from roadworthy.inference.proposals import Proposal, propose, written_from

VERDICTS = ("right", "misnamed", "wrong")
COLUMNS = ("frame", "x1", "y1", "x2", "y2", "answer", "score", "what", "label", "verdict")


@dataclass(frozen=True, kw_only=True)
class Written:
    """A box that is written.  what: `right`, `misnamed`, `ignored`, or `unmatched` with no label."""

    frame: str
    box: Box
    answer: str
    score: float
    what: str
    label: str = ""
    overlap: float = 0.0


def matched(frame: Frame, proposals: Sequence[Proposal]) -> tuple[list[Written], int]:
    """What each box is, and how many of the frame's signs none is on."""
    wanted = frame.wanted
    ignore = as_boxes([one.box for one in frame.annotations if one.ignore])
    boxes, scores = as_boxes([one.box for one in proposals]), np.array([one.found for one in proposals])
    found = match_frame(boxes, scores, as_boxes([one.box for one in wanted]), ignore)
    rows = []
    for one, sign, ignored, overlap in zip(
        proposals, found.signs.tolist(), found.ignored.tolist(), found.overlaps.tolist(), strict=True
    ):
        label = wanted[sign].label if sign >= 0 else ""
        what = "ignored" if ignored else "unmatched" if sign < 0 else "right"
        if sign >= 0 and label not in ("", one.label):
            what = "misnamed"
        name = Path(frame.path).name
        rows.append(
            Written(
                frame=name,
                box=one.box,
                answer=one.label,
                score=one.found,
                what=what,
                label=label,
                overlap=overlap,
            )
        )
    return rows, len(wanted) - len(set(found.signs.tolist()) - {-1})


def judged(rows: Sequence[Written], path: Path) -> list[str]:
    """The verdict of each unmatched box; empty for others and for those not in the file."""
    with path.open(newline="", encoding="utf-8") as file:
        known = list(csv.DictReader(file))
    verdicts = []
    for row in rows:
        own = [
            line["verdict"]
            for line in known
            if line["frame"] == row.frame
            and line["answer"] == row.answer
            and intersection_over_union(row.box, tuple(float(line[e]) for e in ("x1", "y1", "x2", "y2")))
            > 0.5
        ]
        verdicts.append(own[0] if own and row.what == "unmatched" else "")
    if unknown := {verdict for verdict in verdicts if verdict} - set(VERDICTS):
        sys.exit(f"{path} has the verdict {unknown.pop()!r}; give {', '.join(VERDICTS)}")
    return verdicts


def needs_none(row: Written, verdict: str) -> bool:
    """Whether a person would leave the box as it is."""
    return row.what == "right" or verdict == "right"


def fault(row: Written, verdict: str) -> bool:
    """Whether a person would correct the box."""
    return row.what != "ignored" and not needs_none(row, verdict)


def order_of(order: Sequence[str], faulty: set[str]) -> str:
    """How early in an order those with a fault come: AUROC, and the share of them in the first third."""
    bad = np.array([path in faulty for path in order])
    places = np.arange(len(order))
    pairs = places[bad][:, None] < places[~bad][None]
    first = bad[: -(-len(order) // 3)].sum() / max(1, bad.sum())
    said = f"{first:.0%} of them in the first third, AUROC {pairs.mean():.2f}"
    return f"{bad.sum()} frames need a correction; {said}"


def share(rows: Sequence[Written], good: Sequence[bool]) -> str:
    """A share with Wilson's interval, and that of a bootstrap over frames."""
    n, frames = len(rows), sorted({row.frame for row in rows})
    tops = [sum(g for row, g in zip(rows, good, strict=True) if row.frame == frame) for frame in frames]
    bottoms = [sum(row.frame == frame for row in rows) for frame in frames]
    ends = bootstrap_ratio(tops, bottoms, generator=np.random.default_rng(0)) or wilson(sum(good), n)
    low, high = wilson(sum(good), n)
    return (
        f"{sum(good)} of {n} ({sum(good) / n:.1%}; Wilson {low:.1%} to {high:.1%}; over frames "
        f"{ends[0]:.1%} to {ends[1]:.1%})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("spec")
    parser.add_argument("--split", default="val")
    parser.add_argument("--threshold", type=float, help="default: that of roadworthy label")
    parser.add_argument("--judged", type=Path)
    parser.add_argument("--out", type=Path, default=Path("build/prelabels"))
    asked = parser.parse_args()
    classifier = load("packaged")
    rule = classifier.finder.rule
    threshold = asked.threshold or written_from(rule)
    frames = open_split(DataConfig(spec=asked.spec), asked.split)
    rows: list[Written] = []
    missed, crops, seen, lacks = 0, [], [], {}
    for index, frame in enumerate(frames.frames):
        picture = frames.pixels.frame(index)
        every = propose(picture, classifier, threshold=threshold)
        found = [one for one in every if one.found >= threshold]
        maybe = [one for one in every if one.found < threshold]
        seen.append(Judged(path=Path(frame.path).name, written=found, maybe=maybe))
        own, lacking = matched(frame, found)
        rows, missed, lacks[Path(frame.path).name] = rows + own, missed + lacking, lacking
        crops += [(row, around(picture, row.box)) for row in own if row.what == "unmatched"]
    make_folder(asked.out)
    verdicts = judged(rows, asked.judged) if asked.judged else [""] * len(rows)
    lines = [
        (row.frame, *(f"{e:.1f}" for e in row.box), row.answer, f"{row.score:.3f}", row.what, row.label, said)
        for row, said in zip(rows, verdicts, strict=True)
        if row.what in ("unmatched", "misnamed")
    ]
    write_csv([COLUMNS, *lines], asked.out / "judge.csv")
    if crops:
        captions = [f"{row.frame}\n{row.answer}\n{row.score:.2f}" for row, _ in crops]
        write_png(contact_sheet([crop for _, crop in crops], captions, cell=160), asked.out / "judge.png")
    report(rows, verdicts, missed, threshold, len(frames.frames))
    bad = {row.frame for row, said in zip(rows, verdicts, strict=True) if fault(row, said)}
    print(order_of([look.path for look in looks(seen, threshold)], bad | {f for f, n in lacks.items() if n}))


def around(picture: np.ndarray, box: Box) -> np.ndarray:
    """What is in a box, with as much around it."""
    x1, y1, x2, y2 = box
    room = max(x2 - x1, y2 - y1) / 2
    left, top = int(max(0, x1 - room)), int(max(0, y1 - room))
    return picture[top : int(y2 + room), left : int(x2 + room)]


def report(
    rows: Sequence[Written], verdicts: Sequence[str], missed: int, threshold: float, frames: int
) -> None:
    counted = [(row, verdict) for row, verdict in zip(rows, verdicts, strict=True) if row.what != "ignored"]
    own, said = [row for row, _ in counted], [verdict for _, verdict in counted]
    good = [needs_none(row, verdict) for row, verdict in counted]
    fit = [row.overlap for row in own if row.what == "right"]
    kinds = dict(Counter(row.what for row in rows))
    print(f"{frames} frames, boxes from a score of {threshold:.3f}: {len(rows)}, {kinds}")
    print(f"against the labels as they are, no correction: {share(own, [r.what == 'right' for r in own])}")
    if any(said):
        print(f"unmatched boxes by eye: {Counter(s for s in said if s)}")
        print(f"with these, no correction: {share(own, good)}")
    print(f"signs without a box: {missed}")
    print(
        f"right boxes overlap by {np.median(fit):.2f} (median), {np.mean(np.array(fit) >= 0.7):.1%} by 0.7, "
        f"{np.mean(np.array(fit) >= 0.9):.1%} by 0.9 or more"
    )
    kept, wrong = sum(good), len(good) - sum(good)
    by_hand, helped = Effort().hours({"kept": kept, "removed": wrong, "added": missed})
    print(f"hours at {asdict(Effort())}: {by_hand:.2f} by hand, {helped:.2f} with these boxes")


if __name__ == "__main__":
    main()
