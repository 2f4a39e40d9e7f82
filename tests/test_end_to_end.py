"""Photographs in, a measured classifier out: the whole road on drawn signs, through the command line."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import roadworthy
from roadworthy.cli import app as cli
from roadworthy.core.predictions import Predictions

SMALL = ["--size", "24", "--epochs", "15", "--seed", "0"]
SETTINGS = [
    *("train.batch_size=16", "train.threads=1", "train.ema=0.9", "model.width=0.5", "model.depth=1"),
    *("augment.policy=light", "optim.lr=0.05"),
]


@pytest.fixture(scope="module")
def run(drawn_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    sets = [part for setting in SETTINGS for part in ("--set", setting)]
    line = ["train", "--data", f"folder:{drawn_folder}", *SMALL, *sets, "--out", str(folder)]
    assert cli.run([*line, "--require", "accuracy=0.5"]) == 0
    return folder


def test_the_run_folder_holds_what_the_contract_names(run: Path) -> None:
    for name in (
        *("config.toml", "provenance.json", "history.csv", "model.txt", "metrics.json"),
        *("checkpoints/best.safetensors", "checkpoints/last.safetensors"),
        *("predictions.csv", "predictions.npz", "report.html"),
    ):
        assert (run / name).stat().st_size > 0, name


def test_the_metrics_follow_from_the_predictions(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["split"] == "test"
    assert metrics["n"] == 48
    with (run / "predictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert metrics["accuracy"] == pytest.approx(np.mean([r["target"] == r["predicted"] for r in rows]))
    assert sum(map(sum, metrics["confusion"]["counts"])) == 48


def test_no_physical_sign_is_on_two_sides(run: Path, drawn_folder: Path) -> None:
    tested = set(Predictions.read(run).groups)
    assert len(tested) == 12
    assert all("test" in group for group in tested)


def test_predicting_agrees_with_evaluating(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = Predictions.read(run)
    some = list(range(0, len(stored.paths), 7))
    capsys.readouterr()
    line = ["predict", str(run), *(stored.paths[i] for i in some), "--format", "json"]
    assert cli.run(line) == 0
    rows = json.loads(capsys.readouterr().out)
    answers = [stored.classes[int(stored.logits[i].argmax())] for i in some]
    assert [row["predicted"] for row in rows] == answers


def test_the_command_line_equals_the_api(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = Predictions.read(run).paths[:5]
    capsys.readouterr()
    assert cli.run(["predict", str(run), *paths, "--format", "jsonl"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == [json.loads(json.dumps(row.to_dict())) for row in roadworthy.predict(run, list(paths))]


def test_a_bad_picture_is_a_row_and_the_others_are_answered(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = Predictions.read(run).paths[0]
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    capsys.readouterr()
    assert cli.run(["predict", str(run), str(bad), good, "--format", "json"]) == 2
    first, second = json.loads(capsys.readouterr().out)
    assert set(first) == {"path", "error"}
    assert second["predicted"]


def test_evaluating_again_gives_the_same(run: Path, drawn_folder: Path, tmp_path: Path) -> None:
    line = ["evaluate", str(run), "--data", f"folder:{drawn_folder}", "--out", str(tmp_path / "again")]
    assert cli.run(line) == 0
    first, again = (json.loads((f / "metrics.json").read_text()) for f in (run, tmp_path / "again"))
    assert (first["accuracy"], first["n"]) == (again["accuracy"], again["n"])
    assert first["nll"] == pytest.approx(again["nll"], abs=1e-6)


def test_an_unmet_requirement_is_3(run: Path, drawn_folder: Path) -> None:
    line = ["evaluate", str(run), "--data", f"folder:{drawn_folder}", "--require", "nll=0"]
    assert cli.run(line) == 3


def test_an_unknown_class_is_an_error_or_counted(
    run: Path, drawn_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("stop", "give-way"):
        (tmp_path / name).mkdir()
        picture = next((drawn_folder / "test" / "stop").iterdir())
        (tmp_path / name / f"{name}0_00000.png").write_bytes(picture.read_bytes())
    line = ["evaluate", str(run), "--data", f"folder:{tmp_path}"]
    assert cli.run(line) == 2
    assert "give-way" in capsys.readouterr().err
    assert cli.run([*line, "--skip-unknown"]) == 0
    assert "left out  1 " in capsys.readouterr().out


def test_the_report_tells_of_the_weights_and_the_tables(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "The weights measured are the best on validation (epoch " in page
    for split in ("train", "val", "test"):
        assert f"First rows of {split}" in page


def test_a_report_can_be_written_again(run: Path) -> None:
    page = run / "report.html"
    before = page.read_text(encoding="utf-8")
    page.unlink()
    assert cli.run(["report", str(run)]) == 0
    assert page.read_text(encoding="utf-8") == before


def test_the_example_tells_the_truth_beside_the_answer(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    example = Path(__file__).parent.parent / "examples" / "predict_some.py"
    subprocess.run([sys.executable, str(example), str(run), "4"], check=True, timeout=60)
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["no-entry", "speed-50", "speed-60", "stop"]


def test_a_run_is_not_overwritten(run: Path, drawn_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["train", "--data", f"folder:{drawn_folder}", "--out", str(run)]) == 2
    assert "already holds a run" in capsys.readouterr().err
