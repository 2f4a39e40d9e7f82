"""What mistakes share: found where it is planted, and seldom where it is not."""

from dataclasses import replace

import numpy as np
import pytest

from roadworthy.config import Config, load_config
from roadworthy.evaluate.analysis.causes import (
    TraitEffect,
    actions,
    auroc,
    concentration,
    gain_effects,
    trait_effects,
)
from roadworthy.evaluate.analysis.mistakes import Confusion

SIGNS, FRAMES = 80, 10
UNITS = [f"sign {sign}" for sign in range(SIGNS) for _ in range(FRAMES)]

COUNTS = {"speed-50": 300, "speed-60": 100, "stop": 200}


def trained(*, size: int = 32, policy: str = "none", normalise: str = "unit") -> Config:
    """Settings of a training whose mistakes are looked at."""
    settings = {"input.size": size, "augment.policy": policy, "input.normalise": normalise}
    return load_config(None, [f"{name}={value}" for name, value in settings.items()])


def worse_where(trait: str, quarter: str) -> TraitEffect:
    """A trait whose quarter has more mistakes than chance explains."""
    return TraitEffect(
        trait=trait,
        n=100,
        auroc=0.6,
        quarter=quarter,
        edge=9.0,
        rate=0.04,
        rest_rate=0.03,
        difference_ci95=(0.001, 0.03),
        p=0.001,
        p_adjusted=0.01,
    )


def by_sign(rng: np.random.Generator) -> np.ndarray:
    """A number a sign, the same for all of its frames."""
    return np.repeat(rng.normal(size=SIGNS), FRAMES)


def test_auroc_by_hand() -> None:
    assert auroc(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0])) == 1.0
    assert auroc(np.array([1.0, 1.0]), np.array([0.0, 1.0])) == 0.5
    assert auroc(np.array([3.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0])) == 0.0


def test_a_trait_that_matters_is_found_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    dark, other = by_sign(rng), by_sign(rng)
    wrong = (rng.random(SIGNS * FRAMES) < np.where(dark < -0.7, 0.5, 0.02)).astype(float)
    first, second = trait_effects({"other": other, "dark": dark}, wrong, UNITS, rng)
    assert (first.trait, first.quarter, first.shown) == ("dark", "low", True)
    assert first.auroc < 0.3
    assert first.rate > 0.3 > 0.1 > first.rest_rate
    assert first.difference_ci95 is not None
    assert first.difference_ci95[0] > 0.1
    assert not second.shown


def test_frames_of_few_signs_are_no_evidence_about_a_trait() -> None:
    # All mistakes on three signs, whose trait is chance: by pictures alone it would look certain.
    alarms = 0
    for repeat in range(60):
        rng = np.random.default_rng(repeat)
        wrong = np.isin(np.repeat(np.arange(SIGNS), FRAMES), rng.choice(SIGNS, 3)).astype(float)
        alarms += trait_effects({"x": by_sign(rng)}, wrong, UNITS, rng, permutations=199)[0].shown
    assert alarms <= 9


def test_traits_that_cannot_tell_are_left_out() -> None:
    wrong = np.array([1.0, 0.0, 0.0])
    traits = {"same": np.ones(3), "unknown": np.full(3, np.nan), "x": np.array([1.0, 2.0, np.nan])}
    found = trait_effects(traits, wrong, ["", "", ""], np.random.default_rng(0))
    assert [(effect.trait, effect.n) for effect in found] == [("x", 2)]
    assert trait_effects(traits, np.zeros(3), ["", "", ""], np.random.default_rng(0)) == []


def test_mistakes_on_few_signs_are_told_from_mistakes_anywhere() -> None:
    rng = np.random.default_rng(0)
    few = np.zeros(SIGNS * FRAMES)
    few[:20] = 1
    anywhere = rng.permutation(few)
    there, spread = concentration(few, UNITS, rng), concentration(anywhere, UNITS, rng)
    assert there is not None
    assert spread is not None
    assert (there.on_them, there.mistakes) == (20, 20)
    assert there.p < 0.01 < 0.05 < spread.p
    assert concentration(few, [""] * len(few), rng) is None
    assert concentration(0 * few, UNITS, rng) is None


def test_actions_follow_from_what_is_shown() -> None:
    rng = np.random.default_rng(0)
    tilt = by_sign(rng)
    wrong = (rng.random(SIGNS * FRAMES) < np.where(tilt > 0.7, 0.5, 0.02)).astype(float)
    effects = trait_effects({"tilt": tilt, "hue": by_sign(rng)}, wrong, UNITS, rng)
    found = actions(effects, [Confusion("speed-60", "speed-50", 90, 0.2)], COUNTS, trained(policy="none"))
    assert [action.name for action in found] == ["turned pictures in training", "speed-60 shown more often"]
    assert "90 of them, 20.0 %, read as speed-50; it has 100 of 600 training pictures" in found[1].evidence
    assert found[0].settings == {"augment.policy": "default"}
    assert found[1].settings == {"train.balance": "sampler"}


def test_the_sampler_is_not_proposed_for_a_class_that_it_shows_less() -> None:
    confused = [Confusion("speed-50", "speed-60", 9, 0.02), Confusion("speed-50", "stop", 3, 0.01)]
    (action,) = actions([], confused, COUNTS, trained())
    assert action.name == "photographs of more signs of speed-50"
    assert action.settings == {}
    assert action.evidence.endswith("it has 300 of 600 training pictures, no fewer than the mean class")


@pytest.mark.parametrize("balance", ["sampler", "weights"])
def test_nor_where_classes_are_balanced_already(balance: str) -> None:
    config = load_config(None, [f"train.balance={balance}"])
    (action,) = actions([], [Confusion("speed-60", "speed-50", 9, 0.02)], COUNTS, config)
    assert action.settings == {}
    assert action.evidence.endswith("and classes are balanced")


def test_what_is_on_already_is_not_proposed() -> None:
    def found(**settings: str) -> list[dict[str, str]]:
        effects = [worse_where("brightness", "low"), worse_where("tilt", "high")]
        return [dict(action.settings) for action in actions(effects, [], COUNTS, trained(**settings))]

    normalised, default = {"input.normalise": "per-image"}, {"augment.policy": "default"}
    assert found(normalise="unit", policy="study-flips") == [normalised, default]
    assert found(normalise="per-image", policy="study-flips") == [default]
    assert found(normalise="per-image", policy="default") == [{"augment.policy": "strong"}]
    assert found(normalise="per-image", policy="strong") == []


def test_a_larger_input_follows_only_where_signs_are_larger_than_it() -> None:
    rng = np.random.default_rng(0)
    size = 40 + 5 * by_sign(rng)
    wrong = (rng.random(SIGNS * FRAMES) < np.where(size > 43.5, 0.5, 0.02)).astype(float)
    effects = trait_effects({"size": size}, wrong, UNITS, rng)
    assert (effects[0].quarter, effects[0].shown) == ("high", True)
    assert [action.name for action in actions(effects, [], COUNTS, trained(size=32))] == ["a larger input"]
    assert actions(effects, [], COUNTS, trained(size=64)) == []


def test_a_trait_whose_quarter_is_hardly_worse_speaks_for_nothing() -> None:
    effect = worse_where("tilt", "high")
    assert effect.shown
    assert not replace(effect, p_adjusted=0.06).shown
    assert len(actions([effect], [], COUNTS, trained(policy="none"))) == 1
    hardly = replace(effect, difference_ci95=(-0.01, 0.03))
    assert actions([hardly], [], COUNTS, trained(policy="none")) == []


def test_where_a_change_helps_is_found_where_it_is_planted_and_nowhere_else() -> None:
    rng = np.random.default_rng(0)
    dark, other = by_sign(rng), by_sign(rng)
    gain = np.where(dark < -0.7, rng.choice([-1.0, 1.0, 1.0], SIGNS * FRAMES), 0.0)
    traits = {"other": other, "dark": dark, "same": np.ones(len(dark)), "unknown": np.full(len(dark), np.nan)}
    first, second = gain_effects(traits, gain, UNITS, rng)
    assert (first.trait, first.quarter, first.shown) == ("dark", "low", True)
    assert first.edge == np.quantile(dark, 0.25)
    assert first.there > 0.2 > 0.1 > first.elsewhere
    assert not second.shown
    assert gain_effects(traits, np.zeros(len(dark)), UNITS, rng) == []


def test_a_gain_on_few_signs_is_no_evidence_about_a_trait() -> None:
    alarms = 0
    for repeat in range(60):
        rng = np.random.default_rng(repeat)
        gain = np.isin(np.repeat(np.arange(SIGNS), FRAMES), rng.choice(SIGNS, 3)).astype(float)
        alarms += gain_effects({"x": by_sign(rng)}, gain, UNITS, rng, permutations=199)[0].shown
    assert alarms <= 9
