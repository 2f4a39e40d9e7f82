"""Progress: plain lines in a log, bars and tables on a terminal."""

import io
import re
from pathlib import Path

import pytest

from roadworthy.cli.progress import TrainingBar, TrainingLines, Watching, epoch_line
from roadworthy.cli.study_progress import StudyLines, StudyTable
from roadworthy.config import load_config
from roadworthy.studies.plan import Job
from roadworthy.studies.results import StudyResult


def test_without_a_terminal_progress_is_plain_lines() -> None:
    stream, now = io.StringIO(), 0.0
    lines = TrainingLines(stream, clock=lambda: now)
    lines.on_notice("this machine is busy")
    lines.on_start("3 epochs")
    lines.on_step(1, 0.5, 1000.0, 0.01)
    now = 11.0
    lines.on_step(2, 0.5, 1000.0, 0.02)
    lines.on_epoch({"epoch": 1, "loss": 0.25, "val_accuracy": 0.5})
    assert stream.getvalue().splitlines() == [
        "this machine is busy",
        "training for 3 epochs",
        "step 2  2%  loss 0.5000  1,000 images/s",
        "epoch 1  loss 0.25  val_accuracy 50.00 %",
    ]
    assert epoch_line({"loss": 1.0}) == "loss 1"


def test_on_a_terminal_an_epoch_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = io.StringIO()
    bar = TrainingBar(stream)
    bar.on_start("3 epochs")
    bar.on_epoch(
        {
            "epoch": 120,
            "step": 123456,
            "seconds": 1234.567,
            "lr": 0.0123456,
            "train_loss": 0.0123456,
            "train_accuracy": 0.98765,
            "val_loss": 0.0123456,
            "val_accuracy": 0.99999,
            "images_per_second": 12345.6,
        }
    )
    bar.on_step(123456, 0.0123456, 12345.6, 0.5)
    bar.on_end()
    lines = stream.getvalue().splitlines()
    assert "epoch 120  train_loss 0.01235  val_loss 0.01235  val_accuracy >99.99 %" in lines
    assert max(map(len, lines)) <= 80
    assert " 50 % loss 0.0123 accuracy >99.9 % 12,346 images/s -:--:--" in lines[-1]


def test_a_studys_progress_says_how_long_and_what_came_out() -> None:
    now, stream = [0.0], io.StringIO()
    job = Job(study="baseline", arm="ours", seed=1, fold=2, folder=Path("x"), config=load_config())
    lines = StudyLines(stream, clock=lambda: now[0])
    lines.on_start("augmentation", [job] * 4, 100.0)
    lines.on_job(job, "started", None)
    now[0] = 30.0
    lines.on_job(job, "lost", None)
    lines.on_job(job, "finished", 0.9876)
    said = stream.getvalue().splitlines()
    assert said[0] == "augmentation: 4 trainings, about 2 min"
    assert said[1].startswith("0/4  ours  seed 1 fold 2  lost")
    assert said[2] == "1/4  ours  seed 1 fold 2  finished  accuracy 98.76 %  2 min left"
    assert lines.seconds_left() == 90.0
    lines.on_plan({"baseline": 5, "profile": 0}, 3600.0)
    lines.on_forecast("profile")
    lines.on_plan({"baseline": 0}, 0.0)
    assert stream.getvalue().splitlines()[3:] == [
        "this will take about 60 min: 5 trainings to do (baseline 5, profile 0)",
        "profile: planning, and trying how fast its networks train here",
        "all trainings are done; nothing is trained",
    ]


def test_on_a_terminal_a_studys_table_fills() -> None:
    stream = io.StringIO()
    ours, none = (
        Job(study="baseline", arm=arm, seed=1, fold=0, folder=Path("x"), config=load_config())
        for arm in ("ours", "none")
    )
    table = StudyTable(stream)
    table.on_start("augmentation", [ours, ours, none], 100.0)
    table.on_job(ours, "started", None)
    table.on_job(ours, "finished", 0.98)
    table.on_job(ours, "finished", 0.99)
    table.on_job(none, "lost", None)
    table.on_end(StudyResult(study="augmentation", question="?", arms=()))
    last = stream.getvalue().rpartition("augmentation: 2 of 3 trainings")[2]
    assert re.search(r"ours +│ +2 of 2 +│ +98\.50 % ", last)
    assert re.search(r"none +│ +0 of 1 +│ +│ seed 1 lost", last)


def test_a_film_that_is_watched_has_lines_with_the_time_left() -> None:
    stream, now = io.StringIO(), 0.0
    with Watching(stream, clock=lambda: now) as watching:
        watching(100.0, 700.0, 25.0)  # a drive that is gone on with
        now = 9.0
        watching(130.0, 700.0, 25.0)
        now = 20.0
        watching(200.0, 700.0, 24.96)
        now = 30.5
        watching(0.0, 700.0, 50.0)  # read again, to be drawn into
        now = 40.5
        watching(80.0, 700.0, 50.0)
    assert stream.getvalue().splitlines() == [
        "watched 200 of 700 s, 25.0 frames/s, 2 min left",
        "drawn 0 of 700 s, 50.0 frames/s",
        "drawn 80 of 700 s, 50.0 frames/s, 77.5 s left",
    ]


def test_of_a_camera_nobody_knows_the_time_left() -> None:
    stream, now = io.StringIO(), 0.0
    watching = Watching(stream, clock=lambda: now)
    watching(0.0, None, 25.0)
    now = 10.0
    watching(10.0, None, 25.0)
    assert stream.getvalue() == "watched 10 s, 25.0 frames/s\n"


def test_a_film_that_is_watched_has_a_bar_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    with Watching(stream) as watching:
        watching(3000.0, 14400.0, 123.4)
        watching(14399.0, 14400.0, 123.4)
        watching(0.0, 14400.0, 123.4)
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", stream.getvalue())
    lines = [line.strip() for line in re.split(r"[\r\n]", plain) if line.strip()]
    assert lines
    assert max(map(len, lines)) <= 80
    assert any("watching" in line and "14399 of 14400 s, 123.4 frames/s" in line for line in lines)
    assert any("drawing" in line for line in lines)
