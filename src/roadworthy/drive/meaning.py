"""From trails to events: what each sign is, where it stands, what hangs below it, whether it is for us."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from roadworthy.core.arrays import Box, FloatArray
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.gps.track import Track
from roadworthy.drive.gps.where import View, place_sign
from roadworthy.drive.limits.events import Plate
from roadworthy.drive.reading import Reading, ReadingRule, clearest, read_trail
from roadworthy.drive.seen import AT_LEAST, Seen, Trail
from roadworthy.drive.tracking.approach import Approach, Heading
from roadworthy.drive.tracking.joining import joined
from roadworthy.signs.catalogue import NO_SIGN, kind_and_value

SIZE_M, SIZE_ERROR_M = 0.7, 0.15  # of a sign's height: Australian limits are 0.45 to 0.9 m wide
FOCAL_SHARE = 0.85  # focal length by width of a dashcam's frame, where nobody says: 61 degrees across
HIGH = 3.5  # heights of itself above the camera, from which a sign hangs over the road
ACROSS = 3.0  # heights of itself to either side, within which it does
FAR_ASIDE = 25.0  # heights of itself from the car's way, from which on it stands at another road
TURNED = 0.84  # width by height of a round sign that faces another road: turned by a third of a right angle
END_TURNED = 0.5  # the same of end signs, whose plates are 0.6 times as wide as high
# A limit's plate is 0.75 times as wide as high, its ring as wide as high, and either may be what was found:
# a narrow one is turned away only where it also stands further aside than signs of the car's own road.
LIMIT_TURNED = (0.7, 0.95)  # width by height where it is largest, near and aside
LIMIT_WAS_TURNED = (0.3, 0.8)  # the same of the frames before: at the last a side road's faces the car
LIMIT_NEAR, LIMIT_ASIDE = (
    8.0,
    16.0,
)  # heights of itself from the car's way, between which one becomes the other
LIMIT_FAR = 18.0  # heights, from which on a limit is another road's, as it faces the car: an exit's
LATE_ASIDE, LATE_PX = 12.0, 24.0  # so far aside a sign that faces the car is seen before it is so high
FOLLOWS = 0.35  # of the way driven, by which a sign that stands must have come nearer, whatever its size
NOT_PASSED_S = 4.0  # before the car would reach it, from which on a sign that is lost was not passed
BRIEF, BRIEF_S = 5, 0.3  # frames and seconds; what is seen for less and is not sure tells nothing
STILL_S = 1.2  # in which a sign that the car drives up to must have grown
_COMPARED = 8  # frames at either end, between which it must have grown
_BEGUN_S = 0.5  # of the film, within which a sign may come into sight however near
_LATER_S = 1.5  # after its last frame, a sign is passed at the latest
_ROUND = ("speed", "end-speed", "no-entry", "stop", "no-overtaking")
_FOR_LIMITS = ("speed", "end-speed", "end-all-limits")
_PLATES = ("other-sign", "not-a-limit")


@dataclass(frozen=True, kw_only=True)
class MeaningRule:
    """What makes a trail a sign, and a sign one of ours; each as the constants of this module say.

    at_least: frames.  high, across, far_aside, limit_far, late_aside: heights of the sign.
    turned: width by height.  late_px: pixels.
    still_s, lost_s, brief_s: seconds.  follows: share of the way driven.  brief: frames.
    """

    at_least: int = AT_LEAST
    high: float = HIGH
    across: float = ACROSS
    far_aside: float = FAR_ASIDE
    limit_far: float = LIMIT_FAR
    late_aside: float = LATE_ASIDE
    late_px: float = LATE_PX
    turned: float = TURNED
    still_s: float = STILL_S
    follows: float = FOLLOWS
    lost_s: float = NOT_PASSED_S
    brief: int = BRIEF
    brief_s: float = BRIEF_S


MEANING = MeaningRule()


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is known of a drive beside its signs.

    width, height: of its frames.
    track: where the car was, in the film's seconds, if known.
    focal_px: of the camera, guessed without one.
    """

    width: int
    height: int
    track: Track | None = None
    focal_px: float | None = None

    @property
    def focal(self) -> float:
        """The focal length in pixels, as known or as dashcams have it."""
        return self.focal_px or FOCAL_SHARE * self.width

    def headings(self, trail: Trail) -> list[Heading]:
        """Where the car was heading to in each frame of a trail."""
        shifts = trail.shifts or ((0.0, 0.0),) * len(trail.seen)
        return [Heading(x=self.width / 2, y=self.height / 2, dx=dx, dy=dy) for dx, dy in shifts]


Found = tuple[DriveEvent, Trail]


def events_of(
    trails: Iterable[Trail], rule: ReadingRule, scene: Scene, meaning: MeaningRule = MEANING
) -> list[Found]:
    """Each physical sign with its trail, in the order passed; plates are told with the sign above them."""
    return events_and_candidates(trails, rule, scene, meaning)[0]


def events_and_candidates(
    trails: Iterable[Trail], rule: ReadingRule, scene: Scene, meaning: MeaningRule = MEANING
) -> tuple[list[Found], list[Found]]:
    """What `events_of` gives, and beside it what may be a sign and is too doubtful to be told as one."""
    shown = [trail for trail in trails if len(trail.seen) >= meaning.at_least]
    whole = joined(shown, lambda trail: read_trail(trail.seen, rule).sign, scene.headings)
    signs = [_Sign(trail, rule, scene) for trail in whole]
    signs = [sign for sign in signs if sign.reading.sign != NO_SIGN]
    below = _plates(signs)
    kept = [sign for sign in signs if sign.trail.number not in below]
    told, doubtful = (
        [(_event(sign, below, scene, meaning), sign.trail) for sign in kept if sign.reading.told is whether]
        for whether in (True, False)
    )
    return _named(told, "e"), _named(doubtful, "c")


def _named(found: list[Found], letter: str) -> list[Found]:
    """In the order passed, each with its name."""
    found.sort(key=lambda pair: (pair[0].passed_s, pair[0].first_s))
    return [
        (replace(event, event=f"{letter}{number:04d}"), trail)
        for number, (event, trail) in enumerate(found, start=1)
    ]


class _Sign:
    """A trail with what it was read as and how it moved."""

    def __init__(self, trail: Trail, rule: ReadingRule, scene: Scene) -> None:
        self.trail = trail
        self.reading: Reading = read_trail(trail.seen, rule)
        self.approach = Approach(trail.seen, scene.headings(trail))
        self.boxes = {one.frame: one.box for one in trail.seen}
        self.kind = kind_and_value(self.reading.sign)[0]

    @property
    def first_s(self) -> float:
        return self.trail.seen[0].time_s

    @property
    def last_s(self) -> float:
        return self.trail.seen[-1].time_s

    @property
    def passed_s(self) -> float:
        """When the camera reached it: as its growth foretells, soon after it was last seen."""
        foretold = self.approach.passing_s
        if foretold is None:
            return self.last_s
        return float(np.clip(foretold, self.last_s, self.last_s + _LATER_S))


def _event(
    sign: _Sign, below: dict[int, tuple[int, _Sign]], scene: Scene, meaning: MeaningRule
) -> DriveEvent:
    seen, reading = sign.trail.seen, sign.reading
    best = seen[clearest(seen)]
    doubts = [why for rule in _NOT_FOR_US if (why := rule(sign, scene, meaning))]
    if not reading.accepted and (len(seen) < meaning.brief or sign.last_s - sign.first_s < meaning.brief_s):
        doubts.append("it was seen too briefly to tell")
    place = _place(sign, scene)
    own_plates = [plate for above, plate in below.values() if above == sign.trail.number]
    # What a board for schools says is known: the region's hours and days.
    unread = [plate for plate in own_plates if plate.kind != "school-zone"]
    return DriveEvent(
        event="",
        sign=reading.sign,
        confidence=reading.confidence,
        accepted=reading.accepted,
        first_s=sign.first_s,
        last_s=sign.last_s,
        passed_s=sign.passed_s,
        confirmed_s=None if reading.confirmed is None else seen[reading.confirmed].time_s,
        frames=len(seen),
        best_frame=best.frame,
        box=best.box,
        side=_side(sign, meaning),
        plates=(Plate(kind="unread"),) if unread and sign.kind in _FOR_LIMITS else (),
        zone="school" if any(plate.kind == "school-zone" for plate in own_plates) else None,
        lat=None if place is None else place[0],
        lon=None if place is None else place[1],
        error_m=None if place is None else place[2],
        counts=not doubts,
        why="; ".join(doubts),
    )


def _side(sign: _Sign, meaning: MeaningRule) -> str:
    right, down = sign.approach.offset
    if down < -meaning.high and abs(right) < meaning.across:
        return "above"
    return "right" if right > 0 else "left"


def _place(sign: _Sign, scene: Scene) -> tuple[float, float, float] | None:
    """Latitude, longitude and standard error in metres; None where the car's place is unknown."""
    if scene.track is None or not scene.track.placed:
        return None
    middle = scene.width / 2
    views = [
        View(
            film_s=one.time_s,
            height_px=one.height_px,
            right_px=(one.box[0] + one.box[2]) / 2 - middle,
        )
        for one in sign.trail.seen
    ]
    focal = scene.focal
    error = 0.02 if scene.focal_px else 0.15
    placed = place_sign(
        scene.track, views, size_m=SIZE_M, size_error_m=SIZE_ERROR_M, focal_px=focal, focal_error=error
    )
    return None if placed is None else (placed.lat, placed.lon, placed.error_m)


# Is it for us?


def _moves_along(sign: _Sign, scene: Scene, meaning: MeaningRule) -> str:
    """On a bus or a trailer: it was seen for long and came no nearer while the car drove."""
    seen = sign.trail.seen
    lasted = sign.last_s - sign.first_s
    if lasted < meaning.still_s:
        return ""
    driven = None if scene.track is None else scene.track.driven_m(sign.first_s, sign.last_s)
    heights = np.array([one.height_px for one in seen])
    # Of a car that drives up and then waits, nearly all frames show the sign as near as it gets.
    part = min(max(2, len(seen) // 4), _COMPARED)
    growth = float(np.median(heights[-part:]) / np.median(heights[:part]))
    # A sign 100 m away grows by a quarter in 20 m.
    if growth < 1.15 and (driven is None or driven > 20):
        return "it came no nearer: it moves with the traffic, or the car stood"
    nearer = scene.focal * SIZE_M * float(1 / np.median(heights[:part]) - 1 / np.median(heights[-part:]))
    if driven is not None and driven > 20 and nearer < meaning.follows * driven:
        return f"it moves with the traffic: {nearer:.0f} m nearer while the car drove {driven:.0f} m"
    return ""


def _not_passed(sign: _Sign, scene: Scene, meaning: MeaningRule) -> str:
    """Lost from sight long before the car would have reached it: a vehicle that went another way."""
    foretold = sign.approach.passing_s
    if foretold is None or foretold - sign.last_s <= meaning.lost_s:
        return ""
    return f"it was lost from sight {foretold - sign.last_s:.0f} s before the car would have passed it"


def _far_aside(sign: _Sign, scene: Scene, meaning: MeaningRule) -> str:
    right = sign.approach.offset[0]
    if abs(right) > (meaning.limit_far if sign.kind == "speed" else meaning.far_aside):
        side = "right" if right > 0 else "left"
        return f"it stands some {abs(right) * SIZE_M:.0f} m to the {side}, at another road"
    return ""


def _turned_away(sign: _Sign, scene: Scene, meaning: MeaningRule) -> str:
    if sign.kind not in _ROUND:
        return ""
    seen = sign.trail.seen
    largest = _shape(sorted(seen, key=lambda one: one.height_px)[-5:])
    before = _shape(seen[: max(1, len(seen) // 2)])
    least, least_before = _least_widths(sign, meaning)
    if largest >= least and before >= least_before:
        return ""
    shape = largest if largest < least else before
    return f"it is seen from aside ({shape:.2f} times as wide as high)"


def _shape(seen: Sequence[Seen]) -> float:
    return float(np.median([one.width_px / max(one.height_px, 1e-6) for one in seen]))


def _least_widths(sign: _Sign, meaning: MeaningRule) -> tuple[float, float]:
    """Width by height, below which a sign faces another road: where it is largest, and before."""
    if sign.kind == "end-speed":
        return END_TURNED, 0.0
    if sign.kind != "speed":
        return meaning.turned, 0.0
    aside, ends = abs(sign.approach.offset[0]), (LIMIT_NEAR, LIMIT_ASIDE)
    return float(np.interp(aside, ends, LIMIT_TURNED)), float(np.interp(aside, ends, LIMIT_WAS_TURNED))


def _turned_late(sign: _Sign, scene: Scene, meaning: MeaningRule) -> str:
    """A side road's limit: edge-on from afar, it is found only where it has turned to the car."""
    first, right = sign.trail.seen[0], sign.approach.offset[0]
    if sign.kind != "speed" or abs(right) <= meaning.late_aside or first.height_px < meaning.late_px:
        return ""
    if sign.first_s < _BEGUN_S:  # the film began beside it
        return ""
    return (
        f"it stands {abs(right) * SIZE_M:.0f} m aside and came into sight when {first.height_px:.0f} px high"
    )


_NOT_FOR_US: tuple[Callable[[_Sign, Scene, MeaningRule], str], ...] = (
    _moves_along,
    _not_passed,
    _far_aside,
    _turned_away,
    _turned_late,
)


# What hangs below


def _plates(signs: Sequence[_Sign]) -> dict[int, tuple[int, _Sign]]:
    """Numbers of trails that are plates, each with the number of the sign above it, and itself."""
    found: dict[int, tuple[int, _Sign]] = {}
    for plate in signs:
        if plate.kind not in (*_PLATES, "school-zone"):
            continue
        above = [
            (share, sign.trail.number)
            for sign in signs
            if sign is not plate and sign.kind not in _PLATES and (share := _hangs_below(plate, sign)) > 0.5
        ]
        if above:
            found[plate.trail.number] = (max(above)[1], plate)
    return found


def _hangs_below(plate: _Sign, sign: _Sign) -> float:
    """Of the frames that show both, in how many the one hangs at the other; 0 where fewer than two do."""
    both = sorted(plate.boxes.keys() & sign.boxes.keys())
    if len(both) < AT_LEAST:
        return 0.0
    return float(np.mean([_at(plate.boxes[frame], sign.boxes[frame], plate.kind) for frame in both]))


def _at(plate: Box, sign: Box, kind: str) -> bool:
    """Whether a box is that of a plate right below a sign, or of a board around or above it for schools."""
    middles: FloatArray = np.array([(plate[0] + plate[2]) / 2, (sign[0] + sign[2]) / 2])
    height, width = sign[3] - sign[1], sign[2] - sign[0]
    if abs(middles[0] - middles[1]) > 0.5 * width:
        return False
    gap = plate[1] - sign[3]
    below = -0.35 * height < gap < 0.6 * height and plate[3] - plate[1] < 1.5 * height
    over = kind == "school-zone" and -1.5 * height < sign[1] - plate[3] < 0.6 * height
    return below or over
