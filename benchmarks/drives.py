"""Drawn drives as the benchmarks of drives use them: drawn, watched and measured, each part once.

A folder of them holds drives/NAME (truth, track, and the film unless it was taken away) and driven/NAME, what
`roadworthy drive` wrote, with the journal of all that its frames showed.  What is there already is kept, so a
command that was cut off goes on where it was.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roadworthy.core.provenance import provenance_of
from roadworthy.core.words import percent
from roadworthy.drive.events.tables import read_events
from roadworthy.drive.gps.reading import read_track
from roadworthy.drive.gps.track import Track, placed_by_clock
from roadworthy.drive.journal import views
from roadworthy.drive.kpi.measures import DrivenDrive
from roadworthy.drive.kpi.truth import DriveTruth, film_in, is_truth, read_truth
from roadworthy.drive.limits.tables import read_limits
from roadworthy.drive.meaning import Scene
from roadworthy.drive.seen import Trail
from roadworthy.drive.tracking.tracker import Tracker
from roadworthy.drive.watch import Watched
from roadworthy.evaluate.detection.results import Measured
from roadworthy.workflows.drawn_drives import render_drives
from roadworthy.workflows.drive import drive

JOURNAL, DONE = "journal.jsonl", "provenance.json"
ORIGIN = provenance_of(" ".join(["python", *sys.argv]))  # as it began: a long run may outlive its checkout


def say(text: str) -> None:
    """Progress, on stderr, at once."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class Task:
    """One drive to be drawn and watched.

    name: of its folders.  film: of the drive that is watched, where several tasks watch one.
    spec: what is drawn, `drive:au?...`.  settings: of watching, like `every`.
    """

    name: str
    spec: str
    film: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def drawn(self) -> str:
        """The name of the folder with its film and truth."""
        return self.film or self.name


def spec_of(**settings: object) -> str:
    """A spec of a drawn drive; settings that are None are left out."""
    told = "&".join(f"{name}={value}" for name, value in settings.items() if value is not None)
    return f"drive:au?{told}"


def watch_all(tasks: Sequence[Task], out: Path, *, keep_films: bool, **settings: Any) -> None:
    """Draw and watch what is not there yet, drive by drive; an interrupt ends it between frames.

    keep_films: else a film is taken away when all tasks that watch it are done.
    """
    began, seconds = time.perf_counter(), 0.0
    for number, task in enumerate(tasks, start=1):
        driven = out / "driven" / task.name
        if not is_done(driven):
            _watch(task, out, **settings)
            seconds = time.perf_counter() - began
        left = (
            "" if not seconds else f", {seconds / number * (len(tasks) - number) / 60:.0f} min left or less"
        )
        say(f"{number} of {len(tasks)} drives are done ({task.name}{left})")
        if not keep_films and all(is_done(out / "driven" / t.name) for t in tasks if t.drawn == task.drawn):
            _take_away_film(out / "drives" / task.drawn)


def is_done(driven: Path) -> bool:
    """Whether a drive was watched to its end."""
    try:
        return not json.loads((driven / DONE).read_text(encoding="utf-8"))["interrupted"]
    except (OSError, ValueError, KeyError):
        return False


def _watch(task: Task, out: Path, **settings: Any) -> None:
    drawn, driven = out / "drives" / task.drawn, out / "driven" / task.name
    if not (is_truth(drawn) and film_in(drawn)):
        for folder in (drawn, driven):  # a journal of a film that was drawn anew is of another film
            shutil.rmtree(folder, ignore_errors=True)
        say(f"drawing {task.spec}")
        render_drives(task.spec, drawn)
    truth = read_truth(drawn)
    assert truth.film is not None
    say(f"watching {task.name}: {truth.length_s:.0f} s of film")
    result = drive(
        truth.film,
        driven,
        gps=truth.gps,
        region=truth.about.region,
        at=truth.about.began,
        resume=(driven / JOURNAL).is_file(),
        command=" ".join(sys.argv),
        **{**settings, **task.settings},
    )
    if result.interrupted:
        raise KeyboardInterrupt
    say(f"{len(result.events)} signs, {result.frames / max(result.seconds, 1e-9):.1f} frames a second")


def _take_away_film(drawn: Path) -> None:
    film = film_in(drawn)
    if film is not None and film.is_file():
        film.unlink()


def measured(tasks: Iterable[Task], out: Path) -> list[DrivenDrive]:
    """The truth of drives and what was found in them, in the order of the tasks."""
    return [
        DrivenDrive(
            truth=read_truth(out / "drives" / task.drawn),
            events=tuple(read_events(out / "driven" / task.name / "events.csv")),
            limits=tuple(read_limits(out / "driven" / task.name / "limits.csv")),
        )
        for task in tasks
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Replay:
    """A drive as its journal has it, tracked again.

    trails, scene: of all its frames.  end_s: until when it was watched.
    """

    truth: DriveTruth
    trails: list[Trail]
    scene: Scene
    end_s: float


def replayed(truth: DriveTruth, driven: Path) -> Replay:
    """Track a drive again, from its journal alone."""
    film = json.loads((driven / DONE).read_text(encoding="utf-8"))["film"]
    width, height = film["width"], film["height"]
    watched = Watched(Tracker(width, height))
    for view in views(driven / JOURNAL):
        watched.add(view)
    return Replay(
        truth=truth,
        trails=watched.finish(),
        scene=Scene(width=width, height=height, track=_track(truth, watched.until_s)),
        end_s=watched.until_s + 1 / (film["rate"] or 30.0),
    )


def _track(truth: DriveTruth, until_s: float) -> Track | None:
    if truth.gps is None:
        return None
    track = read_track(truth.gps)
    if track.placed or truth.about.began is None:
        return track
    return placed_by_clock(track, truth.about.began, until_s)


def drives_in(out: Path) -> Iterator[tuple[DriveTruth, Path]]:
    """The truth and the driven folder of each drive of a folder that was watched to its end."""
    for driven in sorted((out / "driven").iterdir()):
        if is_done(driven) and is_truth(out / "drives" / driven.name):
            yield read_truth(out / "drives" / driven.name), driven


# What tables show


def share(one: Measured, digits: int = 1) -> str:
    """A share with its interval, in percent."""
    if one.value is None:
        return "–"
    if one.ci95 is None:
        return percent(one.value, digits)
    low, high = (f"{100 * end:.{digits}f}" for end in one.ci95)
    return f"{percent(one.value, digits)} ({low} to {high})"


def number(one: Measured, unit: str = "") -> str:
    """A number with its interval."""
    if one.value is None:
        return "–"
    ends = "" if one.ci95 is None else f" ({one.ci95[0]:.2f} to {one.ci95[1]:.2f})"
    return f"{one.value:.2f}{unit}{ends}"


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines)


def write_results(out: Path, name: str, tree: Mapping[str, Any], tables: Sequence[str]) -> None:
    """NAME.json and NAME.md in a folder, with where they come from; the tables are printed, too."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"provenance": ORIGIN, **tree}, indent=1, default=str)
    (out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    body = "\n\n".join([f"`{ORIGIN['command']}` (commit {ORIGIN.get('commit') or 'unknown'})", *tables])
    (out / f"{name}.md").write_text(body + "\n", encoding="utf-8")
    print("\n\n".join(tables))
