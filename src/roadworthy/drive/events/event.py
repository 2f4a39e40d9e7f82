"""One physical sign of a drive: a row of events.csv."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError
from roadworthy.drive.limits.events import Plate, SignEvent
from roadworthy.signs.catalogue import kind_and_value

SIDES = ("left", "right", "above")


@dataclass(frozen=True, kw_only=True)
class DriveEvent:
    """A sign that a drive passed.

    event: its name, `e0001` and so on in the order passed.  sign: its class.
    confidence: in [0, 1], of all its frames together.  accepted: whether that is sure.
    first_s, last_s: when it was first and last seen.  passed_s: when the camera passed it.
    confirmed_s: when it became sure; None where it never did.
    frames: how many show it.  best_frame: the index of the clearest.  box: where it stands in that,
    x1, y1, x2, y2 in pixels.  side: `left`, `right`, `above` or None.
    plates: its conditions.  lat, lon: where it stands, WGS84 degrees; error_m: their standard error.
    counts: whether it is meant for this car.  why: the evidence for that and for doubts, in words.
    zone: `school`, `area`, `shared`, `work`, `rain` or None.
    """

    event: str
    sign: str
    confidence: float
    accepted: bool
    first_s: float
    last_s: float
    passed_s: float
    frames: int
    best_frame: int
    box: Box
    confirmed_s: float | None = None
    side: str | None = None
    plates: tuple[Plate, ...] = ()
    zone: str | None = None
    lat: float | None = None
    lon: float | None = None
    error_m: float | None = None
    counts: bool = True
    why: str = ""

    def __post_init__(self) -> None:
        if self.side is not None and self.side not in SIDES:
            raise DataError(f"event {self.event}: no side {self.side!r}; there are {', '.join(SIDES)}")

    @property
    def kind(self) -> str:
        """The class without its number: `speed`, `end-speed`, `stop`."""
        return kind_and_value(self.sign)[0]

    @property
    def value(self) -> int | None:
        """The number of its class; None without."""
        return kind_and_value(self.sign)[1]

    def for_limits(self) -> SignEvent:
        """The same as the limits need it."""
        return SignEvent(
            event=self.event,
            sign=self.sign,
            passed_s=self.passed_s,
            zone=self.zone,
            plates=self.plates,
            confidence=self.confidence,
            accepted=self.accepted,
            side=self.side,
            counts=self.counts,
            why=self.why,
        )
