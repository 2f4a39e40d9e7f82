"""Curves for TensorBoard, MLflow and Weights & Biases, and profiler traces, for those who ask for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from roadworthy.config import Config
from roadworthy.core.extras import require
from roadworthy.core.words import loss_names
from roadworthy.train.callbacks import Callback
from roadworthy.train.track_mlflow import MlflowRun
from roadworthy.train.track_wandb import WandbRun

NORM_EVERY = 10  # steps from one point of a gradient norm's curve to the next


def trackers(config: Config, folder: Path) -> list[Callback]:
    """The callbacks that `train.tensorboard`, `mlflow`, `wandb` and `trace` ask for."""
    wanted: list[Callback] = []
    names, settings = losses_of(config), asdict(config)
    if config.train.mlflow:
        wanted.append(MlflowRun(folder, settings, names))
    if config.train.wandb:
        wanted.append(WandbRun(folder, settings, names))
    if config.train.tensorboard:
        wanted.append(TensorBoard(folder / "tensorboard", folder / "pictures.npz", names))
    if config.train.trace:
        wanted.append(Trace(folder / "trace.json"))
    return wanted


def losses_of(config: Config) -> dict[str, str]:
    """The names of the losses of a training with these settings, by their columns in history.csv."""
    return loss_names(
        l2=config.optim.l2,
        label_smoothing=config.train.label_smoothing,
        class_weights=config.train.balance == "weights",
        consistency=config.augment.consistency,
    )


class TensorBoard(Callback):
    """Curves of every epoch and sheets of samples, in TensorBoard's own format.

    pictures: an .npz with `samples_images` and `augmented_images`, (N, S, S, 3) uint8.
    names: of curves, by their columns in history.csv; the others are called as their columns are.
    """

    def __init__(self, folder: Path, pictures: Path, names: Mapping[str, str] | None = None) -> None:
        require("train.tensorboard", "track")
        self._folder, self._pictures, self._names = folder, pictures, names or {}
        self._writer: Any = None
        self._norm_at = -NORM_EVERY

    def on_start(self, budget: str) -> None:
        """Show the samples."""
        import numpy as np
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self._folder))
        with np.load(self._pictures, allow_pickle=False) as stored:
            for name in ("samples", "augmented"):
                self._writer.add_images(name, stored[f"{name}_images"], 0, dataformats="NHWC")

    def on_gradient_norm(self, step: int, norm: float) -> None:
        """Add a point to its curve, every so many steps."""
        if step - self._norm_at >= NORM_EVERY:
            self._writer.add_scalar("gradient_norm_of_step", norm, step)
            self._norm_at = step

    def on_epoch(self, row: Mapping[str, float]) -> None:
        """Add a point to each curve."""
        for name, value in row.items():
            if name not in ("epoch", "step"):
                self._writer.add_scalar(self._names.get(name, name), value, int(row["step"]))

    def on_end(self) -> None:
        """Write what is still in memory."""
        if self._writer is not None:
            self._writer.close()


class Trace(Callback):
    """Steps 6 to 10 in Chrome's trace format (Perfetto opens it); the steps before warm up.

    averages: what torch's profiler recorded, by operation; nothing before step 10.
    """

    def __init__(self, path: Path) -> None:
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else its probes write lines to stderr
        schedule = torch.profiler.schedule(wait=4, warmup=1, active=5, repeat=1)
        self._path = path
        self.averages: Any = ()
        self._profiler = torch.profiler.profile(schedule=schedule, on_trace_ready=self._export)

    def _export(self, profiler: Any) -> None:
        profiler.export_chrome_trace(str(self._path))
        self.averages = profiler.key_averages()

    def on_start(self, budget: str) -> None:
        """Begin to count steps."""
        self._profiler.start()

    def on_step(self, step: int, loss: float, images_per_second: float, fraction_done: float) -> None:
        """Count one step."""
        self._profiler.step()

    def on_end(self) -> None:
        """Stop, also when training was shorter than ten steps."""
        self._profiler.stop()
