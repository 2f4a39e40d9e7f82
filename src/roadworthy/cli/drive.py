"""`roadworthy drive`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadworthy.cli.described import Described, argument, option, setting
from roadworthy.cli.options import command_line, examples
from roadworthy.cli.printing import print_line, print_table, say
from roadworthy.core.errors import UsageError
from roadworthy.core.words import duration, plural

if TYPE_CHECKING:
    from roadworthy.drive.output.result import DriveResult

verbs = typer.Typer()

_SHOWN = 20  # signs in the table; all are in events.csv

FilmArgument = Annotated[str, argument("workflows.drive:drive.place", metavar="FILM|DIR|camera:N|rtsp://...")]
OutOption = Annotated[Path, setting("workflows.drive:drive.out", "--out", metavar="DIR")]
ReaderOption = Annotated[str | None, setting("workflows.drive:drive.reader", "--reader", metavar="MODEL")]
FinderOption = Annotated[str | None, setting("workflows.drive:drive.finder", "--finder", metavar="MODEL")]
GpsOption = Annotated[str | None, setting("workflows.drive:drive.gps", "--gps", metavar="FILE|auto")]
RegionOption = Annotated[str | None, setting("workflows.drive:drive.region", "--region", metavar="NAME")]
AtOption = Annotated[str | None, setting("workflows.drive:drive.at", "--at", metavar="TIME")]
RateOption = Annotated[float | None, setting("workflows.drive:drive.rate", "--rate", metavar="FPS")]
EveryOption = Annotated[int, option("workflows.drive:drive.every", "--every", metavar="N", min=1)]
SmallestOption = Annotated[
    float | None, setting("workflows.drive:drive.least_px", "--smallest", metavar="PX")
]
ThreadsOption = Annotated[int, option("workflows.drive:drive.threads", "--threads", metavar="N", min=0)]
VideoOption = Annotated[bool, setting("workflows.drive:drive.video", "--video")]
ResumeOption = Annotated[bool, setting("workflows.drive:drive.resume", "--resume")]


@verbs.command(
    cls=Described,
    epilog=examples(
        "roadworthy drive film.mp4 --out drives/first",
        "roadworthy drive film.mp4 --gps track.gpx --region au-vic --out drives/second",
    ),
)
def drive(
    *,
    film: FilmArgument,
    out: OutOption,
    reader: ReaderOption = None,
    finder: FinderOption = None,
    gps: GpsOption = None,
    region: RegionOption = None,
    at: AtOption = None,
    rate: RateOption = None,
    every: EveryOption,
    smallest: SmallestOption = None,
    threads: ThreadsOption,
    video: VideoOption = False,
    resume: ResumeOption = False,
) -> None:
    """Watch a film: each sign once, and the limit that holds at every second."""
    from roadworthy import api
    from roadworthy.cli.progress import Watching

    with Watching() as progress:
        result = api.drive(
            film,
            out,
            reader=reader,
            finder=finder,
            gps=gps,
            region=region,
            at=None if at is None else _moment(at),
            rate=rate,
            every=every,
            least_px=smallest,
            threads=threads,
            video=video,
            resume=resume,
            command=command_line(),
            progress=progress,
        )
    _print(result, out)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--at is {text!r}; write the time at which the film began like 2026-11-30T08:15:00+11:00"
        ) from None


def _print(result: DriveResult, out: Path) -> None:
    """The signs passed and what held, within 80 columns."""
    rows = [
        [
            f"{event.passed_s:.1f}",
            event.sign,
            f"{event.confidence:.2f}",
            "yes" if event.accepted else "no",
            event.side or "",
            "" if event.counts else "not for us",
        ]
        for event in result.events[:_SHOWN]
    ]
    if rows:
        print_table(["passed, s", "sign", "confidence", "sure", "side", ""], rows)
        if len(result.events) > _SHOWN:
            print_line(f"and {len(result.events) - _SHOWN} more, in {out / 'events.csv'}")
        print_line("")
    print_table(
        ["from, s", "to, s", "limit", "because"],
        [
            [
                f"{row.from_s:.1f}",
                f"{row.to_s:.1f}",
                "unknown" if row.limit is None and row.state == "unknown" else str(row.limit or row.state),
                row.event or row.condition or row.state,
            ]
            for row in result.limits[:_SHOWN]
        ],
    )
    rate = result.frames / max(result.seconds, 1e-9)
    ended = f"stopped after {result.duration_s:.0f} s of it; " if result.interrupted else ""
    lost = f", {plural(result.lost, 'frame')} could not be decoded" if result.lost else ""
    say(
        f"{plural(len(result.events), 'sign')} in {plural(result.frames, 'frame')} ({rate:.1f} a second, "
        f"{duration(result.seconds)}){lost}; {ended}all is in {out}, see report.html"
    )
