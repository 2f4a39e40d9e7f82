"""How likely an answer is right, worked by hand, and for which reader that holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.drive.test_reading import RULE, trail

from roadworthy.drive import sureness
from roadworthy.drive.reading import read_trail
from roadworthy.drive.sureness import FEATURES, Sureness, features_so_far, sureness_for

NUMBERS = """
reader = "aa"
finder = "bb"
bias = -1.0
sure = 0.9
[weights]
odds = 0.5
mean_log_probability = 0.0
log_frames = 0.25
log_size = 0.0
agreement = 2.0
score = 1.0
"""


def test_a_probability_by_hand() -> None:
    rule = Sureness(weights=(1.0, 2.0), bias=-3.0, sure=0.5)
    assert rule.probabilities(np.array([[1.0, 1.0], [3.0, 1.0]])) == pytest.approx(
        [0.5, 1 / (1 + np.exp(-2))]
    )


def test_the_features_of_a_trail_by_hand() -> None:
    p = np.array([[0.8, 0.15, 0.05], [0.2, 0.7, 0.1], [0.8, 0.15, 0.05]])
    seen = trail(p.tolist(), px=[16, 32, 24])
    weights, fused = np.array([1.0, 1.0, 2.0]), np.log(np.array([[0.8, 0.15, 0.05]] * 3))
    scores = np.array([0.5, 0.6, 0.7])
    last = dict(zip(FEATURES, features_so_far(seen, fused, np.log(p), weights, scores)[-1], strict=True))
    assert last["odds"] == pytest.approx(np.log(4))
    assert last["mean_log_probability"] == pytest.approx((3 * np.log(0.8) + np.log(0.2)) / 4)
    assert last["log_frames"] == pytest.approx(np.log(3))
    assert last["log_size"] == pytest.approx(0.0)  # the largest of them, 32 px
    assert last["agreement"] == pytest.approx(3 / 4)
    assert last["score"] == pytest.approx(0.7)


def test_an_answer_without_doubt_and_a_hopeless_one_are_finite() -> None:
    sure, hopeless = np.log(np.array([[1.0, 1e-300, 1e-300]])), np.full((1, 3), np.log(1 / 3))
    for fused in (sure, hopeless):
        features = features_so_far(trail([[0.9, 0.05, 0.05]]), fused, fused, np.ones(1), np.ones(1))
        assert np.isfinite(features).all()


def test_numbers_hold_for_the_reader_and_finder_that_they_were_fitted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sureness.toml"
    monkeypatch.setattr(sureness, "NUMBERS", file)
    assert sureness_for("aa", "bb") is None
    file = tmp_path / "other.toml"
    file.write_text(NUMBERS)
    monkeypatch.setattr(sureness, "NUMBERS", file)
    fitted = sureness_for("aa", "bb")
    assert fitted == Sureness(weights=(0.5, 0.0, 0.25, 0.0, 2.0, 1.0), bias=-1.0, sure=0.9)
    assert sureness_for("aa", "cc") is None
    assert sureness_for(None, "bb") is None


def test_a_trail_is_sure_from_where_its_answer_is_likely_enough() -> None:
    by_frames = Sureness(weights=(0, 0, 1.0, 0, 0, 0), bias=-np.log(8), sure=0.5)  # from eight frames on
    seen = trail([[0.8, 0.15, 0.05]] * 12, score=0.2)
    assert not read_trail(seen, RULE).accepted
    reading = read_trail(seen, replace(RULE, sureness=by_frames))
    assert reading.accepted
    assert reading.confirmed == 7
    assert not read_trail(seen[:7], replace(RULE, sureness=by_frames)).accepted
    always = replace(by_frames, bias=9.0)
    assert not read_trail(seen[:2], replace(RULE, sureness=always)).accepted  # two frames are never enough


def test_what_is_likely_a_sign_is_told_though_it_is_not_sure() -> None:
    seen = trail([[0.95, 0.04, 0.01]] * 6, score=0.55)
    rule = replace(RULE, sure=0.7)
    reading = read_trail(seen, rule)
    assert (reading.accepted, reading.told) == (False, True)
    assert not read_trail(seen[:3], rule).told
    assert not read_trail(seen, replace(rule, told_score=0.6)).told
    unknown = [[0.5, 0.4, 0.1]]
    assert not read_trail(trail(unknown * 6, score=0.55), rule).told
    assert read_trail(trail(unknown * 31, score=0.55), replace(rule, independence=0.0)).told  # two seconds
