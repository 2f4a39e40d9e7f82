"""The folder of a run, written by one hand; tests/workflows/test_train.py sees what trainings put into it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.evaluate.detection.conftest import random_frames

from roadworthy.config import Config, EvaluateConfig, load_config
from roadworthy.core.errors import UsageError
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.detection.metrics import compute_finder_metrics
from roadworthy.evaluate.metrics import compute_metrics
from roadworthy.report.text import result_text
from roadworthy.train.state import Progress, TrainState
from roadworthy.workflows.report import report
from roadworthy.workflows.run_folder import RunFolder, no_empty_folder


def test_pictures_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.add_pictures(one=np.arange(3), two=np.zeros(2))
    folder.add_pictures(two=np.ones(2))
    with np.load(tmp_path / "pictures.npz") as stored:
        assert {name: stored[name].tolist() for name in stored.files} == {"one": [0, 1, 2], "two": [1, 1]}


def test_pictures_that_cannot_be_stored_leave_those_that_are_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.add_pictures(one=np.arange(3))
    before = (tmp_path / "pictures.npz").read_bytes()

    class Full:
        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        folder.add_pictures(two=Full())
    assert (tmp_path / "pictures.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.npz"]


def test_an_epochs_cell_is_empty_for_what_it_did_not_measure(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    progress = Progress(history=[{"epoch": 1, "lr": 0.5}, {"epoch": 2, "lr": 0.25, "gradient_norm": 1.5}])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    (tmp_path / "resume").mkdir()
    state = TrainState(model=model, optimizer=optimizer, average=None, progress=progress)
    RunFolder(tmp_path).write_state(state)
    lines = (tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["epoch,lr,gradient_norm", "1,0.5,", "2,0.25,1.5"]


def test_the_text_is_written_as_a_terminal_shows_it(tmp_path: Path) -> None:
    said = Predictions(
        classes=("stop", "no-entry"),
        logits=np.eye(2, dtype=np.float32)[[0, 1, 1]],
        targets=np.array([0, 0, 1]),
        paths=("a", "b", "c"),
        groups=("",) * 3,
    )
    metrics = compute_metrics(said, split="test", config=EvaluateConfig())
    RunFolder(tmp_path).write_results(metrics, said, np.zeros((3, 4, 4, 3), np.uint8))
    text = (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert text == result_text(json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8")))


def test_a_folder_holds_a_run_once_it_has_begun(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.config() is None
    assert folder.provenance() == {}
    folder.write_provenance({"seed": 3})
    assert folder.config() is None
    folder.begin(load_config(None, ["train.seed=3"]))
    assert folder.config() == load_config(None, ["train.seed=3"]) != Config()
    assert folder.provenance() == {"seed": 3}
    assert folder.state.parent.is_dir()
    assert folder.checkpoint("best").parent.is_dir()


def test_an_error_leaves_no_empty_folder_and_takes_nothing_else(tmp_path: Path) -> None:
    def fail(*names: str) -> None:
        with no_empty_folder(tmp_path / "a" / "b"):
            (tmp_path / "a" / "b").mkdir(parents=True)
            for name in names:
                (tmp_path / "a" / name).touch()
            raise UsageError("no")

    with pytest.raises(UsageError):
        fail()
    assert not (tmp_path / "a").exists()
    with pytest.raises(UsageError):
        fail("kept")
    assert (tmp_path / "a" / "kept").exists()
    assert not (tmp_path / "a" / "b").exists()


def test_a_finders_folder_holds_all_that_its_report_and_another_measurement_need(tmp_path: Path) -> None:
    predictions, config = random_frames(2, 10, read=True), EvaluateConfig(bootstrap=20)
    metrics, folder = compute_finder_metrics(predictions, split="test", config=config), RunFolder(tmp_path)
    folder.write_provenance({})
    folder.write_data({"spec": "gtsdb:"})
    folder.write_finder_results(
        metrics, predictions, config.danger, lambda path: np.zeros((450, 450, 3), np.uint8)
    )
    stored = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert stored == metrics.to_dict()
    again = compute_finder_metrics(FinderPredictions.read(tmp_path), split="test", config=config)
    assert again == metrics
    header, *rows = (tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert header == "path,x1,y1,x2,y2,score,predicted,confidence,accepted,wanted,overlap"
    missed = sum(row.split(",")[5] == "" for row in rows)
    assert missed == round((1 - metrics.recall.value) * metrics.signs)
    assert len(rows) == missed + sum(len(one.boxes) for one in predictions.frames)
    text = (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert text == result_text(stored)
    assert report(tmp_path) == tmp_path / "report.html"
    assert (tmp_path / "figures" / "free-response.svg").is_file()
    assert (tmp_path / "report.txt").read_text(encoding="utf-8") == text
