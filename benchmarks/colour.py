"""What becomes of limits without true colour, and how well pictures without colour are told.

    python benchmarks/colour.py [--limits 800] [--pictures 3000] [--model MODEL]

First: speed limits of GTSRB's test as they are, without colour and with red and blue swapped: how many are
answered as the END of a limit, how many of those are sure enough by the threshold alone, and how many are
accepted by `Classifier.predict`.  Second: photographs called colourless that are not, and pictures without
colour that pass for coloured.  Third: arrays whose order is mistaken, with the answers that are still
accepted.  Everything is drawn with one seed.  Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
import io
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from roadworthy import api
from roadworthy.core.arrays import ByteArray
from roadworthy.data.records import Record
from roadworthy.data.spec import read_records
from roadworthy.imaging.colour import has_colour
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.inference.confidence import accepted
from roadworthy.signs.catalogue import kind_and_value, told_by_colour

BATCH = 64
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
Change = Callable[[ByteArray], ByteArray]


def main() -> None:
    parser = argparse.ArgumentParser(description="Limits without colour; pictures without colour.")
    parser.add_argument("--limits", type=int, default=800)
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--model", help="the packaged one without")
    asked = parser.parse_args()
    classifier = api.load(asked.model, threads=1)
    rng = np.random.default_rng(0)
    order = in_any_order(rng)
    limits = limits_of(order)[: asked.limits]
    print_limits(classifier, [decode(record.path) for record in limits])
    print_told("GTSRB's test", [(decode(r.path), r.label) for r in order[: asked.pictures]])
    belgium = read_records(f"folder:{Path(os.environ['ROADWORTHY_DATA']) / 'belgium'}")
    chosen = [belgium[i] for i in rng.permutation(len(belgium))[: asked.pictures]]
    print_told("Belgium", [(decode(r.path), r.label) for r in chosen])
    print_swapped(classifier, [(decode(r.path), r.label) for r in order[: asked.pictures]])


def in_any_order(rng: np.random.Generator) -> list[Record]:
    """GTSRB's test, shuffled."""
    records = [record for record in read_records("gtsrb:") if record.split == "test"]
    return [records[i] for i in rng.permutation(len(records))]


def limits_of(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if kind_and_value(record.label)[0] == "speed"]


def print_limits(classifier: api.Classifier, pictures: Sequence[ByteArray]) -> None:
    """Limits answered as the end of one, by what was done to them."""
    print(f"{len(pictures)} limits: as the end of a limit" + f"{'answered':>10}{'sure':>7}{'accepted':>10}")
    changes: dict[str, Change] = {"as they are": np.copy, **WITHOUT, "red and blue swapped": swapped}
    for name, change in changes.items():
        changed = [change(image) for image in pictures]
        logits = all_logits(classifier, changed)
        answered = np.array([is_end(classifier.classes[i]) for i in logits.argmax(axis=1)])
        sure = accepted(logits, classifier.temperature, classifier.rejection)
        assert sure is not None, "a model without a threshold accepts everything"
        kept = [row.accepted and is_end(row.predicted) for row in predicted(classifier, changed)]
        print(f"  {name:<36}{answered.sum():>10}{(answered & sure).sum():>7}{sum(map(bool, kept)):>10}")


def print_told(name: str, labelled: Sequence[tuple[ByteArray, str]]) -> None:
    """How often colour is not seen where there is some, and is seen where there is none."""
    lost = np.array([not has_colour(image) for image, _ in labelled])
    labels = [label for _, label in labelled]
    print(f"{name}, {len(lost)} photographs: {lost.mean():.2%} are called colourless")
    for said, chosen in (
        ("of classes that colour tells apart", [bool(told_by_colour(label)) for label in labels]),
        ("of ends", [is_end(label) or label.startswith("end-") for label in labels]),
        ("at JPEG quality 70", None),
    ):
        if chosen is None:
            again = np.array([not has_colour(as_jpeg(image, 70)) for image, _ in labelled])
            print(f"  {said:<36}{again.mean():>8.2%} of {len(again)}")
        elif any(chosen):
            print(f"  {said:<36}{lost[np.array(chosen)].mean():>8.2%} of {sum(chosen)}")
    for said, change in WITHOUT.items():
        missed = np.mean([has_colour(change(image)) for image, _ in labelled])
        print(f"  {said + ', taken for coloured':<36}{missed:>8.2%}")


def print_swapped(classifier: api.Classifier, labelled: Sequence[tuple[ByteArray, str]]) -> None:
    """Answers to arrays in the order said and in the other: accepted and wrong, and refused for the order."""
    print(f"{len(labelled)} arrays" + f"{'wrong':>17}{'and sure':>10}{'accepted':>10}{'refused':>10}")
    labels = [label for _, label in labelled]
    orders: dict[str, Change] = {"in the order said": np.copy, "red and blue swapped": swapped}
    for name, change in orders.items():
        changed = [change(image) for image, _ in labelled]
        logits = all_logits(classifier, changed)
        sure = accepted(logits, classifier.temperature, classifier.rejection)
        wrong = np.array([classifier.classes[i] for i in logits.argmax(axis=1)]) != labels
        rows = predicted(classifier, changed)
        kept = [
            bool(row.accepted) and row.predicted != label for row, label in zip(rows, labels, strict=True)
        ]
        refused = sum("swapped" in (row.reason or "") for row in rows)
        print(f"  {name:<22}{wrong.sum():>6}{(wrong & sure).sum():>10}{sum(kept):>10}{refused:>10}")


def all_logits(classifier: api.Classifier, pictures: Sequence[ByteArray]) -> Any:
    crops = [crop_resize(picture, classifier.spec) for picture in pictures]
    starts = range(0, len(crops), BATCH)
    return np.concatenate([classifier.logits(np.stack(crops[i : i + BATCH])) for i in starts])


def predicted(classifier: api.Classifier, pictures: Sequence[ByteArray]) -> list[Any]:
    rows: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(0, len(pictures), BATCH):
            rows += classifier.predict(list(pictures[i : i + BATCH]))
    return rows


def is_end(name: str) -> bool:
    return name == "end-all-limits" or kind_and_value(name)[0] == "end-speed"


def grey(image: ByteArray) -> ByteArray:
    return np.repeat(np.asarray(Image.fromarray(image).convert("L"))[..., None], 3, axis=2)


def swapped(image: ByteArray) -> ByteArray:
    return np.ascontiguousarray(image[..., ::-1])


def tinted(image: ByteArray, *gains: float) -> ByteArray:
    return (grey(image) * np.array(gains)).clip(0, 255).round().astype(np.uint8)


def as_jpeg(image: ByteArray, quality: int) -> ByteArray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return decode(file.getvalue())


def noisy(image: ByteArray, sigma: float = 6) -> ByteArray:
    noise = np.random.default_rng(image.size).normal(0, sigma, image.shape)
    return (grey(image) + noise).clip(0, 255).round().astype(np.uint8)


def stamped(image: ByteArray) -> ByteArray:
    made = Image.fromarray(grey(image))
    ImageDraw.Draw(made).text((2, 1), "12:34", fill=(255, 220, 0), font_size=max(6, made.height // 7))
    return np.asarray(made)


def barred(image: ByteArray) -> ByteArray:
    made = grey(image)
    made[: max(1, round(0.08 * len(made)))] = (0, 60, 200)
    return made


def framed(image: ByteArray) -> ByteArray:
    edge = max(1, round(min(image.shape[:2]) / 16))
    made = np.full_like(image, (20, 30, 90))
    made[edge:-edge, edge:-edge] = grey(image)[edge:-edge, edge:-edge]
    return made


def fringed(image: ByteArray) -> ByteArray:
    made = grey(image)
    made[..., 0], made[..., 2] = np.roll(made[..., 0], 1, 1), np.roll(made[..., 2], -1, 1)
    return made


def toned(image: ByteArray) -> ByteArray:
    return (255 * (grey(image) / 255) ** np.array([0.7, 1, 1.3])).round().astype(np.uint8)


def pale(image: ByteArray) -> ByteArray:
    return (0.15 * image + 0.85 * grey(image)).round().astype(np.uint8)


WITHOUT: dict[str, Change] = {
    "grey": grey,
    "its red channel (as infrared)": lambda image: np.repeat(image[..., :1], 3, axis=2),
    "nearly grey, JPEG 50": lambda image: as_jpeg(tinted(image, 1, 0.97, 0.93), 50),
    "sepia": lambda image: (grey(image) @ SEPIA.T).clip(0, 255).round().astype(np.uint8),
    "sepia, JPEG 60": lambda image: as_jpeg(WITHOUT["sepia"](image), 60),
    "amber": lambda image: tinted(image, 1, 0.75, 0.2),
    "amber, JPEG 60": lambda image: as_jpeg(tinted(image, 1, 0.75, 0.2), 60),
    "green": lambda image: tinted(image, 0.25, 1, 0.3),
    "green, JPEG 60": lambda image: as_jpeg(tinted(image, 0.25, 1, 0.3), 60),
    "grey, noise of 6 levels, JPEG 60": lambda image: as_jpeg(noisy(image), 60),
    "grey, noise of 6 levels a channel": noisy,
    "grey, noise of 12 levels a channel": lambda image: noisy(image, 12),
    "grey, a yellow time stamp": stamped,
    "grey, a blue bar at the top": barred,
    "grey, a dark blue frame": framed,
    "grey, red and blue 1 px apart": fringed,
    "grey, each channel of another gamma": toned,
    "saturation 0.15": pale,
}


if __name__ == "__main__":
    main()
