"""The ground truth of a drive: a folder of small tables, read and checked.

docs/guide/drive-truth.md describes the format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError, RoadworthyError
from roadworthy.core.notes import say
from roadworthy.core.words import plural, visible
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.events.tables import read_events
from roadworthy.drive.film import open_film
from roadworthy.drive.gps.reading import read_track
from roadworthy.drive.gps.track import Track, placed_by_clock
from roadworthy.drive.kpi.boxes import TrueBox, read_boxes
from roadworthy.drive.kpi.drive_file import DriveFile, Stretch, read_drive_file
from roadworthy.drive.kpi.travelled import Travelled, travelled
from roadworthy.drive.limits.conditions import Motion
from roadworthy.drive.limits.machine import LimitRow, limits_over_time
from roadworthy.drive.limits.regions import SETTINGS, Setting, region_named
from roadworthy.drive.limits.tables import gaps_and_overlaps, read_limits
from roadworthy.signs.catalogue import nearest_name, sign_classes

_BEHIND_S = 30.0  # a sign seen at the end of a film may be passed so long after it
_SHORT_S = 0.5  # tables may end so long before or behind the film: frame rates and encoders round


@dataclass(frozen=True, kw_only=True, eq=False)
class DriveTruth:
    """What is true of a drive.

    name: its folder's.  film: the film's file or folder of frames; None where the folder holds none.
    gps: its track's file, or None.  length_s: of the film.  about: what drive.toml says.
    events: the signs passed, in order.  limits: what holds from 0 to `length_s`, without gaps.
    boxes: where the signs stand in frames, if that is known.  travelled: how far it went.
    """

    name: str
    film: Path | None
    gps: Path | None
    length_s: float
    about: DriveFile
    events: tuple[DriveEvent, ...]
    limits: tuple[LimitRow, ...]
    travelled: Travelled
    boxes: tuple[TrueBox, ...] = ()

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """In order of time."""
        return self.about.stretches


def is_truth(folder: Path) -> bool:
    """Whether a folder holds the truth of one drive."""
    return (folder / "truth" / "events.csv").is_file()


def truths_in(folder: Path) -> list[Path]:
    """The folders with truth at a place: itself, or those below it, in order of their names.

    Raises DataNotFoundError where there are none.
    """
    if is_truth(folder):
        return [folder]
    found = sorted(path for path in folder.glob("*") if is_truth(path)) if folder.is_dir() else []
    if not found:
        raise DataNotFoundError(
            f"{folder} is no drive with truth, and holds none; a drive is a folder with truth/events.csv"
        )
    return found


def read_truth(folder: Path) -> DriveTruth:
    """The truth of the drive in a folder.

    Where truth/limits.csv is missing, the limits are worked out from the events by the region's rules.
    Raises DataNotFoundError where there is no truth, DataError that tells each fault in one line.
    """
    if not is_truth(folder):
        raise DataNotFoundError(f"{folder} holds no truth/events.csv; a drive's truth needs one")
    about, faults = read_drive_file(folder / "drive.toml")
    _refuse(folder, faults)
    film = film_in(folder)
    events = tuple(sorted(read_events(folder / "truth" / "events.csv"), key=lambda event: event.passed_s))
    table = folder / "truth" / "limits.csv"
    rows = tuple(read_limits(table)) if table.is_file() else None
    length_s = about.length_s or _length_of(film) or _last_s(about, events, rows or ())
    _refuse(folder, [*_faults_of_events(events, length_s), *_faults_of_stretches(about, length_s)])
    if rows is not None:
        _refuse(folder, _faults_of_limits(rows, length_s))
    gps = folder / "track.gpx"
    track = _track(gps, film, about, length_s) if gps.is_file() else None
    went = travelled(length_s, about.stretches, track)
    boxes = folder / "truth" / "boxes.csv"
    truth = DriveTruth(
        name=folder.resolve().name,
        film=film,
        gps=gps if gps.is_file() else None,
        length_s=length_s,
        about=about,
        events=events,
        limits=rows or _worked_out(folder, events, about, length_s, went),
        travelled=went,
        boxes=tuple(read_boxes(boxes)) if boxes.is_file() else (),
    )
    _refuse(folder, _faults_of_boxes(truth))
    return truth


def film_in(folder: Path) -> Path | None:
    """The film of a drive's folder: `film.*`, or the folder `frames`."""
    films = [path for path in sorted(folder.glob("film.*")) if path.is_file()]
    frames = folder / "frames"
    return films[0] if films else frames if frames.is_dir() else None


def _refuse(folder: Path, faults: Iterable[str]) -> None:
    lines = [visible(fault) for fault in faults]
    if not lines:
        return
    if len(lines) == 1:
        raise DataError(f"{folder}: {lines[0]}")
    raise DataError("\n  ".join([f"{folder} has {plural(len(lines), 'fault')}:", *lines]))


def _length_of(film: Path | None) -> float | None:
    """How long a film says that it is; None without one, or where it cannot be read."""
    if film is None:
        return None
    try:
        with open_film(film) as opened:
            return opened.about().duration_s
    except RoadworthyError as error:
        say(f"{film} does not tell its length ({error}); the tables' last second is taken")
        return None


def _last_s(about: DriveFile, events: Sequence[DriveEvent], rows: Sequence[LimitRow]) -> float:
    ends = [*(row.to_s for row in rows), *(stretch.to_s for stretch in about.stretches)]
    return max(ends or [event.passed_s + _SHORT_S for event in events], default=0.0)


def _faults_of_events(events: Sequence[DriveEvent], length_s: float) -> Iterator[str]:
    if length_s <= 0:
        yield "nothing tells how long the drive is; give drive.toml length_s, or add the film"
    for name, n in Counter(event.event for event in events).items():
        if n > 1:
            yield f"events.csv: {name} is there {n} times; each sign needs a name of its own"
    for event in events:
        where = f"events.csv, {event.event}"
        if event.sign not in sign_classes():
            near = nearest_name(event.sign)
            yield f"{where}: class {event.sign!r} is unknown{f'; did you mean {near!r}?' if near else ''}"
        begins_s = min(event.first_s, event.passed_s)
        if not (begins_s <= length_s + _SHORT_S and 0 <= event.passed_s <= length_s + _BEHIND_S):
            seen = f"seen from {begins_s:g} and passed at {event.passed_s:g} s"
            yield f"{where}: it is {seen}, and the drive lasts from 0 to {length_s:g} s"
        if event.first_s > event.last_s:
            yield f"{where}: first_s is {event.first_s:g} and last_s {event.last_s:g}, which is before"


def _faults_of_stretches(about: DriveFile, length_s: float) -> Iterator[str]:
    for stretch in about.stretches:
        if stretch.to_s > length_s + _SHORT_S:
            yield f"drive.toml: a stretch ends at {stretch.to_s:g} s, and the drive at {length_s:g} s"


def _faults_of_limits(rows: Sequence[LimitRow], length_s: float) -> Iterator[str]:
    if not rows:
        yield "limits.csv has no rows; leave it out to have the limits worked out from the events"
        return
    if rows[0].from_s > _SHORT_S:
        yield f"limits.csv begins at {rows[0].from_s:g} s; it must begin at 0"
    yield from (f"limits.csv: {line}" for line in gaps_and_overlaps(rows))
    last_s = max(row.to_s for row in rows)
    if last_s > length_s + _SHORT_S:
        yield f"limits.csv ends at {last_s:g} s, and the drive at {length_s:g} s"
    elif last_s < length_s - _SHORT_S:
        yield f"limits.csv: nothing is said from {last_s:g} s to the end at {length_s:g} s"


def _faults_of_boxes(truth: DriveTruth) -> Iterator[str]:
    names = {event.event for event in truth.events}
    for name in dict.fromkeys(one.event for one in truth.boxes if one.event not in names):
        yield f"boxes.csv: no event {name!r} is in events.csv"


def _track(gps: Path, film: Path | None, about: DriveFile, length_s: float) -> Track:
    """The track, set on the film by drive.toml's start, else by what the film says."""
    if about.began is None:
        return read_track(gps, film)
    track = read_track(gps)
    return track if track.placed else placed_by_clock(track, about.began, length_s)


def _worked_out(
    folder: Path, events: Sequence[DriveEvent], about: DriveFile, length_s: float, went: Travelled
) -> tuple[LimitRow, ...]:
    if about.region is None:
        raise DataError(
            f"{folder} has no truth/limits.csv, and drive.toml names no region by whose rules the events "
            "tell the limits; add one of the two"
        )
    pairs = zip(went.seconds.tolist(), went.metres.tolist(), strict=True)
    settings: list[tuple[float, Setting]] = [
        (stretch.from_s, setting)
        for stretch in about.stretches
        for setting in SETTINGS
        if setting == stretch.road
    ]
    return limits_over_time(
        [event.for_limits() for event in events],
        region_named(about.region),
        length_s,
        start=about.start,
        time_zone=about.time_zone,
        motion=Motion(travelled=() if went.source == "time" else tuple(pairs), settings=settings),
    )
