"""The command line: parse, one call of the api, print, an exit code.

Data go to stdout, everything said to a person about the work to stderr.  What a command needs is imported
when it runs: `roadworthy --help` stays quick and works without torch.
"""

from __future__ import annotations

import csv
import dataclasses
import errno
import functools
import importlib
import io
import json
import os
import shlex
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.models import TyperPath

from roadworthy import __version__, cli_layout
from roadworthy.errors import MissingExtraError, RoadworthyError, UnknownNameError, UsageError
from roadworthy.extras import require
from roadworthy.notes import aloud
from roadworthy.paths import as_path
from roadworthy.words import csv_cell, interval, percent, plural, visible

if TYPE_CHECKING:
    from roadworthy.config import Config, DataConfig
    from roadworthy.evaluate.pairing import Pairing
    from roadworthy.registry import Registry
    from roadworthy.results import Comparison, Metrics, Row


class _Commands(TyperGroup):
    """The commands, those first that a newcomer wants."""

    def list_commands(self, ctx: Any) -> list[str]:
        """`predict`, and what makes and ships a model, before the rest."""
        first = ["predict", "train", "evaluate", "export", "serve", "data"]
        return sorted(super().list_commands(ctx), key=lambda name: [*first, name].index(name))


def _examples(*lines: str) -> str:
    """An epilog that the help leaves as it is."""
    return "\n".join(["\b", "Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)])


app = typer.Typer(
    name="roadworthy",
    cls=_Commands,
    help="Train, stress-test and ship road-sign classifiers.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_examples("roadworthy predict photo.jpg", "roadworthy COMMAND --help"),
)
data_app = typer.Typer(
    help="Fetch, check and look at data sets.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=_examples("roadworthy data show folder:my-photographs"),
)
app.add_typer(data_app, name="data")

# Not ours: a disk that is full, over its quota, read-only or broken.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG}
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class PredictFormat(StrEnum):
    """How predictions are printed."""

    table = "table"
    csv = "csv"
    json = "json"
    jsonl = "jsonl"


class Precision(StrEnum):
    """What an exported network computes with."""

    fp32 = "fp32"
    int8 = "int8"


class TableFormat(StrEnum):
    """How everything else is printed."""

    table = "table"
    json = "json"


DataOption = Annotated[str, typer.Option("--data", metavar="SPEC", help="SOURCE:PLACE, like gtsrb:DIR.")]
SpecArgument = Annotated[str, typer.Argument(metavar="SPEC", help="SOURCE:PLACE, like gtsrb:DIR.")]
ClassesOption = Annotated[
    str | None, typer.Option("--classes", metavar="A,B,..", help="Class names, or all (the default).")
]
GroupByOption = Annotated[
    str | None, typer.Option("--group-by", metavar="family", help="Classify families instead of classes.")
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="names|au|de|gtsrb-ids",
        help="How folder and csv labels are read: as class names (the default), also as sign codes of a "
        "country, or as GTSRB's numbers.",
    ),
]
SkipUnreadableOption = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out, and count, pictures that cannot be read.")
]
CropOption = Annotated[
    str | None, typer.Option("--crop", metavar="full|roi|margin=F", help="Which part of a picture is used.")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings as TOML.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="K=V", help="One setting, like train.ema=0.99; wins over all else. Repeatable."
    ),
]
RequireOption = Annotated[
    list[str] | None,
    typer.Option(
        "--require",
        metavar="NAME=VALUE",
        help="Exit with 3 where it is not met: at least VALUE for accuracies, precision, recall and F1 "
        "(also CLASS.recall), at most VALUE for ece, nll, brier and danger_per_100. Repeatable.",
    ),
]

FormatOption = Annotated[TableFormat, typer.Option("--format", help="How it is printed.")]


def _version(wanted: bool) -> None:
    if wanted:
        _print(f"roadworthy {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(
    epilog=_examples(
        "roadworthy train --data gtsrb: --minutes 2 --out runs/first",
        "roadworthy train --data folder:my-photographs --epochs 20",
    )
)
def train(
    data: DataOption = "",
    classes: ClassesOption = None,
    group_by: GroupByOption = None,
    labels: LabelsOption = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split", metavar="T/V/T", help="Cut tracks anew, like 0.7/0.1/0.2; default: the data's own."
        ),
    ] = None,
    skip_unreadable: SkipUnreadableOption = False,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Which network: see roadworthy list models.")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", metavar="PX", help="Side of the network's input.")
    ] = None,
    crop: CropOption = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", help="How often to see the data.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", metavar="M", help="How long to train, instead of --epochs.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Repeats a run exactly.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="MODEL", help="Fine-tune this one: packaged, a run or .safetensors."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Run folder; default: runs/<time>-<model>.")
    ] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    require: RequireOption = None,
) -> None:
    """Train a classifier, measure it once, write a run folder.

    Settings: defaults, then --config, then the flags, then --set; the later wins. With --resume the run's own
    settings stand in for --config.
    """
    from roadworthy import api
    from roadworthy.cli_progress import Counter, training_progress
    from roadworthy.config import TrainConfig
    from roadworthy.evaluate.require import check_requirements, parse_requirement

    requirements = [parse_requirement(text) for text in require or ()]
    if epochs is not None and minutes is not None:
        raise UsageError(f"--epochs {epochs} and --minutes {minutes:g} both arrived; give one of the two")
    if resume and out is None:
        raise UsageError("--resume needs --out, the folder of the run to go on with")
    if resume and config is not None:
        raise UsageError("--resume goes on with the run's own settings; leave --config away")
    if start is not None:
        as_path(start)  # the setting's own empty text means a fresh network
    budget = _given(epochs=epochs, minutes=minutes, seed=seed, start=start)
    if epochs is not None or minutes is not None:
        # Another budget in a file would win over the flag.
        budget = {"minutes": None, "samples": None, "gradients": None, **budget}
    if epochs is not None:  # a floor in steps belongs to minutes
        budget |= {"min_steps": 0, "stretch": TrainConfig.stretch}
    resolved = _config(
        out / "config.toml" if resume and out is not None else config,
        settings,
        data=_given(
            spec=data or None,
            classes=_names(classes),
            group_by=group_by,
            labels=labels,
            split=split,
            skip_unreadable=skip_unreadable or None,
        ),
        model=_given(name=model),
        input=_given(size=size, crop=crop),
        train=budget,
    )
    try:
        with Counter("decoding") as counter:
            run = api.train(
                resolved,
                out,
                resume=resume,
                command=_command(),
                callbacks=[counter, training_progress()],
                progress=counter,
            )
    except KeyboardInterrupt:
        _say(f"stopped; {_how_to_resume(out)}")
        raise typer.Exit(INTERRUPTED) from None
    _print_metrics(run.metrics)
    _print_place(run.folder)
    check_requirements(run.metrics.to_dict(), requirements)


@app.command(epilog=_examples("roadworthy evaluate runs/first --data folder:my-photographs"))
def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A run folder, .safetensors or .onnx file, or packaged.")
    ],
    data: DataOption,
    split: Annotated[
        str,
        typer.Option(
            "--split", metavar="train|val|test", help="Which split; a set without any is used whole."
        ),
    ] = "test",
    labels: LabelsOption = None,
    skip_unknown: Annotated[
        bool,
        typer.Option("--skip-unknown", help="Leave out, and count, classes that the model does not know."),
    ] = False,
    skip_unreadable: SkipUnreadableOption = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where metrics, predictions and report go.")
    ] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    require: RequireOption = None,
) -> None:
    """Measure a trained model on a data set and print the figures; without --out nothing is written."""
    from roadworthy import api
    from roadworthy.cli_progress import Counter
    from roadworthy.evaluate.require import check_requirements, parse_requirement

    requirements = [parse_requirement(text) for text in require or ()]
    resolved = _config(
        config,
        settings,
        sections=("data", "evaluate"),
        data=_given(spec=data, labels=labels, skip_unreadable=skip_unreadable or None),
    )
    with Counter("decoding") as counter:
        metrics = api.evaluate(
            model,
            resolved.data,
            split=split,
            skip_unknown=skip_unknown,
            out=out,
            config=resolved.evaluate,
            command=_command(),
            progress=counter,
        )
    _print_metrics(metrics)
    if out is not None:
        _print_place(out)
    check_requirements(metrics.to_dict(), requirements)


@app.command(
    epilog=_examples(
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
    from roadworthy.cli_progress import Counter

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
        _print(f"{out}: answers for {pictures_in_all} in {files}")
        if scored.kept:
            _say(f"{scored.kept:,} of them were there before")
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
            _print(text)
    if closer and format is PredictFormat.table and sys.stderr.isatty():
        _say("looked closer; --find shows all signs")
    _exit_where_unreadable(unreadable)


def _exit_where_unreadable(pictures: int) -> None:
    if pictures:
        _say(f"{pictures:,} of the pictures could not be read; their rows say why")
        raise typer.Exit(2)


@app.command(epilog=_examples("roadworthy serve --port 8080"))
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
        _print(f"{len(written)} files; any web server can give out {static}")
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


@app.command(epilog=_examples("roadworthy export runs/first --to first.onnx --precision int8"))
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
    from roadworthy.cli_progress import Counter

    with Counter("decoding") as counter:
        found = api.export(
            model,
            to,
            precision=precision.value,
            data=None if data is None else _data(data, labels=labels),
            measured=[_data(spec, labels=labels) for spec in measure or ()],
            command=_command(),
            progress=counter,
        )
    for note in found.notes:
        _say(note)
    for name, facts in found.manifest.parity.items():
        _print(
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
        _print_table(["accuracy", "95 % interval", "over", "of", "set"], measured, folded="set")
    for path in found.files:
        _print(path)


@data_app.command(epilog=_examples("roadworthy data fetch gtsrb"))
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which data set: gtsrb.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to; default: the user's data folder.")
    ] = None,
) -> None:
    """Download a data set; goes on where it broke off."""
    from roadworthy.cli_progress import Counter
    from roadworthy.data.fetch import fetch as download
    from roadworthy.data.spec import usual_places

    with Counter(f"fetching {name}") as counter:
        place = download(name, out or usual_places(name)[-1], progress=counter.named)
    _print(f"{name}:{place}")


@data_app.command(epilog=_examples("roadworthy data audit folder:my-photographs"))
def audit(
    spec: SpecArgument,
    labels: LabelsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write audit.json and a picture there.")
    ] = None,
    format: FormatOption = TableFormat.table,
) -> None:
    """Look for damage, duplicates, conflicts and leaks between splits."""
    from roadworthy import api
    from roadworthy.cli_progress import Counter

    with Counter("reading") as counter:
        found = api.audit(_data(spec, labels=labels), out=out, progress=counter)
    if format is TableFormat.json:
        _print_json(found.to_dict())
        return
    _print_facts(found.findings)
    _print_prose(found.verdict)


@data_app.command(epilog=_examples("roadworthy data preview gtsrb: --policy default --out preview.png"))
def preview(
    spec: SpecArgument,
    classes: ClassesOption = None,
    labels: LabelsOption = None,
    size: Annotated[int, typer.Option("--size", metavar="PX", help="Side of each picture.")] = 48,
    crop: CropOption = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", metavar="NAME", help="Augment as in training: see roadworthy list policies."
        ),
    ] = None,
    n: Annotated[int, typer.Option("--n", metavar="N", min=1, help="How many pictures.")] = 64,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Which pictures.")] = 0,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The PNG to write.")] = Path(
        "preview.png"
    ),
) -> None:
    """Draw a contact sheet of pictures as the network gets them."""
    from roadworthy import api
    from roadworthy.config import AugmentConfig

    resolved = _config(
        data=_given(spec=spec, classes=_names(classes), labels=labels),
        input=_given(size=size, crop=crop),
    )
    augment = None if policy is None else AugmentConfig(policy=policy)
    _print(api.preview(resolved.data, resolved.input, augment, out, n, seed))


@data_app.command(epilog=_examples("roadworthy data show gtsrb: --classes stop,no-entry"))
def show(
    spec: SpecArgument,
    classes: ClassesOption = None,
    labels: LabelsOption = None,
    format: FormatOption = TableFormat.table,
) -> None:
    """Show what a data set holds: classes, counts, heads of its tables."""
    from roadworthy import api

    overview = api.overview(_data(spec, classes=_names(classes), labels=labels))
    if format is TableFormat.json:
        _print_json(dataclasses.asdict(overview))
        return
    _print(f"{overview.n:,} pictures, {len(overview.classes)} classes")
    splits = [split or "pictures" for split in overview.splits]
    _print_table(
        ["class", "GTSRB", *splits, "signs", "icon"],
        [
            [
                entry.name,
                "" if entry.gtsrb is None else entry.gtsrb,
                *(entry.counts.get(split, 0) for split in overview.splits),
                sum(entry.tracks.values()) or "unknown",
                entry.icon or entry.face or "",
            ]
            for entry in overview.classes
        ],
        path="icon",
    )
    for split, rows in overview.table_heads.items():
        _print(f"\nfirst rows of {split or 'the table'}:")
        _print_table(list(rows[0]), [list(row.values()) for row in rows], path="path")


@app.command(epilog=_examples("roadworthy render rendered:au --n 500 --out drawn"))
def render(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="rendered:au, rendered:de or rendered:au+de.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="A new folder, one folder a class in it.")
    ],
    n: Annotated[int | None, typer.Option("--n", metavar="N", min=1, help="How many pictures.")] = None,
    per_class: Annotated[
        int | None, typer.Option("--per-class", metavar="N", min=1, help="How many of each class instead.")
    ] = None,
    size: Annotated[int, typer.Option("--size", metavar="PX", help="Side of each picture.")] = 48,
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="See roadworthy list recipes.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Which pictures.")] = None,
    faces: Annotated[
        Path | None,
        typer.Option("--faces", metavar="DIR", help="Faces of your own: catalogue.toml and SVGs."),
    ] = None,
) -> None:
    """Draw signs as photographs into a folder of labelled pictures.

    The data source folder: reads it; stdout is its SPEC alone, for scripts.
    """
    from roadworthy import api
    from roadworthy.cli_progress import Counter

    with Counter("drawing") as counter:
        place = api.render(
            spec,
            out,
            n,
            per_class=per_class,
            size=size,
            recipe=recipe,
            seed=seed,
            faces=faces,
            progress=counter,
        )
    _print(f"folder:{place}")  # alone on stdout: scripts hand it on
    drawn = list(place.glob("*/*.png"))
    classes = len({picture.parent for picture in drawn})
    _say(f"{plural(len(drawn), 'picture')}, {plural(classes, 'class')}; use as --data folder:{place}")


@app.command(epilog=_examples("roadworthy study baseline --data gtsrb: --quick"))
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
    from roadworthy.cli_progress import study_progress
    from roadworthy.report.study import answer
    from roadworthy.studies.plan import Ask

    if not (data or cifar):
        raise UsageError("no data given; name them with --data, like --data gtsrb:DIR or --data folder:DIR")
    ask = Ask(
        data=data,
        cifar=cifar,
        new=_domains(new or []),
        classes=_names(classes) or (),
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
            command=_command(),
        )
    except KeyboardInterrupt:
        _say("stopped; the same command goes on from here")
        raise typer.Exit(INTERRUPTED) from None
    for result in results:
        _print_prose(f"{result.study}: {result.question}")
        _print_prose(answer(result.to_dict()), "  ")
        for claim in result.claims:
            _print_prose(f"{claim.id} {claim.verdict}: {claim.text} {claim.evidence}", "  ")
    _print_place(out)


def _present(context: typer.Context, names: list[str], studies: Path, out: Path) -> None:
    """A film from results; whatever else is given would be ignored, so that it is an error."""
    from roadworthy import api
    from roadworthy.report.film import FILMED

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
        _say(note)
    for path in presented.files:
        _print(path)
    _print(f"{presented.seconds:.0f} seconds")


@app.command(epilog=_examples("roadworthy profile --data gtsrb: --fix"))
def profile(
    data: DataOption = "",
    classes: ClassesOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    steps: Annotated[int, typer.Option("--steps", metavar="N", help="Training steps that are timed.")] = 60,
    fix: Annotated[
        bool, typer.Option("--fix", help="Try faster settings; those that are: fixed.toml.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where everything goes.")] = Path(
        "profile"
    ),
    format: FormatOption = TableFormat.table,
) -> None:
    """Tell where a training's time goes, and what makes it faster."""
    from roadworthy import api

    resolved = _config(config, settings, data=_given(spec=data or None, classes=_names(classes)))
    found = api.profile(resolved, out, steps=steps, fix=fix, command=_command())
    if format is TableFormat.json:
        _print(json.dumps(found, indent=1))
        return
    rows = [[row["stage"], percent(row["share"], 1), f"{row['us_per_image']:.1f}"] for row in found["stages"]]
    _print_table(["stage", "share", "us a picture"], rows)
    once = ", ".join(f"{name} {value:.0f}" for name, value in found["preparing"].items())
    if once:
        _print_prose(f"once, us a picture: {once}")
    _print_prose(f"{found['images_per_second']:,.0f} pictures/s; {found['verdict']}")
    if fix:
        tried = [
            [one["setting"], f"{one['after'] / one['before']:.2f}x", "kept" if one["kept"] else "no gain"]
            for one in found["fix"]["trials"]
        ]
        _print_table(["setting", "speed", "verdict"], tried, header=False, folded="setting", indent="  ")
        _print(f"together {found['fix']['gain']:.2f}x; settings in {out / 'fixed.toml'}")
    _print_place(out)


@app.command(epilog=_examples("roadworthy compare runs/first runs/second"))
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN",
            help="Two run or evaluation folders; or seeds of one arm, then as many of another.",
        ),
    ],
    format: FormatOption = TableFormat.table,
) -> None:
    """Compare networks, or ways to train, on the same pictures."""
    from roadworthy import api

    half, rest = divmod(len(runs), 2)
    if rest or not half:
        got = plural(len(runs), "folder")
        raise UsageError(f"compare got {got}; give two, or as many of one arm as of the other")
    found, both = api.compare(runs[:half], runs[half:])
    classes = _by_class(both)
    if format is TableFormat.json:
        tree = {**dataclasses.asdict(found), "left_out": both.left_out, "by_class": classes}
        _print(json.dumps(tree, indent=1))
        return
    _print_facts(_comparison_rows(found, both))
    worst = sorted(classes, key=lambda c: -(c["only_a_right"] + c["only_b_right"]))[:5]
    apart = [
        (
            row["class"],
            f"right only in a {row['only_a_right']:g}, only in b {row['only_b_right']:g}, of {row['n']:,}",
        )
        for row in worst
        if row["only_a_right"] or row["only_b_right"]
    ]
    _print_facts(apart, indent="  ")


@app.command(epilog=_examples("roadworthy report runs/first"))
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run, evaluation or study folder.")],
) -> None:
    """Write report.html again from what a folder stores."""
    from roadworthy import api

    _print(api.report(folder))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listed:
    """Where the entries of one kind are registered, and the part of Roadworthy that this needs."""

    about: str
    module: str
    attribute: str
    extra: str = ""


LISTS = {
    "sources": Listed(about="where pictures come from", module="roadworthy.data.spec", attribute="SOURCES"),
    "models": Listed(
        about="networks", module="roadworthy.models.catalogue", attribute="MODELS", extra="train"
    ),
    "policies": Listed(
        about="how training varies pictures",
        module="roadworthy.augment.policy",
        attribute="POLICIES",
        extra="train",
    ),
    "mixes": Listed(
        about="how two pictures become one", module="roadworthy.augment.mix", attribute="MIXES", extra="train"
    ),
    "optimizers": Listed(
        about="how weights move", module="roadworthy.train.optim", attribute="OPTIMIZERS", extra="train"
    ),
    "recipes": Listed(
        about="cameras for drawn signs, as in rendered:au?recipe=NAME",
        module="roadworthy.signs.recipes",
        attribute="RECIPES",
        extra="train",
    ),
    "effects": Listed(
        about="what a camera does to drawn signs",
        module="roadworthy.signs.camera",
        attribute="EFFECTS",
        extra="train",
    ),
    "corruptions": Listed(
        about="how pictures are spoilt to measure on",
        module="roadworthy.evaluate.corruptions",
        attribute="CORRUPTIONS",
        extra="train",
    ),
    "schedules": Listed(
        about="learning rate over a run", module="roadworthy.train.schedules", attribute="SCHEDULES"
    ),
    "scores": Listed(about="how sure an answer is", module="roadworthy.scores", attribute="SCORES"),
    "views": Listed(
        about="copies that an answer is averaged over",
        module="roadworthy.evaluate.predict",
        attribute="VIEWS",
        extra="train",
    ),
    "studies": Listed(
        about="questions answered by trainings",
        module="roadworthy.studies.catalogue",
        attribute="STUDIES",
        extra="train",
    ),
}


LISTED = {kind: place.about for kind, place in LISTS.items()} | {
    "signs": "classes: what signs mean",
    "faces": "how countries draw them",
}


@app.command("list", epilog=_examples("roadworthy list models", "roadworthy list"))
def list_(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help=f"One of: {', '.join(LISTED)}. Without: how many.")
    ] = None,
) -> None:
    """List what can be named: sources, models, policies, signs ..."""
    if kind is not None:
        if kind not in LISTED:
            raise UnknownNameError("list", kind, LISTED)
        _print_facts(_listed(kind).items())
        return
    rows: list[list[Any]] = []
    lacking: list[str] = []
    for name, about in LISTED.items():
        try:
            entries = _listed(name)
        except MissingExtraError as error:
            lacking += error.extras
            rows.append([name, "", f"{about}: not installed"])
        else:
            names = ", ".join(list(entries)[:8]) + (" ..." if len(entries) > 8 else "")
            rows.append([name, len(entries), f"{about}: {names}"])
    _print_table(["kind", "how many", "what"], rows, cut="what")
    if lacking:
        _say(f"for the rest: pip install 'roadworthy[{','.join(dict.fromkeys(lacking))}]'")
    _say("roadworthy list KIND says what each of them is")


def _listed(kind: str) -> dict[str, str]:
    """Names and what each is in a sentence."""
    if kind == "signs":
        from roadworthy.signs.catalogue import sign_classes

        return {sign.name: sign.meaning for sign in sign_classes().values()}
    if kind == "faces":
        from roadworthy.signs.catalogue import faces

        return {face.name: f"{face.sign}: {face.where}" for face in faces()}
    place = LISTS[kind]
    if place.extra:
        require(f"listing {kind}", place.extra)
    registry: Registry[Any] = getattr(importlib.import_module(place.module), place.attribute)
    return {name: registry.summary(name) for name in registry}


@app.command(epilog=_examples("roadworthy doctor"))
def doctor(
    format: FormatOption = TableFormat.table,
) -> None:
    """Say what is installed, what computes, where data and caches are."""
    from roadworthy.doctor import NOT_INSTALLED, diagnose

    found = diagnose()
    if format is TableFormat.json:
        _print_json({heading: dict(facts) for heading, facts in found.items()})
        return
    width = max(len(name) for facts in found.values() for name, _ in facts)
    for heading, facts in found.items():
        _print(f"{heading}:")
        _print_facts([(f"{name:<{width}}", value) for name, value in facts], indent="  ")
        lacking = [name.strip("[]") for name, value in facts if value.startswith(NOT_INSTALLED)]
        if lacking:
            _print(f"  get one with: pip install 'roadworthy[{lacking[0]}]'")


def split_model(arguments: list[str]) -> tuple[Path | str | None, list[str]]:
    """`[MODEL] IMAGE...`: the model, if the first argument is one, and the rest.

    `packaged` is the model of that name; a folder of pictures named so is ./packaged.
    """
    from roadworthy.network import SUFFIXES, refuse_foreign
    from roadworthy.serve.engine import PACKAGED, refuse_misspelt

    if arguments[0] == PACKAGED:
        return PACKAGED, arguments[1:]
    refuse_misspelt(arguments[0])
    first, *others = map(as_path, arguments)
    for path in (first, *others):
        refuse_foreign(path)
    late = next((path for path in others if path.suffix.lower() in SUFFIXES), None)
    if late is not None:
        raise UsageError(f"{late} is a model and stands behind {first}; one MODEL, and before the pictures")
    is_model = first.suffix.lower() in SUFFIXES or (first / "config.toml").is_file()
    return (first, arguments[1:]) if is_model else (None, arguments)


def _table(rows: Iterable[Row], *, find: bool = False) -> Iterator[str]:
    return cli_layout.answers(rows, cli_layout.width_of(sys.stdout), find=find, stream=sys.stdout)


def _csv(rows: Iterable[Row], *, raw: bool = False) -> Iterator[str]:
    as_cell = str if raw else csv_cell
    columns = ["path", "error", "predicted", "kind", "value", "confidence", "accepted"]
    columns += ["alternatives", "box", "reason"]
    yield ",".join(columns)
    for row in rows:
        cells = row.to_dict()
        if row.box is not None:
            cells["box"] = " ".join(f"{edge:.1f}" for edge in row.box)
        cells["alternatives"] = " ".join(f"{name}={share:.6f}" for name, share in row.alternatives)
        if row.error is None:
            cells["confidence"] = f"{row.confidence:.6f}"
            cells["accepted"] = "" if row.accepted is None else str(row.accepted).lower()
        cells = {name: as_cell(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}
        line = io.StringIO()
        # The writer quotes line breaks that occur in its own.
        csv.DictWriter(line, columns, restval="", lineterminator="\r\n").writerow(cells)
        yield line.getvalue().removesuffix("\r\n")


def _jsonl(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(row.to_dict(), ensure_ascii=False)


def _json(rows: Iterable[Row]) -> Iterator[str]:
    opening = "["
    for line in _jsonl(rows):
        yield opening + line
        opening = ","
    yield "]" if opening == "," else "[]"


PREDICTION_WRITERS: dict[PredictFormat, Callable[[Iterable[Row]], Iterator[str]]] = {
    PredictFormat.table: _table,
    PredictFormat.csv: _csv,
    PredictFormat.json: _json,
    PredictFormat.jsonl: _jsonl,
}


def _given(**flags: Any) -> dict[str, Any]:
    """The flags that were given."""
    return {name: value for name, value in flags.items() if value is not None}


def _comparison_rows(found: Comparison, both: Pairing) -> Iterator[tuple[str, str]]:
    def points(pair: tuple[float, float] | None) -> str:
        return "unknown" if pair is None else f"{100 * pair[0]:+.2f} to {100 * pair[1]:+.2f} points"

    where = f"{plural(found.n, 'picture')} of {plural(found.tracks, 'sign')}"
    yield "pictures", where + (f", {both.left_out:,} not measured by all left out" if both.left_out else "")
    yield "accuracy of a", f"{percent(float(both.a.mean()))}  {found.a}"
    yield "accuracy of b", f"{percent(float(both.b.mean()))}  {found.b}"
    yield "a minus b", f"{100 * found.effect:+.2f} points"
    yield "95 % for these", f"{points(found.ci95_tracks)} (other signs, the same networks)"
    if found.seeds > 1:
        yield "95 % in general", f"{points(found.ci95)} (other signs, other trainings)"
        yield "p", f"{found.p:.4f}" if found.p is not None else "unknown"
        yield "verdict", f"a is {found.verdict}" if found.verdict in ("better", "worse") else found.verdict
    else:
        yield "verdict", "one network of each says nothing of another training; give several seeds"
    yield "McNemar", f"p {found.p_mcnemar:.4f} (pictures as if independent, first seed)"


def _by_class(both: Pairing) -> list[dict[str, Any]]:
    rows = []
    for name in dict.fromkeys(both.targets):
        own = [i for i, target in enumerate(both.targets) if target == name]
        a, b = both.a[:, own], both.b[:, own]
        only_a, only_b = ((one * (1 - other)).sum(axis=1).mean() for one, other in ((a, b), (b, a)))
        rows.append(
            {"class": name, "n": len(own), "only_a_right": float(only_a), "only_b_right": float(only_b)}
        )
    return rows


def _domains(specs: list[str]) -> dict[str, str]:
    """Other domains by a short name: the last part of the place, numbered where two are alike."""
    from roadworthy.files import is_file_name

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


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def _config(
    path: Path | None = None,
    settings: list[str] | None = None,
    *,
    sections: tuple[str, ...] | None = None,
    **flags: dict[str, Any],
) -> Config:
    """The Config that file, flags and settings make; where given, only `sections` may be set."""
    from roadworthy.config import load_config

    for setting in settings or ():
        section = setting.partition(".")[0]
        if sections is not None and section not in sections:
            raise UsageError(f"--set {setting} has no effect here; sections that do: {', '.join(sections)}")
    return load_config(path, settings or (), **flags)


def _data(spec: str, **flags: Any) -> DataConfig:
    return _config(data=_given(spec=spec, **flags)).data


def _command() -> str:
    return shlex.join(["roadworthy", *sys.argv[1:]])


def _how_to_resume(out: Path | None) -> str:
    if out is None:
        return "its folder is the newest under runs; go on with: roadworthy train --out THAT_FOLDER --resume"
    if not (out / "resume" / "state.safetensors").is_file():
        return "nothing had been kept yet"
    return f"go on with: roadworthy train --out {shlex.quote(str(out))} --resume"


def _print_metrics(metrics: Metrics) -> None:
    found = metrics.interval
    measured = plural(metrics.n, "drawn picture" if metrics.extra.get("drawn") else "picture")
    where = "without splits" if metrics.extra.get("undivided") else f"of {metrics.split}"
    facts = [
        ("accuracy", f"{percent(metrics.accuracy)} of {measured} {where}"),
        ("interval", f"{interval((found.low, found.high))}  (95 %, over {found.over})"),
        ("balanced", percent(metrics.balanced_accuracy)),
        ("ECE", f"{metrics.ece:.4f}"),
    ]
    if skipped := metrics.extra.get("unknown_skipped"):
        facts.append(("left out", f"{plural(skipped, 'picture')} of classes that the model does not know"))
    if seen := metrics.extra.get("trained_on"):
        facts.append(("beware", f"{seen:,} of these were trained on; the figures flatter the model"))
    facts += [("beware", warning["text"]) for warning in metrics.extra.get("warnings", ())]
    _print_facts(facts)


def _print_place(folder: Path) -> None:
    page = folder / "report.html"
    _print(f"report    {page}" if page.is_file() else f"results   {folder}")


def _print(line: object) -> None:
    """One line on stdout; whoever reads it may stop reading (`| head`) whenever they like."""
    if os.environ.get("RANK", "0") != "0":  # of the processes that torchrun starts the first one speaks
        return
    try:
        print(line)
    except BrokenPipeError:
        _close_stdout()
        raise typer.Exit from None


def _print_table(columns: list[str], rows: list[list[Any]], **layout: Any) -> None:
    """A table, as cli_layout.table lays it out."""
    width, colour = cli_layout.width_of(sys.stdout), cli_layout.coloured(sys.stdout)
    for line in cli_layout.table(columns, rows, width, colour=colour, **layout):
        _print(line)


def _print_facts(facts: Iterable[tuple[str, Any]], indent: str = "") -> None:
    """Names and what is to be said of each."""
    rows = [[name, value] for name, value in facts]
    _print_table(["name", "value"], rows, header=False, folded="value", indent=indent)


def _print_prose(text: str, indent: str = "") -> None:
    for line in cli_layout.prose(text, cli_layout.width_of(sys.stdout), indent):
        _print(line)


def _print_json(tree: Any) -> None:
    _print(json.dumps(tree, indent=1, ensure_ascii=False))


def _close_stdout() -> None:
    # Python flushes stdout once more as it ends; that must not fail either.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str, heading: str = "") -> None:
    """One line on stderr, on a terminal folded at words; `heading` is how it begins, in red."""
    lines = [text]
    if "\n" not in text:  # help and tracebacks are lines already
        lines = cli_layout.prose(f"{heading} {text}".lstrip(), cli_layout.width_of(sys.stderr))
    if heading:
        lines[0] = lines[0].replace(heading, cli_layout.paint(heading, "red", sys.stderr), 1)
    print("\n".join(lines), file=sys.stderr, flush=True)


def _say_error(what: str) -> None:
    _say(what, "error:")


def _our_bug(error: BaseException) -> str:
    """Where the traceback of a bug went, in one line."""
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("ROADWORTHY_TRACEBACK") == "1":
        return trace
    from platformdirs import user_log_path

    name = f"traceback-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    for folder in (user_log_path("roadworthy"), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{_command()}\n{trace}", encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return f"{type(error).__name__}: {' '.join(str(error).split())}; the traceback is in {folder / name}"
    return f"{type(error).__name__}: {error}; set ROADWORTHY_TRACEBACK=1 to see the traceback"


def _say_note(note: str) -> None:
    if os.environ.get("RANK", "0") == "0":
        _say(f"note: {note}")


def _command_line() -> Any:
    """The commands, every path among their arguments checked before anything is done with it."""
    root = typer.main.get_command(app)
    commands: list[Any] = [root]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        for parameter in command.params:
            if isinstance(parameter.type, TyperPath):
                parameter.type = _CheckedPath(parameter.type)
    return root


class _CheckedPath(TyperPath):
    """A path that a file system can hold; what cannot be one is refused in one line."""

    def __init__(self, kind: TyperPath) -> None:
        self.__dict__.update(kind.__dict__)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The path, as typer has it."""
        as_path(os.fspath(value))
        return super().convert(value, param, ctx)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; nothing but KeyboardInterrupt's kin escapes."""
    try:
        with aloud(_say_note):
            code = _command_line().main(arguments, prog_name="roadworthy", standalone_mode=False)
        sys.stdout.flush()
    except RoadworthyError as error:
        _say_error(" ".join(str(error).split()))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        return 0
    except USAGE_ERRORS as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            _say(error.format_message())
        else:
            _say_error(_usage_line(error))
        return 2
    except OSError as error:
        if error.errno not in NO_ROOM:
            _say(f"this is our bug, please report it: {_our_bug(error)}")
            return 1
        if error.filename is None:
            _close_stdout()  # which Python would flush once more
        _say_error(f"{visible(str(error.filename or 'the output'))} cannot be written: {error.strerror}")
        return 2
    except Exception as error:
        _say(f"this is our bug, please report it: {_our_bug(error)}")
        return 1
    return code if isinstance(code, int) else 0


# typer keeps its parser's errors to itself; this is their common base, which typer.BadParameter has too.
USAGE_ERRORS: type[Any] = typer.BadParameter.__mro__[1]


def _usage_line(error: Any) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{message}; see {context.command_path if context else 'roadworthy'} --help"


def main() -> None:
    """The entry point."""
    for stream in (sys.stdout, sys.stderr):
        # A file name need not be printable in the terminal's encoding; saying it roughly beats failing.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
