"""`roadworthy bench`."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from roadworthy.cli.described import Described, argument, option, setting
from roadworthy.cli.options import FormatOption, TableFormat, data_from, examples
from roadworthy.cli.printing import print_json, print_prose, print_table
from roadworthy.core.errors import UsageError
from roadworthy.core.words import percent, plural

verbs = typer.Typer()

ModelArgument = Annotated[str | None, argument("workflows.bench:bench.model", metavar="[MODEL]")]
RuntimesOption = Annotated[
    list[str] | None,
    setting("workflows.bench:bench.runtimes", "--runtime", metavar="A,B", says="{} Repeatable."),
]
ThreadsOption = Annotated[str | None, setting("workflows.bench:bench.threads", "--threads", metavar="1,4")]
BatchesOption = Annotated[str | None, setting("workflows.bench:bench.batches", "--batches", metavar="1,8")]
SecondsOption = Annotated[float, option("workflows.bench:bench.seconds", "--seconds", metavar="S")]
DataOption = Annotated[str | None, setting("workflows.bench:bench.data", "--data", metavar="SPEC")]


@verbs.command(cls=Described, epilog=examples("roadworthy bench small.onnx --threads 1,2"))
def bench(
    *,
    model: ModelArgument = None,
    runtimes: RuntimesOption = None,
    threads: ThreadsOption = None,
    batches: BatchesOption = None,
    seconds: SecondsOption,
    data: DataOption = None,
    format: FormatOption = TableFormat.table,
) -> None:
    """Time an exported reader in every runtime that is installed, and say which to take.

    Crops are ready: nothing is decoded or resized. The column same tells the share of answers that are ONNX
    Runtime's; checked, whether the export was held to the trained network in that runtime.
    """
    from roadworthy import api

    found = api.bench(
        model,
        runtimes=runtimes or (),
        threads=_counts("--threads", threads) if threads else (),
        batches=_counts("--batches", batches) if batches else (),
        seconds=seconds,
        data=None if data is None else data_from(data, labels=None),
    )
    best = found.recommended
    if format is TableFormat.json:
        rows = [dataclasses.asdict(row) for row in found.rows]
        print_json({"rows": rows, "recommended": None if best is None else dataclasses.asdict(best)})
        return
    print_table(
        ["runtime", "threads", "batch", "p50 ms", "p99 ms", "crops/s", "same", "checked"],
        [
            [
                row.runtime,
                str(row.threads),
                str(row.batch),
                f"{row.p50_ms:.2f}",
                f"{row.p99_ms:.2f}",
                f"{row.crops_per_s:,.0f}",
                percent(row.same, 0),
                "yes" if row.checked else "no",
            ]
            for row in found.rows
        ],
    )
    if best is not None:
        print_prose(
            f"recommended: {best.runtime} with {plural(best.threads, 'thread')}, {best.p50_ms:.2f} ms for "
            "one picture"
        )


def _counts(name: str, text: str) -> tuple[int, ...]:
    """Whole numbers joined by commas."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{name} is {text}; give whole numbers joined by commas, like 1,4") from None
