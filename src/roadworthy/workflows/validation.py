"""What a training asks its validation split: how good it is by now, and how sure is sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from roadworthy.config import CalibrateConfig, EvaluateConfig
from roadworthy.core.arrays import FloatArray
from roadworthy.core.predictions import log_probabilities
from roadworthy.core.rejection import Rejection
from roadworthy.data.dataset import Dataset
from roadworthy.evaluate.calibration import fit_temperature
from roadworthy.evaluate.rejection import threshold_for
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.confidence import SCORES
from roadworthy.inference.torch import predict_logits
from roadworthy.workflows.evaluate import UNCALIBRATED, Calibration


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """Where a run computes."""

    device: torch.device
    autocast: torch.dtype | None


def predict(
    model: torch.nn.Module,
    data: Dataset,
    spec: InputSpec,
    config: EvaluateConfig,
    hardware: Hardware,
    views: str = "plain",
) -> FloatArray:
    """(N, C) logits of `model` on the pictures of `data`; validation and calibration see them plain."""
    return predict_logits(
        model,
        data.images,
        spec,
        batch_size=config.batch_size,
        device=hardware.device,
        autocast_dtype=hardware.autocast,
        views=views,
    )


def validate(
    model: torch.nn.Module, *, val: Dataset, spec: InputSpec, config: EvaluateConfig, hardware: Hardware
) -> Mapping[str, float]:
    """Loss and accuracy on validation; nothing where nothing was set aside."""
    if not len(val):
        return {}
    logits = predict(model, val, spec, config, hardware)
    losses = -log_probabilities(logits)[np.arange(len(val)), val.targets]
    right = logits.argmax(1) == val.targets
    return {"val_loss": _balanced_mean(val, losses), "val_accuracy": _balanced_mean(val, right)}


def _balanced_mean(val: Dataset, values: np.ndarray[Any, Any]) -> float:
    """The mean of what is measured on each picture; of a mixture every source and class weighs the same."""
    sources = np.array([record.source for record in val.records])
    if len(set(sources.tolist())) == 1:
        return float(values.mean())
    return float(
        np.mean(
            [
                np.mean([values[own & (val.targets == c)].mean() for c in np.unique(val.targets[own])])
                for own in (sources == source for source in np.unique(sources))
            ]
        )
    )


def calibrate(
    model: torch.nn.Module,
    *,
    val: Dataset,
    spec: InputSpec,
    config: CalibrateConfig,
    evaluate: EvaluateConfig,
    hardware: Hardware,
) -> Calibration:
    """Temperature and threshold from validation; neither where nothing was set aside."""
    if not len(val):
        return UNCALIBRATED
    logits = predict(model, val, spec, evaluate, hardware)
    temperature = fit_temperature(logits, val.targets)
    if config.reject == "none":
        return Calibration(temperature=temperature)
    threshold = threshold_for(SCORES.get(config.reject)(logits, temperature), config.coverage)
    return Calibration(
        temperature=temperature,
        rejection=Rejection(score=config.reject, threshold=threshold, coverage=config.coverage, n=len(val)),
    )
