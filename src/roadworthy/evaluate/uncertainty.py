"""Every score of how sure an answer is, those of the network's features and of several views among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from roadworthy.core.arrays import ByteArray, FloatArray, IntArray
from roadworthy.core.predictions import probabilities
from roadworthy.evaluate.rejection import Mahalanobis, NearestNeighbours, agreement
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.confidence import SCORES
from roadworthy.inference.torch import VIEWS, predict_features, predict_logits
from roadworthy.signs.catalogue import NO_SIGN

NEIGHBOURS = 10
SIGN, NEAREST, DISTANCE, AGREEMENT = "sign's probability", "nearest neighbours", "Mahalanobis", "agreement"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a network says of N pictures.

    logits: (N, C) of the picture as it is.  features: (N, D), what the last layer sees.
    views: (N, C) each, of the picture as it is, moved by a pixel, and zoomed.
    """

    logits: FloatArray
    features: FloatArray
    views: tuple[FloatArray, ...]


def ask(model: nn.Module, images: ByteArray, spec: InputSpec) -> Answers:
    """Ask about (N, S, S, 3) uint8 pictures."""
    logits = predict_logits(model, images, spec)
    views = [view(images) for name in ("shifts", "zooms") for view in VIEWS.get(name)()]
    return Answers(
        logits=logits,
        features=predict_features(model, images, spec),
        # Both kinds of views hold the picture as it is, which has been asked about already.
        views=(logits, *(predict_logits(model, view, spec) for view in views if view is not images)),
    )


class Sureness:
    """All scores of answers, each (N,), higher where an answer is surer.

    classes: of the network, in order.  features_ND, targets: of training pictures, which the two scores of
    features compare with.  temperature: chosen on validation.
    """

    def __init__(
        self, classes: tuple[str, ...], features_ND: FloatArray, targets: IntArray, temperature: float
    ) -> None:
        self._temperature = temperature
        self._signs = np.array([name != NO_SIGN for name in classes])
        self._mahalanobis = Mahalanobis(features_ND, targets)
        self._nearest = NearestNeighbours(features_ND, k=min(NEIGHBOURS, len(features_ND)))

    def __call__(self, answers: Answers) -> dict[str, FloatArray]:
        """Those that logits alone give, by their names, and further ones."""
        found = {name: SCORES.get(name)(answers.logits, self._temperature) for name in SCORES}
        if not self._signs.all():
            # A network that knows `no-sign` says so; how likely the likeliest sign is is what counts then.
            found[SIGN] = probabilities(answers.logits, self._temperature)[:, self._signs].max(axis=1)
        found[AGREEMENT] = agreement(answers.views, self._temperature)
        found[DISTANCE] = self._mahalanobis(answers.features)
        found[NEAREST] = self._nearest(answers.features)
        return found
