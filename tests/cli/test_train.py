"""`train`, `evaluate` and `compare` on the command line: flags into settings, results into exit codes."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.config import Config, DataConfig
from roadworthy.core.predictions import Predictions
from roadworthy.inference.predictions import write_predictions


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """Training without training; what was asked for is recorded."""
    asked: list[dict[str, Any]] = []
    found = {"accuracy": 0.95, "ece": 0.03, "per_class": {"stop": {"recall": 0.9}}}
    further = {"accuracy_ci95": (0.9, 0.97), "balanced_accuracy": 0.94, "n": 200, "split": "test"}
    metrics = SimpleNamespace(to_dict=lambda: {**found, **further})

    def train(config: Config, out: Path | None, **rest: Any) -> Any:
        asked.append({"config": config, "out": out, **rest})
        return SimpleNamespace(folder=tmp_path, metrics=metrics)

    monkeypatch.setattr(api, "train", train)
    return asked


def test_flags_land_in_the_config(trained: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[train]\nminutes = 3.0\nbatch_size = 32\nseed = 5\n")
    line = "train --data gtsrb:x --classes stop,no-entry --model study-cnn --size 64 --crop roi --epochs 4"
    rest = ["--seed", "1", "--split", "0.7/0.1/0.2", "--skip-unreadable", "--set", "train.seed=2", "--config"]
    assert cli.run([*line.split(), *rest, str(file), "--out", "o"]) == 0
    config = trained[0]["config"]
    assert config.data.classes == ("stop", "no-entry")
    assert (config.data.spec, config.data.split, config.data.skip_unreadable) == (
        "gtsrb:x",
        "0.7/0.1/0.2",
        True,
    )
    assert (config.model.name, config.input.size, config.input.crop) == ("study-cnn", 64, "roi")
    assert (config.train.batch_size, config.train.epochs, config.train.minutes) == (32, 4, None)
    assert config.train.seed == 2  # --set wins over the flag, the flag over the file
    assert trained[0]["out"] == Path("o")
    assert trained[0]["command"].startswith("roadworthy")


def test_a_budget_in_epochs_drops_the_files_floor_in_steps_for_minutes(
    trained: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[train]\nminutes = 3.0\nmin_steps = 100\nstretch = 2.0\n")
    for budget in ("--epochs 4", "--minutes 2"):
        assert cli.run(["train", "--data", "gtsrb:x", *budget.split(), "--config", str(file)]) == 0
    epochs, minutes = (one["config"].train for one in trained)
    assert (epochs.minutes, epochs.min_steps, epochs.stretch) == (None, 0, 5.0)
    assert (minutes.minutes, minutes.min_steps, minutes.stretch) == (2.0, 100, 2.0)


def test_resuming_takes_the_runs_own_settings(trained: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[data]\nspec = "folder:x"\n[train]\nepochs = 9\n')
    assert cli.run(["train", "--out", str(tmp_path), "--resume"]) == 0
    assert trained[0]["resume"]
    assert (trained[0]["config"].data.spec, trained[0]["config"].train.epochs) == ("folder:x", 9)


@pytest.mark.parametrize(
    ("requirement", "code"),
    [
        ("accuracy=0.95", 0),
        ("accuracy=0.96", 3),
        ("ece=0.03", 0),
        ("ece=0.02", 3),
        ("stop.recall=0.9", 0),
        ("stop.recall=0.91", 3),
        ("no-entry.recall=0.9", 2),
    ],
)
@pytest.mark.usefixtures("trained")
def test_requirements_decide_the_exit_code(requirement: str, code: int) -> None:
    assert cli.run(["train", "--data", "gtsrb:x", "--require", requirement]) == code


def test_an_interrupt_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def train(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "train", train)
    line = ["train", "--data", "gtsrb:x", "--out", str(tmp_path)]
    assert cli.run(line) == 130
    assert "nothing had been saved" in capsys.readouterr().err
    (tmp_path / "resume").mkdir()
    (tmp_path / "resume" / "state.safetensors").touch()
    assert cli.run(line) == 130
    assert f"roadworthy train --out {tmp_path} --resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("--model compct", "did you mean 'compact'"),
        ("--model study-cnn --size 16", "the smallest that works is 22"),
        ("--set augment.policy=defualt", "did you mean 'default'"),
        ("--set augment.mix=cutmx", "cutmx"),
        ("--set optim.name=sgdd", "did you mean 'sgd'"),
        ("--set schedule.name=cosin", "did you mean 'cosine'"),
        ("--set calibrate.reject=margn", "did you mean 'margin'"),
        ("--set train.device=cudaa", "try auto or cpu"),
        ("--data rendered:de?recipe=hrad", "did you mean 'hard'"),
        ("--data rendered:de?without=rian+dirt", "did you mean 'rain'"),
        ("--data folder:nowhere", "nowhere"),
    ],
)
def test_a_training_with_a_misspelt_name_reads_nothing_and_leaves_nothing_behind(
    wrong: str,
    said: str,
    somewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "nowhere" not in wrong:
        monkeypatch.setattr(
            "roadworthy.workflows.train.open_splits", lambda *_, **__: pytest.fail("read the data")
        )
    before = sorted(somewhere.rglob("*"))
    data = [] if "--data" in wrong else ["--data", "rendered:de?n=70"]
    for rest in ([], ["--set", "train.tensorboard=true"]):
        line = ["train", *data, *wrong.split(), "--out", "new/run", *rest]
        assert cli.run(line) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
        assert sorted(somewhere.rglob("*")) == before


def test_two_networks_are_compared_picture_by_picture(
    stored: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = stored(tmp_path / "one", "00000000"), stored(tmp_path / "two", "00110010")
    assert cli.run(["compare", str(one), str(two)]) == 0
    said = capsys.readouterr().out
    assert "8 pictures of 4 signs" in said
    assert "+37.50 points" in said
    assert "says nothing about other trainings" in said
    assert "only a is right on 3" in said
    assert cli.run(["compare", str(one), str(two), str(two), str(one), "--format", "json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert tree["effect"] == 0
    assert tree["per_seed"] == [0.375, -0.375]
    assert tree["verdict"] == "not judged"  # five of eight, of pictures of one class: guessing might
    assert tree["reason"].startswith("at chance, which is 50.00 % here: one reads")
    assert tree["by_class"] == [{"class": "stop", "n": 8, "only_a_right": 1.5, "only_b_right": 1.5}]


def test_signs_that_are_not_named_are_not_counted(
    stored: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [stored(tmp_path / name, "00000000") for name in ("one", "two")]
    for folder in folders:
        write_predictions(dataclasses.replace(Predictions.read(folder), groups=("",) * 8), folder)
    assert cli.run(["compare", *map(str, folders)]) == 0
    assert "8 pictures; which of them show the same sign is not known" in capsys.readouterr().out
    (folders[0] / "metrics.json").write_text('{"n": 8, "signs_estimated": 2}')
    assert cli.run(["compare", *map(str, folders)]) == 0
    assert "8 pictures of about 2 signs" in " ".join(capsys.readouterr().out.split())


def test_speeds_of_different_machines_are_not_set_side_by_side(
    stored: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [stored(tmp_path / name, "00000000") for name in ("one", "two")]
    for folder, seconds in zip(folders, (2, 4), strict=True):
        (folder / "metrics.json").write_text(json.dumps({"samples": 800, "train_seconds": seconds}))
        (folder / "provenance.json").write_text(json.dumps({"cpu": "A", "threads": 2, "precision": "fp32"}))
    assert cli.run(["compare", *map(str, folders)]) == 0
    assert "a trained on 400 pictures/s, b on 200" in capsys.readouterr().out
    (folders[1] / "provenance.json").write_text(json.dumps({"cpu": "B", "threads": 1, "precision": "fp32"}))
    assert cli.run(["compare", *map(str, folders)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "not compared: the trainings differ in processor A and B, threads 2 and 1" in said
    assert "pictures/s" not in said


def test_a_comparison_names_the_folder_that_is_not_there(
    stored: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = stored(tmp_path / "one", "00000000")
    assert cli.run(["compare", str(one), str(tmp_path / "nope")]) == 2
    assert capsys.readouterr().err == f"error: there is no folder {tmp_path / 'nope'}\n"


def test_help_of_evaluate_says_that_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["evaluate", "--help"]) == 0
    assert "report.html; without it nothing is written" in " ".join(capsys.readouterr().out.split())


def test_a_bundle_is_predicted_with_and_measured_as_by_the_api(
    shipped: Any, drawn_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = list(Predictions.read(shipped.run).paths[::7])
    assert cli.run(["predict", str(shipped.bundle), *paths, "--format", "jsonl"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == [json.loads(json.dumps(row.to_dict())) for row in api.predict(shipped.bundle, paths)]
    line = ["evaluate", str(shipped.bundle), "--data", f"folder:{drawn_folder}"]
    assert cli.run(line) == 2
    assert "speed-60" in capsys.readouterr().err
    assert cli.run([*line, "--skip-unknown", "--require", "accuracy=0.5"]) == 0
    metrics = api.evaluate(shipped.bundle, DataConfig(spec=f"folder:{drawn_folder}"), skip_unknown=True)
    out = capsys.readouterr().out
    assert f"{100 * metrics.accuracy:.2f} %" in out
    assert "left out  12 " in out
    assert cli.run([*line, "--skip-unknown", "--require", "nll=0"]) == 3
    assert cli.run([*line, "--skip-unknown", "--set", "evaluate.views=zooms"]) == 2
    assert "is a bundle; evaluate the run" in capsys.readouterr().err


def test_a_set_without_splits_is_not_called_a_test(
    shipped: Any, drawn_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = shutil.copytree(drawn_folder / "train" / "stop", tmp_path / "set" / "stop").parent
    for model, notes in ((shipped.bundle, 1), (shipped.run, 0)):
        assert cli.run(["evaluate", str(model), "--data", f"folder:{place}"]) == 0
        out, err = capsys.readouterr()
        assert "pictures without splits" in out
        assert "of test" not in out
        assert err.count("does not tell which pictures it was trained on") == notes
