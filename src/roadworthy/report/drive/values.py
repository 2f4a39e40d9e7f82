"""What the report of a drive is made of: plain values, so that a stored drive can be shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from roadworthy.report.figures.limits import LimitPart
from roadworthy.report.figures.way import WayPoint

DATUM = (
    "Positions are WGS84, as receivers say them. GDA2020 is Australia's plate as it lay in 2020, which "
    "moves 7 cm a year against WGS84: some decimetres by now, less than the errors given here. "
    "GDA94 lies some 2 m off."
)
"""What stands below a map."""
MUST_AGREE = 2 / 3
"""A sure limit that fewer of its frames read on their own is worth a look."""


@dataclass(frozen=True, kw_only=True)
class SignShown:
    """A physical sign: a row of events.csv, and what its frames said.

    event, sign (its class), ... why: as in events.csv; plates in words, times in seconds of the film.
    crop: its clearest picture, a JPEG; empty for none.
    agreeing: the share of its frames that read its class on their own; None where unknown.
    otherwise: what the others read most often, and how often.
    """

    event: str
    sign: str
    kind: str
    value: int | None
    confidence: float
    accepted: bool
    first_s: float
    last_s: float
    passed_s: float
    frames: int
    confirmed_s: float | None = None
    side: str | None = None
    plates: str = ""
    zone: str | None = None
    lat: float | None = None
    lon: float | None = None
    error_m: float | None = None
    counts: bool = True
    why: str = ""
    crop: bytes = b""
    agreeing: float | None = None
    otherwise: tuple[str, int] | None = None

    @property
    def sets_limit(self) -> bool:
        """Whether it tells this car a limit, or the end of one."""
        return self.counts and self.kind in ("speed", "end-speed", "end-all-limits")

    @property
    def place(self) -> tuple[float, float] | None:
        """Latitude and longitude; None where they are not known."""
        return None if self.lat is None or self.lon is None else (self.lat, self.lon)


@dataclass(frozen=True, kw_only=True)
class DriveShown:
    """A drive.

    film: its name.  duration_s: watched.  about: names and values of the film.  kilometres: driven; None
    without positions.  signs: in the order passed.  limits: without gaps.  way: where the car was.
    lost: frames that could not be decoded.  crops_left_out: for the page's size.
    """

    film: str
    duration_s: float
    about: Mapping[str, Any] = field(default_factory=dict)
    kilometres: float | None = None
    signs: tuple[SignShown, ...] = ()
    limits: tuple[LimitPart, ...] = ()
    way: tuple[WayPoint, ...] = ()
    lost: int = 0
    crops_left_out: int = 0
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def known_share(self) -> float | None:
        """The share of the time at which the limit was known, or that there was none; None without limits."""
        whole = sum(part.to_s - part.from_s for part in self.limits)
        known = sum(part.to_s - part.from_s for part in self.limits if is_known(part))
        return known / whole if whole > 0 else None


def is_known(part: LimitPart) -> bool:
    """Whether it is known what holds."""
    return part.limit is not None or part.state == "unlimited"
