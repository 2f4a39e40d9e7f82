"""What finding all signs of 24 px and more in a photograph of 12 megapixels takes: time and memory.

    python benchmarks/finding_photo.py [--photo FILE] [--finder FILE.onnx] [--before WORKTREE]
        [--runs 3] [--out RESULTS.json]

Each run is a process of its own that answers once: from a decoded picture in memory to boxes with names,
with one thread and with as many as `load` takes.  Without --photo it is GTSDB's training frames 00000 to
00011 side by side, 4,000 x 3,000, full of signs (ROADWORTHY_DATA).  Without --finder it is `load().find`,
where this build comes with a finder.

CPU s, wall s   medians of the runs
more MB         the most memory while it looks, over what model and picture take before
most MB         the most of the whole process, with Python, the model and the picture (36 MB)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from finding_speed import TwoStages, packaged_finder

from roadworthy import api
from roadworthy.core.arrays import ByteArray
from roadworthy.core.provenance import provenance_of
from roadworthy.imaging.decode import decode
from roadworthy.inference.onnx import packaged

WIDTH, HEIGHT, LEAST_PX = 4000, 3000, 24.0
COLUMNS, ROWS = 3, 4  # of frames of 1,360 x 800


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--finder", type=Path)
    parser.add_argument("--before", type=Path, help="a checkout of another build")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)  # of a process of its own
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.answer is not None:
        print(json.dumps(answer(np.load(asked.answer), asked.finder, asked.threads)))
        return
    if asked.finder is None and packaged_finder() is None and asked.before is None:
        parser.error("this build comes with no finder; name one with --finder")
    builds: dict[str, list[str]] = {}
    if asked.finder is not None:
        builds[asked.finder.stem] = ["--finder", str(asked.finder)]
    elif packaged_finder() is not None:
        builds["Classifier.find"] = []
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.npy"
        picture = decode(str(asked.photo)) if asked.photo else side_by_side()
        np.save(photo, picture)
        print(f"{picture.shape[1]} x {picture.shape[0]}, signs from {LEAST_PX:g} px, {asked.runs} runs each")
        print(
            "| build | threads | boxes | CPU s | wall s | more MB | most MB |\n|---|---|---|---|---|---|---|"
        )
        rows = []
        for name in [*builds, *(["before"] if asked.before else [])]:
            for threads in (1, 0):
                checkout = asked.before if name == "before" else None
                runs = [run(photo, builds.get(name, []), threads, checkout) for _ in range(asked.runs)]
                rows.append({"name": name, "threads": threads, "runs": runs})
                print(line(name, threads, runs), flush=True)
    if asked.out is not None:
        facts = {"provenance": provenance_of(" ".join(sys.argv)), "load": os.getloadavg()}
        asked.out.write_text(json.dumps({**facts, "rows": rows}, indent=1) + "\n")


def side_by_side() -> ByteArray:
    """WIDTH x HEIGHT of training frames, none of them resized."""
    folder = Path(os.environ["ROADWORTHY_DATA"]) / "frames" / "gtsdb"
    frames = [decode(str(folder / f"{number:05d}.webp")) for number in range(COLUMNS * ROWS)]
    bands = [np.concatenate(frames[i * COLUMNS : (i + 1) * COLUMNS], axis=1) for i in range(ROWS)]
    return np.ascontiguousarray(np.concatenate(bands)[:HEIGHT, :WIDTH])


def run(photo: Path, finder: list[str], threads: int, checkout: Path | None) -> dict[str, Any]:
    """One process that answers once, of this checkout or another one."""
    source = Path(api.__file__).parents[1] if checkout is None else (checkout / "src").resolve()
    command = [sys.executable, __file__, "--answer", str(photo), "--threads", str(threads), *finder]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(source)}
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
    answered: dict[str, Any] = json.loads(done.stdout)
    if Path(answered["build"]) != source / "roadworthy":
        raise RuntimeError(f"answered by {answered['build']}, not by {source}")
    return answered


def answer(photo: ByteArray, finder: Path | None, threads: int) -> dict[str, Any]:
    """What one answer takes; the model is loaded and warm before."""
    reader = packaged()
    if finder is not None and reader is not None:
        find = TwoStages(finder, reader, threads).find
    else:
        find = api.load(threads=threads).find
    find(np.ascontiguousarray(photo[:256, :256]))
    begun, used, held = time.perf_counter(), time.process_time(), memory_mb("VmRSS")
    found = find(photo, least_px=LEAST_PX)
    taken = {"wall_s": time.perf_counter() - begun, "cpu_s": time.process_time() - used}
    most = memory_mb("VmHWM")  # ru_maxrss would hold what the process that started this one took, too
    build = str(Path(api.__file__).resolve().parent)
    return {**taken, "boxes": len(found), "more_mb": most - held, "most_mb": most, "build": build}


def memory_mb(name: str) -> float:
    """A line of what Linux says of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(one.split()[1]) / 1024 for one in lines if one.startswith(f"{name}:"))


def line(name: str, threads: int, runs: list[dict[str, Any]]) -> str:
    cpu, wall, more, most = (
        statistics.median(one[key] for one in runs) for key in ("cpu_s", "wall_s", "more_mb", "most_mb")
    )
    several = threads or "default"
    return f"| {name} | {several} | {runs[0]['boxes']} | {cpu:.2f} | {wall:.2f} | {more:.0f} | {most:.0f} |"


if __name__ == "__main__":
    main()
