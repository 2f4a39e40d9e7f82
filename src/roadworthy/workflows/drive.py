"""A film to the signs that it passes and the limit that holds at every second."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from roadworthy.core import notes
from roadworthy.core.errors import ConfigError, DataError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import alone, make_folder, write_json
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.provenance import provenance_of
from roadworthy.core.stopping import stop_asked
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.film import About, Film, open_film
from roadworthy.drive.film.live import PastFilm, is_live, shown
from roadworthy.drive.gps.placing import began_by, placed_on_film
from roadworthy.drive.gps.reading import AUTO, format_of, read_track
from roadworthy.drive.gps.track import Track
from roadworthy.drive.journal import Journal, begun_with, pictures, views
from roadworthy.drive.limits.calendar import read_own_days, zone_named
from roadworthy.drive.limits.corrections import read_corrections
from roadworthy.drive.limits.regions import Region, region_named
from roadworthy.drive.look import Looker, View
from roadworthy.drive.meaning import Scene
from roadworthy.drive.output.crops import crop_jpeg
from roadworthy.drive.output.film import boxes_by_frame, write_annotated
from roadworthy.drive.output.result import DriveResult
from roadworthy.drive.output.write import write_outputs
from roadworthy.drive.reading import clearest, rule_of
from roadworthy.drive.roads.reading import read_roads
from roadworthy.drive.seen import Seen, Trail
from roadworthy.drive.tracking.tracker import Tracker
from roadworthy.drive.understanding import OtherSources, understand
from roadworthy.drive.watch import Watched, ahead
from roadworthy.inference.boxes import check_least
from roadworthy.inference.classifier import Classifier, load, model_file
from roadworthy.inference.finder import finder_file

NO_REGION = "default"
_BEGINNING = 1 << 20  # bytes of a film that tell it from others

Progress = Callable[[float, float | None, float], None]
"""Told (seconds of the film done, all of them if known, frames a second) now and then."""


def drive(
    place: str | Path,
    out: StrPath,
    *,
    reader: StrPath | None = None,
    finder: StrPath | None = None,
    gps: StrPath | None = None,
    region: str | None = None,
    at: datetime | None = None,
    corrections: StrPath | None = None,
    road_map: StrPath | None = None,
    school_days: StrPath | None = None,
    rate: float | None = None,
    every: int = 1,
    least_px: float | None = None,
    threads: int = 0,
    video: bool = False,
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
    corrections: a table of limits that a user knows better, with the columns from_s and limit.
    road_map: limits for where no sign told one: OpenStreetMap's .osm, GeoJSON, or a table with the columns
        lat, lon and limit.  Needs `gps`.
    school_days: a table of school days that a user knows better, with the columns date and kind.
    rate: frames a second of a folder whose frames are named by number.
    every: look at every so many frames; 2 is twice as quick.
    least_px: side in pixels of the smallest sign looked for.
    threads: that looking may use; 0 leaves it to the library that computes.
    video: write annotated.mp4, too: the film with its signs and the limit drawn in.
    resume: go on with a drive that was cut off, where it was.
        A camera is not opened again: what it had shown becomes events and limits.
    An interrupt (Ctrl-C, SIGTERM) ends the watching and keeps what was seen up to there.
    """
    require("watching drives", "drive")
    out, rules, live = as_path(out), region_named(region or NO_REGION), is_live(str(place))
    others = _other_sources(corrections, road_map, school_days, gps)
    check_least(least_px)
    if live and video:
        raise UsageError(
            f"a film of {shown(str(place))} cannot be drawn into: it is over once it was watched"
        )
    journal_path = _claim(out, resume)
    past = _past(journal_path) if live and resume else None
    classifier = load(reader, finder=finder, threads=threads)
    classifier.finder.rule  # noqa: B018 - says at once where there is none
    with notes.hearing() as said, stop_asked() as stop, _opened(place, at, rate, past) as film:
        about = film.about()
        track = None if gps is None else _read_track(gps, about)
        facts = _facts(about, reader, finder, every=every, least_px=least_px, rate=rate)
        if past is not None:
            facts["film"] = {**past, "name": about.place}
        make_folder(out)
        with alone(out):
            _claim(out, resume)  # another may have been quicker
            watching = _Watching(film, classifier, every, least_px, stop, progress)
            with Journal(journal_path, facts) as journal:
                watching.go(journal_path, journal, goes_on=resume)
            result = _understood(watching, classifier, gps, track, rules, others, at)
            command = command.replace(str(place), about.place) if live else command  # without a password
            result = replace(result, notes=tuple(said), provenance=_origin(result, command))
            write_outputs(out, result)
            write_json(dict(result.provenance), out / "provenance.json")
            if video and not _write_video(film, result, out / "annotated.mp4", every, stop, progress):
                result = replace(result, interrupted=True)
    return result


def _past(journal: Path) -> dict[str, Any]:
    """What a journal says of the camera or stream that it is of."""
    film: dict[str, Any] = begun_with(journal)["film"]
    if "began" not in film:
        raise DataError(f"{journal} is of {film['name']}, which was not watched live; give its place")
    return film


def _opened(place: str | Path, at: datetime | None, rate: float | None, past: dict[str, Any] | None) -> Film:
    """The film; of a camera that was watched, what it was."""
    if past is None:
        return open_film(place, at=at, rate=rate)
    notes.say(f"{shown(str(place))} is not opened again; events and limits are of what was seen of it before")
    width, height = past["size"].split(" x ")
    return PastFilm(
        About(
            place=shown(str(place)),
            duration_s=None,
            width=int(width),
            height=int(height),
            rate=past["rate"],
            codec=past["codec"],
            created=at or datetime.fromisoformat(past["began"]),
            rotation_deg=0,
            mirrored=False,
            interlaced=False,
            colour=past["colour"],
        )
    )


def _write_video(
    film: Film,
    result: DriveResult,
    path: Path,
    every: int,
    stop: Callable[[], bool],
    progress: Progress | None,
) -> bool:
    """Write annotated.mp4; whether that came to its end."""
    length_s, began, written = result.duration_s, time.perf_counter(), 0

    def tick(time_s: float) -> None:
        nonlocal written
        written += 1
        if stop():
            raise _StoppedError
        if progress is not None:
            progress(time_s, length_s, written / max(time.perf_counter() - began, 1e-9))

    try:
        if stop():
            raise _StoppedError
        write_annotated(film, boxes_by_frame(result.tracked()), result.limits, path, every=every, tick=tick)
    except _StoppedError:
        notes.say(f"{path} is not written, for the drive was stopped; --resume goes on and writes it")
        return False
    return True


class _StoppedError(Exception):
    """Work that was asked to stop."""


def _origin(result: DriveResult, command: str) -> dict[str, Any]:
    """Where a drive's files come from."""
    about = result.about
    return {
        **provenance_of(command),
        "film": {
            "film": about.place,
            "width": about.width,
            "height": about.height,
            "rate": about.rate,
            "codec": about.codec,
            "colour": about.colour,
            "duration_s": about.duration_s,
            "began": None if about.created is None else about.created.isoformat(),
        },
        "region": result.region,
        "frames": result.frames,
        "frames_lost": result.lost,
        "watched_s": round(result.duration_s, 3),
        "interrupted": result.interrupted,
        "seconds": round(result.seconds, 2),
    }


def _claim(out: Path, resume: bool) -> Path:
    """The journal's place; refuse a folder that holds anything else, or another drive."""
    journal = out / "journal.jsonl"
    try:
        there = sorted(path.name for path in out.iterdir() if path.name[0] != ".") if out.is_dir() else []
        taken = out.exists() and not out.is_dir()
    except OSError as error:
        raise UsageError(
            f"the folder {out} cannot be read ({error.strerror or error}); name another"
        ) from error
    if taken:
        raise UsageError(f"{out} is a file; give --out a folder")
    if resume:
        if journal.name not in there:
            raise ConfigError(f"{out} holds no drive to go on with; start one there without --resume")
        return journal
    if journal.name in there:
        raise ConfigError(f"{out} already holds a drive; give another --out, or --resume to go on with it")
    if there:
        raise ConfigError(f"{out} is not empty: it holds {notes.some(there, 3)}; give --out a new folder")
    return journal


class _Watching:
    """The loop over a film's frames, from where the journal ends."""

    def __init__(
        self,
        film: Film,
        classifier: Classifier,
        every: int,
        least_px: float | None,
        stop: Callable[[], bool],
        progress: Progress | None,
    ) -> None:
        self.film, self._every, self._stop, self._progress = film, every, stop, progress
        self._about = film.about()
        self._live = is_live(self._about.place)
        self._looker = Looker(classifier.finder, classifier.network, least_px=least_px)
        self.watched = Watched(Tracker(self._about.width, self._about.height))
        self.seconds, self.looked, self.interrupted = 0.0, 0, False

    def go(self, path: Path, journal: Journal, *, goes_on: bool) -> None:
        """Watch to the end, or to an interrupt before it."""
        last: View | None = None
        for view in views(path) if goes_on else ():
            self.watched.add(view)
            last = view
        if goes_on:
            self.watched.pictures |= pictures(path)
        began, lost_before = time.perf_counter(), self.watched.lost
        for shot in ahead(self.film.shots(every=self._every, start_s=self.watched.until_s), self._stop):
            if last is not None and shot.index <= last.frame:
                # Its motion is measured against, so that nothing differs from a drive without a break.
                self._looker.begin_after(shot, last)
                continue
            view = self._looker.look(shot)
            view = replace(view, lost=lost_before + view.lost)
            journal.add(view)
            self._keep_pictures(journal, self.watched.add(view, shot.image))
            self.looked += 1
            self.seconds = time.perf_counter() - began
            if self._progress is not None:
                self._progress(view.time_s, self._about.duration_s, self.looked / max(self.seconds, 1e-9))
        if self.looked:
            self._keep_pictures(journal, self.watched.tracker.current())
        self.interrupted = self._stop()
        if not self.interrupted:
            self.watched.lost = lost_before + self.film.lost

    def _keep_pictures(self, journal: Journal, trails: Iterable[Trail]) -> None:
        """Of signs that nobody can look at again: a file is read again, a camera is not."""
        for trail in trails if self._live else ():
            if picture := self.watched.pictures.get(trail.number):
                journal.keep_picture(trail.number, picture)


def _facts(about: About, reader: StrPath | None, finder: StrPath | None, **settings: Any) -> dict[str, Any]:
    """What a journal depends on."""
    film: dict[str, Any] = {"name": about.place, "size": f"{about.width} x {about.height}"}
    if is_live(about.place):
        began = None if about.created is None else about.created.isoformat()
        film |= {"rate": about.rate, "codec": about.codec, "colour": about.colour, "began": began}
    else:
        path = Path(about.place)
        film = {**film, "name": path.name, **(_of_folder(path) if path.is_dir() else _of_file(path))}
    return {
        "film": film,
        "reader": fingerprint(model_file(reader)),
        "finder": fingerprint(finder_file(finder)),
        "settings": settings,
    }


def _of_file(path: Path) -> dict[str, Any]:
    """What tells a film from another of its name, without reading hours of it."""
    with path.open("rb") as file:
        begins = file.read(_BEGINNING)
    return {"bytes": path.stat().st_size, "begins": hashlib.sha256(begins).hexdigest()[:16]}


def _of_folder(path: Path) -> dict[str, Any]:
    with os.scandir(path) as entries:
        names = sorted(entry.name for entry in entries if entry.name[0] != ".")
    text = "\0".join(names).encode(errors="surrogateescape")
    return {"files": len(names), "names": hashlib.sha256(text).hexdigest()[:16]}


def fingerprint(path: Path) -> str:
    """What tells a model's file from others, as journals have it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _other_sources(
    corrections: StrPath | None, road_map: StrPath | None, school_days: StrPath | None, gps: StrPath | None
) -> OtherSources:
    """What is known besides the film, read before hours are spent on watching."""
    if road_map is not None and gps is None:
        raise UsageError("a map tells limits by position; give --gps, too")
    return OtherSources(
        corrections=() if corrections is None else read_corrections(as_path(corrections)),
        roads=() if road_map is None else read_roads(as_path(road_map)),
        own_days={} if school_days is None else read_own_days(as_path(school_days)),
    )


def _understood(
    watching: _Watching,
    classifier: Classifier,
    gps: StrPath | None,
    track: Track | None,
    rules: Region,
    others: OtherSources,
    at: datetime | None,
) -> DriveResult:
    """The signs passed and what they mean for every second watched."""
    about, watched = watching.film.about(), watching.watched
    if track is not None:
        track = placed_on_film(
            track,
            str(gps),
            began=about.created,
            zone=None if rules.time_zone is None else zone_named(rules.time_zone),
            until_s=watched.until_s,
            change=watched.change_by_second(),
        )
        about = replace(about, created=at or began_by(track) or about.created)
    rule = rule_of(classifier.network, classifier.finder)
    scene = Scene(width=about.width, height=about.height, track=track)
    end_s = watched.until_s + 1 / (about.rate or 30.0)  # what was not watched is not answered for
    if others.roads and track is None:
        notes.say("the map tells nothing, for where the car was is not known at any second of the film")
    understood = understand(
        watched.finish(), rule, scene, rules, end_s=end_s, start=about.created, others=others
    )
    return DriveResult(
        about=about,
        duration_s=end_s,
        events=understood.events,
        limits=understood.limits,
        candidates=understood.candidates,
        trails={event.event: trail for event, trail in understood.found},
        classes=classifier.classes,
        crops=_pictures(watching, understood.found),
        track=track,
        lost=watched.lost,
        frames=watched.frames,
        looked=watching.looked,
        seconds=watching.seconds,
        interrupted=watching.interrupted,
        region=rules.region,
    )


def _read_track(gps: StrPath, about: About) -> Track:
    """What is known of where the car was, before hours are spent on watching."""
    if str(gps) != AUTO:
        return read_track(as_path(gps))
    if is_live(about.place) or Path(about.place).is_dir():
        raise UsageError(f"--gps auto reads what a camera wrote into a film's file; {about.place} is none")
    try:
        format_of(Path(about.place))
    except DataError as error:
        raise DataError(
            f"{about.place} holds no track that is read here; give --gps a GPX or NMEA file, or leave it out"
        ) from error
    return read_track(AUTO, Path(about.place))


def _pictures(watching: _Watching, found: Iterable[tuple[DriveEvent, Trail]]) -> dict[str, bytes]:
    """Each event's picture; those from before an interruption are read from the film again, at the end."""
    film, pictures = watching.film, {}
    for event, trail in found:
        picture = watching.watched.pictures.get(trail.number)
        if picture is None and not watching.interrupted:
            picture = _picture_again(film, trail.seen[clearest(trail.seen)])
        if picture is not None:
            pictures[event.event] = picture
    return pictures


def _picture_again(film: Film, best: Seen) -> bytes | None:
    try:
        shot = next(film.shots(start_s=max(0.0, best.time_s - 1e-6)), None)
    except DataError:
        return None
    return crop_jpeg(shot.image, best.box) if shot is not None and shot.index == best.frame else None
