"""`roadworthy predict`, `serve` and `export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadworthy.cli.described import Described, argument, option, setting
from roadworthy.cli.options import (
    LabelsOption,
    command_line,
    data_from,
    examples,
)
from roadworthy.cli.printing import (
    PredictFormat,
    prediction_lines,
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

InputsArgument = Annotated[
    list[str],
    typer.Argument(metavar="[MODEL] IMAGE|DIR|GLOB...", help="What to classify; a MODEL may come first."),
]
TopOption = Annotated[int, option("workflows.predict:predict.top", "--top", metavar="K", min=1)]
FindOption = Annotated[bool, setting("workflows.predict:predict.find", "--find")]
PredictFormatOption = Annotated[
    PredictFormat, typer.Option("--format", help="How to print the rows, each as soon as it is known.")
]
RowsOption = Annotated[Path | None, setting("api:score.out", "--out", metavar="DIR")]
WhereOption = Annotated[str, option("api:score.on", "--on", metavar="local|ray", says="With --out: {}")]
ProcessesOption = Annotated[int, option("api:score.jobs", "--jobs", metavar="N", says="With --out: {}")]
RawOption = Annotated[
    bool, typer.Option("--raw", help="With --format csv: names exactly as they are, for programs only.")
]
FinderOption = Annotated[str | None, setting("workflows.predict:predict.finder", "--finder", metavar="MODEL")]
SmallestOption = Annotated[
    float | None, setting("workflows.predict:predict.least_px", "--smallest", metavar="PX")
]
RuntimeOption = Annotated[str, option("workflows.predict:predict.runtime", "--runtime", metavar="NAME")]


@verbs.command(
    cls=Described,
    epilog=examples(
        "roadworthy predict photo.jpg",
        "roadworthy predict street.jpg --find",
        'roadworthy predict runs/first "photos/*.jpg" --format jsonl',
    ),
)
def predict(
    *,
    inputs: InputsArgument,
    top: TopOption,
    find: FindOption = False,
    format: PredictFormatOption = PredictFormat.table,
    out: RowsOption = None,
    on: WhereOption,
    jobs: ProcessesOption,
    raw: RawOption = False,
    finder: FinderOption = None,
    smallest: SmallestOption = None,
    runtime: RuntimeOption,
) -> None:
    """Say which sign each picture shows.

    A MODEL is packaged, an .onnx or .safetensors file, or a run folder (one with config.toml); any other
    folder holds pictures, and @FILE lists them. A picture that cannot be read becomes a row with its error,
    and the exit code is then 2.
    """
    model, pictures = split_model(inputs)
    if not pictures:
        raise UsageError(f"{inputs[0]} is a model; name pictures, folders or globs after it")
    if smallest is not None and not find:
        raise UsageError(f"--smallest {smallest:g} is for finding signs; add --find")
    if finder is not None and not find:
        raise UsageError(f"--finder {finder} is for finding signs; add --find")
    asked = Asked(
        model=model,
        pictures=pictures,
        top=top,
        find=find,
        finder=finder,
        least_px=smallest,
        runtime=runtime,
    )
    if out is not None:
        if format is not PredictFormat.table:
            raise UsageError(f"--format {format} is for rows that are printed; --out writes Parquet files")
        if runtime != "onnx":
            raise UsageError(f"--runtime {runtime} is for rows that are printed; --out uses ONNX Runtime")
        _write_rows(asked, out, on, jobs)
        return
    if (on, jobs) != ("local", 1):
        raise UsageError("--on and --jobs are for rows that go to files; add --out DIR")
    if raw and format is not PredictFormat.csv:
        raise UsageError("--raw is for --format csv; json and jsonl always hold names as they are")
    _print_rows(asked, format, raw=raw)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which model is to answer for which pictures, and how."""

    model: Path | str | None
    pictures: list[str]
    top: int
    find: bool
    finder: str | None
    least_px: float | None
    runtime: str


def _write_rows(asked: Asked, out: Path, on: str, jobs: int) -> None:
    """Rows into Parquet files, and on stdout how many."""
    from roadworthy import api
    from roadworthy.cli.progress import Counter

    with Counter("predicting") as progress:
        scored = api.score(
            asked.model,
            asked.pictures,
            out,
            find=asked.find,
            finder=asked.finder,
            least_px=asked.least_px,
            top=asked.top,
            on=on,
            jobs=jobs,
            progress=progress,
        )
    pictures, files = plural(scored.pictures, "picture"), plural(scored.parts, "Parquet file")
    print_line(f"{out}: answers for {pictures} in {files}")
    if scored.kept:
        say(f"{scored.kept:,} of them were already there")
    _exit_where_unreadable(scored.unreadable)


def _print_rows(asked: Asked, format: PredictFormat, *, raw: bool) -> None:
    """Rows on stdout, each as it comes; on stderr what they cannot say."""
    from roadworthy import api
    from roadworthy.cli.progress import Counter

    rows = api.predict(
        asked.model,
        asked.pictures,
        find=asked.find,
        finder=asked.finder,
        least_px=asked.least_px,
        runtime=asked.runtime,
        top=asked.top,
    )
    seen = Seen()
    # A bar between the rows of a table on the same terminal would tear both.
    with Counter("predicting", quiet=sys.stdout.isatty()) as counter:
        for text in prediction_lines(seen.through(rows, counter), format, find=asked.find, raw=raw):
            print_line(text)
    closer = seen.boxes and not asked.find
    if closer and format is PredictFormat.table and sys.stderr.isatty():
        say("looked closer; --find shows all signs")
    _exit_where_unreadable(seen.unreadable)


@dataclass
class Seen:
    """What the rows that went by held."""

    unreadable: int = 0
    boxes: bool = False

    def through(self, rows: Iterable[Row], counter: Callable[[int], None]) -> Iterator[Row]:
        """The rows, counted."""
        for done, row in enumerate(rows, 1):
            self.unreadable += row.error is not None
            self.boxes = self.boxes or row.box is not None
            counter(done)
            yield row


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
        raise UsageError(f"{late} is a model and comes after {first}; name one MODEL, before the pictures")
    is_model = first.suffix.lower() in MODEL_SUFFIXES or (first / "config.toml").is_file()
    return (first, arguments[1:]) if is_model else (None, arguments)


ModelsArgument = Annotated[
    list[str] | None, argument("serve.settings:ServiceConfig.models", metavar="[MODEL...]")
]
HostOption = Annotated[str, option("serve.settings:ServiceConfig.host", "--host")]
PortOption = Annotated[int, option("serve.settings:ServiceConfig.port", "--port", metavar="N")]
QueueOption = Annotated[int, option("serve.settings:ServiceConfig.queue", "--queue", metavar="N")]
ThreadsOption = Annotated[int, option("serve.settings:ServiceConfig.threads", "--threads", metavar="N")]
HostNameOption = Annotated[
    list[str] | None,
    setting("serve.settings:ServiceConfig.hosts", "--host-name", metavar="NAME", says="{} Repeatable."),
]
RootPathOption = Annotated[
    str, option("serve.settings:ServiceConfig.root_path", "--root-path", metavar="PATH")
]
ProxiesOption = Annotated[str, option("serve.settings:ServiceConfig.proxies", "--proxies", metavar="A,B")]
ServeFinderOption = Annotated[
    Path | None, setting("serve.settings:ServiceConfig.finder", "--finder", metavar="FILE")
]
RegionOption = Annotated[str, option("serve.settings:ServiceConfig.region", "--region", metavar="NAME")]
SchoolDaysOption = Annotated[
    Path | None, setting("serve.settings:ServiceConfig.school_days", "--school-days", metavar="FILE")
]
StaticOption = Annotated[Path | None, setting("workflows.serve:write_page.out", "--static", metavar="DIR")]


@verbs.command(cls=Described, epilog=examples("roadworthy serve --port 8080"))
def serve(
    *,
    models: ModelsArgument = None,
    host: HostOption,
    port: PortOption,
    queue: QueueOption,
    threads: ThreadsOption,
    host_name: HostNameOption = None,
    root_path: RootPathOption,
    proxies: ProxiesOption,
    finder: ServeFinderOption = None,
    region: RegionOption,
    school_days: SchoolDaysOption = None,
    static: StaticOption = None,
) -> None:
    """Answer over HTTP, with a page at / to try it.

    POST /v1/predict, /v1/track; GET /v1/models, /healthz, /readyz, /metrics. /docs describes them all.

    If ROADWORTHY_API_KEY is set, requests must carry it as Authorization: Bearer KEY. SIGHUP reloads the
    models; at a terminal it stops the service.
    """
    from roadworthy import api
    from roadworthy.serve.settings import ServiceConfig

    if static is not None:
        written = api.write_page(static, models, finder=finder)
        print_line(f"{len(written)} files written; any web server can serve {static}")
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
        finder=finder,
        region=region,
        school_days=school_days,
    )
    api.serve(config)


class Precision(StrEnum):
    """What an exported network computes with."""

    fp32 = "fp32"
    int8 = "int8"


TrainedArgument = Annotated[str, argument("api:export.model", metavar="RUN")]
BundleOption = Annotated[Path, setting("api:export.to", "--to", metavar="FILE|DIR")]
ForOption = Annotated[
    list[str] | None,
    setting("api:export.runtimes", "--for", metavar="NAME", says="{} Repeatable, or joined by commas."),
]
PrecisionOption = Annotated[Precision, option("api:export.precision", "--precision")]
CheckOption = Annotated[str | None, setting("api:export.data", "--data", metavar="SPEC")]
MeasureOption = Annotated[
    list[str] | None, setting("api:export.measured", "--measure", metavar="SPEC", says="{} Repeatable.")
]


@verbs.command(
    cls=Described, epilog=examples("roadworthy export runs/first --to first.onnx --precision int8")
)
def export(
    *,
    model: TrainedArgument,
    to: BundleOption,
    precision: PrecisionOption,
    data: CheckOption = None,
    measure: MeasureOption = None,
    for_: ForOption = None,
    labels: LabelsOption = None,
) -> None:
    """Write a trained model as ONNX files that work without torch.

    NAME.onnx reads pictures of one sign, or of a finder finds signs in frames; NAME-find.onnx looks closer at
    pictures of one sign; NAME.md is the model card. Nothing is written unless all answer as the trained model
    does.
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
            runtimes=for_ or (),
            command=command_line(),
            progress=counter,
        )
    for note in found.notes:
        say(note)
    finds = found.manifest.kind == "find"
    for name, facts in found.manifest.parity.items():
        same = f"{facts['boxes']:,} boxes" if finds else f"{facts['n']:,} answers"
        print_line(
            f"{name}  {percent(facts['agreement'])} of {same} as before, {'scores' if finds else 'logits'} "
            f"within {facts['largest_difference']:.2g}"
        )
    for line in _runtime_lines(found.manifest.runtimes):
        print_line(line)
    measured = [
        [
            percent(facts["accuracy"]),
            interval(facts["accuracy_ci95"]),
            facts["accuracy_over"],
            plural(facts["n"], "picture"),
            name,
        ]
        for name, facts in found.manifest.metrics.items()
        if not finds  # of those its card tells; they are of the network, not of this file
    ]
    if measured:
        print_table(["accuracy", "95 % interval", "over", "of", "set"], measured, folded="set")
    for path in found.files:
        print_line(path)


def _runtime_lines(runtimes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What was found in each runtime, in a line."""
    for name, facts in runtimes.items():
        said = " ".join(f"{package} {number}" for package, number in facts["versions"].items())
        if not facts["run"]:
            yield f"{name}  not run here  {said}".rstrip()
        elif "boxes" in facts:
            yield f"{name}  {percent(facts['agreement'])} of {facts['boxes']:,} boxes as before  {said}"
        else:
            yield (
                f"{name}  {percent(facts['agreement'])} of {facts['n']:,} answers as before, confidences "
                f"within {facts['confidence_difference']:.2g}, {percent(facts['accepted_alike'])} accepted "
                f"alike  {said}"
            )
