"""Write docs/australian-series.md, what we have of AS 1742's series: python docs/make_series.py."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from roadworthy.signs.catalogue import OTHER_SIGN, Face, faces

PAGE = Path(__file__).parent / "australian-series.md"
SERIES = {
    "R1": "stop, give way, roundabouts",
    "R2": "direction of travel",
    "R3": "crossings for pedestrians",
    "R4": "speed limits and zones",
    "R5": "parking and stopping",
    "R6": "other prohibitions, loads, railways",
    "R7": "lanes for buses, bicycles and others",
    "R8": "paths",
    "W1": "bends",
    "W2": "intersections",
    "W3": "traffic control ahead",
    "W4": "width, lanes, carriageways",
    "W5": "the road and what crosses it",
    "W6": "pedestrians, children, bicycles",
    "W7": "railways",
    "W8": "plates beneath",
    "T1": "works ahead",
    "T2": "works: lanes and ends",
    "T3": "works: the surface",
    "T4": "works: other dangers",
    "T5": "works: detours",
    "D4": "markers of hazards",
    "G9": "guidance beside the road",
}
INTRODUCTION = """# Australian series

Written by `python docs/make_series.py`: what the catalogue has of the series of AS 1742, which this project
does not own. The codes that the reference sheet shows are checked; of the others many numbers are from
memory, so take the class and the words in `roadworthy list faces`, not the number, for what a face shows.

Since the first edition these classes were added for Australia: no-stopping, no-parking, bus-lane,
bicycle-lane, keep-left-unless-overtaking, school-zone, end-school-zone, end-road-works, floodway, ford,
grid, winding-road, steep-descent, merge-left, merge-right, divided-road, end-divided-road, low-clearance,
weight-limit, road-narrows, road-narrows-left, and other-sign for whatever has no class.
"""
# What we know of and did not draw, in words: their numbers we could not check.
MISSING = [
    "R1: stop when the lights are off or flash (New South Wales), give way to stock (Victoria)",
    "R2: U-turns allowed, all traffic turns, hook turns in every form",
    "R5: parking by meter and by coupon, angles of parking, most permit zones; times are examples",
    "R6: weigh stations, dangerous goods, most signs for trams, ferries and causeways",
    "R7, R8: bus roads of single cities, ends of most lanes and paths",
    "W5: aircraft, blasting, logs, most animals that one state alone signs",
    "W7: the angles of railways that cross a side road, as a series of their own",
    "W8: most plates of words and of times; those drawn are examples",
    "G: directions are examples of their kind, for every town has its own",
]


def page() -> str:
    """A row for each code, and what is missing."""
    by_code: dict[str, list[Face]] = defaultdict(list)
    for face in faces(["au"]):
        if match := re.match(r"([A-Z]\d+)-(\d+)(?!\d)", face.code):
            by_code[f"{match[1]}-{match[2]}"].append(face)
    lines = INTRODUCTION.splitlines()
    for series, about in SERIES.items():
        codes = sorted((c for c in by_code if c.startswith(f"{series}-")), key=lambda c: int(c.split("-")[1]))
        lines += ["", f"## {series}: {about}", "", "| code | class | faces |", "|---|---|---|"]
        lines += [f"| {code} | {_classes(by_code[code])} | {len(by_code[code])} |" for code in codes]
        if gaps := _gaps(codes):
            lines += [
                "",
                f"No face of {series}-{', '.join(map(str, gaps))}; some of these numbers are no sign.",
            ]
    lines += ["", "## Known to be missing", "", *(f"- {text}" for text in MISSING)]
    return "\n".join(lines) + "\n"


def _classes(own: list[Face]) -> str:
    names = {f"{face.sign} ({face.group})" if face.sign == OTHER_SIGN else face.sign for face in own}
    numbered = {re.sub(r"speed-\d+", "speed-N", name) for name in names}
    return ", ".join(sorted(numbered))


def _gaps(codes: list[str]) -> list[int]:
    """Numbers below the largest two-digit one that no code has."""
    numbers = {int(code.split("-")[1]) for code in codes if int(code.split("-")[1]) < 100}
    return [number for number in range(1, max(numbers, default=0)) if number not in numbers]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
