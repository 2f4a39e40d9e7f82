"""Logits to probabilities and to how sure an answer is.  numpy only; for evaluate, predict and serve."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.arrays import ByteArray, FloatArray, IntArray
from roadworthy.core.errors import ShapeError
from roadworthy.core.predictions import log_probabilities, probabilities
from roadworthy.core.registry import Registry
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.colour import has_colour
from roadworthy.inference.answers import Row
from roadworthy.signs.catalogue import kind_and_value, told_by_colour

Score = Callable[[FloatArray, float], FloatArray]
"""(logits (N, C), temperature) -> (N,), higher where the answer is surer."""

SCORES: Registry[Score] = Registry("rejection score")


def top_k(scores: FloatArray, k: int) -> IntArray:
    """Indices of the k highest scores over the last axis, highest first, ties by index as argmax does.

    scores: (..., C).  Returns (..., min(k, C)).
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    return np.argsort(-np.asarray(scores, dtype=np.float64), axis=-1, kind="stable")[..., :k]


@SCORES.register("probability")
def maximum_probability(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """The largest probability, in (0, 1].  Source: Hendrycks and Gimpel 2017."""
    result: FloatArray = probabilities(logits, temperature).max(axis=-1)
    return result


@SCORES.register("margin")
def margin(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """The largest probability less the second, in [0, 1]; 1 with a single class."""
    probs = np.sort(probabilities(logits, temperature), axis=-1)
    result: FloatArray = probs[..., -1] - (probs[..., -2] if probs.shape[-1] > 1 else 0.0)
    return result


@SCORES.register("entropy")
def negative_entropy(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """Minus the entropy of the probabilities in nats: 0 for certainty, -ln C for none."""
    log_probs = log_probabilities(logits, temperature)
    # A probability of 0 has no part in it, though its logarithm is -inf.
    result: FloatArray = (np.exp(log_probs) * np.maximum(log_probs, -1e9)).sum(axis=-1)
    return result


@SCORES.register("energy")
def energy(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """T ln sum exp(logits / T): how much the network has to say at all.  Source: Liu et al. 2020."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    top = scaled.max(axis=-1)
    result: FloatArray = temperature * (top + np.log(np.exp(scaled - top[..., None]).sum(axis=-1)))
    return result


def accepted(
    logits_NC: FloatArray, temperature: float, rejection: Rejection | None
) -> NDArray[np.bool_] | None:
    """(N,) whether each answer is sure enough to be given; None where no threshold was chosen."""
    if rejection is None:
        return None
    return np.asarray(SCORES.get(rejection.score)(logits_NC, temperature) >= rejection.threshold)


def answer(
    path: str,
    logits: FloatArray,
    classes: Sequence[str],
    temperature: float = 1.0,
    top: int = 3,
    rejection: Rejection | None = None,
    colourless: bool = False,
) -> Row:
    """What (C,) logits say of the picture at `path`, with `top` answers at most.

    colourless: the picture lacks the colour that the network was trained with (`lacks_colour`).
    """
    sure = accepted(logits[None], temperature, rejection)
    kept = None if sure is None else bool(sure[0])
    probs = probabilities(logits, temperature)
    first, *others = top_k(logits, top).tolist()
    kind, value = kind_and_value(classes[first])
    reason = None
    if colourless and kept is not False and (other := told_by_colour(classes[first])):
        kept, reason = False, f"the picture has no colour, and without it {kind} may be {' or '.join(other)}"
    return Row(
        path=path,
        predicted=classes[first],
        kind=kind,
        value=value,
        confidence=float(probs[first]),
        accepted=kept,
        reason=reason,
        alternatives=tuple((classes[i], float(probs[i])) for i in others),
    )


def lacks_colour(picture: ByteArray, without_colour: bool) -> bool:
    """Whether a picture has no colour though the network needs some.

    picture: (H, W, 3) uint8 RGB, as whole as it arrived.  without_colour: what the network was trained for.
    """
    return not without_colour and not has_colour(picture)


def fuse_frames(log_probs_FC: FloatArray, independence: float = 1.0) -> FloatArray:
    """(C,) log-probabilities that F frames of one sign make up together, under equal chances beforehand.

    log_probs_FC: of each frame, calibrated.  independence: what a further frame is worth, from 0 (frames
    repeat each other: the mean of the logarithms) to 1 (each is new evidence: their sum).
    """
    frames = np.asarray(log_probs_FC, dtype=np.float64)
    if frames.ndim != 2 or 0 in frames.shape:
        raise ShapeError(f"frames must be (F, C), at least one of each; got {frames.shape}")
    if not 0 <= independence <= 1:
        raise ValueError(f"independence is {independence}; it must lie between 0 and 1")
    worth = 1 + (len(frames) - 1) * independence
    # A class that one frame rules out entirely must not end as -inf - -inf.
    return log_probabilities(worth * np.maximum(frames, -1e6).mean(axis=0))
