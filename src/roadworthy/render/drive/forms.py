"""Which of a class's forms stand on a drawn drive's posts, gantries and vehicles."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from numpy.random import Generator

from roadworthy.render.drive.settings import DRIVE_RECIPES
from roadworthy.signs.catalogue import OTHER_SIGN, Face, faces

COUNTRY = "au"
# What each use takes of the codes of a class; a limit's own form depends on where it holds.
_USES = {
    "limit": r"R4-1(-border|-thin|-yellow|-wide)?-\d+",
    "led": r"R4-1-led(-dots|-solid|-solid-tall|-lane|-white)?-\d+",
    "area": r"R4-10(-border|-zone|-above)?-\d+",
    "end-area": r"R4-11(-border|-zone)?-\d+",
    "end": r"R4-12(-border|-bold|-speed)?-\d+",
    "end-all": r"R4-2(-border|-square)?",
    "work": r"R4-212(-border)?-\d+|T1-5-R4-1(-tall)?(-orange)?-\d+|R4-3-board-\d+",
    "wet": r"R4-1-wet-\d+",
    "sticker": r"R4-1-ring-\d+",
    "school-end": r"R4-9(-lime|-square|-square-lime)?",
    "road-works": r"T1-1(-tall)?(-orange)?|T1-5(-yellow)?",
    "end-road-works": r"T2-1[67](-orange)?",
}
# The zone's own drawing by region; others put it up too, with the hours on it.
_SCHOOL = {"au-vic": r"R4-V10[56]-\d+", "au-nsw": r"R4-230-N-\d+", "au-act": r"R4-230-N-\d+"}
_SCHOOL_ELSE = r"R4-V105-\d+"
SCHOOL_HOURS = "times 08:00-09:30 14:30-16:00; school-days"
"""What the school zones' faces that are used say of when they hold."""


@cache
def _of(sign: str, use: str, region: str) -> tuple[Face, ...]:
    every = [face for face in faces((COUNTRY,)) if face.sign == sign]
    if use == "any":
        return tuple(every)
    pattern = _SCHOOL.get(region, _SCHOOL_ELSE) if use == "school" else _USES[use]
    return tuple(face for face in every if re.fullmatch(pattern, face.code))


def forms(sign: str, use: str, recipe: str, region: str) -> tuple[Face, ...]:
    """A class's faces for a use, those of the recipe; all where the recipe would leave none."""
    first, step = DRIVE_RECIPES[recipe].faces
    every = _of(sign, use, region)
    return every[first::step] or every


def any_form(rng: Generator, sign: str, use: str, recipe: str, region: str) -> Face | None:
    """One of them, the usual one as often as all others; None where there are none."""
    some = forms(sign, use, recipe, region)
    if not some:
        return None
    return some[0] if rng.random() < 0.5 else some[int(rng.integers(len(some)))]


def has_form(sign: str, use: str, region: str) -> bool:
    """Whether there is such a face."""
    return bool(_of(sign, use, region))


@cache
def without_class(groups: Iterable[str]) -> tuple[Face, ...]:
    """Faces of signs without a class of their own, of these groups."""
    wanted = frozenset(groups)
    return tuple(face for face in faces((COUNTRY,)) if face.sign == OTHER_SIGN and face.group in wanted)
