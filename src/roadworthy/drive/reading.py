"""One answer for all frames of a trail, how sure it is, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import BoolArray, FloatArray, IntArray
from roadworthy.core.rejection import Rejection
from roadworthy.drive.look import log_probabilities_of
from roadworthy.drive.seen import Seen
from roadworthy.drive.sureness import Sureness, features_so_far, sureness_for
from roadworthy.inference.confidence import accepted
from roadworthy.inference.finder import Finder
from roadworthy.inference.network import Network

CLEAR_PX = 32.0  # from which height on a further pixel says nothing more
INDEPENDENCE = 0.1  # by drawn drives of validation; tracks of real signs ask for less (docs/log.md)
OF_MANY = 0.9  # of what a single frame is asked for: a trail has many witnesses (docs/log.md)
DOUBTED = 0.02  # share of frames whose answer may be anything: none rules a class out alone
FRAMES, LASTS_S = 3, 0.12  # that a sure sign is seen for, at least
TOLD_FRAMES, TOLD_SCORE, TOLD_CONFIDENCE = 4, 0.5, 0.9  # of what is told though it is not sure (docs/log.md)
TOLD_LASTS_S = 2.0  # seconds in sight, from which on it is told whatever the confidence: a sign nobody knows


@dataclass(frozen=True, kw_only=True)
class ReadingRule:
    """How a reader's and a finder's answers to single frames become one to a sign.

    classes, temperature, rejection: the reader's.  sure: the finder's, least product of score and confidence.
    independence: what a further frame is worth, from 0 (frames repeat each other) to 1.
    doubted: share of frames whose answer may be anything.  frames, lasts_s: that a sure sign is seen in, and
    for how long, at least.  sureness: how likely an answer is right, as was fitted for this reader and
    finder; without it `sure` and the reader's threshold say which is sure.
    told_frames, told_score, told_confidence: at least, for an answer that is not sure to be told as a sign;
    told_lasts_s: seconds in sight, from which on its confidence does not matter.
    """

    classes: tuple[str, ...]
    temperature: float
    rejection: Rejection | None
    sure: float
    independence: float = INDEPENDENCE
    doubted: float = DOUBTED
    frames: int = FRAMES
    lasts_s: float = LASTS_S
    sureness: Sureness | None = None
    told_frames: int = TOLD_FRAMES
    told_score: float = TOLD_SCORE
    told_confidence: float = TOLD_CONFIDENCE
    told_lasts_s: float = TOLD_LASTS_S


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a trail's frames say together.

    sign: its class.  confidence: in [0, 1].  accepted: whether it is sure.  score: how sure it is that there
    is a sign.  confirmed: the place in the trail from which on its answer was sure and stayed; None where
    it never was.  told: whether it is told as a sign; what is not is a candidate.
    """

    sign: str
    confidence: float
    accepted: bool
    score: float
    confirmed: int | None
    told: bool = True


def rule_of(reader: Network, finder: Finder) -> ReadingRule:
    """The rule for a reader and a finder: their own thresholds, and what was fitted for both together."""
    return ReadingRule(
        classes=reader.classes,
        temperature=reader.temperature,
        rejection=reader.rejection,
        sure=finder.rule.sure,
        sureness=sureness_for(getattr(reader, "sha256", None), getattr(finder, "sha256", None)),
    )


def read_trail(seen: Sequence[Seen], rule: ReadingRule) -> Reading:
    """The answer of all frames, and from which on it was sure."""
    weights = frame_weights(seen)
    answers = answers_so_far(seen, rule)
    scores = _running_mean(np.array([one.score for one in seen]), weights)
    chosen, confidences = answers.argmax(axis=1), np.exp(answers.max(axis=1))
    sure = _enough(seen, rule) & _sure(seen, rule, answers, weights, scores)
    same = chosen == chosen[-1]
    stays = np.flatnonzero(~(sure & same))
    since = int(stays[-1]) + 1 if len(stays) else 0
    return Reading(
        sign=rule.classes[int(chosen[-1])],
        confidence=float(confidences[-1]),
        accepted=bool(sure[-1]),
        score=float(scores[-1]),
        confirmed=since if since < len(seen) else None,
        told=bool(sure[-1]) or _told(seen, float(confidences[-1]), float(scores[-1]), rule),
    )


def frame_weights(seen: Sequence[Seen]) -> FloatArray:
    """(F,) what each frame's answer counts: large and sharp ones more."""
    sizes = np.minimum([min(one.height_px, one.width_px) / CLEAR_PX for one in seen], 1.0)
    sharp = np.array([one.sharpness for one in seen])
    best = float(np.quantile(sharp, 0.9)) or 1.0
    return np.asarray(sizes**2 * np.clip(sharp / best, 0.1, 1.0))


def clearest(seen: Sequence[Seen]) -> int:
    """The place of the frame that shows a sign best."""
    sizes = np.array([one.height_px for one in seen])
    return int((sizes * np.clip(frame_weights(seen), 0.05, None)).argmax())


def answers_so_far(seen: Sequence[Seen], rule: ReadingRule) -> FloatArray:
    """(F, C) log-probabilities after each frame, by all up to it."""
    log_probs, weights = log_probabilities_of(seen, rule.temperature), frame_weights(seen)
    classes = log_probs.shape[1]
    doubting = log_probs
    if rule.doubted:
        doubting = np.logaddexp(np.log1p(-rule.doubted) + log_probs, np.log(rule.doubted / classes))
    total = np.cumsum(weights)
    mean = np.cumsum(weights[:, None] * doubting, axis=0) / total[:, None]
    # Kish's effective number of frames: many small ones beside a clear one are worth little.
    effective = total**2 / np.cumsum(weights**2)
    fused = (1 + (effective - 1) * rule.independence)[:, None] * mean
    return np.asarray(fused - np.logaddexp.reduce(fused, axis=1, keepdims=True))


def trail_features(seen: Sequence[Seen], rule: ReadingRule) -> tuple[FloatArray, IntArray]:
    """(F, K) what a sureness is fitted to, and (F,) the class that it is of, after each frame."""
    weights, answers = frame_weights(seen), answers_so_far(seen, rule)
    scores = _running_mean(np.array([one.score for one in seen]), weights)
    log_probs = log_probabilities_of(seen, rule.temperature)
    return features_so_far(seen, answers, log_probs, weights, scores), answers.argmax(axis=1)


def _sure(
    seen: Sequence[Seen], rule: ReadingRule, answers: FloatArray, weights: FloatArray, scores: FloatArray
) -> BoolArray:
    """(F,) whether the answer is likely enough to be right."""
    confidences = np.exp(answers.max(axis=1))
    if rule.sureness is None:
        sure = confidences * scores >= OF_MANY * rule.sure
        return np.asarray(sure & _accepted(seen, confidences, weights, rule))
    log_probs = log_probabilities_of(seen, rule.temperature)
    features = features_so_far(seen, answers, log_probs, weights, scores)
    return np.asarray(rule.sureness.probabilities(features) >= rule.sureness.sure)


def _told(seen: Sequence[Seen], confidence: float, score: float, rule: ReadingRule) -> bool:
    """Whether an answer that is not sure is likely a sign all the same."""
    if len(seen) < rule.told_frames or score < rule.told_score:
        return False
    return confidence >= rule.told_confidence or seen[-1].time_s - seen[0].time_s >= rule.told_lasts_s


def _accepted(
    seen: Sequence[Seen], confidences: FloatArray, weights: FloatArray, rule: ReadingRule
) -> BoolArray:
    """(F,) whether the reader's own threshold lets the answer pass; of other scores, most frames."""
    if rule.rejection is None:
        return np.ones(len(seen), bool)
    if rule.rejection.score == "probability":
        return np.asarray(confidences >= rule.rejection.threshold)
    each = accepted(np.stack([one.logits for one in seen]), rule.temperature, rule.rejection)
    assert each is not None  # there is a threshold
    return np.asarray(_running_mean(each.astype(np.float64), weights) >= 0.5)


def _running_mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    return np.asarray(np.cumsum(values * weights) / np.cumsum(weights))


def _enough(seen: Sequence[Seen], rule: ReadingRule) -> BoolArray:
    """(F,) whether a sign had been seen often and long enough by then."""
    lasted = np.array([one.time_s - seen[0].time_s for one in seen])
    return (np.arange(1, len(seen) + 1) >= rule.frames) & (lasted >= rule.lasts_s)
