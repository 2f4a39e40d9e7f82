"""Seconds of training as gradient steps, by a measured speed.

A budget in seconds gives fewer steps on a busy machine, and an arm that was trained meanwhile would look bad
for it.  So the speed of every kind of training is measured first, in turn; the steps that follow from it are
the budget, whatever else the machine does later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from roadworthy.config import Config, TrainConfig, load_config
from roadworthy.studies.estimate import noise_speed
from roadworthy.studies.plan import Plan, StudyRequest, arm_settings, sections
from roadworthy.studies.profiling import in_turn
from roadworthy.train.gradient_norm import passes_a_step

BUDGETS = tuple(f"train.{name}=" for name in ("epochs", "minutes", "samples", "gradients"))
LEAST = 60  # gradient steps: with fewer, networks have hardly left the place where they begin
STEPS, REPEATS = 20, 3  # of each trial


def in_steps(plan: Plan, ask: StudyRequest, folder: Path) -> Plan:
    """The plan with gradient steps for every arm whose budget is `train.minutes`.

    folder: the study's own.
    An arm with fewer than LEAST gets so many; where seconds are to be equal, all are stretched alike.
    A budget among the user's own settings stands for all arms, and nothing is changed.
    """
    if any(text.strip().startswith(BUDGETS) for text in ask.settings):
        return plan
    configs = {
        arm.name: load_config(None, ask.settings, **sections(arm_settings(plan, arm, ask, 0, folder)))
        for arm in plan.arms
        if arm.trains
    }
    seconds = {
        name: 60 * config.train.minutes
        for name, config in configs.items()
        if config.train.minutes is not None
    }
    if not seconds:
        return plan
    # A quick look shows no small differences anyway, and is soon over.
    rates = _gradient_rates([configs[name] for name in seconds], real=plan.equal_seconds and not ask.quick)
    gradients = {name: taken * rates[_kind(configs[name])] for name, taken in seconds.items()}
    least = min(gradients.values())
    stretch = {
        name: max(1.0, LEAST / (least if plan.equal_seconds else own)) for name, own in gradients.items()
    }
    arms = tuple(
        dataclasses.replace(
            arm,
            seconds=stretch[arm.name] * seconds[arm.name],
            settings={
                **arm.settings,
                "train.minutes": None,
                "train.gradients": round(stretch[arm.name] * gradients[arm.name]),
            },
        )
        if arm.name in seconds
        else arm
        for arm in plan.arms
    )
    return dataclasses.replace(plan, base={**plan.base, "train.minutes": None}, arms=arms)


def _kind(config: Config) -> Config:
    """What the speed of a training follows from: neither its seed nor its budget."""
    defaults = TrainConfig()
    same = dataclasses.replace(
        config.train,
        seed=defaults.seed,
        epochs=defaults.epochs,
        minutes=None,
        patience=0,
    )
    return dataclasses.replace(config, train=same)


def _gradient_rates(configs: Sequence[Config], *, real: bool) -> Mapping[Config, float]:
    """Gradients a second of each kind of training, the best of several trials in turn.

    real: by short trainings on the real pictures; else by steps on noise, which take no time to read.
    """
    kinds = list(dict.fromkeys(map(_kind, configs)))
    if not real:
        return {kind: noise_speed(kind) / kind.train.batch_size for kind in kinds}
    return {
        kind: speed * passes_a_step(kind.penalty) / kind.train.batch_size
        for kind, speed in zip(kinds, in_turn(kinds, STEPS, REPEATS), strict=True)
    }
