import json
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest
import torch

from roadworthy.config import Config, OptimConfig, TrainConfig
from roadworthy.core.errors import MissingExtraError
from roadworthy.train.track import TensorBoard, Trace, losses_of, trackers
from roadworthy.train.tracked import Remembered, as_settings, results


def test_only_what_was_asked_for(tmp_path):
    assert trackers(Config(), tmp_path) == []
    asked = trackers(Config(train=TrainConfig(trace=True)), tmp_path)
    assert [type(c) for c in asked] == [Trace]


def test_tensorboard_gets_curves_and_samples(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    pictures = tmp_path / "pictures.npz"
    np.savez(
        pictures,
        samples_images=np.zeros((2, 8, 8, 3), np.uint8),
        augmented_images=np.zeros((2, 8, 8, 3), np.uint8),
    )
    names = losses_of(Config(optim=OptimConfig(l2=0.001)))
    board = TensorBoard(tmp_path / "tb", pictures, names)
    board.on_start("1 epoch")
    for step in range(1, 25):
        board.on_gradient_norm(step, step / 2)
    board.on_epoch({"epoch": 1, "step": 5, "lr": 0.1, "train_loss": 0.5, "val_objective": 0.25})
    board.on_end()
    stored = events.EventAccumulator(str(tmp_path / "tb")).Reload()
    assert [(e.step, e.value) for e in stored.Scalars("training loss (with L2)")] == [(5, 0.5)]
    assert [(e.step, e.value) for e in stored.Scalars("validation loss (with L2)")] == [(5, 0.25)]
    norms = stored.Scalars("gradient_norm_of_step")
    assert [(e.step, e.value) for e in norms] == [(1, 0.5), (11, 5.5), (21, 10.5)]
    assert "lr" in stored.Tags()["scalars"]
    assert {"samples", "augmented"} <= set(stored.Tags()["images"])


def test_a_trace_holds_the_steps_operations(tmp_path, capfd):
    trace = Trace(tmp_path / "trace.json")
    trace.on_start("1 epoch")
    for step in range(12):
        torch.ones(8, 8) @ torch.ones(8, 8)
        trace.on_step(step, 0.0, 0.0, 0.0)
    trace.on_end()
    names = {event.get("name") for event in json.loads((tmp_path / "trace.json").read_text())["traceEvents"]}
    assert "aten::matmul" in names
    assert "USDT" not in capfd.readouterr().err


ROW = {"epoch": 1, "step": 5, "lr": 0.1, "train_loss": 0.5, "val_objective": 0.25}


def finished(folder):
    """A run's folder as a training leaves it."""
    folder.mkdir(exist_ok=True)
    (folder / "metrics.json").write_text(
        json.dumps({"split": "test", "accuracy": 0.75, "n": 4, "classes": ["a"], "ok": True})
    )
    (folder / "config.toml").write_text("")
    return folder


def test_settings_and_results_are_plain_values(tmp_path):
    settings = as_settings(asdict(Config(train=TrainConfig(seed=3))))
    assert settings["train.seed"] == 3
    assert settings["data.classes"] == "all"
    assert "train.minutes" not in settings
    assert results(finished(tmp_path / "run")) == {"test_accuracy": 0.75, "test_n": 4.0}


def test_a_run_folder_remembers_its_trackers(tmp_path):
    assert Remembered(tmp_path).get("mlflow") == ""
    Remembered(tmp_path).put("mlflow", "a")
    Remembered(tmp_path).put("wandb", "b")
    assert (Remembered(tmp_path).get("mlflow"), Remembered(tmp_path).get("wandb")) == ("a", "b")


def test_mlflow_gets_settings_curves_results_and_files(tmp_path, monkeypatch):
    tracking = pytest.importorskip("mlflow.tracking", reason="tracking with MLflow needs roadworthy[mlflow]")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    config = Config(train=TrainConfig(mlflow=True), optim=OptimConfig(l2=0.001))
    folder = finished(tmp_path / "run")
    for _ in range(2):  # begun, and resumed
        (tracker,) = trackers(config, folder)
        tracker.on_start("1 epoch")
        tracker.on_epoch(ROW)
        tracker.on_end()
        tracker.on_close(folder)
    client = tracking.MlflowClient(tracking_uri=(folder / "mlruns").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("roadworthy").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "run"
    assert run.data.params["optim.l2"] == "0.001"
    assert run.data.metrics["test_accuracy"] == 0.75
    assert run.data.metrics["training loss with L2"] == 0.5
    assert [point.step for point in client.get_metric_history(run.info.run_id, "lr")] == [5, 5]
    assert {one.path for one in client.list_artifacts(run.info.run_id)} == {"config.toml", "metrics.json"}


def test_wandb_keeps_a_run_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="tracking with Weights & Biases needs roadworthy[wandb]")
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    folder = finished(tmp_path / "run")
    (tracker,) = trackers(Config(train=TrainConfig(wandb=True)), folder)
    tracker.on_start("1 epoch")
    assert tracker._run.settings.mode == "offline"
    assert tracker._run.config["train.batch_size"] == 128
    tracker.on_epoch(ROW)
    tracker.on_end()
    tracker.on_close(folder)
    stored = list((folder / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(stored) == 1
    ends = time.monotonic() + 30  # its service writes on after finish() has come back
    while b"test_accuracy" not in stored[0].read_bytes():
        assert time.monotonic() < ends
        time.sleep(0.1)
    assert b"training loss" in stored[0].read_bytes()


@pytest.mark.parametrize(("name", "module"), [("mlflow", "mlflow"), ("wandb", "wandb")])
def test_a_tracker_that_is_not_installed_is_told_with_its_command(tmp_path, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"train\.{name} needs .* 'roadworthy\[{name}\]'"):
        trackers(Config(train=TrainConfig(**{name: True})), tmp_path)


def test_trackers_that_never_began_are_closed_quietly(tmp_path, monkeypatch):
    for module in ("mlflow", "wandb"):
        monkeypatch.setitem(sys.modules, module, sys)
    for tracker in trackers(Config(train=TrainConfig(mlflow=True, wandb=True)), tmp_path):
        tracker.on_end()
        tracker.on_close(None)
