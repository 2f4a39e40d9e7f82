"""All scores of an answer, each higher where it is surer."""

import numpy as np
import pytest
import torch

from roadworthy.config import ModelConfig
from roadworthy.evaluate.rejection import auroc
from roadworthy.evaluate.uncertainty import AGREEMENT, DISTANCE, NEAREST, SIGN, Answers, Sureness, ask
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.confidence import SCORES
from roadworthy.inference.torch import predict_logits
from roadworthy.models.catalogue import build_model

CLASSES = ("speed-50", "stop")


def answers(n: int, mean: float, seed: int) -> Answers:
    """Pictures of two classes whose features lie about +-mean: plainly one or the other if that is large."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 2)) + mean * np.where(np.arange(n) % 2, 1.0, -1.0)[:, None]
    logits = features @ np.array([[-1.0, 1.0], [-1.0, 1.0]])
    return Answers(logits=logits, features=features, views=(logits, 0.9 * logits))


def test_every_score_ranks_what_was_learnt_above_what_was_not() -> None:
    train, known, unknown = answers(200, 4.0, 0), answers(200, 4.0, 1), answers(200, 0.0, 2)
    sureness = Sureness(CLASSES, train.features, np.arange(200) % 2, temperature=1.0)
    of_known, of_unknown = sureness(known), sureness(unknown)
    assert set(of_known) == {*SCORES, AGREEMENT, DISTANCE, NEAREST}
    for name, scores in of_known.items():
        assert scores.shape == (200,)
        assert auroc(scores, of_unknown[name]) > 0.9, name


def test_a_network_that_knows_no_sign_is_sure_of_a_sign_only_where_it_says_one() -> None:
    logits = np.array([[5.0, 0.0, 0.0], [0.0, 0.0, 5.0]])
    said = Answers(logits=logits, features=logits, views=(logits,))
    sureness = Sureness((*CLASSES, "no-sign"), logits, np.array([0, 2]), temperature=1.0)
    scores = sureness(said)
    assert scores["probability"][0] == pytest.approx(scores["probability"][1])
    assert scores[SIGN] == pytest.approx([0.9867, 0.0066], abs=1e-4)


def test_asking_gives_the_plain_answer_first_and_as_many_features_as_pictures() -> None:
    torch.manual_seed(0)
    spec = InputSpec(size=16)
    model = build_model(ModelConfig(width=0.25, depth=1), 2, spec)
    images = np.random.default_rng(0).integers(256, size=(5, 16, 16, 3), dtype=np.uint8)
    said = ask(model, images, spec)
    assert np.array_equal(said.logits, predict_logits(model, images, spec))
    assert np.array_equal(said.views[0], said.logits)
    assert len(said.views) == 1 + 4 + 2  # as it is, four moves, two zooms: each asked about once
    assert len({view.tobytes() for view in said.views}) == 7
    head = model.head(torch.from_numpy(said.features)).detach().numpy()  # type: ignore[operator]
    assert head == pytest.approx(said.logits, abs=1e-5)
