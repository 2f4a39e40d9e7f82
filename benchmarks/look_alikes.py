"""Are signs that only look like a speed limit accepted as one?

    python benchmarks/look_alikes.py [--recipe other-test] [--views 64] [--model MODEL]

Draws KINDS of discs and boards that bear a number and limit no car's speed, in drawings of this file's own,
by a camera that no training uses, and asks `Classifier.predict`.  Accepted as a limit is the worst that can
happen.  Choose with other-val; other-test is for reporting.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from roadworthy import api
from roadworthy.data.drawings import Drawings
from roadworthy.data.spec import read_records
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.answers import Row
from roadworthy.signs.catalogue import kind_and_value

RED, BLUE, BLACK, YELLOW = "#c1121c", "#0f5a9c", "#111111", "#ffd200"
_TEXT = '<text x="{x}" y="{y}" font-family="Overpass" font-weight="700" text-anchor="middle" '
_ROW = """
[[face]]
name = "look/{code}"
class = "not-a-limit"
where = "In this benchmark."
aspect = 1.0
colours = ["white"]
"""


def text(said: str, size: float, *, x: float = 50, y: float = 0, fill: str = BLACK) -> str:
    """One line in the middle, its numerals upright about y (the middle of the sign without)."""
    place = _TEXT.format(x=x, y=(y or 50) + 0.36 * size)
    return f'{place}font-size="{size}" fill="{fill}">{said}</text>'


def disc(*inside: str, ring: str = RED, width: float = 12) -> str:
    """A white disc in a ring of colour."""
    return (
        f'<circle cx="50" cy="50" r="{49 - width / 2}" fill="#fff" stroke="{ring}" stroke-width="{width}"/>'
        + ("".join(inside))
    )


def blue(*inside: str) -> str:
    """A blue disc with a white edge."""
    return f'<circle cx="50" cy="50" r="49" fill="#fff"/><circle cx="50" cy="50" r="47" fill="{BLUE}"/>' + (
        "".join(inside)
    )


def board(fill: str, *inside: str) -> str:
    """A square board."""
    edge = f'stroke="{BLACK}" stroke-width="2"'
    return f'<rect x="2" y="2" width="96" height="96" rx="6" fill="{fill}" {edge}/>' + "".join(inside)


LORRY = f'<path d="M26 22H56V38H26ZM58 27H68L74 33V38H58Z" fill="{BLACK}"/>' + "".join(
    f'<circle cx="{x}" cy="40" r="4" fill="{BLACK}"/>' for x in (34, 48, 66)
)
CARAVAN = f'<path d="M30 24H58Q64 24 64 32V38H30ZM64 36H76V38H64Z" fill="{BLACK}"/>' + (
    f'<circle cx="46" cy="40" r="4" fill="{BLACK}"/>'
)
KINDS = {
    "12 t": disc(text("12t", 36)),
    "3.5 t": disc(text("3.5t", 30)),
    "7.5 t": disc(text("7.5 t", 28)),
    "2.3 m across": disc(
        text("2.3m", 28), f'<path d="M13 44 23 50 13 56ZM87 44 77 50 87 56Z" fill="{BLACK}"/>'
    ),
    "3.8 m high": disc(text("3.8m", 28), f'<path d="M44 13H56L50 23ZM44 87H56L50 77Z" fill="{BLACK}"/>'),
    "10 m long": disc(text("10m", 32, y=56), f'<path d="M26 30H74V36H26Z" fill="{BLACK}"/>'),
    "a gap of 70 m": disc(
        text("70m", 30, y=46), f'<path d="M24 66H40V74H24ZM60 66H76V74H60Z" fill="{BLACK}"/>'
    ),
    "6 t on an axle": disc(text("6t", 36, y=44), f'<path d="M28 68H72V73H28Z" fill="{BLACK}"/>'),
    "15": disc(text("15", 46)),
    "35": disc(text("35", 46)),
    "45": disc(text("45", 46)),
    "5": disc(text("5", 52)),
    "65": disc(text("65", 46)),
    "75": disc(text("75", 46)),
    "150": disc(text("150", 38)),
    "140": disc(text("140", 38)),
    "30 mph": disc(text("30", 40, y=44), text("mph", 16, y=70)),
    "80 with a lorry": disc(LORRY, text("80", 36, y=62)),
    "100 with a caravan": disc(CARAVAN, text("100", 32, y=62)),
    "60 min": disc(text("60", 38, y=44), text("min", 18, y=71)),
    "at least 30": blue(text("30", 48, fill="#fff")),
    "at least 60": blue(text("60", 48, fill="#fff")),
    "80 ahead": board(
        "#fff",
        f'<circle cx="50" cy="40" r="26" fill="#fff" stroke="{RED}" stroke-width="7"/>',
        text("80", 28, y=40),
        text("AHEAD", 20, y=84),
    ),
    "45 advised": board(YELLOW, text("45", 48, y=42), text("km/h", 20, y=80)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Signs that only look like a speed limit.")
    parser.add_argument("--recipe", default="other-test")
    parser.add_argument("--views", type=int, default=64)
    parser.add_argument("--model", help="the packaged one without")
    asked = parser.parse_args()
    classifier = api.load(asked.model, threads=1)
    pictures = views(classifier.spec, asked.recipe, asked.views)
    rows = classifier.predict(list(pictures))
    named, sure = named_a_limit(rows), np.array([row.accepted is not False for row in rows])
    which = np.arange(len(rows)) % len(KINDS)
    print(f"{len(rows)} views of {len(KINDS)} kinds, recipe {asked.recipe}")
    print("| kind | named a limit | accepted as one | accepted as anything else | most often |")
    print("|---|---|---|---|---|")
    for number, kind in enumerate(KINDS):
        own = which == number
        answers = [row.predicted for row, mine in zip(rows, own, strict=True) if mine]
        common = max(sorted(set(answers)), key=answers.count)
        cells = (f"{n[own].mean():.0%}" for n in (named, named & sure, ~named & sure))
        print(f"| {kind} | {' | '.join(cells)} | {common} ({answers.count(common) / own.sum():.0%}) |")
    low, high = wilson(int((named & sure).sum()), len(rows))
    accepted = f"{(named & sure).mean():.2%} ({low:.2%} to {high:.2%})"
    print(f"all: named a limit {named.mean():.2%}, accepted as one {accepted}")


def named_a_limit(rows: Sequence[Row]) -> np.ndarray:
    """(N,) whether answers name one."""
    return np.array([kind_and_value(row.predicted)[0] == "speed" for row in rows])


def views(spec: InputSpec, recipe: str, each: int) -> np.ndarray:
    """(24 each, S, S, 3) uint8, the kinds in turn."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "look").mkdir()
        rows = []
        for number, inside in enumerate(KINDS.values()):
            code = f"k{number:02}"
            drawn = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{inside}</svg>'
            (place / "look" / f"{code}.svg").write_text(drawn, encoding="utf-8")
            rows.append(_ROW.format(code=code))
        (place / "catalogue.toml").write_text("".join(rows), encoding="utf-8")
        asked = f"rendered:look?faces={place}&signs=not-a-limit&recipe={recipe}&n={each * len(KINDS)}"
        records = read_records(asked)
        images = np.zeros((len(records), spec.size, spec.size, 3), np.uint8)
        Drawings(records, images, spec).draw()
        return images


if __name__ == "__main__":
    main()
