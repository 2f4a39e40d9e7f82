"""What a training takes over from the network that it starts from, and what it refuses."""

from dataclasses import replace

import pytest

from roadworthy.config import START_LR, Config, ModelConfig, OptimConfig, TrainConfig
from roadworthy.core.errors import ConfigError
from roadworthy.imaging.spec import InputSpec
from roadworthy.train.checkpoint import Card
from roadworthy.train.start import said_of_classes, settle_start

CARD = Card(
    model=ModelConfig(width=0.75, dropout=0.1),
    classes=("stop", "speed-50"),
    input=InputSpec(size=64, normalise="unit", crop="roi"),
)
START = TrainConfig(start="runs/x")


def test_network_and_input_are_taken_over_and_said() -> None:
    config, notes = settle_start(Config(train=START), CARD)
    assert config.model == ModelConfig(width=0.75)
    assert config.input == InputSpec(size=64, normalise="unit")
    assert config.optim.lr == START_LR
    assert "taken from runs/x: model.width=0.75, input.size=64, input.normalise=unit" in notes
    assert "optim.lr=0.02 (low, so that what runs/x has learnt is kept)" in notes
    # What is settled stays so.
    assert settle_start(config, CARD) == (config, [])


def test_further_blocks_may_be_added_and_never_taken_away() -> None:
    wanted = Config(
        train=START, model=ModelConfig(width=0.75, extra=1), input=CARD.input, optim=OptimConfig(lr=0.05)
    )
    assert settle_start(wanted, CARD) == (wanted, [])
    grown = replace(CARD, model=ModelConfig(width=0.75, extra=2))
    assert settle_start(replace(wanted, model=ModelConfig()), grown)[0].model.extra == 2
    with pytest.raises(ConfigError, match=r"model.extra is 1, but runs/x, .* has 2"):
        settle_start(wanted, grown)


def test_what_no_weight_depends_on_and_other_rates_are_ours() -> None:
    wanted = Config(
        train=START,
        model=ModelConfig(width=0.75, dropout=0.3),
        input=InputSpec(size=64, normalise="unit", crop="margin=0.1"),
        optim=OptimConfig(lr=0.05),
    )
    assert settle_start(wanted, CARD) == (wanted, [])
    adam = Config(train=START, optim=OptimConfig(name="adam", lr=0.2))
    assert settle_start(adam, CARD)[0].optim == adam.optim


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (Config(train=START, input=InputSpec(size=32)), "input.size is 32, but runs/x"),
        (Config(train=START, model=ModelConfig(name="resnet-8")), "model.name is resnet-8, .* has compact"),
        (Config(train=START, input=InputSpec(resize="lanczos")), "input.resize is lanczos"),
    ],
)
def test_another_network_or_input_is_refused(config: Config, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settle_start(config, CARD)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (("stop", "frogs"), "x knows stop; new: frogs"),
        (("stop",), "x knows all 1 classes already: stop"),
        (("a", "b", "c", "d", "e", "f", "g"), "x knows none of the 7 classes; all are new: .* and 1 more"),
    ],
)
def test_which_classes_are_known_is_said(classes: tuple[str, ...], words: str) -> None:
    import re

    assert re.fullmatch(words, said_of_classes(CARD.classes, classes, "x"))
