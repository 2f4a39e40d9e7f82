"""The signs of a drawn drive, each where the rules would put it, and what else belongs to a place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

import numpy as np
from numpy.random import Generator

from roadworthy.core.arrays import FloatArray
from roadworthy.render.drive.forms import SCHOOL_HOURS, any_form, has_form, without_class
from roadworthy.render.drive.road import Road, Stretch
from roadworthy.render.drive.settings import DriveSettings
from roadworthy.signs.catalogue import OTHER_SIGN, Face

_APART_M = 13.0  # between posts of one side
_FROM_M = 70.0  # the first sign, so that it is seen before it is passed
_GANTRY_LOW_M = 5.5
_OTHERS = {  # classes beside the limits, by kind of road
    "street": (
        *("give-way", "stop", "no-parking", "no-stopping", "keep-left", "pedestrian-crossing"),
        *("crossing-ahead", "hump", "roundabout", "no-u-turn", "children", "bicycles", "no-entry"),
    ),
    "arterial": (
        *("traffic-signals", "keep-left", "no-u-turn", "no-right-turn", "give-way", "bus-lane"),
        *("bicycle-lane", "crossing-ahead", "no-stopping", "road-narrows", "two-way", "no-left-turn"),
    ),
    "rural": (
        *("bend-left", "bend-right", "winding-road", "wild-animals", "side-road-left", "crossroads"),
        *("side-road-right", "slippery-road", "floodway", "give-way-ahead", "steep-descent", "bumpy-road"),
    ),
    "freeway": ("keep-left", "no-entry", "wrong-way", "bend-left", "bend-right", "steep-descent"),
}
_WITHOUT_CLASS = {
    "street": ("parking", "service", "path"),
    "arterial": ("board", "parking", "lane", "service"),
    "rural": ("route", "distance", "service", "warning", "chevron"),
    "freeway": ("board", "route", "distance", "service"),
}
_WIDTHS = {"street": 0.45, "arterial": 0.6, "rural": 0.75, "freeway": 0.9}  # of limits, m
_BOARD_M = 2.4
# Beside a road these are for those who would come out of it, or go into it the wrong way.
_NOT_OURS = ("give-way", "stop", "no-entry", "wrong-way")
_TURNED = "turned to the side road"


@dataclass(frozen=True, kw_only=True, eq=False)
class Posted:
    """One physical sign.

    number: its own, from 0.  sign: its class.  metres: along the road; across: right of the left lane, m.
    bottom: height of its lower edge, m.  long: its larger side, m.  turn: radians that it faces to the right
    of those who drive along.  side: `left`, `right` or `above`.  counts: whether it is for this car, and why
    not.  plates: conditions, as events.csv writes them.  lines: what a plate beneath it says.
    zone: as its face has it.  led: whether lamps show it.  carried: the number of the vehicle that it is on.
    pole: whether it stands on a pole of its own.  lean, roll: radians that it hangs askew.
    """

    number: int
    sign: str
    face: Face
    metres: float
    across: float
    bottom: float
    long: float
    side: str
    turn: float = 0.0
    counts: bool = True
    why: str = ""
    plates: str = ""
    lines: tuple[str, ...] = ()
    zone: str | None = None
    led: bool = False
    carried: int | None = None
    pole: bool = True
    lean: float = 0.0
    roll: float = 0.0

    @property
    def tall(self) -> float:
        """Its height, m."""
        return self.long if self.face.aspect <= 1 else self.long / self.face.aspect


@dataclass(frozen=True, kw_only=True)
class Place:
    """Something beside the signs that a place has: `side-road`, `exit`, `gantry`, `works`, `school`.

    from_m, to_m: along the road.  left: on which side.
    """

    kind: str
    from_m: float
    to_m: float
    left: bool = True


class _More(TypedDict, total=False):
    """Fields of a sign that most do not set."""

    counts: bool
    why: str
    plates: str
    lines: tuple[str, ...]
    led: bool
    carried: int
    pole: bool


@dataclass(kw_only=True, eq=False)
class Signing:
    """All signs of a drive, in the order along the road; places; the limit that holds at every metre.

    vehicles: (number, kind, metres at which the car meets it) of those that carry a sign.
    """

    settings: DriveSettings
    road: Road
    rng: Generator
    signs: list[Posted] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    limit_at: FloatArray = field(default_factory=lambda: np.zeros(0))
    vehicles: list[tuple[int, str, float]] = field(default_factory=list)

    def add(
        self,
        sign: str,
        metres: float,
        side: str = "left",
        *,
        use: str = "any",
        face: Face | None = None,
        width: float | None = None,
        across: float | None = None,
        bottom: float | None = None,
        turn: float | None = None,
        **more: Unpack[_More],
    ) -> bool:
        """Put up a sign, on the usual post of that side; False where there is no such face or no room."""
        recipe, region = self.settings.recipe, self.settings.region
        found = face or any_form(self.rng, sign, use, recipe, region)
        if found is None or (across is None and not self._free(metres, side)):
            return False
        stretch = self.road.stretch_at(metres)
        wide = width or _WIDTHS[stretch.kind] * float(self.rng.choice([1.0, 1.0, 1.3]))
        wide = float(np.clip(wide, 0.45, 4.0))
        if across is None:
            beside, road = float(self.rng.uniform(0.6, 1.6)), stretch.road
            right = road.verge_right + (road.median < 2) * beside
            across = road.left - beside if side == "left" else right
        if bottom is None:
            bottom = float(self.rng.uniform(2.0, 2.5))
        if turn is None:  # a little towards the road
            turn = 0.05 if side == "left" else -0.05
        self.signs.append(
            Posted(
                number=len(self.signs),
                sign=sign,
                face=found,
                metres=metres,
                across=across,
                bottom=bottom,
                long=wide / found.aspect if found.aspect < 1 else wide,
                side=side,
                turn=turn + float(self.rng.normal(0, 0.03)),
                zone=found.zone,
                roll=float(self.rng.normal(0, 0.012)),
                lean=float(self.rng.normal(0, 0.015)),
                **more,
            )
        )
        return True

    def _free(self, metres: float, side: str) -> bool:
        return all(
            abs(one.metres - metres) > _APART_M or one.side != side or one.carried is not None
            for one in self.signs
        )

    def both(
        self,
        sign: str,
        metres: float,
        *,
        use: str,
        chance: float = 1.0,
        width: float | None = None,
        **more: Unpack[_More],
    ) -> None:
        """On the left, and by that chance on the right."""
        self.add(sign, metres, "left", use=use, width=width, **more)
        if self.rng.random() < chance:
            self.add(sign, metres, "right", use=use, width=width, **more)


def plan_signing(rng: Generator, settings: DriveSettings, road: Road) -> Signing:
    """Put up the signs of a whole road, at least five a kilometre, about half of them limits."""
    signing = Signing(settings=settings, road=road, rng=rng)
    signing.limit_at = np.concatenate(
        [np.full(round(one.to_m) - round(one.from_m), one.limit, dtype=float) for one in road.stretches]
    )
    before: Stretch | None = None
    for stretch in road.stretches:
        _limits(signing, stretch, before)
        before = stretch
    for stretch in road.stretches:
        _fill(signing, stretch)
    _carried(signing)
    signing.signs.sort(key=lambda one: (one.metres, one.across))
    signing.signs = [_numbered(one, number) for number, one in enumerate(signing.signs)]
    return signing


def _numbered(sign: Posted, number: int) -> Posted:
    return Posted(**{**vars(sign), "number": number})


def _limits(signing: Signing, stretch: Stretch, before: Stretch | None) -> None:
    """A stretch's own limit where it begins, its repeaters, and what it has of zones, works, side roads."""
    rng, road = signing.rng, stretch.road
    start = max(stretch.from_m + 8, _FROM_M) if before is None else stretch.from_m + 8
    limit = f"speed-{stretch.limit}"
    area = stretch.limit == 40 and has_form(limit, "area", signing.settings.region)
    use = "area" if area else "limit"
    _changed(signing, stretch, before, start, limit, use)
    end = stretch.to_m - 25
    at = start + float(rng.uniform(110, 190))
    if stretch.kind == "freeway" and rng.random() < 0.75:
        at = _gantry(signing, stretch, at)
    if not area and at < end - 30:
        signing.add(limit, at, "left", use="limit")
        at += float(rng.uniform(90, 150))
    if stretch.kind in ("street", "arterial") and not area and stretch.limit >= 50 and rng.random() < 0.7:
        at = _school(signing, stretch, at, end)
    elif stretch.kind != "street" and rng.random() < 0.6:
        at = _works(signing, stretch, at, end)
    if stretch.kind == "freeway":
        at = _exit(signing, at, end)
    elif rng.random() < 0.85:
        at = _side_road(signing, stretch, at, end)
    if stretch.kind in ("rural", "freeway") and at < end - 40 and rng.random() < 0.6:
        _conditional(signing, stretch, at)
        at += float(rng.uniform(60, 110))
    while at < end - 60 and not area:
        signing.both(limit, at, use="limit", chance=0.3 if road.median else 0.15)
        at += float(rng.uniform(320, 520))


def _changed(
    signing: Signing, stretch: Stretch, before: Stretch | None, at: float, limit: str, use: str
) -> None:
    """The signs where a stretch begins: what ends, and the new limit on one side or both."""
    rng = signing.rng
    if before is not None and before.limit == 40 and before.kind == "street" and rng.random() < 0.6:
        signing.add("end-speed-40", at - 2, "right", use="end-area")
    elif before is not None and stretch.road.setting != "built-up" and rng.random() < 0.15:
        signing.add("end-all-limits", at - 2, "right", use="end-all")
    elif before is not None and rng.random() < 0.1:
        signing.add(f"end-speed-{before.limit}", at - 2, "right", use="end")
    chance = 0.9 if stretch.kind == "freeway" else 0.7 if stretch.kind != "street" else 0.4
    signing.both(limit, at, use=use, chance=chance)


def _gantry(signing: Signing, stretch: Stretch, at: float) -> float:
    """Lamp panels above the lanes; at times they ask for less, until the next sign."""
    rng, road = signing.rng, stretch.road
    lower = rng.random() < 0.4
    limit = 80 if lower else stretch.limit
    for lane in range(road.lanes):
        signing.add(
            f"speed-{limit}",
            at,
            "above",
            use="led",
            across=lane * road.lane,
            width=1.1,
            bottom=_GANTRY_LOW_M,
            turn=0.0,
            led=True,
            pole=False,
        )
    board = without_class(("board",))
    signing.add(
        OTHER_SIGN,
        at,
        "above",
        face=board[int(rng.integers(len(board)))],
        across=road.left - 2.6,
        width=3.2,
        bottom=_GANTRY_LOW_M,
        turn=0.0,
        pole=False,
    )
    signing.places.append(Place(kind="gantry", from_m=at, to_m=at))
    after = at + float(rng.uniform(170, 260))
    if lower:
        _slow(signing, at, after, limit)
        signing.both(f"speed-{stretch.limit}", after, use="limit")
        after += float(rng.uniform(80, 120))
    return after


def _school(signing: Signing, stretch: Stretch, at: float, end: float) -> float:
    """A warning, the zone with its times, its end with the road's limit."""
    rng, long = signing.rng, float(signing.rng.uniform(130, 210))
    if at + 60 + long > end:
        return at
    signing.add("children", at, "left")
    zone = at + float(rng.uniform(45, 65))
    width = float(rng.choice([0.6, 0.75]))
    signing.both("speed-40", zone, use="school", chance=0.35, width=width, plates=SCHOOL_HOURS)
    over = zone + long
    if not signing.add("end-school-zone", over, "left", use="school-end", width=0.6):
        signing.add("end-school-zone", over + 15, "left", use="school-end", width=0.6)
    signing.add(f"speed-{stretch.limit}", over + 15, "left", use="limit")
    signing.places.append(Place(kind="school", from_m=zone, to_m=over))
    _slow(signing, zone, over, min(45, stretch.limit))
    return over + float(rng.uniform(60, 110))


def _works(signing: Signing, stretch: Stretch, at: float, end: float) -> float:
    """A warning, a lower limit on both sides, cones, the end, and the road's limit again."""
    rng, long = signing.rng, float(signing.rng.uniform(160, 260))
    lower = [one for one in (40, 60, 80) if one < stretch.limit - 10]
    if at + 120 + long > end or not lower:
        return at
    limit = int(rng.choice(lower))
    signing.add("road-works", at, "left", use="road-works", width=1.2)
    begin = at + float(rng.uniform(70, 95))
    lines, plates = ((f"FOR {round(long, -2):.0f} m",), f"for {round(long, -2):.0f} m")
    said = rng.random() < 0.3
    more: _More = {"lines": lines, "plates": plates} if said else {}
    signing.both(f"speed-{limit}", begin, use="work", chance=0.8, width=0.7, **more)
    if long > 200 and not said:
        signing.add(f"speed-{limit}", begin + long / 2, "left", use="work", width=0.7)
    over = begin + long
    signing.add("end-road-works", over, "left", use="end-road-works", width=1.2)
    signing.both(f"speed-{stretch.limit}", over + 18, use="limit", chance=0.6)
    signing.places.append(Place(kind="works", from_m=begin, to_m=over))
    _slow(signing, begin, over, limit)
    return over + float(rng.uniform(70, 120))


def _side_road(signing: Signing, stretch: Stretch, at: float, end: float) -> float:
    """A road that joins, with the limit of its own, turned away from us."""
    rng = signing.rng
    if at > end - 40:
        return at
    left = bool(rng.random() < 0.7)
    road = stretch.road
    own = int(rng.choice([one for one in (40, 50, 60, 80) if one != stretch.limit]))
    beside = float(rng.uniform(5.0, 8.0))
    turn = math.radians(float(rng.uniform(48, 72)))
    signing.places.append(Place(kind="side-road", from_m=at - 4, to_m=at + 4, left=left))
    signing.add(
        f"speed-{own}",
        at + 6,
        "left" if left else "right",
        use="limit",
        across=road.left - beside if left else road.right + beside,
        turn=turn if left else -turn,
        width=0.5,
        counts=False,
        why=_TURNED,
    )
    if rng.random() < 0.5 and left:
        away = -math.radians(float(rng.uniform(60, 80)))
        signing.add(
            str(rng.choice(["give-way", "stop"])),
            at - 6,
            "left",
            across=road.left - beside + 2,
            turn=away,
            width=0.7,
            counts=False,
            why=_TURNED,
        )
    return at + float(rng.uniform(70, 120))


def _exit(signing: Signing, at: float, end: float) -> float:
    """An exit on the left with a limit of its own, nearly facing us."""
    rng = signing.rng
    if at > end - 120:
        return at
    road = signing.road.stretch_at(at).road
    signing.places.append(Place(kind="exit", from_m=at, to_m=at + 90))
    own = int(rng.choice([60, 80]))
    signing.add(
        f"speed-{own}",
        at + float(rng.uniform(62, 80)),
        "left",
        use="limit",
        across=road.left - float(rng.uniform(8.5, 10.5)),
        turn=math.radians(float(rng.uniform(6, 14))),
        width=0.6,
        counts=False,
        why="beside an exit",
    )
    return at + float(rng.uniform(130, 180))


def _conditional(signing: Signing, stretch: Stretch, at: float) -> None:
    """A limit with a plate: for trucks, or for wet roads."""
    rng = signing.rng
    lower = int(rng.choice([one for one in (60, 80, 90) if one < stretch.limit] or [60]))
    if rng.random() < 0.3 and has_form("speed-80", "wet", signing.settings.region) and lower <= 80:
        signing.add("speed-80", at, "left", use="wet", plates="rain")
        return
    signing.add(
        f"speed-{lower}",
        at,
        "left",
        use="limit",
        lines=("TRUCKS",),
        plates="trucks",
        counts=False,
        why="for trucks alone",
    )


def _slow(signing: Signing, from_m: float, to_m: float, limit: int) -> None:
    """The car keeps to a limit for a part of the road."""
    part = signing.limit_at[round(from_m) : round(to_m)]
    part[:] = np.minimum(part, limit)


def _fill(signing: Signing, stretch: Stretch) -> None:
    """Signs that are no limits, of the catalogue and without a class, until they are as many as limits."""
    rng = signing.rng
    mine = [one for one in signing.signs if stretch.from_m <= one.metres < stretch.to_m]
    limits = sum(one.sign.startswith(("speed-", "end-speed-")) for one in mine)
    long = stretch.to_m - stretch.from_m
    missing = max(round(limits * 0.9), math.ceil(0.0055 * long) - limits) - (len(mine) - limits)
    groups, names = without_class(_WITHOUT_CLASS[stretch.kind]), _known(_OTHERS[stretch.kind])
    for _ in range(max(0, missing)):
        for _attempt in range(6):
            at = float(rng.uniform(max(stretch.from_m + 20, _FROM_M), stretch.to_m - 10))
            if rng.random() < 0.3:
                face = groups[int(rng.integers(len(groups)))]
                wide = _BOARD_M if face.group in ("board", "distance") else 0.9
                placed = signing.add(OTHER_SIGN, at, "left", face=face, width=wide)
            else:
                sign = str(names[int(rng.integers(len(names)))])
                wide = {"street": 0.6, "arterial": 0.75}.get(stretch.kind, 0.9)
                if sign in _NOT_OURS:
                    placed = signing.add(sign, at, "left", width=wide, turn=-0.9, counts=False, why=_TURNED)
                else:
                    placed = signing.add(sign, at, "left", width=wide)
            if placed:
                break


def _known(names: Sequence[str]) -> list[str]:
    return [name for name in names if has_form(name, "any", "")]


def _carried(signing: Signing) -> None:
    """Buses and trailers with the speed that they may go at, about one in two kilometres."""
    rng, length = signing.rng, signing.settings.km * 1000
    at = float(rng.uniform(250, 700))
    while at < length - 200:
        number = len(signing.vehicles)
        kind = str(rng.choice(["bus", "trailer"]))
        signing.vehicles.append((number, kind, at))
        signing.add(
            f"speed-{int(rng.choice([80, 90, 100]))}",
            at,
            "left",
            use="sticker",
            across=0.0,
            width=0.45,
            bottom=1.1,
            turn=0.0,
            counts=False,
            why=f"on a {kind}; it moves with the traffic",
            carried=number,
            pole=False,
        )
        at += float(rng.uniform(1200, 2600))
