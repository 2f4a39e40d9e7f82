"""A table of classes for a set, proposed from names, codes and values; made to be corrected by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from roadworthy.signs.catalogue import codes_of, nearest_name, sign_classes

_NOISE = re.compile(
    r"^(regulatory|warning|information|complementary|sign|traffic|road)[\W_]+|[\W_]+(g\d+|sign)$",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"^(?:max(?:imum)?[\W_]*)?(?:speed[\W_]*limit|speed|pl)[\W_]*(\d{1,3})$", re.IGNORECASE)
_BARE = re.compile(r"^(\d{2,3})[\W_]*(?:sign|kmh|km/h)?$", re.IGNORECASE)
_OTHER = {
    "yield": "give-way",
    "giveway": "give-way",
    "keepright": "keep-right",
    "keepleft": "keep-left",
    "passrightside": "keep-right",
    "passleftside": "keep-left",
    "nostoppingnostanding": "no-stopping",
    "donotenter": "no-entry",
    "prohibitedentry": "no-entry",
}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A row of the table: what a label most likely is, and why; `ours` is empty where nothing is near."""

    theirs: str
    ours: str
    why: str


def propose(labels: Iterable[str]) -> list[Proposal]:
    """A proposal for each label, in order; each once."""
    return [_propose(label) for label in dict.fromkeys(labels)]


def _propose(label: str) -> Proposal:
    known = sign_classes()
    if label in known:
        return Proposal(theirs=label, ours=label, why="the same name")
    core = _stripped(label)
    dashed = re.sub(r"[\W_]+", "-", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", core)).strip("-").lower()
    if dashed in known:
        return Proposal(theirs=label, ours=dashed, why="the same name in other letters")
    match = _LIMIT.match(core) or _BARE.match(core)
    if match and (name := f"speed-{int(match[1])}") in known:
        return Proposal(theirs=label, ours=name, why="its number; look, if the set counts in mph")
    if other := _OTHER.get(dashed.replace("-", "")):
        return Proposal(theirs=label, ours=other if other in known else "", why="another word for it")
    codes = codes_of(label)
    if len(set(codes.values())) == 1:
        country = next(iter(codes))
        return Proposal(theirs=label, ours=codes[country], why=f"a code of {' '.join(codes)}")
    if near := nearest_name(dashed):
        return Proposal(theirs=label, ours=near, why="a name much like it: look")
    return Proposal(theirs=label, ours="", why="nothing near")


def _stripped(label: str) -> str:
    """A label without what sets put around a sign's name: kinds before it, groups behind it."""
    before = ""
    while before != label:
        before, label = label, _NOISE.sub("", label)
    return label
