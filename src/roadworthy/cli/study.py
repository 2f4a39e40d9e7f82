"""`roadworthy study` and `report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadworthy.cli.described import Described, argument, option, setting
from roadworthy.cli.options import (
    DataOption,
    SetOption,
    command_line,
    examples,
    names_in,
)
from roadworthy.cli.printing import (
    INTERRUPTED,
    print_line,
    print_place,
    print_prose,
    say,
)
from roadworthy.core.errors import UsageError

if TYPE_CHECKING:
    from roadworthy.studies.plan import StudyRequest
    from roadworthy.studies.results import StudyResult

verbs = typer.Typer()

SEEDS_IF_QUICK = 3


NamesArgument = Annotated[list[str] | None, argument("studies.study:study.names", metavar="[NAME]...")]
NewOption = Annotated[
    list[str] | None, setting("studies.plan:StudyRequest.new", "--new", metavar="SPEC", says="{} Repeatable.")
]
CifarOption = Annotated[str, option("studies.plan:StudyRequest.cifar", "--cifar", metavar="SPEC")]
TaskOption = Annotated[str, option("studies.plan:StudyRequest.classes", "--classes", metavar="A,B,..")]
SeedsOption = Annotated[
    int | None,
    setting(
        "studies.plan:StudyRequest.seeds", "--seeds", metavar="N", says="{} With --quick the default is 3."
    ),
]
QuickOption = Annotated[bool, setting("studies.plan:StudyRequest.quick", "--quick")]
SamplesOption = Annotated[int, option("studies.plan:StudyRequest.samples", "--samples", metavar="N")]
AtOnceOption = Annotated[int, setting("studies.executors:executor.processes", "--jobs", metavar="N")]
WhereOption = Annotated[str, setting("studies.executors:executor.on", "--on", metavar="local|ray")]
StudiesOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for all results.")]
PresentOption = Annotated[
    Path | None,
    typer.Option(
        "--present",
        metavar="DIR",
        help="Train nothing; make a film in DIR of what the gradient-norm studies under --out found.",
    ),
]
KeepOption = Annotated[
    Path | None,
    typer.Option(
        "--keep",
        metavar="DIR",
        help="Train nothing; pack what the studies under --out measured into DIR, NAME.tar.xz for each.",
    ),
]
StoryOption = Annotated[
    Path | None,
    typer.Option(
        "--story",
        metavar="FILE",
        help="Train nothing; write one page that answers the study's questions from the results under --out.",
    ),
]


@verbs.command(cls=Described, epilog=examples("roadworthy study baseline --data gtsrb: --quick"))
def study(
    *,
    context: typer.Context,
    names: NamesArgument = None,
    data: DataOption = "",
    new: NewOption = None,
    cifar: CifarOption,
    classes: TaskOption,
    seeds: SeedsOption = None,
    quick: QuickOption = False,
    samples: SamplesOption,
    jobs: AtOnceOption = 1,
    on: WhereOption = "local",
    out: StudiesOption = Path("studies"),
    present: PresentOption = None,
    keep: KeepOption = None,
    story: StoryOption = None,
    settings: SetOption = None,
) -> None:
    """Answer questions by training networks that differ in one thing.

    A study that was interrupted continues where it stopped: give the same command again.
    """
    if present is not None:
        _present(context, names or [], out, present)
        return
    if story is not None:
        _tell(context, out, story)
        return
    if keep is not None:
        _keep(context, names or [], out, keep)
        return
    from roadworthy.studies.plan import StudyRequest

    if not (data or cifar):
        raise UsageError("no data given; name them with --data, like --data gtsrb:DIR or --data folder:DIR")
    ask = StudyRequest(
        data=data,
        cifar=cifar,
        new=_domains(new or []),
        classes=names_in(classes) or (),
        seeds=seeds if seeds is not None else SEEDS_IF_QUICK if quick else StudyRequest.seeds,
        quick=quick,
        samples=samples,
        settings=tuple(settings or ()),
    )
    for result in _results(names or [], ask, out, on, jobs):
        _print_result(result)
    print_place(out)


def _results(names: list[str], ask: StudyRequest, out: Path, on: str, jobs: int) -> list[StudyResult]:
    """Train where progress is seen; an interrupt says how to continue."""
    from roadworthy import api
    from roadworthy.cli.study_progress import study_progress

    api.require_for_study(ask, on=on)  # at once, and before what it takes is imported
    from roadworthy.studies.executors import executor
    from roadworthy.studies.questions.catalogue import STUDIES

    for name in names:
        STUDIES.get(name)
    own = executor(on, jobs)
    say(f"opening {', '.join(spec for spec in (ask.data, *ask.new.values(), ask.cifar) if spec)}")
    try:
        return api.study(
            names,
            ask,
            out,
            executor=own,
            watcher=study_progress(),
            command=command_line(),
        )
    except KeyboardInterrupt:
        say("stopped; the same command continues from here")
        raise typer.Exit(INTERRUPTED) from None


def _print_result(result: StudyResult) -> None:
    from roadworthy.report.study import answer

    print_prose(f"{result.study}: {result.question}")
    print_prose(answer(result.to_dict()), "  ")
    for claim in result.claims:
        print_prose(f"{claim.id} {claim.verdict}: {claim.text} {claim.evidence}", "  ")


def _domains(specs: list[str]) -> dict[str, str]:
    """Other domains by a short name: the last part of the place, numbered where two are alike."""
    from roadworthy.core.files import is_file_name

    named: dict[str, str] = {}
    for spec in specs:
        source, _, place = spec.partition(":")
        last = Path(place.partition("?")[0]).name
        last = last if is_file_name(last) else source
        name, number = last, 2
        while name in named:
            name, number = f"{last}-{number}", number + 1
        named[name] = spec
    return named


def _present(context: typer.Context, names: list[str], studies: Path, out: Path) -> None:
    """A film from results; whatever else is given would be ignored, so that it is an error."""
    from roadworthy import api
    from roadworthy.studies.film.read import FILMED

    other = [name for name in names if name not in FILMED]
    if other:
        raise UsageError(f"there is no film of {', '.join(other)}, only of {', '.join(FILMED)}")
    _refuse_others(context, "present", "names")
    presented = api.present(studies, out)
    for note in presented.notes:
        say(note)
    for path in presented.files:
        print_line(path)
    print_line(f"{presented.seconds:.0f} seconds")


def _tell(context: typer.Context, studies: Path, out: Path) -> None:
    """A page from results, with the same rule."""
    from roadworthy import api

    _refuse_others(context, "story")
    told = api.tell(studies, out)
    for note in told.notes:
        say(note)
    print_line(told.file)


def _keep(context: typer.Context, names: list[str], studies: Path, out: Path) -> None:
    """An archive for each study."""
    from roadworthy import api

    _refuse_others(context, "keep", "names")
    for path in api.keep(names, studies, out):
        print_line(path)


def _refuse_others(context: typer.Context, option: str, *used: str) -> None:
    """UsageError where something is given that an option which trains nothing would ignore."""
    ignored = [
        name
        for name in context.params
        if name not in ("out", option, *used)
        and (source := context.get_parameter_source(name)) is not None
        and source.name == "COMMANDLINE"
    ]
    if ignored:
        raise UsageError(
            f"--{option} trains nothing, so {', '.join(ignored)} would be ignored; give only --out with it"
        )


PlacesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="DIR|ARCHIVE...",
        help="A run, evaluation or study folder; or archives that `roadworthy study --keep` made.",
    ),
]
UnpackedOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder to unpack archives into.")
]


@verbs.command(
    cls=Described,
    epilog=examples("roadworthy report runs/first", "roadworthy report kept/*.tar.xz --out studies"),
)
def report(places: PlacesArgument, out: UnpackedOption = None) -> None:
    """Write report.html again from what a folder or archives store.

    Verdicts of studies are computed anew from their stored trainings, without torch or data.
    """
    from roadworthy import api

    if out is not None:
        api.unpack(places, out)
    elif len(places) > 1 or places[0].is_file():
        raise UsageError(
            f"{places[0]} arrived without --out DIR; archives need it, for they are unpacked there"
        )
    print_line(api.report(out or places[0]))
