"""Predictions as files of a run's folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from roadworthy.core.files import write_arrays, write_csv
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.core.words import csv_cell
from roadworthy.inference.confidence import accepted


def write_predictions(predictions: Predictions, folder: Path) -> None:
    """predictions.csv for people and predictions.npz for later scores; `Predictions.read` reads that."""
    probs = probabilities(predictions.logits, predictions.temperature)
    kept = accepted(predictions.logits, predictions.temperature, predictions.rejection)
    says = [""] * len(predictions.paths) if kept is None else ["true" if one else "false" for one in kept]
    predicted = predictions.logits.argmax(axis=1)
    classes = predictions.classes
    rows = [("path", "group", "target", "predicted", "confidence", "accepted")]
    for i, path in enumerate(predictions.paths):
        target, answer = classes[int(predictions.targets[i])], classes[int(predicted[i])]
        place, group, is_, read_as = map(csv_cell, (path, predictions.groups[i], target, answer))
        rows.append((place, group, is_, read_as, f"{probs[i, predicted[i]]:.6f}", says[i]))
    write_csv(rows, folder / "predictions.csv")
    arrays = {
        "logits": predictions.logits.astype(np.float32),
        "targets": predictions.targets,
        "classes": np.array(classes),
        "paths": np.array(predictions.paths),
        "groups": np.array(predictions.groups),
        "temperature": predictions.temperature,
        "rejection": json.dumps(None if predictions.rejection is None else asdict(predictions.rejection)),
    }
    write_arrays(arrays, folder / "predictions.npz")
