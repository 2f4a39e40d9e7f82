"""What a training makes beside other work, and what that costs on a quiet machine.

    python benchmarks/busy.py [--seconds 10] [--pairs 5] [--before 7dc1cf3]

Trainings of the demo's network on noise, each build in a process of its own, in turn:

- On a quiet machine, against the commit `--before`, in a worktree of its own that is removed again.
- Beside as many processes as there are cores, each keeping one busy: against the same training told to use
  one thread.  Once with the threads chosen on the quiet machine before, once with those chosen beside the
  work.

Exits with 1 where a median of the pairs stays below what is asked.  Nothing else should run meanwhile, and no
OMP variable reaches the trainings.  About eight minutes.  Needs git; no data.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent.parent
QUIET, BUSY = 0.97, 0.8  # of the other's speed, asked
SETTINGS = ("input.size=32", "model.depth=1", "augment.policy=none", "train.ema=0.98", "evaluate.bootstrap=1")
ONE_THREAD = ("train.threads=1", "train.precision=fp32")
CLASSES, PICTURES = 4, 900
TRAINER = """
import json, sys, tempfile
from pathlib import Path
from roadworthy import api
from roadworthy.config import load_config
api.report = lambda *_, **__: None
for line in sys.stdin:
    with tempfile.TemporaryDirectory() as folder:
        metrics = api.train(load_config(None, json.loads(line)), Path(folder) / "run").metrics
    print(metrics.extra["samples"] / metrics.extra["train_seconds"], flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each training")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--before", default="7dc1cf3", help="the commit to compare with")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the worktree and all processes go
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="roadworthy-busy-")))
        before = stack.enter_context(worktree(asked.before, place / "before"))
        noise = draw_noise(place / "noise")

        def build(source: Path, name: str) -> Build:
            return stack.enter_context(Build(source, noise, place / name, asked.seconds))

        ours, theirs = build(HERE, "ours"), build(before, "theirs")
        ours.speed(), theirs.speed()  # decode and choose
        print("| ours | against | pictures/s | theirs | ratio, median | range | asked |")
        print("|---|---|---|---|---|---|---|")
        quiet = in_turn(ours.speed, theirs.speed, asked.pairs)
        fine = row("quiet machine", f"commit {asked.before}", quiet, QUIET)
        stack.enter_context(busy(os.cpu_count() or 1))
        late = build(HERE, "late")
        late.speed(), ours.speed(*ONE_THREAD)
        for name, one in (("busy, chosen before", ours), ("busy, chosen so", late)):
            fine &= row(
                name, "one thread", in_turn(one.speed, lambda: ours.speed(*ONE_THREAD), asked.pairs), BUSY
            )
    sys.exit(not fine)


def in_turn(ours: Callable[[], float], theirs: Callable[[], float], pairs: int) -> list[tuple[float, float]]:
    """What both make, measured in turn; who goes first changes, so that neither always follows the other."""
    found = []
    for number in range(pairs):
        if number % 2:
            a, b = ours(), theirs()
        else:
            b, a = theirs(), ours()
        found.append((a, b))
    return found


def row(ours: str, theirs: str, pairs: list[tuple[float, float]], asked: float) -> bool:
    """One line of the table; whether it reaches what is asked."""
    ratios = [a / b for a, b in pairs]
    mine, other = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(
        f"| {ours} | {theirs} | {mine:,.0f} | {other:,.0f} | {statistics.median(ratios):.2f} | "
        f"{min(ratios):.2f} to {max(ratios):.2f} | {asked} |",
        flush=True,
    )
    return statistics.median(ratios) >= asked


class Build:
    """A process with the code of one checkout, which trains when it is told to."""

    def __init__(self, source: Path, noise: Path, place: Path, seconds: float) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_"))}
        environment |= {"PYTHONPATH": str(source / "src"), "ROADWORTHY_CACHE": str(place / "cache")}
        place.mkdir()
        self._settings = (f"data.spec='folder:{noise}'", f"train.minutes={seconds / 60}", *SETTINGS)
        self._process = subprocess.Popen(
            [sys.executable, "-c", TRAINER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=place,
        )

    def __enter__(self) -> Build:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()

    def speed(self, *settings: str) -> float:
        """Pictures a second of one training."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([*self._settings, *settings]), file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())


def draw_noise(folder: Path) -> Path:
    """A `folder:` data set of noise: how fast it is trained on is all that counts."""
    rng = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / f"class-{label}").mkdir(parents=True)
        for number in range(PICTURES):
            picture = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
            picture.save(folder / f"class-{label}" / f"{label}x{number:04d}_00000.png")
    return folder


@contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    """The code as of `commit`, for a while."""
    git = ["git", "-C", str(HERE), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that each keep a core busy, for a while."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
