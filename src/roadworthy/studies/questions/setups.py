"""Settings that several studies share."""

from __future__ import annotations

from roadworthy.config import load_config
from roadworthy.data.spec import read_records
from roadworthy.data.task import select
from roadworthy.studies.plan import Settings, StudyRequest

# Part 1 of the study that this product grew out of: its network, input, optimiser and stopping.
STUDY_CNN: Settings = {
    "model.name": "study-cnn",
    # Not its own: what compact has when nothing is said, since arms stand on bases that say something.
    "model.width": 1.0,
    "model.depth": 2,
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
    "train.monitor": "objective",  # its framework's validation loss held the L2 term
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

# Ours for as many classes as GTSRB has, cropped to the annotated box, where four minutes do well.
MANY_CLASSES: Settings = {
    "data.val_fraction": 0.1,  # enough signs to calibrate on
    "input.size": 32,
    "input.crop": "roi",
    "optim.lr": 0.2,
    "train.ema": 0.99,
    "train.minutes": 4.0,
}

# What the paper uses on CIFAR-10 (arXiv 2202.03599).
PENALISED: Settings = {"penalty.method": "gradient-norm", "penalty.r": 0.1, "penalty.alpha": 0.8}

QUICK_SECONDS = 2.0
QUICK_SEEDS = 2  # where there are many arms


def base(ask: StudyRequest) -> Settings:
    """What arms are trained with: the study's own network, or for a quick look a small one for seconds."""
    return {**COMPACT, "train.minutes": QUICK_SECONDS / 60} if ask.quick else STUDY_CNN


def many_classes(ask: StudyRequest) -> Settings:
    """The same for studies of trust, which need many classes and signs."""
    return {**COMPACT, "train.minutes": 2 * QUICK_SECONDS / 60} if ask.quick else MANY_CLASSES


def classes_of(ask: StudyRequest) -> tuple[str, ...]:
    """The task's classes by name, those of the data where all are asked for."""
    labels = load_config(None, ask.settings).data.labels
    return select(read_records(ask.data, labels), ask.classes, labels=labels).classes
