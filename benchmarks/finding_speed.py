"""How long finding and reading the signs of a frame of 1,280 x 720 takes, beside other ways, all in one run.

    python benchmarks/finding_speed.py [--finder FILE.onnx ...] [--before WORKTREE] [--yolo FILE.onnx ...]
        [--frames 3] [--rounds 30] [--out RESULTS.json]

One thread each, from an RGB array to boxes with names.
Classifier.find  this build, where it comes with a finder; files of --finder are run with its reader as it
                 runs them (fp32 beside int8)
before           another checkout's `load().find`, in a process of its own:
                 git worktree add WORKTREE 04ec710
yolo             networks of benchmarks/yolo_networks.sh, which only find: pixels to floats, the network, and
                 what is below 0.25 left out.  Their weights are random, so nothing is left that would cost
                 more time

They take turns, frame by frame, so that what else the machine does meets them alike; seconds of the
processor (CPU) hardly tell of it.  Frames are those with the most signs of GTSDB's training part
(ROADWORTHY_DATA), cut to size, in which about five boxes are read; or drawn streets with --drawn.
Intervals: 95 %, bootstrap over rounds, of ratios over the same rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy import api
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.provenance import provenance_of
from roadworthy.data.frame_specs import read_frames
from roadworthy.imaging.decode import decode
from roadworthy.inference.answer_rule import AnswerRule
from roadworthy.inference.found import find_signs
from roadworthy.inference.onnx import load_engine, open_session, packaged
from roadworthy.inference.onnx_finder import load_finder

WIDTH, HEIGHT = 1280, 720
SIGNS = 5  # read in a frame, as nearly as frames have it
CANDIDATES = 24  # frames that are tried for that
REPETITIONS = 2000
WORKER = """
import sys, time
from pathlib import Path
import numpy as np, roadworthy
source, frames = Path(sys.argv[1]).resolve(), np.load(sys.argv[2])
assert source in Path(roadworthy.__file__).resolve().parents, roadworthy.__file__
classifier = roadworthy.load(threads=1)
for line in sys.stdin:
    begun, used = time.perf_counter(), time.process_time()
    found = classifier.find(frames[int(line)])
    print(time.perf_counter() - begun, time.process_time() - used, len(found), flush=True)
"""

# Seconds in all, those of the processor, those in the network (NaN if not known), boxes.
Turn = tuple[float, float, float, int]
Asked = tuple[int, float]  # boxes, seconds in the network
Contender = Callable[[int], Turn]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--finder", type=Path, nargs="+", default=[])
    parser.add_argument("--reader", type=Path, default=packaged(), help="default: the packaged one")
    parser.add_argument("--before", type=Path, help="a checkout of another build")
    parser.add_argument("--yolo", type=Path, nargs="+", default=[])
    parser.add_argument("--drawn", action="store_true", help="drawn streets in place of real frames")
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    own = packaged_finder()
    finders = {path.stem: TwoStages(path, asked.reader) for path in asked.finder}
    if not finders and own is None:
        parser.error("this build comes with no finder; name one with --finder")
    chooser = next(iter(finders.values()), None) or TwoStages(own, asked.reader)
    frames = np.stack(chosen(chooser, drawn() if asked.drawn else real(), asked.frames))
    read = [chooser.look(frame)[0] for frame in frames]
    print(f"{len(frames)} frames of {WIDTH} x {HEIGHT}; boxes read in them: {', '.join(map(str, read))}")
    contenders: dict[str, Contender] = {}
    if own is not None:
        find = api.load(threads=1).find
        contenders["Classifier.find"] = looking(lambda image: (len(find(image)), float("nan")), frames)
    contenders |= {name: looking(stages.look, frames) for name, stages in finders.items()}
    contenders |= {path.stem: looking(Yolo(path).look, frames) for path in asked.yolo}
    with tempfile.TemporaryDirectory() as folder:
        if asked.before is not None:
            contenders["before"] = before(asked.before, frames, Path(folder) / "frames.npy")
        turns = in_turn(contenders, len(frames), asked.rounds)
    rows = [row(name, turns, next(iter(contenders))) for name in contenders]
    print(table(rows))
    if asked.out is not None:
        facts = {"provenance": provenance_of(" ".join(sys.argv)), "load": os.getloadavg(), "read": read}
        asked.out.write_text(json.dumps({**facts, "rounds": asked.rounds, "rows": rows}, indent=1) + "\n")


def packaged_finder() -> Path | None:
    """The finder that comes with this build."""
    path = packaged()
    beside = None if path is None else path.with_name("find.onnx")
    return beside if beside is not None and beside.is_file() else None


class Watched:
    """A network, the seconds that it took, and how many pictures it was given."""

    def __init__(self, network: Any) -> None:
        self._network, self.seconds, self.given = network, 0.0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def cells(self, frame: ByteArray) -> FloatArray:
        """A finder's."""
        return self._watched(self._network.cells, frame, 1)

    def logits(self, images: ByteArray) -> FloatArray:
        """A reader's."""
        return self._watched(self._network.logits, images, len(images))

    def _watched(self, ask: Callable[[ByteArray], FloatArray], images: ByteArray, n: int) -> FloatArray:
        begun = time.perf_counter()
        answer = ask(images)
        self.seconds += time.perf_counter() - begun
        self.given += n
        return answer


class TwoStages:
    """A finder and a reader, as `Classifier.find` runs them."""

    def __init__(self, finder: Path, reader: Path, threads: int = 1) -> None:
        self.finder = Watched(load_finder(finder, threads=threads))
        self.reader = Watched(load_engine(reader, threads=threads))
        self._rule = AnswerRule.of(self.reader, 3, sure=self.finder.rule.sure)

    def find(
        self, image: ByteArray, *, threshold: float | None = None, least_px: float | None = None
    ) -> Sequence[Any]:
        """Rows with boxes, surest first.  threshold: least score of a box; None is the finder's own."""
        least = self.finder.rule.threshold if threshold is None else threshold
        found = find_signs(image, self.finder, self.reader, threshold=least, least_px=least_px)
        return self._rule.found_rows("", found, colourless=self._rule.lacks_colour(image))

    def look(self, image: ByteArray) -> Asked:
        """How many boxes the reader is given, and the seconds of the finder's network."""
        read, seconds = self.reader.given, self.finder.seconds
        self.find(image)
        return self.reader.given - read, self.finder.seconds - seconds


class Yolo:
    """A network of another kind on frames of 1,280 x 720, in the same runtime."""

    def __init__(self, path: Path) -> None:
        self._session = open_session(path.read_bytes(), str(path), 1)
        self._input = self._session.get_inputs()[0]
        self._shape = tuple(self._input.shape[2:])

    def look(self, image: ByteArray) -> Asked:
        """How many boxes have a score of 0.25, and the network's seconds."""
        height, width = self._shape
        top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
        shown = np.full((height, width, 3), 114, np.uint8)
        shown[top : top + image.shape[0], left : left + image.shape[1]] = image
        pixels = np.ascontiguousarray(shown.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        begun = time.perf_counter()
        answer = self._session.run(None, {self._input.name: pixels})[0][0]
        seconds = time.perf_counter() - begun
        # Boxes chosen in the network itself are (300, 6); others (4 + classes, cells), to be chosen from.
        scores = answer[:, 4] if answer.shape[-1] == 6 else answer[4:].max(axis=0)
        return int((scores >= 0.25).sum()), seconds


def looking(look: Callable[[ByteArray], Asked], frames: ByteArray) -> Contender:
    """Its turns at these frames, in this process."""

    def turn(number: int) -> Turn:
        begun, used = time.perf_counter(), time.process_time()
        boxes, network = look(frames[number])
        return time.perf_counter() - begun, time.process_time() - used, network, boxes

    return turn


def before(checkout: Path, frames: ByteArray, kept: Path) -> Contender:
    """Another build, in a process of its own that ends with this one."""
    np.save(kept, frames)
    source = (checkout / "src").resolve()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(source), str(kept)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )

    def turn(number: int) -> Turn:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(f"{number}\n")
        worker.stdin.flush()
        answer = worker.stdout.readline().split()
        if not answer:
            raise RuntimeError(f"the build in {checkout} ended; what it said stands above")
        return float(answer[0]), float(answer[1]), float("nan"), int(answer[2])

    return turn


def real() -> list[ByteArray]:
    """Training frames with the most signs first, a window of each that holds its signs' middle."""
    frames = [frame for frame in read_frames("gtsdb:") if frame.split == "train"]
    frames.sort(key=lambda frame: -len(frame.wanted))
    return [window(decode(frame.path), [one.box for one in frame.wanted]) for frame in frames[:CANDIDATES]]


def window(image: ByteArray, boxes: Sequence[Sequence[float]]) -> ByteArray:
    """WIDTH x HEIGHT of a larger picture, around the middle of all boxes as far as it reaches."""
    middle = np.mean([((x1 + x2) / 2, (y1 + y2) / 2) for x1, y1, x2, y2 in boxes], axis=0)
    room = np.array([image.shape[1] - WIDTH, image.shape[0] - HEIGHT])
    left, top = np.clip(np.round(middle - [WIDTH / 2, HEIGHT / 2]), 0, room).astype(int).tolist()
    return np.ascontiguousarray(image[top : top + HEIGHT, left : left + WIDTH])


def drawn() -> list[ByteArray]:
    """Streets of the plain recipe, which hold one to five signs."""
    import torch

    from roadworthy.data.drawings import face_tiles
    from roadworthy.render.street import draw_street

    faces = face_tiles(("au",), 128)
    streets = [draw_street(faces, torch.Generator().manual_seed(n)) for n in range(2 * CANDIDATES)]
    streets.sort(key=lambda street: -len(street.boxes))
    return [street.image for street in streets[:CANDIDATES]]


def chosen(stages: TwoStages, frames: Sequence[ByteArray], n: int) -> list[ByteArray]:
    """The n frames in which the number of boxes read is nearest to SIGNS."""
    away = [abs(stages.look(frame)[0] - SIGNS) for frame in frames]
    return [frames[i] for i in np.argsort(away, kind="stable")[:n].tolist()]


def in_turn(contenders: dict[str, Contender], frames: int, rounds: int) -> dict[str, FloatArray]:
    """By name (rounds, frames, 4): what each turn gave; one round before them is not counted."""
    names = list(contenders)
    taken = {name: np.zeros((rounds, frames, 4)) for name in names}
    for number in range(-1, rounds):
        for frame in range(frames):
            for name in np.roll(names, number).tolist():  # nobody always follows the same other
                turn = contenders[name](frame)
                if number >= 0:
                    taken[name][number, frame] = turn
    return taken


def row(name: str, turns: dict[str, FloatArray], first: str) -> dict[str, Any]:
    """What is told of one of them; `times` is its median over the first one's."""
    own, other = turns[name], turns[first]
    drawn_BR = np.random.default_rng(0).integers(len(own), size=(REPETITIONS, len(own)))
    medians, others = (np.median(of[drawn_BR, :, 0], axis=(1, 2)) for of in (own, other))
    seconds = own[..., 0]
    return {
        "name": name,
        "n": int(seconds.size),
        "p50_ms": 1e3 * float(np.median(seconds)),
        "p50_ms_ci95": ends(1e3 * medians),
        "p90_ms": 1e3 * float(np.quantile(seconds, 0.9)),
        "cpu_p50_ms": 1e3 * float(np.median(own[..., 1])),
        "network_p50_ms": None if np.isnan(own[..., 2]).any() else 1e3 * float(np.median(own[..., 2])),
        "boxes": own[0, :, 3].astype(int).tolist(),
        "times": float(np.median(seconds) / np.median(other[..., 0])),
        "times_ci95": ends(medians / others),
    }


def ends(values: FloatArray) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def table(rows: Sequence[dict[str, Any]]) -> str:
    first = rows[0]["name"]
    lines = [
        f"| one thread | n | p50 ms (95 %) | p90 ms | CPU, p50 ms | network alone, p50 ms | boxes "
        f"| times {first} (95 %) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for own in rows:
        network = "" if own["network_p50_ms"] is None else f"{own['network_p50_ms']:.1f}"
        low, high = own["p50_ms_ci95"]
        least, most = own["times_ci95"]
        boxes = ", ".join(map(str, own["boxes"]))
        lines.append(
            f"| {own['name']} | {own['n']} | {own['p50_ms']:.1f} ({low:.1f} to {high:.1f}) | "
            f"{own['p90_ms']:.1f} | {own['cpu_p50_ms']:.1f} | {network} | {boxes} | "
            f"{own['times']:.2f} ({least:.2f} to {most:.2f}) |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
