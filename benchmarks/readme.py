"""Every command of the README, run in a new folder: python benchmarks/readme.py.

Each runs as it is written, after the one before it, with pictures of the names that it uses: GTSRB and
Belgium of ROADWORTHY_DATA, or with --tiny a few drawings in their place.  --short makes those that take many
minutes shorter (SHORTER); what is not run, and why, is said (LEFT_OUT).
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy.drive.film import write_film

ROOT = Path(__file__).parent.parent
TUTORIALS = ROOT / "docs" / "tutorials" / "pictures"
FOUR = {17: "no-entry", 2: "speed-50", 3: "speed-60", 14: "stop"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)

LEFT_OUT = {
    "make demo": "makes an environment of its own in the checkout, from the network; run it there",
    "make test": "the same, and runs all tests, this one too",
    "pip install": "from the network; what it installs is what runs here",
    "roadworthy data fetch": "0.4 GB from the network; tests/data/test_fetch.py has a server of its own",
}
"""Beginnings of commands that are not run, and the reason."""

SHORTER = {
    "--minutes 2": "--minutes 0.1 --set train.min_steps=150",  # so many on a busy machine too
    "--precision int8": "--precision fp32",  # which so short a training does not always stand
    "roadworthy study": "roadworthy study augmentation --seeds 2",
    '"minutes": 1.0': '"minutes": 0.05',
}
"""What --short writes for what takes minutes, or needs what takes them."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command line, or a piece of Python, and why it is left out, if it is."""

    text: str
    python: bool = False
    left_out: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a step.

    status: its exit code; 0 for a service that answered.  said: its last lines.
    """

    step: Step
    status: int
    seconds: float
    said: str

    def well(self, *, tiny: bool) -> bool:
        """Whether it did what it is there for; of a few drawings nobody learns enough for a --require."""
        return self.status == 0 or (tiny and self.status == 3 and "--require" in self.step.text)


def steps(page: Path = ROOT / "README.md", *, short: bool = False) -> list[Step]:
    """What the page tells to do, in order."""
    found = []
    for kind, text in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind not in ("", "python"):  # what a command says, and the like
            continue
        for written in [text] if kind else text.splitlines():
            line = written if kind else written.partition(" #")[0].strip()
            if not line:
                continue
            reason = next((why for start, why in LEFT_OUT.items() if line.startswith(start)), "")
            for long, shorter in SHORTER.items() if short else ():
                line = line.replace(long, shorter)
            found.append(Step(text=line, python=bool(kind), left_out=reason))
    return found


def prepare(place: Path, *, tiny: bool) -> dict[str, str]:
    """Pictures of the names that the README uses, and the variables that its commands run with."""
    shutil.copytree(TUTORIALS, place / "folder", ignore=shutil.ignore_patterns("*.jpg"))
    shutil.copytree(place / "folder", place / "more")
    shutil.copy(TUTORIALS / "street.jpg", place / "street.jpg")
    with Image.open(TUTORIALS / "stop.png") as picture:
        picture.convert("RGB").save(place / "photo.jpg")
        film_of(picture.convert("RGB"), place / "film.mp4")
    environment = {**os.environ, "XDG_STATE_HOME": str(place / "state")}
    drawn = f"rendered:au+de?recipe=other-test&signs={'+'.join(FOUR.values())}"
    photographs = Path(os.environ.get("ROADWORTHY_DATA", "")) / "belgium"
    if not tiny and photographs.is_dir():
        for name in FOUR.values():
            for path in photographs.rglob(f"{name}/*.*"):
                (place / "my-photographs" / name).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place / "my-photographs" / name)
    else:
        roadworthy(["render", drawn, "--per-class", "12", "--out", str(place / "my-photographs")], place)
    if tiny:
        environment["ROADWORTHY_DATA"] = str(place / "data")
        roadworthy(
            ["render", drawn, "--per-class", "60", "--seed", "1", "--out", str(place / "signs")], place
        )
        as_gtsrb(place / "signs", place / "data" / "gtsrb")
    return environment


def film_of(sign: Image.Image, path: Path) -> None:
    """A second's film of a sign that comes nearer."""
    with write_film(path, 10) as film:
        for index in range(10):
            frame = Image.new("RGB", (320, 180), (140, 150, 160))
            frame.paste(sign.resize((20 + 4 * index,) * 2), (180 + 8 * index, 60))
            film.write(np.asarray(frame), index / 10)


def as_gtsrb(signs: Path, root: Path) -> None:
    """Folders of signs in the layout of Kaggle's copy: a third of each class for the test."""
    header, rows = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path", {"Train": [], "Test": []}
    for number, name in FOUR.items():
        for i, path in enumerate(sorted((signs / name).iterdir())):
            split = "Train" if i % 3 else "Test"
            named = f"Train/{number}/{number:05d}_{i:05d}_00000.png" if i % 3 else f"Test/{number}{i:04d}.png"
            (root / named).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / named)
            rows[split].append(f"48,48,2,2,45,45,{number},{named}")
    for split, lines in rows.items():
        (root / f"{split}.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def roadworthy(arguments: list[str], place: Path) -> None:
    command = [sys.executable, "-m", "roadworthy", *arguments]
    subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL)


def run(found: list[Step], place: Path, environment: dict[str, str]) -> Iterator[Outcome]:
    """Each step that is not left out, in `place`."""
    for step in found:
        if step.left_out:
            continue
        started = time.monotonic()
        if step.python:
            command = [sys.executable, "-c", step.text]
        else:
            program, *arguments = shlex.split(step.text)
            assert program == "roadworthy", step.text
            command = [sys.executable, "-m", "roadworthy", *arguments]
        if not step.python and arguments[0] == "serve":
            status, said = serve(command, place, environment)
        else:
            done = subprocess.run(
                command, cwd=place, env=environment, capture_output=True, text=True, check=False
            )
            status, said = done.returncode, done.stdout + done.stderr
        said = "\n".join(said.strip().splitlines()[-12:])
        yield Outcome(step=step, status=status, seconds=time.monotonic() - started, said=said)


def serve(command: list[str], place: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Start a service, ask whether it is well, and end it; on another port where somebody has its own."""
    port = 8000
    with socket.socket() as asked:
        if asked.connect_ex(("127.0.0.1", port)) == 0:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            command = [*command, "--port", str(port)]
    service = subprocess.Popen(
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    answered = False
    for _ in range(240):
        if service.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
                answered = answer.status == 200
            break
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.25)
    service.send_signal(signal.SIGINT)
    said, _ = service.communicate(timeout=60)
    return (0 if answered else 1), said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="a few drawings for GTSRB")
    parser.add_argument("--short", action="store_true", help="what takes many minutes made shorter")
    asked = parser.parse_args()
    if not asked.tiny and not (Path(os.environ.get("ROADWORTHY_DATA", "")) / "gtsrb").is_dir():
        parser.error("set ROADWORTHY_DATA to the folder that holds gtsrb/, or give --tiny")
    found, failed = steps(short=asked.short), 0
    print("| command | status | s |\n| --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "readme"
        for outcome in run(found, place, prepare(place, tiny=asked.tiny)):
            text = "the Python" if outcome.step.python else f"`{outcome.step.text}`"
            print(f"| {text} | {outcome.status} | {outcome.seconds:.0f} |", flush=True)
            if not outcome.well(tiny=asked.tiny):
                failed += 1
                print(outcome.said, file=sys.stderr, flush=True)
    for step in found:
        if step.left_out:
            print(f"not run: {step.text}: {step.left_out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
