"""10,000 annotated frames of 1280 x 720 listed and audited, each alone: python benchmarks/many_frames.py.

Prints seconds and the most memory of each.  The frames are drawn: a tenth of them differ, and each of these
is there ten times, as where a car stands still.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (1280, 720)
STANDS = 10  # frames that show the same


def make(folder: Path, frames: int, fmt: str) -> str:
    """The spec of a set in YOLO's or COCO's format, three boxes in each frame."""
    rng = random.Random(0)
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    for number in range(frames):
        path = folder / f"images/{number:06d}.jpg"
        if first := number % STANDS:
            path.hardlink_to(folder / f"images/{number - first:06d}.jpg")
        else:
            _draw(path, number)
    marks = [
        [(rng.randint(0, 39), *_box(rng)) for _ in range(3)] for _ in range(frames)
    ]  # class, x, y, side in pixels
    if fmt == "coco":
        (folder / "set.json").write_text(json.dumps(_coco(marks)))
        return f"coco:{folder}/set.json"
    width, height = SIZE
    for number, own in enumerate(marks):
        rows = [
            f"{kind} {(x + side / 2) / width:.6f} {(y + side / 2) / height:.6f} {side / width:.6f} "
            f"{side / height:.6f}\n"
            for kind, x, y, side in own
        ]
        (folder / f"labels/{number:06d}.txt").write_text("".join(rows))
    names = [f"class {n}" for n in range(40)]
    (folder / "data.yaml").write_text(f"train: images\nnames: {json.dumps(names)}\n")
    return f"yolo:{folder}"


def _draw(path: Path, seed: int) -> None:
    tiles = np.random.default_rng(seed).integers(0, 256, (45, 80, 3), dtype=np.uint8)
    Image.fromarray(tiles).resize(SIZE, Image.Resampling.BILINEAR).save(path, quality=85)


def _box(rng: random.Random) -> tuple[int, int, int]:
    return rng.randint(0, 1200), rng.randint(0, 640), rng.randint(12, 80)


def _coco(marks: list[list[tuple[int, int, int, int]]]) -> dict[str, object]:
    boxes = [(number, *mark) for number, own in enumerate(marks) for mark in own]
    return {
        "images": [
            {"id": n, "file_name": f"{n:06d}.jpg", "width": SIZE[0], "height": SIZE[1]}
            for n in range(len(marks))
        ],
        "categories": [{"id": n, "name": f"class {n}"} for n in range(40)],
        "annotations": [
            {"id": n, "image_id": image, "category_id": kind, "bbox": [x, y, side, side], "area": side * side}
            for n, (image, kind, x, y, side) in enumerate(boxes, 1)
        ],
    }


def measured(what: str, spec: str) -> dict[str, float]:
    """Seconds and peak MB of this process, that of the imports included."""
    start = time.perf_counter()
    if what == "listed":
        from roadworthy.data.frame_specs import read_frames

        n = len(read_frames(spec))
    else:
        from roadworthy import api
        from roadworthy.config import DataConfig

        n = api.audit(DataConfig(spec=spec)).total
    seconds = time.perf_counter() - start
    # What getrusage tells includes the process that started this one.
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    return {"frames": n, "seconds": round(seconds, 1), "mb": round(peak)}


def main() -> None:
    """Make the set and measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--format", choices=("yolo", "coco"), default="yolo")
    parser.add_argument("--what", default="")
    parser.add_argument("--spec", default="")
    asked = parser.parse_args()
    if asked.what:
        print(json.dumps(measured(asked.what, asked.spec)))
        return
    with tempfile.TemporaryDirectory() as folder:
        spec = make(Path(folder), asked.frames, asked.format)
        for what in ("listed", "audited"):
            command = [sys.executable, "-W", "ignore", __file__, "--what", what, "--spec", spec]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(what, said.splitlines()[-1], flush=True)


if __name__ == "__main__":
    main()
