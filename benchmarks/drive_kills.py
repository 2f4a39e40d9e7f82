"""Does a drive that is killed at any moment go on to the same signs, none lost and none twice?

    python benchmarks/drive_kills.py [--times 10] [--film FILM] [--out runs/drive-kills]

A film (a drawn one without --film) is watched once in peace.  Then, time after time in a new folder, the
watching is killed (SIGKILL) at a random moment, and gone on with; every second one is killed again as it
goes on.  Compared with peace: events.csv, limits.csv, signs.geojson and the boxes in coco.json byte by byte,
and the signs by class and time.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from roadworthy.drive.journal import views

SAME = ("events.csv", "limits.csv", "signs.geojson", "coco.json")


@dataclass(kw_only=True)
class Kill:
    """One killed drive.

    after_s: until the first kill.  frames: in its journal by then.  kills: how often it was killed.
    same: whether all files hold the same bytes as in peace.  lost, twice: signs.  pictures: in its report as
    many as in peace.
    """

    after_s: float
    frames: int
    kills: int
    same: bool
    lost: int
    twice: int
    pictures: bool


def main() -> None:
    parser = argparse.ArgumentParser(description="Drives killed at random moments.")
    parser.add_argument("--out", type=Path, default=Path("runs/drive-kills"))
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--film", type=Path, help="a drawn kilometre without")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    asked.out.mkdir(parents=True)
    film = asked.film or _drawn(asked.out / "drawn")
    moments, peace = random.Random(asked.seed), asked.out / "peace"
    began = time.monotonic()
    _run(film, peace)
    whole_s = time.monotonic() - began
    print(f"in peace: {whole_s:.1f} s, {len(_signs(peace))} signs", flush=True)
    kills = []
    for number in range(asked.times):
        out = asked.out / f"killed-{number}"
        after_s = moments.uniform(0.05, 1.0) * whole_s
        again_s = [moments.uniform(0.2, 0.8) * whole_s] if number % 2 else []
        kills.append(_killed(film, out, peace, after_s, again_s))
        print(kills[-1], flush=True)
    print(
        "\n| killed after, s | frames kept | kills | same files | signs lost | signs twice | all pictures |"
    )
    print("|---|---|---|---|---|---|---|")
    for kill in kills:
        after_s, *rest = asdict(kill).values()
        cells = [
            {True: "yes", False: "no"}.get(cell, cell) if isinstance(cell, bool) else cell for cell in rest
        ]
        print(f"| {after_s:.1f} | {' | '.join(map(str, cells))} |")
    right = sum(kill.same and not kill.lost + kill.twice for kill in kills)
    print(f"\n{right} of {len(kills)} ended as in peace")
    if right < len(kills):
        raise SystemExit(1)


def _drawn(folder: Path) -> Path:
    command = [sys.executable, "-m", "roadworthy", "render", "drive:au?km=1&seed=1", "--out", str(folder)]
    subprocess.run(command, check=True)
    return next(folder.rglob("film.*"))


def _killed(film: Path, out: Path, peace: Path, after_s: float, again_s: list[float]) -> Kill:
    _run(film, out, kill_after_s=after_s)
    frames = len(list(views(journal))) if (journal := out / "journal.jsonl").is_file() else 0
    kills = 1
    for moment in again_s:
        _run(film, out, kill_after_s=moment)
        kills += 1
    _run(film, out)
    expected, found = _signs(peace), _signs(out)
    return Kill(
        after_s=after_s,
        frames=frames,
        kills=kills,
        same=all((out / name).read_bytes() == (peace / name).read_bytes() for name in SAME),
        lost=(expected - found).total(),
        twice=(found - expected).total(),
        pictures=_pictures(out) == _pictures(peace),
    )


def _run(film: Path, out: Path, *, kill_after_s: float | None = None) -> None:
    """Watch, or go on watching where something was kept; to the end, or until it is killed."""
    command = [
        sys.executable,
        "-m",
        "roadworthy",
        "drive",
        str(film),
        "--out",
        str(out),
        "--region",
        "au-vic",
    ]
    command += ["--resume"] if (out / "journal.jsonl").is_file() else []
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        said = process.communicate(timeout=kill_after_s)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {said}")


def _signs(out: Path) -> Counter[tuple[str, str]]:
    with (out / "events.csv").open(newline="") as file:
        return Counter((row["class"], row["passed_s"]) for row in csv.DictReader(file))


def _pictures(out: Path) -> int:
    return (out / "report.html").read_text(encoding="utf-8").count("data:image/jpeg")


if __name__ == "__main__":
    main()
