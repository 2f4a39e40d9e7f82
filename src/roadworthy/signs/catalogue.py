"""The catalogue of sign classes, read from catalogue.toml.  No torch.

A class is a meaning (`no-entry`), named as a driver would: its kind is the stem of the name and its
value the number in it, if any (`speed-50` is `speed`, 50).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from roadworthy.errors import LabelError

_NUMBERED = re.compile(r"(speed|end-speed)-(\d+)")


@dataclass(frozen=True, kw_only=True)
class SignClass:
    """One class: its name, family, meaning in a sentence, GTSRB number, mirror class and sign codes."""

    name: str
    family: str
    meaning: str
    gtsrb: int | None = None
    mirror: str | None = None
    codes: tuple[str, ...] = ()


@cache
def _read() -> tuple[dict[str, SignClass], tuple[str, ...]]:
    text = resources.files("roadworthy.signs").joinpath("catalogue.toml").read_text(encoding="utf-8")
    tree = tomllib.loads(text)
    classes = {
        name: SignClass(name=name, **{**fields, "codes": tuple(fields.get("codes", ()))})
        for name, fields in tree["class"].items()
    }
    return classes, tuple(tree["families"])


def sign_classes() -> dict[str, SignClass]:
    """All classes by name, in catalogue order."""
    return dict(_read()[0])


def families() -> tuple[str, ...]:
    """All families."""
    return _read()[1]


@cache
def _names_by_gtsrb_id() -> dict[int, str]:
    return {c.gtsrb: c.name for c in sign_classes().values() if c.gtsrb is not None}


@cache
def _names_by_code() -> dict[str, str]:
    return {code.upper(): c.name for c in sign_classes().values() for code in c.codes}


def name_from_gtsrb_id(label: str | int) -> str:
    """Class name of a GTSRB number, 0 to 42."""
    try:
        return _names_by_gtsrb_id()[int(label)]
    except (KeyError, ValueError):
        raise LabelError(f"GTSRB class number {label!r} is unknown; numbers run from 0 to 42") from None


def resolve_label(label: str) -> str:
    """A class name or sign code (`R1-1`) as a class name; anything else is returned as it is."""
    if label in sign_classes():
        return label
    return _names_by_code().get(label.upper(), label)


def kind_and_value(name: str) -> tuple[str, int | None]:
    """The two levels of an answer: `speed-50` is ("speed", 50), `stop` is ("stop", None)."""
    match = _NUMBERED.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def family_of(name: str) -> str:
    """The family of a class; `speed-N` and `end-speed-N` by their stem, a user's own class is `other`."""
    known = sign_classes().get(name)
    if known is not None:
        return known.family
    return {"speed": "speed-limit", "end-speed": "end-of-limit"}.get(kind_and_value(name)[0], "other")


def mirror_indices(classes: Sequence[str]) -> list[int]:
    """For each class the index of its mirror class among `classes`, or -1 where mirroring makes no sign."""
    known, index = sign_classes(), {name: i for i, name in enumerate(classes)}
    return [index.get(known[name].mirror or "", -1) if name in known else -1 for name in classes]
