"""What a drive came to, as everything that is written of it needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from roadworthy.core.words import visible
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.film.shots import About
from roadworthy.drive.gps.track import Track
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.seen import Trail


@dataclass(frozen=True, kw_only=True, eq=False)
class DriveResult:
    """A drive that was watched to its end, or as far as it went.

    about: of the film.  duration_s: seconds watched.  events: in the order passed.  limits: without gaps.
    candidates: what may be a sign and is too doubtful to be an event.
    trails: by the event's name, the boxes behind it; an event may lack one.  classes: of the trails' logits.
    crops: by the event's name, its clearest picture as JPEG (`crops.crop_jpeg`).
    track: where the car was, set on the film; None without.  lost: frames that could not be decoded.
    notes: what was said on the way.  region: whose rules hold.  provenance: command, versions, machine.
    frames: looked at.  looked: those of them since it was last gone on with.  seconds: that they took.
    interrupted: whether it was stopped before the film's end.
    """

    about: About
    duration_s: float
    events: tuple[DriveEvent, ...] = ()
    limits: tuple[LimitRow, ...] = ()
    candidates: tuple[DriveEvent, ...] = ()
    trails: Mapping[str, Trail] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    crops: Mapping[str, bytes] = field(default_factory=dict)
    track: Track | None = None
    lost: int = 0
    frames: int = 0
    looked: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    region: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def film(self) -> str:
        """The film's name without its folders, as a text that every file can hold."""
        name = self.about.place.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or self.about.place
        return as_text(name)

    def tracked(self) -> Iterator[tuple[DriveEvent, Trail]]:
        """The events that have a trail, each with it."""
        return ((event, self.trails[event.event]) for event in self.events if event.event in self.trails)


def as_text(name: str) -> str:
    """A name from the disk without what is no text there, or acts on whoever reads it."""
    return visible(name.encode("utf-8", "replace").decode("utf-8"))
