"""What a model said of a set of pictures, as it is stored, and the probabilities that follow from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import CheckpointError, ShapeError
from roadworthy.core.rejection import Rejection, read_rejection


def log_probabilities(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """Log of the softmax of logits / temperature over the last axis, in float64.

    logits: (..., C), finite.  temperature: positive; above 1 makes answers less sure.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be positive")
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    if scaled.ndim == 0 or scaled.shape[-1] == 0:
        raise ShapeError(f"logits have the shape {scaled.shape}; the last axis must hold the classes")
    shifted = scaled - scaled.max(axis=-1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def probabilities(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """Softmax of logits / temperature over the last axis; rows sum to 1."""
    return np.exp(log_probabilities(logits, temperature))


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a model said of N pictures.

    logits: (N, C) raw, before temperature.  targets: (N,) integers in [0, C).
    groups: (N,) the physical sign that each shows; empty strings where that is unknown.
    temperature: divides the logits before the softmax.  rejection: None where every answer counts.
    """

    classes: tuple[str, ...]
    logits: FloatArray
    targets: IntArray
    paths: tuple[str, ...]
    groups: tuple[str, ...]
    temperature: float = 1.0
    rejection: Rejection | None = None

    def __post_init__(self) -> None:
        n = len(self.targets)
        if self.logits.shape != (n, len(self.classes)) or len(self.paths) != n or len(self.groups) != n:
            raise ShapeError(
                f"predictions do not fit together: logits {self.logits.shape}, {len(self.classes)} classes, "
                f"{n} targets, {len(self.paths)} paths, {len(self.groups)} groups"
            )
        if n and not 0 <= self.targets.min() <= self.targets.max() < len(self.classes):
            raise ShapeError(
                f"targets run from {self.targets.min()} to {self.targets.max()}; with {len(self.classes)} "
                f"classes they must lie between 0 and {len(self.classes) - 1}"
            )
        if not np.isfinite(self.logits).all():
            raise ShapeError("some logits are not finite; weights that give such answers cannot be measured")

    @classmethod
    def read(cls, folder: Path) -> Predictions:
        """What `inference.predictions.write_predictions` stored; CheckpointError where there is none."""
        if not folder.exists():
            raise CheckpointError(f"there is no folder {folder}")
        path = folder / "predictions.npz"
        try:
            with np.load(path, allow_pickle=False) as stored:
                if "answers" in stored:
                    raise CheckpointError(
                        f"{path} keeps which class was answered for each picture, and not how surely"
                    )
                return cls(
                    classes=tuple(stored["classes"].tolist()),
                    logits=stored["logits"],
                    targets=stored["targets"],
                    paths=tuple(stored["paths"].tolist()),
                    groups=tuple(stored["groups"].tolist()),
                    temperature=float(stored["temperature"]),
                    rejection=read_rejection(
                        json.loads(str(stored["rejection"])) if "rejection" in stored else None
                    ),
                )
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise CheckpointError(f"{path} holds no stored predictions: {error}") from error
