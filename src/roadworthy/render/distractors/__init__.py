"""Things along a road that look much like signs and are none, each an SVG beside this file.

Lamps and signals, wheels, clocks, balloons, the marks of shops, number plates, letters, gables, trees, wires.
A further one is a further file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from roadworthy.signs.catalogue import NO_SIGN, Face


@cache
def distractor_faces() -> tuple[Face, ...]:
    """One face for each thing, by the name of its file."""
    return tuple(
        Face(name=f"thing/{file.stem}", sign=NO_SIGN, file=file, where="", aspect=1.0, colours=())
        for file in sorted(Path(__file__).parent.glob("*.svg"))
    )
