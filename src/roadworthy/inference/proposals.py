"""What a model proposes to mark in a frame, kept with all that tells whether a person should look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.core.arrays import Box, ByteArray, FloatArray
from roadworthy.core.finding_rule import FindingRule
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.inference.answer_rule import AnswerRule, Found, shows_none
from roadworthy.inference.answers import Row
from roadworthy.inference.classifier import Classifier
from roadworthy.inference.found import find_signs

SURE = 2 / 3  # of the way from a box that is shown to one that is sure (docs/results/labelling.md)
MAYBE = 0.7  # of the threshold: boxes from there on are not written, but make a frame worth a look


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A box and the class of the sign in it.

    box: in pixels, x2 and y2 exclusive.  confidence: of the class.  found: how sure the finder and the reader
    are that there is a sign, 1 where nobody looked for it.  accepted: whether both are to be relied on.
    energy: the log-sum-exp of the reader's logits: low for what is unlike all that it learned from.
    logits: (C,) of the reader.
    """

    box: Box
    label: str
    confidence: float
    found: float
    accepted: bool
    energy: float
    logits: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **{name: getattr(self, name) for name in ("label", "accepted")},
            **{name: round(getattr(self, name), 4) for name in ("confidence", "found", "energy")},
            "box": [round(edge, 1) for edge in self.box],
            "logits": list(self.logits),
        }

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Proposal:
        """What `to_dict` gave."""
        x1, y1, x2, y2 = tree["box"]
        return cls(**{**tree, "box": (x1, y1, x2, y2), "logits": tuple(tree["logits"])})


def written_from(rule: FindingRule) -> float:
    """The least score of boxes that a person is given: nine in ten should need no correction."""
    return rule.threshold + SURE * (min(1.0, rule.sure) - rule.threshold)


def propose(
    picture: ByteArray, classifier: Classifier, *, threshold: float, least_px: float | None = None
) -> list[Proposal]:
    """The signs of an (H, W, 3) uint8 RGB frame, those that may be some included, surest first.

    threshold: least score of a box that is written; `MAYBE` of it is looked at.
    """
    found = find_signs(
        picture, classifier.finder, classifier.network, threshold=MAYBE * threshold, least_px=least_px
    )
    rule = AnswerRule.of(classifier.network, 1, sure=classifier.finder.rule.sure)
    rows = rule.found_rows("", found, colourless=rule.lacks_colour(picture))
    return [_proposal(one, row) for one, row in zip(found, rows, strict=True)]


def propose_whole(picture: ByteArray, classifier: Classifier, box: Box | None = None) -> list[Proposal]:
    """The one sign that a picture is of; none where the model sees no sign.  box: where it is, if known."""
    height, width = picture.shape[:2]
    whole = box or (0.0, 0.0, float(width), float(height))
    (logits,) = classifier.logits(crop_resize(picture, classifier.spec, box)[None])
    rule = AnswerRule.of(classifier.network, 1)
    row = rule.row("", logits, colourless=rule.lacks_colour(picture))
    return [] if shows_none(row) else [_proposal(Found(box=whole, logits=logits), row)]


def _proposal(found: Found, row: Row) -> Proposal:
    return Proposal(
        box=found.box,
        label=row.predicted,
        confidence=row.confidence,
        found=1.0 if found.score is None else found.score,
        accepted=row.accepted is not False,
        energy=float(np.logaddexp.reduce(np.asarray(found.logits, np.float64))),
        logits=tuple(round(float(value), 2) for value in found.logits),
    )


def voted(proposals: Sequence[Proposal], classes: Sequence[str], temperature: float) -> str:
    """The class that the boxes of one physical sign show together: their mean log-probability's highest."""
    logits: FloatArray = np.array([one.logits for one in proposals]) / temperature
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return classes[int(logs.mean(axis=0).argmax())]
