"""What must be installed for a workflow that runs in torch, told before torch is imported."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.config import Config, DataConfig
from roadworthy.core.extras import FOR_MODELS, require
from roadworthy.core.paths import StrPath
from roadworthy.data.spec import extras_for

PACKAGED_HELD_TO = "rendered:au+de?per_class=24"
"""Drawn signs, which an export of the packaged model is checked on where no other data are given."""


def require_for_training(purpose: str, config: Config) -> None:
    """MissingExtraError where a part that the training of `config` takes is not installed."""
    for_model = FOR_MODELS.get(config.model.name)
    require(
        purpose,
        "train",
        *extras_for(config.data.spec),
        *([for_model] if for_model else []),
        *(["track"] if config.train.tensorboard else []),
        *(["mlflow"] if config.train.mlflow else []),
        *(["wandb"] if config.train.wandb else []),
    )


def require_for_export(model: StrPath, data: DataConfig | None, measured: Sequence[DataConfig]) -> None:
    """MissingExtraError where a part that an export takes is not installed."""
    specs = [one.spec for one in ((data, *measured) if data else measured)]
    drawn = [PACKAGED_HELD_TO] if model == "packaged" and data is None else []
    require("exporting", "export", *extras_for(*specs, *drawn))
