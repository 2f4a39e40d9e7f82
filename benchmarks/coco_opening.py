"""COCO of many boxes opened here and by pycocotools, each alone: python benchmarks/coco_opening.py.

Prints seconds and the most memory of each, and how they compare.
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

from PIL import Image


def make(folder: Path, boxes: int, frames: int) -> Path:
    """A file of `boxes` boxes over `frames` pictures, which are links to one."""
    rng = random.Random(0)
    Image.new("RGB", (64, 48)).save(folder / "one.jpg")
    (folder / "images").mkdir()
    for number in range(frames):
        (folder / f"images/{number:07d}.jpg").hardlink_to(folder / "one.jpg")
    images = [{"id": n, "file_name": f"{n:07d}.jpg", "width": 1280, "height": 720} for n in range(frames)]
    found = []
    for n in range(boxes):
        x, y, side = round(rng.uniform(0, 1200), 2), round(rng.uniform(0, 600), 2), rng.randint(8, 80)
        category = rng.randint(1, 40)
        found.append(
            {
                "id": n + 1,
                "image_id": rng.randrange(frames),
                "category_id": category,
                "iscrowd": 0,
                "bbox": [x, y, side, side],
                "area": side * side,
                "segmentation": [],
            }
        )
    path = folder / "instances.json"
    categories = [{"id": n, "name": f"class {n}"} for n in range(1, 41)]
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": found}))
    return path


def opened(how: str, path: Path) -> dict[str, float]:
    """Seconds and MB of this process."""
    if how == "pycocotools":
        from pycocotools.coco import COCO

        start_mb = _peak_mb()
        start = time.perf_counter()
        n = len(COCO(str(path)).anns)
    else:
        from roadworthy.data.frame_specs import read_frames

        start_mb = _peak_mb()
        start = time.perf_counter()
        n = sum(len(frame.annotations) for frame in read_frames(f"coco:{path}"))
    seconds = time.perf_counter() - start
    return {"boxes": n, "seconds": round(seconds, 2), "mb": round(_peak_mb() - start_mb)}


def _peak_mb() -> float:
    # What getrusage tells includes the process that started this one.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Measure both, several times in turn, and print the best of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=1_000_000)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--how", default="")
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    if asked.how:
        print(json.dumps(opened(asked.how, asked.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder), asked.boxes, asked.frames)
        found: dict[str, list[dict[str, float]]] = {"pycocotools": [], "roadworthy": []}
        for _ in range(asked.times):
            for how, results in found.items():
                command = [sys.executable, "-W", "ignore", __file__, "--how", how, "--file", str(path)]
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                results.append(json.loads(said.splitlines()[-1]))
    best = {
        how: {name: min(one[name] for one in results) for name in ("boxes", "seconds", "mb")}
        for how, results in found.items()
    }
    theirs, ours = best["pycocotools"], best["roadworthy"]
    print(json.dumps(best, indent=1))
    faster, smaller = theirs["seconds"] / ours["seconds"], ours["mb"] / theirs["mb"]
    print(f"{faster:.1f} times as fast, {smaller:.2f} of the memory")


if __name__ == "__main__":
    main()
