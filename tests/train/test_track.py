import json

import numpy as np
import pytest
import torch

from roadworthy.config import Config, OptimConfig, TrainConfig
from roadworthy.train.track import TensorBoard, Trace, losses_of, trackers


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
