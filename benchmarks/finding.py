"""How well signs are found in drawn streets, by their size, and how long that takes.

    python benchmarks/finding.py [MODEL.onnx] [--scenes 200] [--countries au] [--least PX] [--seed 0]

MODEL-find.onnx stands beside it; without a MODEL, the packaged ones.  Each scene is 1280 x 720 with one to
five signs.  A sign counts as found where a box overlaps it by half (intersection over union), as read where
its class is right too.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from roadworthy import api
from roadworthy.data.drawings import face_tiles
from roadworthy.evaluate.detection import by_size, match
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.render.street import draw_street

EDGES = (0, 16, 24, 32, 48, 64, 96, 128, 192, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--countries", default="au")
    parser.add_argument("--least", type=float, help="default: what find takes without being told")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    classifier = api.load(asked.model)
    faces = face_tiles(tuple(asked.countries.split("+")), 128)
    sides, hits, reads, overlaps, seconds = [], [], [], [], []
    boxes = right = sure = sure_right = 0
    for number in range(asked.scenes):
        street = draw_street(faces, torch.Generator().manual_seed(asked.seed * 1_000_003 + number))
        begun = time.perf_counter()
        found = classifier.find(street.image, least_px=asked.least)
        seconds.append(time.perf_counter() - begun)
        matched = match([row.box for row in found], street.boxes)
        of = {own: row for row, own in zip(found, matched.found, strict=True) if own is not None}
        overlaps += [
            share for share, own in zip(matched.overlaps, matched.found, strict=True) if own is not None
        ]
        for index, (box, sign) in enumerate(zip(street.boxes, street.signs, strict=True)):
            sides.append(max(box[2] - box[0], box[3] - box[1]))
            hits.append(index in of)
            reads.append(index in of and of[index].predicted == sign)
        boxes += len(found)
        right += len(of)
        kept = [
            (row, own) for row, own in zip(found, matched.found, strict=True) if row.accepted is not False
        ]
        sure += len(kept)
        sure_right += sum(own is not None for _, own in kept)
    print("| larger side, px | signs | found | found and read |\n|---|---|---|---|")
    for one in by_size(sides, hits, reads, EDGES):
        name = f"{one.low:g} to {one.high:g}" if one.high < EDGES[-1] else f"{one.low:g} and more"
        print(
            f"| {name} | {one.n} | {share(one.recall, one.recall_ci95)} | {share(one.read, one.read_ci95)} |"
        )
    print(
        f"| all | {len(sides)} | {share(np.mean(hits), wilson(sum(hits), len(hits)))} | "
        f"{share(np.mean(reads), wilson(sum(reads), len(reads)))} |"
    )
    precise, surely = (
        share(some / n, wilson(some, n)) if n else "none" for some, n in ((right, boxes), (sure_right, sure))
    )
    print(f"\nprecision {precise} of {boxes} boxes, {surely} of the {sure} that are sure")
    if overlaps:
        print(f"overlap of the found ones {np.mean(overlaps):.2f} on average")
    rate = 1e3 * np.median(seconds) / (1280 * 720 / 1e6)
    smallest = "" if asked.least is None else f", signs from {asked.least:g} px"
    print(f"{rate:.0f} ms per megapixel (median){smallest}")


def share(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.1%} ({interval[0]:.0%} to {interval[1]:.0%})"


if __name__ == "__main__":
    main()
