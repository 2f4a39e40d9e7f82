"""A few labelled pictures of a set, `?take=5&draw=1` or `?subset=5`, and the rest of it, `?leave=5&draw=1`.

To draw several times and always measure on the same signs: `?take=5&of=20&draw=N` against `?leave=20`.
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
    """Which pictures of a set to use.

    take: pictures per class, each of another sign, all to train on.  leave: signs per class to leave out.
    subset: like take, but split like the whole set, and with its own test.
    draw: the order in which signs are chosen; `take=5` and `leave=5` of one draw share no sign, and a larger
    number contains the smaller ones.  The set's own test pictures are never taken and never left out.
    of: how many signs per class to choose from, those that `leave` of the same number leaves out; 0 for all.
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
        raise ConfigError(
            f"got ?{'&'.join(f'{name}={n}' for name, n in own.items())}; give exactly one of take=N, leave=N "
            "and subset=N, with draw=N if you like, as in ?take=5&draw=1"
        )
    for name in ("take", "subset"):
        if own.get(name) == 0:
            raise ConfigError(f"{name} is 0; take at least 1 picture per class, like {name}=5")
    if "of" in own and not 0 < own.get("take", 0) <= own["of"]:
        raise ConfigError(
            f"of={own['of']} needs take=N with N from 1 to {own['of']}, as in ?take=5&of=20&draw=1"
        )
    return Shots(**own), rest


def apply_shots(records: Sequence[Record], shots: Shots) -> list[Record]:
    """The records that `shots` takes or leaves; a record without a group counts as a sign of its own."""
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
        raise DataError(
            f"leave={shots.leave} leaves no pictures: no class has more than {shots.leave} signs; leave fewer"
        )
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
