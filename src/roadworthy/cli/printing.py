"""What commands print: data on stdout, everything said to a person about the work on stderr."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from roadworthy.cli import layout
from roadworthy.core.words import csv_cell

if TYPE_CHECKING:
    from roadworthy.evaluate.detection.results import FinderMetrics
    from roadworthy.evaluate.results import Metrics
    from roadworthy.inference.answers import Row

INTERRUPTED = 130  # an exit code: 128 + SIGINT, as shells have it


def print_line(line: object) -> None:
    """One line on stdout; whoever reads it may stop reading (`| head`) whenever they like."""
    if os.environ.get("RANK", "0") != "0":  # of the processes that torchrun starts the first one speaks
        return
    try:
        print(line)
    except BrokenPipeError:
        close_stdout()
        raise typer.Exit from None


def print_table(columns: list[str], rows: list[list[Any]], **shape: Any) -> None:
    """A table, as layout.table lays it out."""
    width, colour = layout.width_of(sys.stdout), layout.coloured(sys.stdout)
    for line in layout.table(columns, rows, width, colour=colour, **shape):
        print_line(line)


def print_facts(facts: Iterable[tuple[str, Any]], indent: str = "") -> None:
    """Names and what is to be said of each."""
    rows = [[name, value] for name, value in facts]
    print_table(["name", "value"], rows, header=False, folded="value", indent=indent)


def print_prose(text: str, indent: str = "") -> None:
    """A sentence, folded at words on a terminal."""
    for line in layout.prose(text, layout.width_of(sys.stdout), indent):
        print_line(line)


def print_json(tree: Any) -> None:
    """A tree as JSON, one value a line."""
    print_line(json.dumps(tree, indent=1, ensure_ascii=False))


def print_metrics(metrics: Metrics | FinderMetrics, folder: Path | None = None) -> None:
    """What a training or an evaluation ends with: for a person all of report.txt, for a script the figures.

    folder: of the run, where the weights lie that were measured.
    """
    from roadworthy.report.text import WIDTH, result_facts, result_text

    found, width = metrics.to_dict(), layout.width_of(sys.stdout)
    if width is None:
        print_facts(result_facts(found))
        return
    for line in result_text(found, folder=str(folder or ""), width=min(width, WIDTH)).splitlines():
        print_line(line)
    print_line("")


def print_place(folder: Path) -> None:
    """Where the report is, or the results where none was written."""
    page = folder / "report.html"
    print_line(f"report    {page}" if page.is_file() else f"results   {folder}")


def close_stdout() -> None:
    """Send the rest of stdout nowhere."""
    # Python flushes stdout once more as it ends; that must not fail either.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str, heading: str = "") -> None:
    """One line on stderr, on a terminal folded at words; `heading` is how it begins, in red."""
    lines = [text]
    if "\n" not in text:  # help and tracebacks are lines already
        lines = layout.prose(f"{heading} {text}".lstrip(), layout.width_of(sys.stderr))
    if heading:
        lines[0] = lines[0].replace(heading, layout.paint(heading, "red", sys.stderr), 1)
    print("\n".join(lines), file=sys.stderr, flush=True)


def say_error(what: str) -> None:
    """What was wrong, on stderr."""
    say(what, "error:")


def say_note(note: str) -> None:
    """A note, on stderr; of several processes the first one speaks."""
    if os.environ.get("RANK", "0") == "0":
        say(f"note: {note}")


class PredictFormat(StrEnum):
    """How predictions are printed."""

    table = "table"
    csv = "csv"
    json = "json"
    jsonl = "jsonl"


def _table(rows: Iterable[Row], *, find: bool = False) -> Iterator[str]:
    return layout.answers(rows, layout.width_of(sys.stdout), find=find, stream=sys.stdout)


def _csv(rows: Iterable[Row], *, raw: bool = False) -> Iterator[str]:
    as_cell = str if raw else csv_cell
    columns = ["path", "error", "predicted", "kind", "value", "confidence", "accepted"]
    columns += ["alternatives", "box", "reason", "found"]
    yield ",".join(columns)
    for row in rows:
        cells = row.to_dict()
        if row.box is not None:
            cells["box"] = " ".join(f"{edge:.1f}" for edge in row.box)
        cells["alternatives"] = " ".join(f"{name}={share:.6f}" for name, share in row.alternatives)
        if row.error is None:
            cells["confidence"] = f"{row.confidence:.6f}"
            cells["found"] = "" if row.found is None else f"{row.found:.6f}"
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


def prediction_lines(
    rows: Iterable[Row], format: PredictFormat, *, find: bool = False, raw: bool = False
) -> Iterator[str]:
    """Rows in a format, each line as soon as its row has come."""
    if format is PredictFormat.table:
        return _table(rows, find=find)
    return _csv(rows, raw=raw) if format is PredictFormat.csv else PREDICTION_WRITERS[format](rows)
