"""How loosely a sign may be framed and still be read: the same signs, cut out of drawn streets ever wider.

    python benchmarks/framing.py [MODEL.onnx] [--signs 200] [--countries au] [--seed 0] [--frames SPEC]

Each picture is a square of a drawn street in which one sign takes up so much of the width, at any place in
it, and no other sign shows; the sign is at least 24 px large.  "at first sight" is the network's answer for
the whole picture, "as predict answers" that of `roadworthy predict`, which looks closer where it is not sure.
With --frames (gtsdb:DIR, say) the squares are of real frames, without signs that the model does not know.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from roadworthy import api
from roadworthy.core.arrays import Box, ByteArray
from roadworthy.data.drawings import face_tiles
from roadworthy.data.frame_specs import read_frames
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.render.street import Street, draw_street

SHARES = (1.0, 0.85, 0.7, 0.5, 0.35, 0.25, 0.15)
LEAST_PX, SIDE = 24, 1600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--signs", type=int, default=200)
    parser.add_argument("--countries", default="au")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frames", default="")
    asked = parser.parse_args()
    classifier = api.load(asked.model)
    seen = {share: Tally() for share in SHARES}
    pictures = (
        of_frames(asked.frames, classifier.classes, asked.signs, asked.seed)
        if asked.frames
        else framed(asked.countries, asked.signs, asked.seed)
    )
    for share, picture, sign in pictures:
        seen[share].look(classifier, picture, sign)
    print("| sign's share of the width | pictures | right at first sight | right as predict answers | "
          "sure, right of these, wrong | ms (median, 95 %) |\n|---|---|---|---|---|---|")  # fmt: skip
    for share, tally in seen.items():
        print(f"| {share:.0%} {tally.row()}")


@dataclass
class Tally:
    """What was said of pictures in which signs take up the same share."""

    first: list[bool] = field(default_factory=list)
    final: list[bool] = field(default_factory=list)
    sure: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def look(self, classifier: api.Classifier, picture: ByteArray, sign: str) -> None:
        """At one more."""
        logits = classifier.logits(crop_resize(picture, classifier.spec)[None])
        self.first.append(classifier.classes[int(logits.argmax())] == sign)
        begun = time.perf_counter()
        row = classifier.predict(picture)[0]
        self.seconds.append(time.perf_counter() - begun)
        self.final.append(row.predicted == sign)
        self.sure.append(row.accepted is not False)

    def row(self) -> str:
        """The rest of a line."""
        right = [right for right, sure in zip(self.final, self.sure, strict=True) if sure]
        wrong = len(right) - sum(right)
        quick, slow = (1e3 * np.quantile(self.seconds, q) for q in (0.5, 0.95))
        return (
            f"| {len(self.final)} | {percent(self.first)} | {percent(self.final)} | "
            f"{np.mean(self.sure):.0%}, {percent(right)}, {wrong} | {quick:.1f}, {slow:.0f} |"
        )


def framed(
    countries: str, n: int, seed: int, known: Collection[str] | None = None
) -> Iterator[tuple[float, ByteArray, str]]:
    """(share, picture, class): n pictures of each share, squares of streets that show one sign.

    known: the only classes that streets show; all without.
    """
    drawn = face_tiles(tuple(countries.split("+")), 128)
    faces = {sign: tiles for sign, tiles in drawn.items() if known is None or sign in known}
    rng = np.random.default_rng(seed)
    left, number = dict.fromkeys(SHARES, n), 0
    while any(left.values()):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
        street = draw_street(faces, generator, width=SIDE, height=SIDE)
        number += 1
        for index, sign in enumerate(street.signs):
            for share in SHARES:
                square = around(street, index, share, rng) if left[share] else None
                if square is not None:
                    x, y, side = square
                    left[share] -= 1
                    yield share, street.image[y : y + side, x : x + side], sign


def of_frames(spec: str, classes: Sequence[str], n: int, seed: int) -> Iterator[tuple[float, ByteArray, str]]:
    """The same from real frames, at most n pictures of each share; fewer where the frames have no more."""
    rng = np.random.default_rng(seed)
    frames = read_frames(spec)
    left = dict.fromkeys(SHARES, n)
    for number in rng.permutation(len(frames)).tolist():
        marked = frames[number].annotations
        if not marked or not any(left.values()):
            continue
        street = Street(
            image=decode(frames[number].path),
            boxes=tuple(one.box for one in marked),
            signs=tuple(one.label for one in marked),
        )
        for index, sign in enumerate(street.signs):
            for share in SHARES if sign in classes else ():
                square = around(street, index, share, rng) if left[share] else None
                if square is not None:
                    x, y, side = (round(value) for value in square)
                    left[share] -= 1
                    yield share, np.ascontiguousarray(street.image[y : y + side, x : x + side]), sign


def around(street: Street, index: int, share: float, rng: np.random.Generator) -> tuple[int, int, int] | None:
    """(x, y, side) of a square that the sign takes up so much of; None where none is free of other signs."""
    x1, y1, x2, y2 = street.boxes[index]
    larger = max(x2 - x1, y2 - y1)
    side = round(larger / share)
    height, width = street.image.shape[:2]
    if larger < LEAST_PX or side > min(height, width):
        return None
    for _ in range(20):
        x, y = (
            int(np.clip(low - rng.random() * max(side - extent, 0), 0, limit - side))
            for low, extent, limit in ((x1, x2 - x1, width), (y1, y2 - y1, height))
        )
        others = [box for other, box in enumerate(street.boxes) if other != index]
        if not any(meets((x, y, x + side, y + side), box) for box in others):
            return x, y, side
    return None


def meets(one: Box, two: Box) -> bool:
    """Whether two boxes share a pixel."""
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def percent(values: list[bool]) -> str:
    low, high = wilson(sum(values), len(values))
    return f"{np.mean(values):.1%} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main()
