"""Rows and figures as lines, for people and for programs."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.cli import app as cli
from roadworthy.cli import layout, printing
from roadworthy.config import EvaluateConfig
from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.metrics import compute_metrics
from roadworthy.evaluate.results import Metrics
from roadworthy.inference.answers import Row
from roadworthy.report.text import result_text


def measured(**extra: Any) -> Metrics:
    said = Predictions(
        classes=("stop", "no-entry"),
        logits=np.eye(2, dtype=np.float32)[[0, 1, 1]] * 9,
        targets=np.array([0, 0, 1]),
        paths=("a", "b", "c"),
        groups=("",) * 3,
    )
    return compute_metrics(said, split="test", config=EvaluateConfig(), extra=extra)


def test_what_is_to_be_doubted_is_said_within_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "width_of", lambda stream: 80)
    text = "The training made 23 steps; 4 classes usually need 60 or more. Give it more --epochs."
    printing.print_metrics(measured(warnings=[{"name": "too_few_steps", "text": text}]))
    said = capsys.readouterr().out
    assert text in " ".join(said.partition("beware")[2].split())
    assert all(len(line) <= 80 for line in said.splitlines())


def test_a_terminal_shows_report_txt_and_a_pipe_the_figures_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = measured(best_epoch=3, epochs=4)
    printing.print_metrics(metrics, Path("runs/x"))
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "accuracy",
        "interval",
        "balanced",
        "ECE",
    ]
    monkeypatch.setattr(layout, "width_of", lambda stream: 200)
    printing.print_metrics(metrics, Path("runs/x"))
    assert capsys.readouterr().out == result_text(metrics.to_dict(), folder="runs/x") + "\n"


def test_answers_that_are_not_accepted_say_so_in_every_format() -> None:
    answers = [
        Row(path="a.png", predicted="stop", kind="stop", confidence=0.4, accepted=False),
        Row(path="b.png", predicted="stop", kind="stop", confidence=0.9, accepted=True),
    ]

    def written(format: printing.PredictFormat) -> list[str]:
        return list(printing.PREDICTION_WRITERS[format](answers))

    table = written(printing.PredictFormat.table)
    assert "stop (not sure)" in table[1]
    assert "not sure" not in table[2]
    assert [row.split(",")[6] for row in written(printing.PredictFormat.csv)] == ["accepted", "false", "true"]
    assert [json.loads(row)["accepted"] for row in written(printing.PredictFormat.jsonl)] == [False, True]


def test_no_rows_are_an_empty_list() -> None:
    assert json.loads("".join(printing.PREDICTION_WRITERS[printing.PredictFormat.json]([]))) == []


def test_table_and_csv_say_that_a_picture_lacks_colour(answered: Sequence[Row]) -> None:
    grey = dataclasses.replace(answered[0], accepted=False, reason="the picture has no colour, and so on")
    table = list(printing.PREDICTION_WRITERS[printing.PredictFormat.table]([grey]))
    assert "speed-50 (no colour)" in table[1]
    (row,) = csv.DictReader(list(printing.PREDICTION_WRITERS[printing.PredictFormat.csv]([grey])))
    assert (row["accepted"], row["reason"]) == ("false", "the picture has no colour, and so on")


def test_rows_are_printed_as_they_come(answered: Sequence[Row]) -> None:
    taken = 0

    def endless() -> Iterator[Row]:
        nonlocal taken
        while True:
            taken += 1
            yield answered[0]

    for name, writer in printing.PREDICTION_WRITERS.items():
        taken = 0
        lines = writer(endless())
        next(lines)
        next(lines)
        assert taken <= 2, name


def test_csv_for_people_holds_no_formula_and_no_line_break_and_raw_is_raw() -> None:
    row = Row(path="=1+1\n\x1b[2J.png", predicted="stop", kind="stop", confidence=0.9)
    for raw, path in ((False, "'=1+1\\n\\x1b[2J.png"), (True, row.path)):
        lines = "\n".join(printing._csv([row], raw=raw))
        (cells,) = csv.DictReader(io.StringIO(lines, newline=""))
        assert cells["path"] == path
    assert cli.run(["predict", "x.png", "--raw"]) == 2
