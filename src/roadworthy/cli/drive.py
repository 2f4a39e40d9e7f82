"""`roadworthy drive`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadworthy.cli.described import Described, argument, option, setting
from roadworthy.cli.options import command_line, examples
from roadworthy.cli.printing import INTERRUPTED, print_line, print_table, say
from roadworthy.core.errors import UsageError
from roadworthy.core.words import duration, plural

if TYPE_CHECKING:
    from roadworthy.drive.events.event import DriveEvent
    from roadworthy.drive.limits.machine import LimitRow
    from roadworthy.drive.output.result import DriveResult

verbs = typer.Typer()

_SHOWN = 20  # signs in the table; all are in events.csv

FilmArgument = Annotated[
    str,
    argument(
        "workflows.drive:drive.place",
        metavar="FILM|DIR|camera:N|rtsp://...",
        says="{} Or a folder of films.",
    ),
]
OutOption = Annotated[Path, setting("workflows.drive:drive.out", "--out", metavar="DIR")]
ReaderOption = Annotated[str | None, setting("workflows.drive:drive.reader", "--reader", metavar="MODEL")]
FinderOption = Annotated[str | None, setting("workflows.drive:drive.finder", "--finder", metavar="MODEL")]
GpsOption = Annotated[
    str | None,
    setting(
        "workflows.drive:drive.gps",
        "--gps",
        metavar="FILE|auto",
        says="{} Of a folder of films each has its own by default: FILM.gpx, FILM.nmea, or within it.",
    ),
]
RegionOption = Annotated[str | None, setting("workflows.drive:drive.region", "--region", metavar="NAME")]
AtOption = Annotated[str | None, setting("workflows.drive:drive.at", "--at", metavar="TIME")]
CorrectionsOption = Annotated[
    str | None, setting("workflows.drive:drive.corrections", "--corrections", metavar="FILE")
]
MapOption = Annotated[str | None, setting("workflows.drive:drive.road_map", "--map", metavar="FILE")]
SchoolDaysOption = Annotated[
    str | None, setting("workflows.drive:drive.school_days", "--school-days", metavar="FILE")
]
RateOption = Annotated[float | None, setting("workflows.drive:drive.rate", "--rate", metavar="FPS")]
EveryOption = Annotated[int, option("workflows.drive:drive.every", "--every", metavar="N", min=1)]
SmallestOption = Annotated[
    float | None, setting("workflows.drive:drive.least_px", "--smallest", metavar="PX")
]
ThreadsOption = Annotated[int, option("workflows.drive:drive.threads", "--threads", metavar="N", min=0)]
VideoOption = Annotated[bool, setting("workflows.drive:drive.video", "--video")]
ResumeOption = Annotated[bool, setting("workflows.drive:drive.resume", "--resume")]
WhereOption = Annotated[
    str,
    option(
        "workflows.drive_films:drive_films.on", "--on", metavar="local|ray", says="Of a folder of films: {}"
    ),
]


@verbs.command(
    cls=Described,
    epilog=examples(
        "roadworthy drive film.mp4 --out drives/first",
        "roadworthy drive film.mp4 --gps track.gpx --region au-vic --out drives/gps",
        "roadworthy drive films/ --region au-vic --out drives/all",
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
    corrections: CorrectionsOption = None,
    road_map: MapOption = None,
    school_days: SchoolDaysOption = None,
    rate: RateOption = None,
    every: EveryOption,
    smallest: SmallestOption = None,
    threads: ThreadsOption,
    video: VideoOption = False,
    resume: ResumeOption = False,
    on: WhereOption,
) -> None:
    """Watch a film: each sign once, and the limit at every second.

    It prints the signs passed and the limits, and writes both, a report (report.html), a map (signs.geojson)
    and more into --out.  A sign is sure where its class is; one that is not for us stands at another road,
    or moves with the traffic.  Ctrl-C keeps what was seen up to there, and --resume goes on.
    Of a folder of films each is watched into a folder of its own.
    """
    from roadworthy import api
    from roadworthy.cli.drive_films import drive_films, refuse_for_films
    from roadworthy.cli.progress import Watching
    from roadworthy.workflows.drive_films import holds_films

    if holds_films(film):
        refuse_for_films(**{"--at": at, "--corrections": corrections, "--rate": rate})
        drive_films(
            film,
            out,
            on=on,
            gps=gps,
            region=region,
            reader=reader,
            finder=finder,
            road_map=road_map,
            school_days=school_days,
            every=every,
            least_px=smallest,
            threads=threads,
            video=video,
            resume=resume,
            command=command_line(),
        )
        return
    if on != "local":
        raise UsageError(f"--on {on} is for folders of films, and {film} is none; leave it out")
    try:
        with Watching() as progress:
            result = api.drive(
                film,
                out,
                reader=reader,
                finder=finder,
                gps=gps,
                region=region,
                at=None if at is None else _moment(at),
                corrections=corrections,
                road_map=road_map,
                school_days=school_days,
                rate=rate,
                every=every,
                least_px=smallest,
                threads=threads,
                video=video,
                resume=resume,
                command=command_line(),
                progress=progress,
            )
    except KeyboardInterrupt:
        kept = "; what was seen is kept, --resume goes on" if (out / "journal.jsonl").is_file() else ""
        say(f"stopped{kept}")
        raise typer.Exit(INTERRUPTED) from None
    _print(result, out)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--at is {text!r}; write the time at which the film began like 2026-11-30T08:15:00+11:00"
        ) from None


def _print(result: DriveResult, out: Path) -> None:
    """The signs passed and what held, within 80 columns, and where the rest is."""
    from roadworthy.drive.film.live import is_live

    if result.events:
        print_table(
            ["event", "passed, s", "sign", "confidence", "sure", "side", "for us"],
            [_sign(event) for event in result.events[:_SHOWN]],
            folded="sign",
        )
        _print_more(len(result.events), out / "events.csv")
        print_line("")
    print_table(
        ["from, s", "to, s", "limit, km/h", "because"],
        [_limit(row) for row in result.limits[:_SHOWN]],
        folded="because",
    )
    _print_more(len(result.limits), out / "limits.csv")
    lost = f"; {plural(result.lost, 'frame')} could not be decoded" if result.lost else ""
    if result.interrupted:
        whole_s = result.about.duration_s
        of = f" of {duration(whole_s)}" if whole_s else ""
        goes_on = "" if is_live(result.about.place) else "; --resume goes on from there"
        say(f"stopped after {duration(result.duration_s)}{of} of film{goes_on}")
    rate = f", {result.looked / result.seconds:.1f} a second" if result.seconds else ""
    say(
        f"{plural(len(result.events), 'sign')} in {duration(result.duration_s)} of film "
        f"({plural(result.frames, 'frame')}{rate}){lost}; the report is {out / 'report.html'}"
    )


def _print_more(number: int, path: Path) -> None:
    if number > _SHOWN:
        print_line(f"and {number - _SHOWN:,} more, in {path}")


def _sign(event: DriveEvent) -> list[str]:
    from roadworthy.drive.limits.events import plates_text

    conditions = [f"{event.zone} zone"] if event.zone else []
    conditions += [f"plate: {plates_text(event.plates)}"] if event.plates else []
    return [
        event.event,
        f"{event.passed_s:.1f}",
        f"{event.sign} ({', '.join(conditions)})" if conditions else event.sign,
        f"{event.confidence:.2f}",
        "yes" if event.accepted else "no",
        event.side or "",
        "yes" if event.counts else "no",
    ]


def _limit(row: LimitRow) -> list[str]:
    return [
        f"{row.from_s:.1f}",
        f"{row.to_s:.1f}",
        row.state if row.limit is None else str(row.limit),
        ", ".join(filter(None, (row.event, row.condition))) or row.state,
    ]
