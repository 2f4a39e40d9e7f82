"""What watching a folder of films prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from roadworthy.cli.printing import INTERRUPTED, print_table, say, say_error
from roadworthy.core.errors import RoadworthyError, UsageError
from roadworthy.core.words import duration, plural

if TYPE_CHECKING:
    from roadworthy.cli.progress import Watching
    from roadworthy.workflows.drive_films import FilmOutcome, FilmsDriven


def refuse_for_films(**given: Any) -> None:
    """Refuse options that are of one film alone."""
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{name} is of one film, and a folder of films was given; watch that film alone")


def drive_films(place: str, out: Path, **settings: Any) -> None:
    """Watch all films; a line for each that cannot be watched, and exit code 2 where there were some."""
    from roadworthy import api

    shown = _Progress()
    try:
        driven = api.drive_films(place, out, begins=shown.begins, ended=shown.ended, **settings)
    except KeyboardInterrupt:
        say("stopped; what was seen is kept, --resume goes on")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        shown.close()
    _print(driven)
    if driven.interrupted:
        raise typer.Exit(INTERRUPTED)
    if driven.failed:
        raise typer.Exit(RoadworthyError.exit_code)


class _Progress:
    """A line for each film, and a bar or lines while it is watched."""

    def __init__(self) -> None:
        self._bar: Watching | None = None

    def begins(self, number: int, of: int, film: str) -> Watching:
        """A film begins."""
        from roadworthy.cli.progress import Watching

        say(f"{number} of {of}: {film}")
        self._bar = Watching()
        return self._bar

    def ended(self, outcome: FilmOutcome) -> None:
        """A film ended; a bad one gets its line."""
        self.close()
        if outcome.state == "failed":
            say_error(f"{outcome.film}: {outcome.why}")
        else:
            how = "stopped after" if outcome.state == "stopped" else "watched,"
            say(f"{outcome.film}: {how} {duration(outcome.watched_s)}, {plural(outcome.signs, 'sign')}")

    def close(self) -> None:
        """Take the bar away, if there is one."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


def _print(driven: FilmsDriven) -> None:
    print_table(["film", "watched", "signs", ""], [_row(film) for film in driven.films], folded="film")
    done = [film for film in driven.films if film.state == "done"]
    kept = sum(film.kept for film in done)
    failed = f"; {plural(len(driven.failed), 'film')} could not be watched" if driven.failed else ""
    again = f", {kept:,} of them before" if kept else ""
    goes_on = "; stopped, --resume goes on" if driven.interrupted else ""
    say(f"{plural(len(done), 'film')} watched{again}{failed}{goes_on}; they are in {driven.out}")


def _row(film: FilmOutcome) -> list[str]:
    if film.state == "failed":
        return [film.film, "–", "–", "failed"]
    state = "as before" if film.kept else "" if film.state == "done" else film.state
    return [film.film, duration(film.watched_s), f"{film.signs:,}", state]
