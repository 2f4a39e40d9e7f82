"""What a training asks its validation split: how good it is by now, and how sure is sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from roadworthy.config import CalibrateConfig, EvaluateConfig
from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.predictions import log_probabilities
from roadworthy.core.rejection import Rejection
from roadworthy.data.dataset import Dataset
from roadworthy.evaluate.calibration import fit_temperature
from roadworthy.evaluate.rejection import threshold_at_risk, threshold_for
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
    """Loss and accuracy on validation, this with its standard error; nothing where nothing was set aside."""
    if not len(val):
        return {}
    logits = predict(model, val, spec, config, hardware)
    losses = -log_probabilities(logits)[np.arange(len(val)), val.targets]
    right = logits.argmax(1) == val.targets
    weights = _weights(val)
    return {
        "val_loss": float(np.average(losses, weights=weights)),
        "val_accuracy": float(np.average(right, weights=weights)),
        "val_accuracy_se": _standard_error(val, right, weights),
    }


def _weights(val: Dataset) -> FloatArray:
    """(N,) what each picture counts: the same, but in a mixture every source and class counts the same."""
    sources = np.unique([record.source for record in val.records], return_inverse=True)[1]
    weights = np.ones(len(val))
    if not sources.any():
        return weights
    for source in np.unique(sources):
        own = sources == source
        present = np.unique(val.targets[own])
        for label in present:
            cell = own & (val.targets == label)
            weights[cell] = 1 / (cell.sum() * len(present))
    return weights


def _standard_error(val: Dataset, values: np.ndarray[Any, Any], weights: FloatArray) -> float:
    """Of the weighted mean of what is measured on each picture, taking signs and not pictures as the sample.

    A picture without a group is a sign of its own.  0 where there is but one sign.
    """
    names = [record.group or record.path for record in val.records]
    number = np.unique(names, return_inverse=True)[1]
    signs = int(number.max()) + 1
    if signs == 1:
        return 0.0
    off = np.bincount(number, weights * (values - np.average(values, weights=weights))) / weights.sum()
    return float(np.sqrt(signs / (signs - 1) * np.square(off).sum()))


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
    return Calibration(
        temperature=temperature, rejection=_rejection(logits, val.targets, temperature, config)
    )


def _rejection(
    logits: FloatArray, targets: IntArray, temperature: float, config: CalibrateConfig
) -> Rejection:
    """The threshold that answers the share asked for, or the higher one that errs as seldom as asked."""
    scores = SCORES.get(config.reject)(logits, temperature)
    threshold, coverage = threshold_for(scores, config.coverage), config.coverage
    if config.wrong < 1:
        right = (logits.argmax(axis=1) == targets).astype(np.float64)
        strict = threshold_at_risk(scores, right, config.wrong)
        if strict > threshold:
            threshold, coverage = strict, float((scores >= strict).mean())
    return Rejection(score=config.reject, threshold=threshold, coverage=coverage, n=len(targets))
