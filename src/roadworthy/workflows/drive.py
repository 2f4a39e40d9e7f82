"""A film to the signs that it passes and the limit that holds at every second."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core import notes
from roadworthy.core.arrays import FloatArray
from roadworthy.core.errors import ConfigError, DataError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import make_folder, write_json
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.provenance import provenance_of
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.film import About, Film, open_film
from roadworthy.drive.film.live import is_live
from roadworthy.drive.gps.motion import offset_by_motion
from roadworthy.drive.gps.reading import AUTO, read_track
from roadworthy.drive.gps.track import Track, placed_by_clock
from roadworthy.drive.journal import Journal, views
from roadworthy.drive.limits.regions import Region, region_named
from roadworthy.drive.look import Looker, View
from roadworthy.drive.meaning import Scene
from roadworthy.drive.output.crops import crop_jpeg
from roadworthy.drive.output.film import boxes_by_frame, write_annotated
from roadworthy.drive.output.result import DriveResult
from roadworthy.drive.output.write import write_outputs
from roadworthy.drive.reading import ReadingRule, clearest
from roadworthy.drive.seen import Seen, Trail
from roadworthy.drive.tracking.tracker import Tracker
from roadworthy.drive.understanding import understand
from roadworthy.drive.watch import Watched, ahead
from roadworthy.inference.classifier import Classifier, load, model_file
from roadworthy.inference.finder import finder_file

NO_REGION = "default"
_OWN = {"events.csv", "events.jsonl", "limits.csv", "provenance.json", "journal.jsonl"}

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
    rate: frames a second of a folder whose frames are named by number.
    every: look at every so many frames; 2 is twice as quick.
    least_px: side in pixels of the smallest sign looked for.
    threads: that looking may use; 0 leaves it to the library that computes.
    video: write annotated.mp4, too: the film with its signs and the limit drawn in.
    resume: go on with a drive that was cut off, where it was.
    An interrupt (Ctrl-C) ends the watching and keeps what was seen up to there.
    """
    require("watching drives", "drive")
    out, rules = as_path(out), region_named(region or NO_REGION)
    journal_path = _claim(out, resume)
    classifier = load(reader, finder=finder, threads=threads)
    classifier.finder.rule  # noqa: B018 - says at once where there is none
    with notes.hearing() as said, open_film(place, at=at, rate=rate) as film:
        facts = _facts(place, film.about(), reader, finder, every=every, least_px=least_px)
        make_folder(out)
        watching = _Watching(film, classifier, every, least_px, progress)
        with Journal(journal_path, facts) as journal:
            watching.go(journal_path, journal, goes_on=resume)
        result = _understood(watching, classifier, gps, rules)
        result = replace(result, notes=tuple(said), provenance=_origin(result, command))
        write_outputs(out, result)
        write_json(dict(result.provenance), out / "provenance.json")
        if video:
            frames = boxes_by_frame(result.tracked())
            write_annotated(film, frames, result.limits, out / "annotated.mp4", every=every)
    return result


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
        self.film, self._every, self._progress = film, every, progress
        self._about = film.about()
        self._looker = Looker(classifier.finder, classifier.network, least_px=least_px)
        self.watched = Watched(Tracker(self._about.width, self._about.height))
        self.seconds, self.interrupted = 0.0, False

    def go(self, path: Path, journal: Journal, *, goes_on: bool) -> None:
        """Watch to the end, or to an interrupt before it."""
        last: View | None = None
        for view in views(path) if goes_on else ():
            self.watched.add(view)
            last = view
        began, before = time.perf_counter(), self.watched.frames
        try:
            for shot in ahead(self.film.shots(every=self._every, start_s=self.watched.until_s)):
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
            self.interrupted = True
        self.seconds = time.perf_counter() - began


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
    watching: _Watching, classifier: Classifier, gps: StrPath | None, rules: Region
) -> DriveResult:
    """The signs passed and what they mean for every second watched."""
    about, watched = watching.film.about(), watching.watched
    track = None if gps is None else _track(gps, about, watched)
    rule = ReadingRule(
        classes=classifier.classes,
        temperature=classifier.temperature,
        rejection=classifier.rejection,
        sure=classifier.finder.rule.sure,
    )
    scene = Scene(width=about.width, height=about.height, shifts=watched.shifts, track=track)
    end_s = watched.until_s + 1 / (about.rate or 30.0)  # what was not watched is not answered for
    understood = understand(watched.finish(), rule, scene, rules, end_s=end_s, start=about.created)
    return DriveResult(
        about=about,
        duration_s=end_s,
        events=understood.events,
        limits=understood.limits,
        trails={event.event: trail for event, trail in understood.found},
        classes=classifier.classes,
        crops=_pictures(watching, understood.found),
        track=track,
        lost=watching.film.lost,
        frames=watched.frames,
        seconds=watching.seconds,
        interrupted=watching.interrupted,
        region=rules.region,
    )


def _track(gps: StrPath, about: About, watched: Watched) -> Track:
    """Where the car was, in the film's seconds; by its motion where no clock says how the two belong."""
    place = about.place
    if str(gps) == AUTO and (is_live(place) or Path(place).is_dir()):
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


def _pictures(watching: _Watching, found: Iterable[tuple[DriveEvent, Trail]]) -> dict[str, bytes]:
    """Each event's picture; those from before an interruption are read from the film again."""
    film, pictures = watching.film, {}
    for event, trail in found:
        picture = watching.watched.pictures.get(trail.number)
        if picture is None and not is_live(film.about().place):
            picture = _picture_again(film, trail.seen[clearest(trail.seen)])
        if picture is not None:
            pictures[event.event] = picture
    return pictures


def _picture_again(film: Film, best: Seen) -> bytes | None:
    try:
        shot = next(film.shots(start_s=max(0.0, best.time_s - 1e-6)), None)
    except DataError:
        return None
    return None if shot is None else crop_jpeg(shot.image, best.box)
