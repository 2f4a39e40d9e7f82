"""A few labelled pictures of a set: `?take=5&draw=1`, `?subset=5`; and what is left: `?leave=5&draw=1`.

To draw several times and measure on the same signs each time: `?take=5&of=20&draw=N`, against `?leave=20`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data.records import Record

_WHICH = ("take", "leave", "subset")
_OPTIONS = (*_WHICH, "draw", "of")


@dataclass(frozen=True, kw_only=True)
class Shots:
    """take: pictures a class, each of another sign, all to train on.  leave: signs a class to leave out.
    subset: as take, but to be split like the whole set, whose own test stays with them.

    draw: which signs are drawn first; `take=5` and `leave=5` of one draw share no sign, and a larger draw
    holds the smaller ones.  Test pictures of the set's own are never taken, and always left.
    of: signs a class that are drawn from, those that `leave` of as many leaves out; 0 for all.
    """

    take: int = 0
    leave: int = 0
    subset: int = 0
    draw: int = 0
    of: int = 0


def parse_shots(options: Mapping[str, str]) -> tuple[Shots | None, dict[str, str]]:
    """The settings that ask for shots (None without), and all others."""
    own = {name: _count(name, options[name]) for name in _OPTIONS if name in options}
    rest = {name: value for name, value in options.items() if name not in _OPTIONS}
    if not own:
        return None, rest
    if sum(name in own for name in _WHICH) != 1:
        raise ConfigError("draw=N goes with one of take=N, leave=N and subset=N, like ?take=5&draw=1")
    for name in ("take", "subset"):
        if own.get(name) == 0:
            raise ConfigError(f"{name} is 0; take at least 1 picture a class")
    if "of" in own and not 0 < own.get("take", 0) <= own["of"]:
        raise ConfigError("of=N goes with take=M, M at most N, like ?take=5&of=20&draw=1")
    return Shots(**own), rest


def apply_shots(records: Sequence[Record], shots: Shots) -> list[Record]:
    """The records that `shots` takes, or leaves; one without a group is a sign of its own."""
    n = shots.take or shots.leave or shots.subset
    known = [r for r in records if r.split != "test"]
    if shots.of:
        known = [record for pictures in _first_signs(known, shots.of, 0) for record in pictures]
    chosen = _first_signs(known, n, shots.draw)
    if not shots.leave:
        taken = [min(pictures, key=lambda r: (_number(shots.draw, r.path), r.path)) for pictures in chosen]
        if shots.subset:
            return [*taken, *(record for record in records if record.split == "test")]
        return [replace(record, split="train", pinned=True) for record in taken]
    shown = {_sign(pictures[0]) for pictures in chosen}
    left = [record for record in records if _sign(record) not in shown]
    if not left:
        raise DataError(f"leave={shots.leave} leaves no picture: no class has more signs than that")
    return left


def _first_signs(records: Sequence[Record], n: int, draw: int) -> list[list[Record]]:
    """The pictures of the first n signs of each class, in an order that `draw` decides."""
    signs: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        signs[record.label, _sign(record)].append(record)
    first: dict[str, list[list[Record]]] = defaultdict(list)
    for label, sign in sorted(signs, key=lambda key: (_number(draw, key[1]), key)):
        if len(first[label]) < n:
            first[label].append(signs[label, sign])
    return [pictures for label in sorted(first) for pictures in first[label]]


def _sign(record: Record) -> str:
    return f"group {record.group}" if record.group else f"path {record.path} {record.box}"


def _number(draw: int, name: str) -> bytes:
    return hashlib.blake2b(f"shots {draw} {name}".encode(errors="surrogateescape"), digest_size=8).digest()


def _count(name: str, text: str) -> int:
    if not text.isdecimal():
        raise ConfigError(f"{name} is {text!r}; it must be a whole number, like {name}=5")
    return int(text)
