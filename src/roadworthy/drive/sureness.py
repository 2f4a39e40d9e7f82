"""How likely the answer to a trail is right: a logistic regression on what its frames say together.

Its numbers are in sureness.toml, with the reader and finder that they hold for; benchmarks/drive_sureness.py
fits them on drawn drives.  Source of the method: Platt 1999, with more than one feature.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.drive.seen import Seen

FEATURES = ("odds", "mean_log_probability", "log_frames", "log_size", "agreement", "score")
NUMBERS = Path(__file__).with_suffix(".toml")
_ODDS = (-3.0, 9.0)
_MEAN_LOG = -4.0
_SIZE_PX = 32.0


@dataclass(frozen=True, kw_only=True)
class Sureness:
    """The regression, and from which probability on a trail is sure.

    weights: of FEATURES, in their order.  bias: what all zeros give.  sure: least probability, in (0, 1).
    """

    weights: tuple[float, ...]
    bias: float
    sure: float

    def probabilities(self, features: FloatArray) -> FloatArray:
        """(F,) that the answer is right, of (F, K) features."""
        return np.asarray(1 / (1 + np.exp(-(features @ np.array(self.weights) + self.bias))))


def features_so_far(
    seen: Sequence[Seen],
    fused: FloatArray,
    log_probs: FloatArray,
    weights: FloatArray,
    scores: FloatArray,
) -> FloatArray:
    """(F, K) the FEATURES of a trail after each of its frames.

    fused: (F, C) log-probabilities by all frames up to each.  log_probs: (F, C) of each frame alone.
    weights: (F,) of the frames.  scores: (F,) weighted mean so far of the finder's.
    """
    chosen = fused.argmax(axis=1)
    top = np.minimum(fused.max(axis=1), -1e-9)
    odds = np.clip(top - np.log(-np.expm1(top)), *_ODDS)
    total = np.cumsum(weights)
    clipped = np.cumsum(weights[:, None] * np.maximum(log_probs, _MEAN_LOG), axis=0) / total[:, None]
    votes = np.zeros_like(fused)
    votes[np.arange(len(seen)), log_probs.argmax(axis=1)] = weights
    shares = np.cumsum(votes, axis=0) / total[:, None]
    sizes = np.maximum.accumulate([min(one.height_px, one.width_px) for one in seen])
    at = (np.arange(len(seen)), chosen)
    return np.stack(
        [
            odds,
            clipped[at],
            np.log(np.arange(1, len(seen) + 1)),
            np.log(np.maximum(sizes, 1.0) / _SIZE_PX),
            shares[at],
            scores,
        ],
        axis=1,
    )


def sureness_for(reader: str | None, finder: str | None) -> Sureness | None:
    """What was fitted for a reader and a finder, by their bundles' SHA-256; None where nothing was."""
    tree = _numbers(NUMBERS)
    if None in (reader, finder) or (tree.get("reader"), tree.get("finder")) != (reader, finder):
        return None
    return sureness_of(tree)


def sureness_of(tree: Mapping[str, Any]) -> Sureness:
    """The regression of a file like sureness.toml."""
    weights = tree["weights"]
    return Sureness(
        weights=tuple(float(weights[name]) for name in FEATURES),
        bias=float(tree["bias"]),
        sure=float(tree["sure"]),
    )


@cache
def _numbers(path: Path) -> Mapping[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
