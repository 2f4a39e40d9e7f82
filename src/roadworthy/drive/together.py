"""Several drives together: each physical sign once, with who saw it, when, and what they made of it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.events.tables import read_events
from roadworthy.drive.gps.fixes import Fix, is_place
from roadworthy.drive.gps.merging import MergedSign, Sighting, merge_signs
from roadworthy.drive.gps.track import Track, track_of
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.limits.tables import read_limits
from roadworthy.signs.catalogue import kind_and_value

_ERROR_M = 10.0  # of a place that says none


@dataclass(frozen=True, kw_only=True)
class KeptDrive:
    """A drive as its folder keeps it.

    name: of its folder.  film: of its film.  began: when the film did; None where unknown.
    watched_s: seconds of film.  track: where the car was, set on the film; None without.
    """

    name: str
    film: str
    began: datetime | None
    watched_s: float
    events: tuple[DriveEvent, ...]
    limits: tuple[LimitRow, ...]
    track: Track | None = None

    @property
    def metres(self) -> float | None:
        """Driven while the film ran; None without positions."""
        return None if self.track is None else self.track.driven_m(0.0, self.watched_s)


@dataclass(frozen=True, kw_only=True)
class PhysicalSign:
    """A sign at the road, and all that drives saw of it.

    sign: its name, `s0001` and so on.  name: its class, by the votes.  accepted: whether a sure event says
    so, and no sure one says otherwise.  sightings: (drive, event) of each.  votes: how often each class was
    read, most first.  error_m: standard error of the place.  heading: degrees, of the traffic that it faces.
    first_seen, last_seen: when it was passed, by the films' clocks; None where no film says when it began.
    placed: whether its place and heading are known; else it was not looked for in other drives.
    """

    sign: str
    name: str
    accepted: bool
    sightings: tuple[tuple[str, DriveEvent], ...]
    votes: tuple[tuple[str, int], ...]
    lat: float | None
    lon: float | None
    error_m: float | None
    heading: float | None
    first_seen: datetime | None
    last_seen: datetime | None
    placed: bool

    @property
    def drives(self) -> tuple[str, ...]:
        """The drives that saw it, each once."""
        return tuple(dict.fromkeys(drive for drive, _ in self.sightings))

    @property
    def disagreement(self) -> str:
        """What was read, where not all read the same; empty where they did."""
        if len(self.votes) < 2:
            return ""
        return ", ".join(f"{name} {count} of {len(self.sightings)}" for name, count in self.votes)

    @property
    def best(self) -> DriveEvent:
        """The surest event of its class."""
        return max(
            (event for _, event in self.sightings if event.sign == self.name),
            key=lambda event: (event.accepted, event.confidence),
        )


def read_drive(folder: Path) -> KeptDrive:
    """What a folder that `roadworthy drive` wrote holds.  Raises DataError for what cannot be read."""
    try:
        origin = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
        began = origin["film"].get("began")
        return KeptDrive(
            name=folder.name,
            film=Path(origin["film"]["film"]).name,
            began=None if began is None else datetime.fromisoformat(began).astimezone(UTC),
            watched_s=float(origin["watched_s"]),
            events=tuple(read_events(folder / "events.csv")),
            limits=tuple(read_limits(folder / "limits.csv")),
            track=read_way(folder / "track.geojson"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} holds no whole drive ({error}); watch its film again") from error


def read_way(path: Path) -> Track | None:
    """The track of a track.geojson; None where there is none, or its points have no seconds."""
    if not path.is_file():
        return None
    fixes: list[Fix] = []
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        seconds = map(float, feature["properties"].get("seconds", "").split())
        places = feature["geometry"]["coordinates"]
        for number, (second, (lon, lat)) in enumerate(zip(seconds, places, strict=False)):
            fixes.append(Fix(lat=lat, lon=lon, film_s=second, after_break=bool(fixes) and number == 0))
    if not fixes:
        return None
    with notes.aloud(lambda note: None):  # they were said when the drive was watched
        return track_of(fixes)


def physical_signs(drives: Sequence[KeptDrive]) -> list[PhysicalSign]:
    """Each physical sign of several drives once, in the order in which they are first met."""
    events = {(drive.name, event.event): event for drive in drives for event in drive.events}
    began = {drive.name: drive.began for drive in drives}
    sightings, alone = list[Sighting](), list[tuple[str, DriveEvent]]()
    for drive in drives:
        for event in drive.events:
            sighting = _sighting(drive, event)
            if sighting is None:
                alone.append((drive.name, event))
            else:
                sightings.append(sighting)
    order = {key: number for number, key in enumerate(events)}
    groups: list[tuple[MergedSign | None, list[tuple[str, DriveEvent]]]] = [
        (one, [(seen.drive, events[seen.drive, seen.event]) for seen in one.sightings])
        for one in merge_signs(sightings)
    ]
    groups += [(None, [seen]) for seen in alone]
    groups.sort(key=lambda group: min(order[drive, event.event] for drive, event in group[1]))
    return [_sign(f"s{number:04d}", *group, began) for number, group in enumerate(groups, start=1)]


def _sighting(drive: KeptDrive, event: DriveEvent) -> Sighting | None:
    """An event as one sighting of a place; None where its place, or the car's course, is unknown."""
    heading = _heading(drive.track, event)
    if event.lat is None or event.lon is None or heading is None or not is_place(event.lat, event.lon):
        return None
    return Sighting(
        name=event.sign,
        drive=drive.name,
        film_s=event.passed_s,
        lat=event.lat,
        lon=event.lon,
        error_m=max(event.error_m or _ERROR_M, 0.1),
        heading=heading,
        side=event.side,
        event=event.event,
    )


def _heading(track: Track | None, event: DriveEvent) -> float | None:
    """The car's course as it passed a sign, else as it last or first saw it."""
    for second in (event.passed_s, event.last_s, event.first_s) if track is not None else ():
        assert track is not None
        fix = track.at(second)
        if fix is not None and fix.course is not None:
            return fix.course
    return None


def _sign(
    sign: str,
    merged: MergedSign | None,
    seen: Sequence[tuple[str, DriveEvent]],
    began: dict[str, datetime | None],
) -> PhysicalSign:
    seen = sorted(seen, key=lambda one: (list(began).index(one[0]), one[1].passed_s))
    events = [event for _, event in seen]
    name, votes = _voted(events)
    sure = {event.sign for event in events if event.accepted}
    when = sorted(
        start + timedelta(seconds=event.passed_s)
        for drive, event in seen
        if (start := began[drive]) is not None
    )
    first = events[0]
    return PhysicalSign(
        sign=sign,
        name=name,
        accepted=sure == {name},
        sightings=tuple(seen),
        votes=votes,
        lat=first.lat if merged is None else merged.lat,
        lon=first.lon if merged is None else merged.lon,
        error_m=first.error_m if merged is None else merged.error_m,
        heading=None if merged is None else merged.heading,
        first_seen=when[0] if when else None,
        last_seen=when[-1] if when else None,
        placed=merged is not None,
    )


def _voted(events: Iterable[DriveEvent]) -> tuple[str, tuple[tuple[str, int], ...]]:
    """The class that the events speak for, sure ones first, and how often each was read."""
    counts, weights = Counter[str](), defaultdict[str, list[float]](lambda: [0.0, 0.0])
    for event in events:
        counts[event.sign] += 1
        weights[event.sign][0] += event.confidence if event.accepted else 0.0
        weights[event.sign][1] += event.confidence
    order = sorted(counts, key=lambda name: weights[name], reverse=True)
    return order[0], tuple(sorted(counts.items(), key=lambda one: (-one[1], order.index(one[0]))))


def as_row(sign: PhysicalSign) -> dict[str, Any]:
    """A physical sign by the columns of signs.csv."""
    kind, value = kind_and_value(sign.name)
    best = sign.best
    return {
        "sign": sign.sign,
        "class": sign.name,
        "kind": kind,
        "value": value,
        "accepted": sign.accepted,
        "confidence": round(best.confidence, 4),
        "seen": len(sign.sightings),
        "drives": "; ".join(sign.drives),
        "events": "; ".join(f"{drive}/{event.event}" for drive, event in sign.sightings),
        "lat": None if sign.lat is None else round(sign.lat, 7),
        "lon": None if sign.lon is None else round(sign.lon, 7),
        "error_m": None if sign.error_m is None else round(sign.error_m, 1),
        "datum": None if sign.lat is None else "WGS84",
        "heading": None if sign.heading is None else round(sign.heading, 1),
        "side": best.side,
        "first_seen": _moment(sign.first_seen),
        "last_seen": _moment(sign.last_seen),
        "votes": "; ".join(f"{name} {count}" for name, count in sign.votes),
        "disagreement": sign.disagreement,
        "counts": best.counts,
        "zone": best.zone,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
