"""A film to the signs that it passes and the limit that holds at every second."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core import notes
from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import ConfigError, DataError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import make_folder, write_json, write_text
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.provenance import provenance_of
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.events.tables import events_csv, events_jsonl
from roadworthy.drive.film import About, Film, open_film
from roadworthy.drive.film.live import is_live
from roadworthy.drive.gps.motion import offset_by_motion
from roadworthy.drive.gps.reading import AUTO, read_track
from roadworthy.drive.gps.track import Track, placed_by_clock
from roadworthy.drive.journal import Journal, views
from roadworthy.drive.limits.conditions import Motion
from roadworthy.drive.limits.machine import LimitRow, limits_over_time, write_limits
from roadworthy.drive.limits.regions import Region, region_named
from roadworthy.drive.look import Looker, View
from roadworthy.drive.meaning import Scene, events_of
from roadworthy.drive.reading import ReadingRule, clearest
from roadworthy.drive.seen import Trail
from roadworthy.drive.tracking.tracker import Tracker
from roadworthy.drive.watch import Watched, ahead, picture_of
from roadworthy.inference.classifier import Classifier, load, model_file
from roadworthy.inference.finder import finder_file

NO_REGION = "default"
TURN_DEG, TURN_S = 60.0, 12.0  # a course that changes so much in so long is a turn into another road
_OWN = {"events.csv", "events.jsonl", "limits.csv", "provenance.json", "journal.jsonl"}

Progress = Callable[[float, float | None, float], None]
"""Told (seconds of the film done, all of them if known, frames a second) now and then."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DriveResult:
    """What a drive showed.

    events: the signs passed, in order.  limits: what holds at every second, without gaps.
    trails: each event's boxes, in the order of trails.  pictures: by the number of a trail, its best as JPEG.
    about: what the film says of itself.  track: where the car was, if known.  region: whose rules hold.
    frames: looked at.  lost: those that could not be decoded.  seconds: that it took.
    until_s: how far the film was watched.  interrupted: whether it was stopped before its end.
    """

    out: Path
    events: tuple[DriveEvent, ...]
    limits: tuple[LimitRow, ...]
    trails: tuple[Trail, ...]
    pictures: dict[int, bytes]
    about: About
    track: Track | None
    region: str
    frames: int
    lost: int
    seconds: float
    until_s: float
    interrupted: bool


def drive(
    place: str | Path,
    out: StrPath,
    *,
    reader: StrPath | None = None,
    finder: StrPath | None = None,
    gps: StrPath | None = None,
    region: str | None = None,
    at: datetime | None = None,
    rate: float | None = None,
    every: int = 1,
    least_px: float | None = None,
    threads: int = 0,
    resume: bool = False,
    command: str = "",
    progress: Progress | None = None,
) -> DriveResult:
    """Watch a film and write what it passes into a folder.

    place: a film's file, a folder of frames, `camera:N`, or the address of a stream (`rtsp://...`).
    out: a new folder for events.csv, limits.csv and what else is known of the drive.
    reader: what reads signs: a bundle, a run folder; by default the packaged one.
    finder: what finds them in frames; by default the packaged one.
    gps: where the car was: a GPX or NMEA file, or `auto` for what the camera wrote into the film.
    region: whose rules of the road hold, like `au-vic`; without it only signs say what holds.
    at: when the film began, with time zone; by default what the film says.
    rate: frames a second of a folder whose frames are named by number.
    every: look at every so many frames; 2 is twice as quick.
    least_px: side in pixels of the smallest sign looked for.
    threads: that looking may use; 0 leaves it to the library that computes.
    resume: go on with a drive that was cut off, where it was.
    An interrupt (Ctrl-C) ends the watching and keeps what was seen up to there.
    """
    require("watching drives", "drive")
    out, rules = as_path(out), region_named(region or NO_REGION)
    journal_path = _claim(out, resume)
    classifier = load(reader, finder=finder, threads=threads)
    with open_film(place, at=at, rate=rate) as film:
        about = film.about()
        classifier.finder.rule  # noqa: B018 - says at once where there is none
        facts = _facts(place, about, reader, finder, every=every, least_px=least_px)
        make_folder(out)
        started = time.perf_counter()
        watching = _Watching(film, classifier, every, least_px, progress)
        with Journal(journal_path, facts) as journal:
            interrupted = watching.go(journal_path, journal, goes_on=resume)
        trails = watching.watched.finish()
        seconds = time.perf_counter() - started
        watched = watching.watched
        track = None if gps is None else _track(gps, place, about, watched)
        found, limits = _understood(trails, classifier, about, watched, track, rules)
        pictures = _missing_pictures(watched, trails, film)
        result = DriveResult(
            out=out,
            events=tuple(found),
            limits=limits,
            trails=tuple(trails),
            pictures=pictures,
            about=about,
            track=track,
            region=rules.region,
            frames=watched.frames,
            lost=film.lost,
            seconds=seconds,
            until_s=watched.until_s,
            interrupted=interrupted,
        )
    write(result, command)
    return result


def write(result: DriveResult, command: str) -> None:
    """The files of a drive, each whole or not at all."""
    write_text(events_csv(result.events), result.out / "events.csv")
    write_text(events_jsonl(result.events), result.out / "events.jsonl")
    write_limits(result.limits, result.out / "limits.csv")
    about = {
        "film": result.about.place,
        "width": result.about.width,
        "height": result.about.height,
        "rate": result.about.rate,
        "codec": result.about.codec,
        "colour": result.about.colour,
        "duration_s": result.about.duration_s,
    }
    origin = {
        **provenance_of(command),
        "film": about,
        "region": result.region,
        "frames": result.frames,
        "frames_lost": result.lost,
        "watched_until_s": round(result.until_s, 3),
        "interrupted": result.interrupted,
        "seconds": round(result.seconds, 2),
    }
    write_json(origin, result.out / "provenance.json")


def _claim(out: Path, resume: bool) -> Path:
    """The journal's place; refuse a folder that holds anything else, or another drive."""
    journal = out / "journal.jsonl"
    if resume:
        if not journal.is_file():
            raise ConfigError(f"{out} holds no drive to go on with; start one there without --resume")
        return journal
    if journal.exists():
        raise ConfigError(f"{out} already holds a drive; give another --out, or --resume to go on with it")
    if out.is_dir() and (there := sorted(path.name for path in out.iterdir() if path.name[0] != ".")):
        raise ConfigError(f"{out} is not empty: it holds {notes.some(there, 3)}; give --out a new folder")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; give --out a folder")
    return journal


class _Watching:
    """The loop over a film's frames, from where the journal ends."""

    def __init__(
        self,
        film: Film,
        classifier: Classifier,
        every: int,
        least_px: float | None,
        progress: Progress | None,
    ) -> None:
        self._film, self._every, self._progress = film, every, progress
        self._about = film.about()
        self._looker = Looker(classifier.finder, classifier.network, least_px=least_px)
        self.watched = Watched(Tracker(self._about.width, self._about.height))

    def go(self, path: Path, journal: Journal, *, goes_on: bool) -> bool:
        """Watch to the end; whether an interrupt came before it."""
        last: View | None = None
        for view in views(path) if goes_on else ():
            self.watched.add(view)
            last = view
        began, before = time.perf_counter(), self.watched.frames
        try:
            for shot in ahead(self._film.shots(every=self._every, start_s=self.watched.until_s)):
                if last is not None and shot.index <= last.frame:
                    # Its motion is measured against, so that nothing differs from a drive without a break.
                    self._looker.begin_after(shot, last)
                    continue
                view = self._looker.look(shot)
                journal.add(view)
                self.watched.add(view, shot.image)
                if self._progress is not None:
                    rate = (self.watched.frames - before) / max(time.perf_counter() - began, 1e-9)
                    self._progress(view.time_s, self._about.duration_s, rate)
        except KeyboardInterrupt:
            return True
        return False


def _facts(
    place: str | Path,
    about: About,
    reader: StrPath | None,
    finder: StrPath | None,
    **settings: Any,
) -> dict[str, Any]:
    """What a journal depends on."""
    live = is_live(str(place))
    film = Path(place)
    size = film.stat().st_size if not live and film.is_file() else None
    return {
        "film": {
            "name": str(place) if live else film.name,
            "bytes": size,
            "size": [about.width, about.height],
        },
        "reader": _fingerprint(model_file(reader)),
        "finder": _fingerprint(finder_file(finder)),
        "settings": settings,
    }


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _understood(
    trails: list[Trail],
    classifier: Classifier,
    about: About,
    watched: Watched,
    track: Track | None,
    rules: Region,
) -> tuple[list[DriveEvent], tuple[LimitRow, ...]]:
    """The signs passed and what they mean for every second watched."""
    rule = ReadingRule(
        classes=classifier.classes,
        temperature=classifier.temperature,
        rejection=classifier.rejection,
        sure=classifier.finder.rule.sure,
    )
    scene = Scene(width=about.width, height=about.height, shifts=watched.shifts, track=track)
    found = events_of(trails, rule, scene)
    end_s = watched.until_s + 1 / (about.rate or 30.0)  # what was not watched is not answered for
    limits = limits_over_time(
        [event.for_limits() for event in found],
        rules,
        end_s,
        start=about.created,
        motion=None if track is None else _motion(track),
    )
    return found, limits


def _motion(track: Track) -> Motion:
    """Metres driven and turns, as far as the track knows them."""
    seconds = track.seconds
    travelled = [(float(s), float(m)) for s in seconds if (m := track.along_m(float(s))) is not None]
    return Motion(travelled=travelled, turns=_turns(track))


def _turns(track: Track) -> list[float]:
    """When the car had turned into another road, by its course."""
    known = [
        (float(s), fix.course)
        for s, fix in zip(track.seconds, track.fixes, strict=True)
        if fix.course is not None
    ]
    turns: list[float] = []
    begin = 0
    for place, (at_s, course) in enumerate(known):
        while at_s - known[begin][0] > TURN_S:
            begin += 1
        if turns and known[begin][0] < turns[-1]:
            continue
        if any(_apart(course, known[i][1]) >= TURN_DEG for i in range(begin, place)):
            turns.append(at_s)
    return turns


def _apart(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)


def _track(gps: StrPath, place: str | Path, about: About, watched: Watched) -> Track:
    """Where the car was, in the film's seconds; by its motion where no clock says how the two belong."""
    if str(gps) == AUTO and (is_live(str(place)) or Path(place).is_dir()):
        raise UsageError(f"--gps auto reads what a camera wrote into a film's file; {place} is none")
    track = read_track(AUTO, Path(place)) if str(gps) == AUTO else read_track(Path(gps))
    if track.placed:
        return track
    if about.created is not None:
        try:
            return placed_by_clock(track, about.created, watched.until_s)
        except DataError as error:
            notes.say(f"{gps} is not set on the film's time by its clock: {error}")
    offset = offset_by_motion(track, _each_second(watched.change))
    if offset is None or not offset.sure:
        notes.say(
            f"where {gps} belongs in the film is not known: neither clocks nor motion say it surely; "
            "places and distances are left out"
        )
        return track
    notes.say(
        f"{gps} was set on the film's time by its motion: {offset.offset_s:+.1f} s, "
        f"give or take {offset.error_s:.1f}"
    )
    return track.shifted(offset.offset_s)


def _each_second(change: list[tuple[float, float]]) -> FloatArray:
    """The mean change of the picture in each second of the film; nan where no frame was."""
    if not change:
        return np.empty(0)
    times, values = np.array(change).T
    second = times.astype(int)
    sums = np.bincount(second, weights=values)
    counts = np.bincount(second)
    return np.asarray(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))


def _missing_pictures(watched: Watched, trails: list[Trail], film: Film) -> dict[int, bytes]:
    """Each trail's picture; those from before an interruption are read from the film again."""
    pictures = dict(watched.pictures)
    for trail in trails:
        if trail.number in pictures or is_live(film.about().place):
            continue
        best = trail.seen[clearest(trail.seen)]
        try:
            shot = next(film.shots(start_s=max(0.0, best.time_s - 1e-6)), None)
        except DataError:
            return pictures
        if shot is not None:
            pictures[trail.number] = picture_of(shot.image, best.box)
    return pictures
