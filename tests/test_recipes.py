"""Every recipe loads, names what exists, and says how to call it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch
import typer

from roadworthy.augment.policy import POLICIES, build_policy
from roadworthy.cli import app as cli
from roadworthy.config import Config, load_config
from roadworthy.core.errors import MissingExtraError
from roadworthy.data.spec import parse_spec
from roadworthy.evaluate.analysis.doubts import LEAST_STEPS
from roadworthy.models.catalogue import FINDERS, build_finder, build_model
from roadworthy.train.gradient_norm import GradientNormPenalty, build_gradient_rules
from roadworthy.train.optim import build_optimizer
from roadworthy.train.schedules import build_schedule

FOLDER = Path(__file__).parent.parent / "recipes"
RECIPES = sorted(FOLDER.glob("*.toml"))
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def recipe(name: str) -> Config:
    return load_config(FOLDER / f"{name}.toml")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_loads_and_what_it_names_can_be_built(path: Path) -> None:
    config = load_config(path)
    assert config.augment.policy in POLICIES
    with torch.device("meta"):
        try:
            finds = config.model.name in FINDERS
            model = build_finder(config.model) if finds else build_model(config.model, 10, config.input)
        except MissingExtraError as error:
            pytest.skip(str(error))
        build_gradient_rules(config.penalty, model, build_optimizer(model, config.optim))
    assert 0 <= build_schedule(config.schedule)(0.5) <= 1


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_says_how_to_call_it(path: Path) -> None:
    """One of its comments is a command that parses, with this very file; it or the file names data."""
    (line,) = re.findall(r"^#   (roadworthy train .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    command = typer.main.get_command(cli.app)
    _, verb, *rest = shlex.split(line)
    given = command.commands[verb].make_context(verb, rest).params  # type: ignore[attr-defined]
    assert given["config"] == f"recipes/{path.name}"
    assert parse_spec(given["data"] or load_config(path).data.spec)


def test_recipes_were_found() -> None:
    assert {"demo", "gtsrb-43", "cifar10-resnet8", "cifar10-wrn-28-10"} <= {path.stem for path in RECIPES}


@pytest.mark.parametrize(
    ("name", "epochs", "batch_size", "lr", "decay"),
    [
        ("cifar10-resnet8", 60, 128, 0.1, 1e-3),
        ("cifar10-wrn-28-10", 200, 256, 0.1, 1e-3),
        ("cifar10-pyramidnet-272", 1800, 128, 0.05, 5e-4),
    ],
)
def test_cifars_recipes_are_nesterov_sgd_along_half_a_cosine(
    name: str, epochs: int, batch_size: int, lr: float, decay: float
) -> None:
    config = recipe(name)
    with torch.device("meta"):
        model = build_model(config.model, 10, config.input)
    optimizer = build_optimizer(model, config.optim)
    assert isinstance(optimizer, torch.optim.SGD)
    kernels, others = optimizer.param_groups
    assert (kernels["lr"], kernels["momentum"], kernels["nesterov"]) == (lr, 0.9, True)
    assert (kernels["weight_decay"], others["weight_decay"]) == (decay, 0)
    schedule = build_schedule(config.schedule)
    assert [schedule(done) for done in (0, 0.5, 1)] == pytest.approx([1, 0.5, 0])
    train = config.train
    assert (train.epochs, train.batch_size, train.clip_norm, train.ema) == (epochs, batch_size, 5, 0)
    assert train.minutes is train.samples is train.gradients is None
    assert (config.input.size, train.precision, config.augment.policy) == (32, "auto", "cifar")
    build_policy(config.augment, CIFAR10)


@pytest.mark.parametrize("name", ["cifar10-wrn-28-10", "cifar10-pyramidnet-272"])
def test_the_large_recipes_penalise_the_gradients_norm_from_start_to_end(name: str) -> None:
    penalty = recipe(name).penalty
    model = torch.nn.Linear(2, 2)
    gradient_rules = build_gradient_rules(penalty, model, torch.optim.SGD(model.parameters(), lr=0.1))(model)
    for done, step in ((0.0, 0), (0.999, 7)):
        gradient_rule = gradient_rules(done, step)
        assert isinstance(gradient_rule, GradientNormPenalty)
        assert (gradient_rule.r, gradient_rule.alpha) == (0.1, 0.8)


def test_the_small_recipe_trains_plainly() -> None:
    assert recipe("cifar10-resnet8").penalty.method == "none"


def test_the_demo_has_a_floor_in_steps_that_is_no_doubtful_number() -> None:
    train = recipe("demo").train
    assert train.minutes == 1.0
    assert train.min_steps > 2 * LEAST_STEPS
    assert train.stretch == 5.0


def test_the_studys_recipe_is_its_own_training() -> None:
    config = recipe("study-cnn")
    model = build_model(config.model, 4, config.input)
    assert sum(p.numel() for p in model.parameters()) == 683_716
    optimizer = build_optimizer(model, config.optim)
    assert isinstance(optimizer, torch.optim.Adam)
    assert {(group["lr"], group["weight_decay"]) for group in optimizer.param_groups} == {(1e-3, 0)}
    assert optimizer.defaults["betas"] == (0.9, 0.999)
    assert config.optim.l2 == 1e-3
    assert [build_schedule(config.schedule)(done) for done in (0, 0.5, 1)] == [1, 1, 1]
    picture = config.input
    assert (picture.size, picture.resize, picture.normalise, picture.crop) == (64, "nearest", "unit", "full")
    assert (config.data.split_by, config.data.val_fraction) == ("image", 0.1)
    assert config.augment.policy == "none"
    train = config.train
    assert (train.epochs, train.batch_size, train.ema) == (10, 32, 0)
    assert (train.patience, train.monitor) == (3, "objective")
