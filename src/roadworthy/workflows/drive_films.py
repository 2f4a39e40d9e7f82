"""A folder of films, each watched into a folder of its own: one after the other here, or on a Ray cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from roadworthy.core import notes
from roadworthy.core.errors import ConfigError, DataError, RoadworthyError, UnknownNameError, UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import alone, as_file_name, make_folder, write_json
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.ray import connect, ray_or_say_so
from roadworthy.drive.film.live import is_live
from roadworthy.drive.gps.reading import AUTO, read_track
from roadworthy.drive.limits.regions import region_named
from roadworthy.drive.output.together import write_together
from roadworthy.drive.together import physical_signs, read_drive
from roadworthy.inference.classifier import model_file
from roadworthy.inference.finder import finder_file
from roadworthy.workflows.drive import NO_REGION, Progress, drive, fingerprint
from roadworthy.workflows.label_sources import FILMS

WHERE = ("local", "ray")
RECORD = "films.json"
"""What became of each film, beside the films' own folders."""
_TRACKS = (".gpx", ".nmea")
_ATTEMPTS = 3  # at a film whose worker dies; it goes on where its journal ends
_CORES = 2  # that a film takes on a cluster, where the user does not say
_ERRORS = (RoadworthyError, OSError, MemoryError, ValueError)

Begins = Callable[[int, int, str], Progress | None]
"""Called with the number of a film from 1, how many there are, and its name; what is told of its progress."""


@dataclass(frozen=True, kw_only=True)
class FilmOutcome:
    """What became of one film.

    film: its name.  folder: of its own in the folder of all.  state: `done`, `failed`, `stopped`.
    why: the line that says what was wrong, where it failed.  kept: whether an earlier command finished it.
    signs: events found.  watched_s: seconds of film.  settings: what the answer depends on.
    """

    film: str
    folder: str
    state: str
    why: str = ""
    kept: bool = False
    signs: int = 0
    watched_s: float = 0.0
    settings: Mapping[str, Any]


Ended = Callable[[FilmOutcome], None]


@dataclass(frozen=True, kw_only=True)
class FilmsDriven:
    """A folder of drives: what became of each film, in order of their names."""

    out: Path
    films: tuple[FilmOutcome, ...]

    @property
    def failed(self) -> tuple[FilmOutcome, ...]:
        """Those that could not be watched."""
        return tuple(film for film in self.films if film.state == "failed")

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before the last film's end."""
        return any(film.state == "stopped" for film in self.films)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """One film to be watched, as any process can."""

    film: Path
    out: Path
    gps: str | None
    looked_for: bool
    watching: Mapping[str, Any]
    settings: Mapping[str, Any]


def holds_films(place: str | Path) -> bool:
    """Whether a place is a folder of films; one of pictures alone is one drive's frames."""
    return not is_live(str(place)) and Path(place).is_dir() and bool(films_in(Path(place)))


def films_in(folder: Path) -> list[Path]:
    """The films that lie in a folder, by name; those of its own folders are not looked for."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file() and entry.name[0] != "."]
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror or error}") from error
    return [folder / name for name in sorted(names) if Path(name).suffix.lower() in FILMS]


def drive_films(
    place: StrPath,
    out: StrPath,
    *,
    on: str = "local",
    gps: StrPath | None = None,
    region: str | None = None,
    reader: StrPath | None = None,
    finder: StrPath | None = None,
    road_map: StrPath | None = None,
    school_days: StrPath | None = None,
    every: int = 1,
    least_px: float | None = None,
    threads: int = 0,
    video: bool = False,
    resume: bool = False,
    command: str = "",
    begins: Begins | None = None,
    ended: Ended | None = None,
) -> FilmsDriven:
    """Watch every film of a folder; a film that cannot be watched stops none of the others.

    place: a folder with films.  out: a folder for one of each film's name, with all that `drive` writes; and
        for signs.csv, signs.geojson (each physical sign once) and report.html of all of them.
    on: where films are watched: `local`, one after the other, or `ray`, the cluster that RAY_ADDRESS names,
        whose machines must all see the films, the models and the results.
    gps: one track for all films, or `auto`; by default each film's own: FILM.gpx or FILM.nmea beside it, else
        what its camera wrote into it, else none.
    threads: of each film; on a cluster the cores that a film takes (2 by default).
    resume: go on: finished films are left as they are, one that was cut off goes on where it was.
    begins, ended: told as films begin (here only) and end.
    The other settings are `drive`'s, for all films alike.
    """
    require("watching drives", "drive", *(["cluster"] if on == "ray" else []))
    if on not in WHERE:
        raise UnknownNameError("executor", on, WHERE)
    if on == "ray":
        ray_or_say_so("watching on Ray")  # before anything is planned
    folder, out = as_path(place), as_path(out)
    films = films_in(folder)
    if not films:
        raise DataError(f"{folder} holds no films ({', '.join(FILMS)}); name a film, or a folder with some")
    if out.resolve() == folder.resolve():
        raise UsageError(f"--out is the folder of films, {folder}; give another")
    region_named(region or NO_REGION)
    watching: dict[str, Any] = {
        "reader": _whole(reader),
        "finder": _whole(finder),
        "region": region,
        "every": every,
        "least_px": least_px,
        "threads": threads,
        "video": video,
        "command": command,
        "road_map": _whole(road_map),
        "school_days": _whole(school_days),
    }
    alike = {
        **{
            name: watching[name]
            for name in ("region", "every", "least_px", "road_map", "school_days", "video")
        },
        "reader": fingerprint(model_file(reader)),
        "finder": fingerprint(finder_file(finder)),
    }
    _claim(out, resume)
    with alone(make_folder(out)):
        before = {outcome.film: outcome for outcome in recorded(out)}
        tasks = [_task(film, out / name, gps, watching, alike) for film, name in _named(films).items()]
        outcomes = {task.film.name: before[task.film.name] for task in tasks if task.film.name in before}
        todo = [task for task in tasks if not _is_done(task, before.get(task.film.name))]
        for name in {task.film.name for task in tasks} - {task.film.name for task in todo}:
            outcomes[name] = replace(before[name], kept=True)
        _record(out, list(outcomes.values()))  # before the first frame, so that --resume knows the folder
        watched = _here(todo, len(films), begins) if on == "local" else _on_ray(todo, threads)
        for outcome in watched:
            outcomes[outcome.film] = outcome
            _record(out, [outcomes[film.name] for film in films if film.name in outcomes])
            if ended is not None:
                ended(outcome)
        driven = FilmsDriven(
            out=out, films=tuple(outcomes[film.name] for film in films if film.name in outcomes)
        )
        _put_together(driven)
    return driven


def _put_together(driven: FilmsDriven) -> None:
    """Write what all films that were watched come to together."""
    drives = [read_drive(driven.out / film.folder) for film in driven.films if film.state == "done"]
    failed = [(film.film, film.why) for film in driven.failed]
    write_together(driven.out, drives, physical_signs(drives), failed)


def recorded(out: Path) -> list[FilmOutcome]:
    """What became of each film that a folder of drives holds, as it was written there."""
    try:
        tree = json.loads((out / RECORD).read_text(encoding="utf-8"))
        return [FilmOutcome(**film) for film in tree["films"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{out / RECORD} cannot be read: {error}; remove it, and --resume looks anew"
        ) from error


def _record(out: Path, outcomes: Sequence[FilmOutcome]) -> None:
    write_json({"films": [{**asdict(one), "kept": False} for one in outcomes]}, out / RECORD)


def _whole(path: StrPath | None) -> str | None:
    """A path that means the same in another process; names of models stay."""
    if path is None:
        return None
    return str(Path(path).resolve()) if Path(path).exists() else str(path)


def _claim(out: Path, resume: bool) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; give --out a folder")
    there = sorted(path.name for path in out.iterdir() if path.name[0] != ".") if out.is_dir() else []
    if (out / "journal.jsonl").is_file():
        raise ConfigError(f"{out} holds the drive of one film; give --out another folder")
    ours = RECORD in there or any((out / name / "journal.jsonl").is_file() for name in there)
    if ours and not resume:
        raise ConfigError(f"{out} already holds drives; give another --out, or --resume to go on with them")
    if there and not ours and not resume:
        raise ConfigError(f"{out} is not empty: it holds {notes.some(there, 3)}; give --out a new folder")
    if resume and not ours:
        raise ConfigError(f"{out} holds no drives to go on with; start there without --resume")


def _named(films: Sequence[Path]) -> dict[Path, str]:
    """Each film's folder: its name without its ending, or with it where two would share one."""
    short = [as_file_name(film.stem).casefold() for film in films]
    names = {
        film: as_file_name(film.stem if short.count(name) == 1 else film.name)
        for film, name in zip(films, short, strict=True)
    }
    if len({name.casefold() for name in names.values()}) < len(names):
        raise DataError(f"films of {films[0].parent} would share a folder by their names; rename one of them")
    return names


def _task(
    film: Path, out: Path, gps: StrPath | None, watching: Mapping[str, Any], alike: Mapping[str, Any]
) -> _Task:
    place = _beside(film) if gps is None else str(gps) if str(gps) == AUTO else _whole(gps)
    track = place if place in (None, AUTO) else _state(Path(str(place)))
    return _Task(
        film=film.resolve(),
        out=out.resolve(),
        gps=place,
        looked_for=gps is None,
        watching=watching,
        settings={**alike, "film": _state(film), "gps": track},
    )


def _beside(film: Path) -> str:
    """The track that bears a film's name, else what the film itself may hold."""
    for suffix in _TRACKS:
        for name in (f"{film.stem}{suffix}", f"{film.stem}{suffix.upper()}", f"{film.name}{suffix}"):
            if (film.parent / name).is_file():
                return str((film.parent / name).resolve())
    return AUTO


def _state(path: Path) -> str:
    try:
        said = path.stat()
    except OSError:
        return f"{path.name}, missing"
    return f"{path.name}, {said.st_size} bytes, {said.st_mtime_ns}"


def _is_done(task: _Task, before: FilmOutcome | None) -> bool:
    """Whether an earlier command answered the same of the same film, and its files are still there."""
    if before is None or before.state != "done" or before.settings != task.settings:
        return False
    files = ["events.csv", "limits.csv", "report.html", "provenance.json"]
    files += ["annotated.mp4"] if task.watching["video"] else []
    return all((task.out / name).is_file() for name in files)


def _watch(task: _Task, progress: Progress | None = None) -> FilmOutcome:
    """Watch one film; what is wrong with it is its outcome, and no error."""
    outcome = partial(FilmOutcome, film=task.film.name, folder=task.out.name, settings=task.settings)
    watching = dict(task.watching)
    try:
        gps = _own_track(task) if task.looked_for else task.gps
        if gps is None:
            watching["road_map"] = None  # which tells limits by position
        resume = (task.out / "journal.jsonl").is_file()
        result = drive(task.film, task.out, gps=gps, resume=resume, progress=progress, **watching)
    except _ERRORS as error:
        line = " ".join(str(error).split()) or type(error).__name__
        return outcome(state="failed", why=line)
    state = "stopped" if result.interrupted else "done"
    return outcome(state=state, signs=len(result.events), watched_s=round(result.duration_s, 3))


def _own_track(task: _Task) -> str | None:
    """The track found for a film; None where the film holds none that is read."""
    if task.gps != AUTO:
        return task.gps
    try:
        with notes.aloud(lambda note: None):  # `drive` reads it again, and says them
            read_track(AUTO, task.film)
    except DataError:
        return None
    return AUTO


def _here(tasks: Sequence[_Task], of: int, begins: Begins | None) -> Iterator[FilmOutcome]:
    """One after the other, until one is stopped."""
    for number, task in enumerate(tasks, start=of - len(tasks) + 1):
        outcome = _watch(task, None if begins is None else begins(number, of, task.film.name))
        yield outcome
        if outcome.state == "stopped":
            return


def _on_ray(tasks: Sequence[_Task], threads: int) -> Iterator[FilmOutcome]:
    """As many at once as the cluster has cores for, as they end; a film whose worker dies goes on."""
    if not tasks:
        return
    ray = connect("watching on Ray")
    try:
        cores = min(threads or _CORES, max(1, int(ray.cluster_resources().get("CPU", 1))))
        watch = ray.remote(num_cpus=cores, max_retries=_ATTEMPTS - 1)(_watch)
        tasks = [replace(task, watching={**task.watching, "threads": cores}) for task in tasks]
        running = {watch.remote(task): task for task in tasks}
        while running:
            (handle,), _ = ray.wait(list(running), num_returns=1)
            task = running.pop(handle)
            try:
                yield ray.get(handle)
            except ray.exceptions.RayError as error:
                lost = (str(error).strip() or type(error).__name__).splitlines()[-1]
                yield FilmOutcome(
                    film=task.film.name,
                    folder=task.out.name,
                    state="failed",
                    why=f"the cluster lost it: {lost}; --resume goes on with it",
                    settings=task.settings,
                )
    finally:
        ray.shutdown()
