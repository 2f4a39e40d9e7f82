"""`roadworthy study` and `report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    pass


verbs = typer.Typer()


@verbs.command(epilog=examples("roadworthy study baseline --data gtsrb: --quick"))
def study(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="See roadworthy list studies; default: all."),
    ] = None,
    data: DataOption = "",
    new: Annotated[
        list[str] | None,
        typer.Option("--new", metavar="SPEC", help="Another domain to measure on as well. Repeatable."),
    ] = None,
    cifar: Annotated[
        str, typer.Option("--cifar", metavar="SPEC", help="CIFAR-10, like cifar10:FILE: for gradient-norm.")
    ] = "",
    classes: Annotated[
        str, typer.Option("--classes", metavar="A,B,..", help="The task; default: the study's four classes.")
    ] = "speed-50,speed-60,stop,no-entry",
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="N", help="Trainings of each arm; default 5, quick 3.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small networks, seconds of training: an answer in minutes.")
    ] = False,
    samples: Annotated[
        int,
        typer.Option("--samples", metavar="N", help="Say also what N pictures of a domain would have said."),
    ] = 20,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="Trainings at once.")] = 1,
    on: Annotated[str, typer.Option("--on", metavar="local|ray", help="Where they run.")] = "local",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where everything goes.")] = Path(
        "studies"
    ),
    present: Annotated[
        Path | None,
        typer.Option(
            "--present",
            metavar="DIR",
            help="Train nothing; tell what gradient-norm's studies under --out found as a film in DIR.",
        ),
    ] = None,
    settings: SetOption = None,
) -> None:
    """Answer questions by trainings that differ in one thing.

    The same command goes on where it stopped.
    """
    if present is not None:
        _present(context, names or [], out, present)
        return
    from roadworthy import api
    from roadworthy.cli.progress import study_progress
    from roadworthy.report.study import answer
    from roadworthy.studies.plan import Ask

    if not (data or cifar):
        raise UsageError("no data given; name them with --data, like --data gtsrb:DIR or --data folder:DIR")
    ask = Ask(
        data=data,
        cifar=cifar,
        new=_domains(new or []),
        classes=names_in(classes) or (),
        seeds=seeds if seeds is not None else 3 if quick else 5,
        quick=quick,
        samples=samples,
        settings=tuple(settings or ()),
    )
    api.require_for_study(ask, on=on)  # at once, and before what it takes is imported
    from roadworthy.studies.executors import executor

    try:
        results = api.study(
            names or (),
            ask,
            out,
            executor=executor(on, jobs),
            watcher=study_progress(),
            command=command_line(),
        )
    except KeyboardInterrupt:
        say("stopped; the same command goes on from here")
        raise typer.Exit(INTERRUPTED) from None
    for result in results:
        print_prose(f"{result.study}: {result.question}")
        print_prose(answer(result.to_dict()), "  ")
        for claim in result.claims:
            print_prose(f"{claim.id} {claim.verdict}: {claim.text} {claim.evidence}", "  ")
    print_place(out)


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
    ignored = [
        name
        for name in context.params
        if name not in ("names", "out", "present")
        and (source := context.get_parameter_source(name)) is not None
        and source.name == "COMMANDLINE"
    ]
    if ignored:
        raise UsageError(
            f"--present trains nothing, so {', '.join(ignored)} would be ignored; give only --out with it"
        )
    presented = api.present(studies, out)
    for note in presented.notes:
        say(note)
    for path in presented.files:
        print_line(path)
    print_line(f"{presented.seconds:.0f} seconds")


@verbs.command(epilog=examples("roadworthy report runs/first"))
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run, evaluation or study folder.")],
) -> None:
    """Write report.html again from what a folder stores."""
    from roadworthy import api

    print_line(api.report(folder))
