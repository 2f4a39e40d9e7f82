"""`roadworthy predict`, `serve` and `export`."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadworthy.cli.options import (
    LabelsOption,
    command_line,
    data_from,
    examples,
)
from roadworthy.cli.printing import (
    PREDICTION_WRITERS,
    PredictFormat,
    _csv,
    _table,
    print_line,
    print_table,
    say,
)
from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.paths import as_path
from roadworthy.core.words import interval, percent, plural

if TYPE_CHECKING:
    from roadworthy.inference.answers import Row


verbs = typer.Typer()


@verbs.command(
    epilog=examples(
        "roadworthy predict photo.jpg",
        "roadworthy predict street.jpg --find",
        'roadworthy predict runs/first "photos/*.jpg" --format jsonl',
    )
)
def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="[MODEL] IMAGE|DIR|GLOB...", help="What to classify; a MODEL may come first."),
    ],
    top: Annotated[
        int,
        typer.Option("--top", metavar="K", min=1, help="How many answers a picture gets, likeliest first."),
    ] = 3,
    find: Annotated[
        bool, typer.Option("--find", help="Find the signs in each picture: a row with a box for each.")
    ] = False,
    format: Annotated[
        PredictFormat, typer.Option("--format", help="How rows are printed; all of them stream.")
    ] = PredictFormat.table,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write rows as Parquet files instead; resumable."),
    ] = None,
    on: Annotated[
        str, typer.Option("--on", metavar="local|ray", help="With --out: where it runs.")
    ] = "local",
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="With --out: processes.")] = 1,
    raw: Annotated[
        bool, typer.Option("--raw", help="With --format csv: names as they are, for programs alone.")
    ] = False,
    smallest: Annotated[
        float | None,
        typer.Option(
            "--smallest",
            metavar="PX",
            help="With --find: side of the smallest sign; default: 16, more above 2 megapixels.",
        ),
    ] = None,
) -> None:
    """Say which sign each picture shows, one row each.

    A MODEL is packaged, an .onnx or .safetensors file, or a folder with config.toml (a run); any other
    folder holds pictures, and @FILE lists them. A picture that cannot be read is a row with its error, and
    the exit code is then 2.
    """
    from roadworthy import api
    from roadworthy.cli.progress import Counter

    model, pictures = split_model(inputs)
    if not pictures:
        raise UsageError(f"{inputs[0]} is a model; name pictures, folders or globs after it")
    if smallest is not None and not find:
        raise UsageError(f"--smallest {smallest:g} is for finding signs; add --find")
    if out is not None:
        if format is not PredictFormat.table:
            raise UsageError(f"--format {format} is for rows that are printed; --out writes Parquet files")
        with Counter("predicting") as progress:
            scored = api.score(
                model,
                pictures,
                out,
                find=find,
                least_px=smallest,
                top=top,
                on=on,
                jobs=jobs,
                progress=progress,
            )
        pictures_in_all, files = plural(scored.pictures, "picture"), plural(scored.parts, "Parquet file")
        print_line(f"{out}: answers for {pictures_in_all} in {files}")
        if scored.kept:
            say(f"{scored.kept:,} of them were there before")
        _exit_where_unreadable(scored.unreadable)
        return
    if (on, jobs) != ("local", 1):
        raise UsageError("--on and --jobs are for many pictures, whose rows go to files: add --out DIR")
    if raw and format is not PredictFormat.csv:
        raise UsageError("--raw is for --format csv; json and jsonl hold names as they are")
    rows = api.predict(model, pictures, find=find, least_px=smallest, top=top)
    write = PREDICTION_WRITERS[format]
    if format is PredictFormat.table:
        write = functools.partial(_table, find=find)
    elif raw:
        write = functools.partial(_csv, raw=True)
    unreadable, closer = 0, False
    # A bar between the rows of a table on the same terminal would tear both.
    with Counter("predicting", quiet=sys.stdout.isatty()) as counter:

        def counted() -> Iterator[Row]:
            nonlocal unreadable, closer
            for done, row in enumerate(rows, 1):
                unreadable += row.error is not None
                closer = closer or (row.box is not None and not find)
                counter(done)
                yield row

        for text in write(counted()):
            print_line(text)
    if closer and format is PredictFormat.table and sys.stderr.isatty():
        say("looked closer; --find shows all signs")
    _exit_where_unreadable(unreadable)


def _exit_where_unreadable(pictures: int) -> None:
    if pictures:
        say(f"{pictures:,} of the pictures could not be read; their rows say why")
        raise typer.Exit(2)


def split_model(arguments: list[str]) -> tuple[Path | str | None, list[str]]:
    """`[MODEL] IMAGE...`: the model, if the first argument is one, and the rest.

    `packaged` is the model of that name; a folder of pictures named so is ./packaged.
    """
    from roadworthy.core.paths import MODEL_SUFFIXES, refuse_foreign
    from roadworthy.inference.onnx import PACKAGED, refuse_misspelt

    if arguments[0] == PACKAGED:
        return PACKAGED, arguments[1:]
    refuse_misspelt(arguments[0])
    first, *others = map(as_path, arguments)
    for path in (first, *others):
        refuse_foreign(path)
    late = next((path for path in others if path.suffix.lower() in MODEL_SUFFIXES), None)
    if late is not None:
        raise UsageError(f"{late} is a model and stands behind {first}; one MODEL, and before the pictures")
    is_model = first.suffix.lower() in MODEL_SUFFIXES or (first / "config.toml").is_file()
    return (first, arguments[1:]) if is_model else (None, arguments)


@verbs.command(epilog=examples("roadworthy serve --port 8080"))
def serve(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL...]", help="Bundles; without, packaged.")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Where to listen; others than loopback need ROADWORTHY_API_KEY.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", help="0 takes any that is free.")] = 8000,
    queue: Annotated[int, typer.Option("--queue", metavar="N", help="Pictures that may wait.")] = 256,
    threads: Annotated[int, typer.Option("--threads", metavar="N", help="That a batch may use.")] = 1,
    host_name: Annotated[
        list[str] | None,
        typer.Option("--host-name", metavar="NAME", help="Another name that it is asked by. Repeatable."),
    ] = None,
    root_path: Annotated[
        str, typer.Option("--root-path", metavar="PATH", help="Where a proxy shows it, like /signs.")
    ] = "",
    proxies: Annotated[
        str, typer.Option("--proxies", metavar="A,B", help="Addresses of proxies that are believed.")
    ] = "",
    static: Annotated[
        Path | None,
        typer.Option("--static", metavar="DIR", help="Write the page with its model as a folder instead."),
    ] = None,
) -> None:
    """Answer over HTTP, with a page to try it at /.

    POST /v1/predict, /v1/track; GET /v1/models, /healthz, /readyz, /metrics.

    ROADWORTHY_API_KEY, where it is set, must come with requests as Authorization: Bearer KEY. SIGHUP reads
    the models anew; at a terminal it stops the service. /docs describes all of it.
    """
    from roadworthy import api
    from roadworthy.serve.settings import ServiceConfig

    if static is not None:
        written = api.write_page(static, models)
        print_line(f"{len(written)} files; any web server can give out {static}")
        return
    require("the service", "serve")
    config = ServiceConfig(
        models=tuple(map(api.bundle_file, models or ())),
        host=host,
        port=port,
        api_key=os.environ.get("ROADWORTHY_API_KEY", ""),
        queue=queue,
        threads=threads,
        hosts=tuple(host_name or ()),
        root_path=root_path,
        proxies=proxies,
    )
    api.serve(config)


class Precision(StrEnum):
    """What an exported network computes with."""

    fp32 = "fp32"
    int8 = "int8"


@verbs.command(epilog=examples("roadworthy export runs/first --to first.onnx --precision int8"))
def export(
    model: Annotated[
        str, typer.Argument(metavar="RUN", help="A run folder, a .safetensors file, or packaged.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The bundle to write: NAME.onnx.")],
    precision: Annotated[
        Precision, typer.Option("--precision", help="int8: a third of the bytes, and faster.")
    ] = Precision.fp32,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="SPEC", help="What to check the export on; default: the run's validation."
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option("--measure", metavar="SPEC", help="Another set for the model card. Repeatable."),
    ] = None,
    labels: LabelsOption = None,
) -> None:
    """Write a trained model as ONNX files that answer without torch.

    NAME.onnx answers for pictures of one sign, NAME-find.onnx finds signs in pictures, NAME.md is the model
    card. Nothing is written unless they answer as the trained model does.
    """
    from roadworthy import api
    from roadworthy.cli.progress import Counter

    with Counter("decoding") as counter:
        found = api.export(
            model,
            to,
            precision=precision.value,
            data=None if data is None else data_from(data, labels=labels),
            measured=[data_from(spec, labels=labels) for spec in measure or ()],
            command=command_line(),
            progress=counter,
        )
    for note in found.notes:
        say(note)
    for name, facts in found.manifest.parity.items():
        print_line(
            f"{name}  {percent(facts['agreement'])} of {facts['n']:,} answers as before, logits within "
            f"{facts['largest_difference']:.2g}"
        )
    measured = [
        [
            percent(facts["accuracy"]),
            interval(facts["accuracy_ci95"]),
            facts["accuracy_over"],
            plural(facts["n"], "picture"),
            name,
        ]
        for name, facts in found.manifest.metrics.items()
    ]
    if measured:
        print_table(["accuracy", "95 % interval", "over", "of", "set"], measured, folded="set")
    for path in found.files:
        print_line(path)
