"""Settings that several studies share."""

from __future__ import annotations

from roadworthy.studies.plan import Ask, Settings

# Part 1 of the study that this product grew out of: its network, input, optimiser and stopping.
STUDY_CNN: Settings = {
    "model.name": "study-cnn",
    "input.size": 64,
    "input.resize": "nearest",
    "input.normalise": "unit",
    "augment.policy": "none",
    "optim.name": "adam",
    "optim.lr": 1e-3,
    "optim.weight_decay": 0.0,
    "optim.l2": 1e-3,
    "schedule.name": "constant",
    "train.epochs": 10,
    "train.batch_size": 32,
    "train.patience": 3,
    "train.monitor": "loss",
    "train.ema": 0.0,
}

# Ours, small enough for an answer within seconds.
COMPACT: Settings = {
    "model.name": "compact",
    "model.width": 0.5,
    "model.depth": 1,
    "input.size": 32,
    "input.resize": "bilinear",
    "input.normalise": "per-image",
    "augment.policy": "none",
    "optim.name": "sgd",
    "optim.lr": 0.1,
    "optim.weight_decay": 5e-4,
    "optim.l2": 0.0,
    "schedule.name": "one-cycle",
    "train.batch_size": 64,
    "train.patience": 0,
    "train.monitor": "accuracy",
    "train.ema": 0.9,
}

QUICK_SECONDS = 2.0


def base(ask: Ask) -> Settings:
    """What arms are trained with: the study's own network, or in a hurry a small one for seconds."""
    return {**COMPACT, "train.minutes": QUICK_SECONDS / 60} if ask.quick else STUDY_CNN
