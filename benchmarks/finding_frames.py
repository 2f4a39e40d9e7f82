"""How well signs are found and read in real frames, and how often a sure answer is wrong, judged by eye.

    python benchmarks/finding_frames.py SPEC [--split val] [--finder FILE.onnx] [--nameless speed]
        [--out FOLDER] [--judged docs/results/kept/finding-judged.csv] [--upto 0.1]

By a finder and a reader as `Classifier.find` takes them, at every threshold; with --by api what `load().find`
of the checkout on PYTHONPATH says, at its own:

    PYTHONPATH=WORKTREE/src python benchmarks/finding_frames.py SPEC --by api --out BEFORE

Labels leave signs out, so no box that is sure and matches none is called wrong, or right, before somebody
has looked at it.  FOLDER gets judge-N.png, each such box close by and with what is around it, and judge.csv
with a line for each: write `right`, `wrong`, or `unlisted` (a sign that the labels lack, and the answer is
right) as its verdict, and give the file back with --judged.  A verdict holds for a box of the same answer
that overlaps by half.  Boxes whose label says otherwise (`misread`) are there too, and wrong unless judged.
--upto shows further boxes that are not sure, those that count before so many false boxes a frame; of them
`unlisted` says that there is a sign.  What is `unlisted` counts neither as found nor as false.

--nameless speed: signs whose class the labels do not tell are speed limits, and any limit reads them right
(voc877).  A set that names no splits needs ?split_seed=0 behind its place, or --split all.
FOLDER keeps the boxes found, so that a second call takes seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from finding_speed import TwoStages, packaged_finder
from PIL import Image, ImageDraw

from roadworthy import api
from roadworthy.config import DataConfig, EvaluateConfig
from roadworthy.core.arrays import Box, ByteArray
from roadworthy.core.errors import DataError
from roadworthy.core.files import make_folder, write_csv, write_json
from roadworthy.core.finder_predictions import FILE, FinderPredictions, FrameResult
from roadworthy.core.provenance import provenance_of
from roadworthy.data.open_frames import FrameSet, open_split
from roadworthy.data.sheet import contact_sheet
from roadworthy.data.spec import parse_spec
from roadworthy.evaluate.detection import OVERLAP, intersection_over_union
from roadworthy.evaluate.detection.frames import result_of
from roadworthy.evaluate.detection.free_response import Sweep
from roadworthy.evaluate.detection.matching import match_frame
from roadworthy.evaluate.detection.metrics import compute_finder_metrics
from roadworthy.evaluate.detection.results import FinderMetrics, Measured, SizeRecall
from roadworthy.evaluate.detection.sheets import crop_around
from roadworthy.evaluate.detection.sure import is_sure, sure_boxes
from roadworthy.evaluate.detection.tally import tally
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.inference.onnx import packaged
from roadworthy.signs.catalogue import kind_and_value

LEAST_SCORE = 0.02  # of boxes that are measured
COLUMNS = (
    *("number", "set", "frame", "x1", "y1", "x2", "y2"),
    *("answer", "confidence", "found", "kind", "label", "verdict"),
)
VERDICTS = ("right", "wrong", "unlisted")
CROP_PX, AROUND, SHEET = 240, 7, 24  # AROUND: sides of the box that the wider picture holds
UNSURE = "unsure"  # the kind of a box that --upto shows

Rows = Callable[[ByteArray], Sequence[Any]]


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A box that somebody has to look at.

    frame, box: its numbers.  kind: as in `sure.SureBox`, or `unsure`.  label: of the sign that is there.
    """

    frame: int
    box: int
    kind: str
    label: str = ""

    @property
    def needed(self) -> bool:
        """Whether nothing can be told without a verdict."""
        return self.kind not in ("misread", UNSURE)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What somebody said of a box."""

    source: str
    frame: str
    box: Box
    answer: str
    verdict: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("spec")
    parser.add_argument("--split", default="val")
    parser.add_argument("--by", choices=("stages", "api"), default="stages")
    parser.add_argument("--finder", type=Path, default=packaged_finder(), help="default: the packaged one")
    parser.add_argument("--reader", type=Path, default=packaged(), help="default: the packaged one")
    parser.add_argument("--frames", type=int, help="the first so many, for a trial")
    parser.add_argument("--nameless", default="", metavar="KIND")
    parser.add_argument("--judged", type=Path)
    parser.add_argument("--upto", type=float, default=0.0, metavar="RATE")
    parser.add_argument("--out", type=Path, default=Path("build/finding"))
    asked = parser.parse_args()
    if asked.by == "stages" and asked.finder is None:
        parser.error("this build comes with no finder; name one with --finder")
    frames = open_split(DataConfig(spec=asked.spec), "test" if asked.split == "all" else asked.split)
    if asked.split != "all" and any(not frame.split for frame in frames.frames):
        parser.error(f"{asked.spec} names no splits; add ?split_seed=0, or measure --split all")
    if asked.frames:
        frames = frames.subset(range(min(asked.frames, len(frames.frames))))
    make_folder(asked.out)
    found = known(found_in(frames, asked), asked.nameless)
    doubts = list(doubtful(found, asked.upto))
    sources = [part.source for part in parse_spec(asked.spec)]
    places = [(sources[frame.source], Path(frame.path).name) for frame in frames.frames]
    judged = [] if asked.judged is None else read_judged(asked.judged)
    verdicts = [verdict_of(doubt, found, places, judged) for doubt in doubts]
    write_csv([COLUMNS, *lines(doubts, verdicts, found, places)], asked.out / "judge.csv")
    write_sheets(doubts, found, frames, asked.out)
    missing = sum(doubt.needed and not verdict for doubt, verdict in zip(doubts, verdicts, strict=True))
    if asked.judged is not None and missing:
        sys.exit(f"{missing} sure boxes that match no label are not judged; see {asked.out / 'judge.csv'}")
    metrics = compute_finder_metrics(
        without_unlisted(found, doubts, verdicts), split=asked.split, config=EvaluateConfig()
    )
    result = {**metrics.to_dict(), "spec": asked.spec, "provenance": provenance_of(" ".join(sys.argv))}
    print(recalls(metrics))
    print(f"\nfound and read {share(metrics.found_and_read)}, and sure {share(metrics.found_and_read_sure)}")
    print(f"precision of the boxes shown {share(metrics.precision)}")
    if missing:
        print(f"{missing} sure boxes match no label and are not judged: {asked.out / 'judge.csv'}")
    else:
        result |= (wrong := sure_and_wrong(found, doubts, verdicts))
        print("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in wrong.items()))
    write_json(result, asked.out / "results.json")


def found_in(frames: FrameSet, asked: argparse.Namespace) -> FinderPredictions:
    """What is found in each frame; what FOLDER keeps, where it was asked for the same."""
    rows, threshold, about = by_stages(asked.finder, asked.reader) if asked.by == "stages" else by_api()
    about |= {"frames": [frame.path for frame in frames.frames]}
    kept = asked.out / "asked.json"
    if kept.is_file() and (asked.out / FILE).is_file() and json.loads(kept.read_text()) == about:
        return FinderPredictions.read(asked.out)
    results = []
    for index, frame in enumerate(frames.frames):
        picture = frames.pixels.frame(index)
        begun = time.perf_counter()
        found = rows(picture)
        ms = 1e3 * (time.perf_counter() - begun)
        accepted = None if any(row.accepted is None for row in found) else [row.accepted for row in found]
        results.append(
            result_of(
                frame,
                np.array([row.box for row in found], np.float32).reshape(-1, 4),
                np.array([score(row) for row in found], np.float32),
                predicted=tuple(row.predicted for row in found),
                confidence=np.array([row.confidence for row in found], np.float32),
                accepted=None if accepted is None else np.array(accepted, bool),
                ms=ms,
            )
        )
        print(f"\r{index + 1} of {len(frames.frames)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    predictions = FinderPredictions(frames=tuple(results), threshold=threshold)
    predictions.write(asked.out)
    write_json(about, kept)
    return predictions


def by_stages(finder: Path, reader: Path) -> tuple[Rows, float, dict[str, Any]]:
    """Boxes from LEAST_SCORE up, the score from which they are shown, and which networks these are."""
    stages = TwoStages(finder, reader, threads=0)
    networks = {"finder": stages.finder.sha256, "reader": stages.reader.sha256}
    return lambda image: stages.find(image, threshold=LEAST_SCORE), stages.finder.rule.threshold, networks


def by_api() -> tuple[Rows, None, dict[str, Any]]:
    """What a build shows."""
    return api.load().find, None, {"build": str(Path(api.__file__).resolve()), **_commit()}


def _commit() -> dict[str, Any]:
    return {name: fact for name, fact in provenance_of("").items() if name in ("commit", "dirty")}


def score(row: Any) -> float:
    """How sure a box is of a sign: by the finder, or where none proposed it by the reader."""
    return float(row.confidence if row.found is None else row.found)


def known(predictions: FinderPredictions, nameless: str) -> FinderPredictions:
    """Signs without a class as ones of a kind: with the class that is read, where it is of that kind."""
    if not nameless:
        return predictions
    named = [replace(frame, labels=_named(frame, predictions.cut, nameless)) for frame in predictions.frames]
    return replace(predictions, frames=tuple(named))


def _named(frame: FrameResult, cut: float, kind: str) -> tuple[str, ...]:
    labels = [label or f"{kind}-unknown" for label in frame.labels]
    # What is sure takes its sign first, as where what is sure is judged.
    for kept in (np.arange(len(frame.boxes)), np.flatnonzero(is_sure(frame, cut))):
        matched = match_frame(frame.boxes[kept], frame.scores[kept], frame.wanted, frame.ignore)
        for box, sign in zip(kept.tolist(), matched.signs.tolist(), strict=True):
            answer = (frame.predicted or ())[box]
            if sign >= 0 and not frame.labels[sign]:
                labels[sign] = answer if kind_and_value(answer)[0] == kind else f"{kind}-unknown"
    return tuple(labels)


def doubtful(predictions: FinderPredictions, upto: float) -> Iterator[Doubt]:
    """The boxes that labels do not prove right: those that are sure, then others that count as false."""
    sure = [one for one in sure_boxes(predictions, EvaluateConfig().danger) if one.kind != "right"]
    yield from (Doubt(frame=one.frame, box=one.box, kind=one.kind, label=one.shown) for one in sure)
    if not upto:
        return
    counted, shown = tally(predictions), {(one.frame, one.box) for one in sure}
    least = Sweep(counted).curve().threshold_for(upto)
    for frame, box, own in zip(counted.false.frames, counted.false.boxes, counted.false.scores, strict=True):
        place = int(frame), int(box)
        if own >= least and place not in shown:
            yield Doubt(frame=place[0], box=place[1], kind=UNSURE)


def read_judged(path: Path) -> list[Judged]:
    """The verdicts in a file, lines without one left out; DataError for a word that is none."""
    judged = []
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            verdict = row["verdict"].strip()
            if verdict and verdict not in VERDICTS:
                raise DataError(
                    f"{path}, line {number} has the verdict {verdict!r}; give {', '.join(VERDICTS)}"
                )
            if verdict:
                x1, y1, x2, y2 = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
                judged.append(
                    Judged(
                        source=row["set"],
                        frame=row["frame"],
                        box=(x1, y1, x2, y2),
                        answer=row["answer"],
                        verdict=verdict,
                    )
                )
    return judged


def verdict_of(
    doubt: Doubt,
    predictions: FinderPredictions,
    places: Sequence[tuple[str, str]],
    judged: Sequence[Judged],
) -> str:
    """What was said of the box that overlaps with it most, in the same frame and with the same answer."""
    own = predictions.frames[doubt.frame]
    box, answer = tuple(own.boxes[doubt.box].tolist()), (own.predicted or ())[doubt.box]
    near = [
        (intersection_over_union(box, one.box), one.verdict)
        for one in judged
        if (one.source, one.frame) == places[doubt.frame] and one.answer == answer
    ]
    best = max(near, default=(0.0, ""))
    return best[1] if best[0] >= OVERLAP else ""


def without_unlisted(
    predictions: FinderPredictions, doubts: Sequence[Doubt], verdicts: Sequence[str]
) -> FinderPredictions:
    """Signs that the labels lack as regions in which a box is neither wanted nor false."""
    frames = list(predictions.frames)
    for doubt, verdict in zip(doubts, verdicts, strict=True):
        if verdict == "unlisted":
            own = frames[doubt.frame]
            region = own.boxes[doubt.box : doubt.box + 1]
            frames[doubt.frame] = replace(own, ignore=np.concatenate([own.ignore, region]))
    return replace(predictions, frames=tuple(frames))


def sure_and_wrong(
    predictions: FinderPredictions, doubts: Sequence[Doubt], verdicts: Sequence[str]
) -> dict[str, str]:
    """Of the sure boxes and of the frames, how many are wrong once all are judged."""
    sure = sum(1 for _ in sure_boxes(predictions, EvaluateConfig().danger))
    wrong = [
        doubt
        for doubt, verdict in zip(doubts, verdicts, strict=True)
        if doubt.kind != UNSURE and (verdict or "wrong") == "wrong"
    ]
    frames = len({doubt.frame for doubt in wrong})
    unlisted = sum(d.kind != UNSURE and v == "unlisted" for d, v in zip(doubts, verdicts, strict=True))
    return {
        "frames_with_a_sure_wrong_box": counted(frames, len(predictions.frames)),
        "sure_boxes_that_are_right": counted(sure - len(wrong), sure),
        "sure_boxes_on_signs_that_labels_lack": str(unlisted),
    }


def counted(some: int, n: int) -> str:
    """A share with Wilson's interval."""
    if not n:
        return "of none"
    ends = "{:.1%} to {:.1%}".format(*wilson(some, n))
    return f"{some} of {n} ({some / n:.1%}, {ends})"


def lines(
    doubts: Sequence[Doubt],
    verdicts: Sequence[str],
    predictions: FinderPredictions,
    places: Sequence[tuple[str, str]],
) -> Iterator[tuple[Any, ...]]:
    """judge.csv, without its header."""
    for number, (doubt, verdict) in enumerate(zip(doubts, verdicts, strict=True), 1):
        own, i = predictions.frames[doubt.frame], doubt.box
        assert own.predicted is not None
        assert own.confidence is not None
        place = [f"{end:.1f}" for end in own.boxes[i].tolist()]
        said = own.predicted[i], f"{own.confidence[i]:.3f}", f"{own.scores[i]:.3f}"
        yield (number, *places[doubt.frame], *place, *said, doubt.kind, doubt.label, verdict)


def write_sheets(
    doubts: Sequence[Doubt], predictions: FinderPredictions, frames: FrameSet, folder: Path
) -> None:
    """judge-1.png and on: the boxes with their numbers and answers."""
    for old in folder.glob("judge-*.png"):
        old.unlink()
    for first in range(0, len(doubts), SHEET):
        pictures, captions = [], []
        for number, doubt in enumerate(doubts[first : first + SHEET], first + 1):
            own = predictions.frames[doubt.frame]
            assert own.predicted is not None
            assert own.confidence is not None
            image, box = frames.pixels.frame(doubt.frame), tuple(own.boxes[doubt.box].tolist())
            pictures += [crop_around(image, box, CROP_PX), around(image, box)]
            sure = f"{own.confidence[doubt.box]:.2f}, found {own.scores[doubt.box]:.2f}"
            what = f"{doubt.kind} {doubt.label}".strip()
            captions += [f"{number}: {own.predicted[doubt.box]}\n{sure}", f"{what}\n{Path(own.path).name}"]
        sheet = contact_sheet(pictures, captions, columns=6, cell=CROP_PX)
        Image.fromarray(sheet).save(folder / f"judge-{first // SHEET + 1}.png")


def around(image: ByteArray, box: Box) -> ByteArray:
    """(CROP_PX, CROP_PX, 3) uint8: a box, outlined, in the middle of what is around it."""
    x1, y1, x2, y2 = box
    side = max(AROUND * (x2 - x1), AROUND * (y2 - y1), 160.0)
    left, top = (x1 + x2 - side) / 2, (y1 + y2 - side) / 2
    region = Image.fromarray(image).crop((round(left), round(top), round(left + side), round(top + side)))
    picture, scale = region.resize((CROP_PX, CROP_PX), Image.Resampling.LANCZOS), CROP_PX / side
    edges = [(x1 - left) * scale - 2, (y1 - top) * scale - 2, (x2 - left) * scale + 2, (y2 - top) * scale + 2]
    ImageDraw.Draw(picture).rectangle(edges, outline=(255, 214, 0))
    return np.asarray(picture)


def recalls(metrics: FinderMetrics) -> str:
    """A table: recall by size, at numbers of false boxes a frame and as it is shown."""
    rows = [
        "| false boxes a frame | all | 16 px and more | 16 to 24 px | 24 px and more |",
        "|---|---|---|---|---|",
    ]
    for point in metrics.recall_at:
        name = f"{point.false_per_frame:g}{'' if point.reached else ' (fewer are there)'}"
        rows.append(_line(name, point.recall, [*point.recall_by_size, *point.recall_from]))
    shown = f"as shown: {metrics.false_per_frame.value:.3f}"
    return "\n".join([*rows, _line(shown, metrics.recall, [*metrics.recall_by_size, *metrics.recall_from])])


def _line(name: str, every: Measured, classes: Sequence[SizeRecall]) -> str:
    by_bounds: Mapping[tuple[float, float | None], SizeRecall] = {(one.low, one.high): one for one in classes}
    sizes = [by_bounds.get(bounds) for bounds in ((16.0, None), (16.0, 24.0), (24.0, None))]
    cells = [share(every), *("none" if one is None else share(one.recall) for one in sizes)]
    return f"| {name} | {' | '.join(cells)} |"


def share(figure: Measured) -> str:
    """A share with its interval and how many it is of."""
    if figure.value is None:
        return "not measured"
    ends = "" if figure.ci95 is None else f"{figure.ci95[0]:.1%} to {figure.ci95[1]:.1%}, "
    return f"{figure.value:.1%} ({ends}n {figure.n})"


if __name__ == "__main__":
    main()
