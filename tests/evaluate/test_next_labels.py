"""What each strategy would have labelled next."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.core.errors import ShapeError, UnknownNameError, UsageError
from roadworthy.evaluate.next_labels import STRATEGIES, Pool, choose

PROBS = np.array([[0.98, 0.01, 0.01], [0.5, 0.49, 0.01], [0.4, 0.3, 0.3], [0.6, 0.2, 0.2]])
LINE = np.array([[0.0], [1.0], [2.0], [9.0]])


def pool(**changes: np.ndarray) -> Pool:
    return Pool(**{"features": LINE, "probs": PROBS, "labelled": np.zeros((0, 1)), **changes})


@pytest.mark.parametrize("strategy", STRATEGIES.names())
def test_each_chooses_as_many_as_asked_for_and_none_twice(strategy: str) -> None:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(4), 50)
    features = rng.normal(size=(50, 3))
    offered = Pool(features=features, probs=probs, labelled=rng.normal(size=(5, 3)))
    for n in (1, 20, 50):
        chosen = choose(strategy, offered, n, np.random.default_rng(1))
        assert len(set(chosen.tolist())) == n
        assert set(chosen.tolist()) <= set(range(50))
        again = choose(strategy, offered, n, np.random.default_rng(1))
        assert chosen.tolist() == again.tolist()


def test_the_least_sure_are_chosen() -> None:
    rng = np.random.default_rng(0)
    assert choose("least-confident", pool(), 2, rng).tolist() == [2, 1]
    assert choose("margin", pool(), 2, rng).tolist() == [1, 2]


def test_k_center_takes_what_is_farthest_from_all_that_is_known() -> None:
    known = np.array([[0.0]])
    # 9 is farthest; then 2 is 2 from what is known, 1 only 1.
    assert choose("k-center", pool(labelled=known), 3, np.random.default_rng(0)).tolist() == [3, 2, 1]


def test_badge_measures_the_gradients_of_the_last_layer() -> None:
    rng = np.random.default_rng(2)
    features, probs = rng.normal(size=(30, 4)), rng.dirichlet(np.ones(3), 30)
    lack = probs - np.eye(3)[probs.argmax(axis=1)]
    gradients = (lack[:, :, None] * features[:, None, :]).reshape(30, -1)
    offered = Pool(features=features, probs=probs, labelled=np.zeros((0, 4)))
    chosen = choose("badge", offered, 5, np.random.default_rng(3)).tolist()
    # k-means++ on the gradients as they are, with the same draws.
    draws, expected = np.random.default_rng(3), [int((gradients**2).sum(axis=1).argmax())]
    while len(expected) < 5:
        apart = ((gradients[:, None] - gradients[expected][None]) ** 2).sum(axis=2).min(axis=1)
        expected.append(int(draws.choice(30, p=apart / apart.sum())))
    assert chosen == expected


def test_badge_goes_on_where_all_that_is_left_is_alike() -> None:
    offered = Pool(features=np.ones((6, 2)), probs=np.full((6, 2), 0.5), labelled=np.zeros((0, 2)))
    assert len(set(choose("badge", offered, 4, np.random.default_rng(0)).tolist())) == 4


def test_what_does_not_fit_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="5 pictures to label were asked for; there are 4"):
        choose("margin", pool(), 5, rng)
    with pytest.raises(UnknownNameError, match="strategy of labelling 'margins' is unknown; did you mean"):
        choose("margins", pool(), 1, rng)
    with pytest.raises(ShapeError, match=r"features \(4, 1\), probabilities \(3, 3\)"):
        pool(probs=PROBS[:3])
