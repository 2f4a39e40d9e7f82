"""What writers share: names of classes, what a format has no place for, numbers without noise."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.core.notes import say
from roadworthy.data.class_map import NAMELESS
from roadworthy.data.frames import Annotation
from roadworthy.data.writers import Written


def word_of(one: Annotation) -> str:
    """The label as it is written; of a sign that is not told, a word that reads back as one."""
    return one.label or NAMELESS


def classes_of(frames: Sequence[Written]) -> list[str]:
    """The labels in use, alphabetically."""
    return sorted({word_of(one) for frame in frames for one in frame.annotations})


def wanted(frames: Sequence[Written], name: str) -> list[tuple[Written, tuple[Annotation, ...]]]:
    """Each frame with its signs; that regions to be ignored are lost is said."""
    lost = sum(one.ignore for frame in frames for one in frame.annotations)
    if lost:
        say(f"{name} has no place for regions to be ignored: {lost:,} are left out and become background")
    return [(frame, tuple(one for one in frame.annotations if not one.ignore)) for frame in frames]


def number(value: float) -> str:
    """A number to a millionth, without needless zeros."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plain(value: float) -> float | int:
    """The same as a number of JSON."""
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded
