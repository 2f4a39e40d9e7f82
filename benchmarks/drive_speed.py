"""How fast a film is driven, beside signs found in it frame by frame, and whether memory stays flat.

    python benchmarks/drive_speed.py FILM --out DIR [--frames 45] [--rounds 10] [--cores 2]
        [--before WORKTREE] [--minutes M]

On so many cores, all of one film and in turns of so many frames, so that what else the machine does meets all
alike; each goes on where it stopped in the film, and each turn begins elsewhere in the order:
drive            decoding, finding, reading, tracking and the journal, as `roadworthy drive` does it
drive, every 2   the same with every second frame
drive --video    the same, and annotated.mp4 written of these frames
frame by frame   each frame decoded and given to `Classifier.find`, as `predict --find` does
before           another checkout's `load().find` on the same frames, already decoded:
                 git worktree add WORKTREE 04ec710

Frames a second are those of the film, so with every second frame 30 is real time for 30 frames a second.
--minutes repeats the film, by its packets, until it is so long, drives it in a process of its own, and tells
the largest resident memory in its first and last minute and at the end, with the outputs written.
Intervals: 95 %, bootstrap over rounds.  Writes speed.json and speed.md, memory.json and memory.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from drives import markdown, say, write_results
from finding_speed import before

from roadworthy import api
from roadworthy.core.arrays import FloatArray
from roadworthy.drive.film import About, Film, Shot, open_film
from roadworthy.drive.journal import Journal
from roadworthy.drive.limits.regions import region_named
from roadworthy.drive.look import Looker
from roadworthy.drive.meaning import Scene
from roadworthy.drive.output.film import boxes_by_frame, write_annotated
from roadworthy.drive.reading import ReadingRule
from roadworthy.drive.tracking.camera import CameraMotion
from roadworthy.drive.tracking.tracker import Tracker
from roadworthy.drive.understanding import understand
from roadworthy.drive.watch import Watched, ahead
from roadworthy.inference.classifier import Classifier
from roadworthy.workflows.drive import NO_REGION, drive

REPETITIONS = 2000
WORKER = "--worker"  # how this script asks itself for the drive whose memory is looked at
Turn = Callable[[int], float]
"""Drives the next so many frames of the film, and tells how long that took, in seconds."""


def main() -> None:
    if sys.argv[1:2] == [WORKER]:
        remembered(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("film", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=45, help="of a turn")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--threads", type=int, default=0, help="as `roadworthy drive --threads`")
    parser.add_argument("--before", type=Path, help="a checkout of another build")
    parser.add_argument("--minutes", type=float, default=0.0, help="of film, for memory; 0 for none")
    asked = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.cores])
    speeds(asked)
    if asked.minutes:
        memory(asked)


# Speed


def speeds(asked: argparse.Namespace) -> None:
    """Frames a second of each, and where the time of a drive goes."""
    classifier = api.load(threads=asked.threads)
    with open_film(asked.film) as film, tempfile.TemporaryDirectory() as folder:
        about = film.about()
        turns: dict[str, Turn] = {
            "drive": Driving(film, classifier, Path(folder) / "1").turn,
            "drive, every 2": Driving(film, classifier, Path(folder) / "2", every=2).turn,
            "drive --video": Driving(film, classifier, Path(folder) / "video", video=True).turn,
            "frame by frame": FrameByFrame(film, classifier).turn,
        }
        if asked.before is not None:
            turns["before"] = before_turn(film, asked.before, Path(folder) / "frames.npy", asked.frames)
        taken = in_turn(turns, asked.frames, asked.rounds)
        stages = stages_of(film, classifier, asked.frames * min(asked.rounds, 5))
    rows = [row(name, seconds, taken["drive"], asked.frames) for name, seconds in taken.items()]
    facts = {"film": [about.width, about.height, about.codec], "cores": asked.cores, "load": os.getloadavg()}
    text = (
        f"{about.width} x {about.height}, {about.codec}; {asked.cores} cores; {asked.rounds} turns of "
        f"{asked.frames} frames of the film each; load {facts['load'][0]:.1f}"
    )
    tree = {**facts, "frames": asked.frames, "rounds": asked.rounds, "rows": rows, "stages": stages}
    write_results(asked.out, "speed", tree, [text, table(rows), stage_table(stages)])


class Frames:
    """The frames of a film, so many at a time; after its end they begin anew."""

    def __init__(self, film: Film, every: int = 1) -> None:
        self._film, self._every = film, every
        self._shots = film.shots(every=every)
        self.anew = False  # whether the last ones were from the beginning

    def next(self, count: int) -> Iterator[Shot]:
        """So many, wherever the last ones ended."""
        self.anew, left = False, count
        while left:
            shot = next(self._shots, None)
            if shot is None:
                self._shots, self.anew = self._film.shots(every=self._every), True
                continue
            left -= 1
            yield shot


class Driving:
    """A drive that goes on turn by turn, as workflows/drive.py watches."""

    def __init__(
        self, film: Film, classifier: Classifier, folder: Path, *, every: int = 1, video: bool = False
    ) -> None:
        folder.mkdir()
        self._about, self._classifier, self._every, self._folder = film.about(), classifier, every, folder
        self._frames, self._again = Frames(film, every), Frames(film) if video else None
        self._journal = Journal(folder / "journal.jsonl", {"film": film.about().place})
        self._round = 0
        self._begin()

    def _begin(self) -> None:
        self._looker = Looker(self._classifier.finder, self._classifier.network)
        self._watched = Watched(Tracker(self._about.width, self._about.height))

    def turn(self, frames: int) -> float:
        """Watch so many frames of the film, all or every so manieth of them."""
        self._round += 1
        begun, last_s = time.perf_counter(), -1.0
        for shot in ahead(self._frames.next(frames // self._every)):
            if shot.time_s <= last_s or (last_s < 0 and self._frames.anew):
                self._begin()
            last_s = shot.time_s
            view = self._looker.look(shot)
            self._journal.add(view)
            self._watched.add(view, shot.image)
        if self._again is not None:
            self._annotate(Part(self._again, self._about, frames))
        return time.perf_counter() - begun

    def _annotate(self, part: Part) -> None:
        about, classifier, watched = self._about, self._classifier, self._watched
        rule = ReadingRule(
            classes=classifier.classes,
            temperature=classifier.temperature,
            rejection=classifier.rejection,
            sure=classifier.finder.rule.sure,
        )
        scene = Scene(width=about.width, height=about.height)
        trails = [*watched.trails, *watched.tracker.current()]
        understood = understand(trails, rule, scene, region_named(NO_REGION), end_s=watched.until_s + 1)
        boxes = boxes_by_frame(understood.found)
        write_annotated(part, boxes, understood.limits, self._folder / f"{self._round:04d}.mp4")


class Part(Film):
    """The next so many frames of a film, as a film."""

    def __init__(self, frames: Frames, about: About, count: int) -> None:
        super().__init__()
        self._frames, self._about, self._count = frames, about, count

    def about(self) -> About:
        """The whole film's."""
        return self._about

    def _read(self, every: int, start_s: float) -> Iterator[Shot]:
        return self._frames.next(self._count)


class FrameByFrame:
    """Each frame as a picture of its own."""

    def __init__(self, film: Film, classifier: Classifier) -> None:
        self._frames, self._classifier = Frames(film), classifier

    def turn(self, frames: int) -> float:
        """Find the signs of so many frames."""
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on single frames that look as if red and blue were swapped
            for shot in self._frames.next(frames):
                self._classifier.find(shot.image)
        return time.perf_counter() - begun


def before_turn(film: Film, checkout: Path, kept: Path, frames: int) -> Turn:
    """Another build takes seconds a frame: one frame a turn stands for all of them."""
    pictures = np.stack([shot.image for shot in islice(film.shots(every=10), 8)])
    look, number = before(checkout, pictures, kept), 0

    def turn(count: int) -> float:
        nonlocal number
        number += 1
        return look(number % len(pictures))[0] * count

    say(f"{checkout}: one frame a turn, its time taken {frames} times")
    return turn


def in_turn(turns: Mapping[str, Turn], frames: int, rounds: int) -> dict[str, FloatArray]:
    """(rounds,) seconds of each; one round before them is not counted."""
    names = list(turns)
    taken = {name: np.zeros(rounds) for name in names}
    for number in range(-1, rounds):
        for name in np.roll(names, number).tolist():
            seconds = turns[name](frames)
            if number >= 0:
                taken[name][number] = seconds
        if number >= 0:
            told = ", ".join(f"{name} {frames / taken[name][number]:.1f}" for name in names)
            say(f"round {number + 1} of {rounds}, frames a second: {told}")
    return taken


def row(name: str, seconds: FloatArray, first: FloatArray, frames: int) -> dict[str, Any]:
    """What is told of one of them; `times` is how much longer it takes than the first."""
    drawn = np.random.default_rng(0).integers(len(seconds), size=(REPETITIONS, len(seconds)))
    medians, others = np.median(seconds[drawn], axis=1), np.median(first[drawn], axis=1)
    return {
        "name": name,
        "frames_per_second": frames / float(np.median(seconds)),
        "frames_per_second_ci95": ends(frames / medians),
        "slowest": frames / float(seconds.max()),
        "times": float(np.median(seconds) / np.median(first)),
        "times_ci95": ends(medians / others),
    }


def ends(values: FloatArray) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    return markdown(
        ("", "frames of the film a second, median (95 %)", "slowest turn", "takes, times drive (95 %)"),
        (
            (
                one["name"],
                f"{one['frames_per_second']:.1f} ({_to(one['frames_per_second_ci95'], 1)})",
                f"{one['slowest']:.1f}",
                f"{one['times']:.2f} ({_to(one['times_ci95'], 2)})",
            )
            for one in rows
        ),
    )


def _to(pair: Sequence[float], digits: int) -> str:
    return f"{pair[0]:.{digits}f} to {pair[1]:.{digits}f}"


# Where the time goes


class Timed:
    """A network whose answers are timed."""

    def __init__(self, network: Any) -> None:
        self._network, self.seconds = network, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def logits(self, images: Any) -> Any:
        """A reader's."""
        begun = time.perf_counter()
        answer = self._network.logits(images)
        self.seconds += time.perf_counter() - begun
        return answer


def stages_of(film: Film, classifier: Classifier, frames: int) -> dict[str, float]:
    """Seconds a frame of each stage, one after the other; a drive decodes while it looks."""
    reader, about = Timed(classifier.network), film.about()
    looker, motion = Looker(classifier.finder, reader), CameraMotion()  # type: ignore[arg-type]
    watched = Watched(Tracker(about.width, about.height))
    taken: dict[str, float] = defaultdict(float)
    shots, count = film.shots(), 0
    clock = time.perf_counter
    while count < frames:
        begun = clock()
        shot = next(shots, None)
        taken["decode"] += clock() - begun
        if shot is None:
            break
        begun, read = clock(), reader.seconds
        view = looker.look(shot)
        looked = clock() - begun
        begun = clock()
        motion.update(shot.image, [one.box for one in view.signs])  # once more, alone, to be timed
        moved = clock() - begun
        begun = clock()
        watched.add(view, shot.image)
        taken["track"] += clock() - begun + moved
        taken["read"] += reader.seconds - read
        taken["find"] += looked - moved - (reader.seconds - read)
        count += 1
    return {stage: taken[stage] / max(count, 1) for stage in ("decode", "find", "read", "track")}


def stage_table(stages: Mapping[str, float]) -> str:
    total = sum(stages.values())
    return markdown(
        ("stage", "ms a frame", "share"),
        ((name, f"{1e3 * s:.1f}", f"{100 * s / total:.0f} %") for name, s in stages.items()),
    )


# Memory


def memory(asked: argparse.Namespace) -> None:
    """Drive the film, made long, in another process, and tell its memory by minute of film."""
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / f"long{asked.film.suffix}"
        seconds = repeated(asked.film, long, asked.minutes * 60)
        say(f"a film of {seconds / 60:.1f} minutes; driving it")
        command = [sys.executable, __file__, WORKER, str(long), str(Path(folder) / "out"), str(asked.threads)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            told = [json.loads(line) for line in worker.stdout]
        if worker.returncode:
            raise SystemExit(f"driving the long film ended with {worker.returncode}")
    by_minute: dict[int, float] = defaultdict(float)
    for one in told[:-1]:
        by_minute[int(one["film_s"] // 60)] = max(by_minute[int(one["film_s"] // 60)], one["mb"])
    minutes = sorted(by_minute)
    whole = [minute for minute in minutes if (minute + 1) * 60 <= seconds] or minutes
    rows = [
        ("first minute", f"{by_minute[minutes[0]]:.0f}"),
        (f"minute {whole[-1] + 1}, the last whole one", f"{by_minute[whole[-1]]:.0f}"),
        ("most while watching", f"{max(by_minute.values()):.0f}"),
        ("most in all, outputs written", f"{told[-1]['peak_mb']:.0f}"),
    ]
    tree = {
        "film_s": seconds,
        "by_minute_mb": [by_minute[m] for m in minutes],
        "peak_mb": told[-1]["peak_mb"],
    }
    write_results(asked.out, "memory", tree, [markdown(("of the process", "resident, MB"), rows)])


def repeated(film: Path, to: Path, least_s: float) -> float:
    """Write a film's packets again and again until it lasts so long; returns how long, in seconds."""
    import av

    with av.open(str(film)) as source:
        stream = source.streams.video[0]
        packets = [p for p in source.demux(stream) if p.dts is not None and p.pts is not None]
        base = stream.time_base or Fraction(1, 90_000)
        # By the times at which frames are shown, so that no gap is between the repetitions.
        last = max(packet.pts + (packet.duration or 1) for packet in packets)
        step = last - min(packet.pts for packet in packets)
        with av.open(str(to), "w") as target:
            copy = target.add_stream_from_template(stream)
            times, offset = max(1, math.ceil(least_s / float(step * base))), 0
            for _ in range(times):
                for packet in packets:
                    dts, pts = packet.dts, packet.pts
                    packet.dts, packet.pts, packet.stream = dts + offset, pts + offset, copy
                    target.mux(packet)
                    packet.stream, packet.time_base, packet.dts, packet.pts = stream, base, dts, pts
                offset += step
    return float(times * step * base)


def remembered(film: Path, out: Path, threads: int) -> None:
    """Drive a film, and write the memory of this process, line by line, with the second of the film."""
    page = os.sysconf("SC_PAGE_SIZE") / 1e6
    statm, told = Path("/proc/self/statm"), -1.0

    def progress(film_s: float, whole_s: float | None, rate: float) -> None:
        nonlocal told
        mb = int(statm.read_text().split()[1]) * page
        print(json.dumps({"film_s": film_s, "mb": mb}), flush=True)
        if film_s - told >= 30:
            told = film_s
            say(f"{film_s:.0f} of {whole_s or 0:.0f} s, {mb:.0f} MB, {rate:.1f} frames a second")

    drive(film, out, threads=threads, progress=progress)
    import resource

    print(
        json.dumps({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}), flush=True
    )


if __name__ == "__main__":
    main()
