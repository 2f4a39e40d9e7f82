"""Learning rate over a run, as a factor of the peak rate by the fraction of the run that is done."""

from __future__ import annotations

import math
from collections.abc import Callable

from roadworthy.config import ScheduleConfig
from roadworthy.core.errors import ConfigError
from roadworthy.core.registry import Registry

Schedule = Callable[[float], float]
"""Fraction of the run done, in [0, 1] -> factor of the peak rate, in [0, 1]."""

SCHEDULES: Registry[Callable[[ScheduleConfig], Schedule]] = Registry("schedule")


def build_schedule(config: ScheduleConfig) -> Schedule:
    """The schedule that `config` names."""
    if not 0 <= config.warmup < 1 or not 0 <= config.final <= 1:
        raise ConfigError(
            f"schedule.warmup is {config.warmup} and schedule.final {config.final}; "
            "they must lie in [0, 1) and [0, 1]"
        )
    return SCHEDULES.get(config.name)(config)


def step_factor(schedule: Schedule, done: float, *, only: bool = False) -> float:
    """The factor of one step: that of where the step begins.

    only: no other step comes before or after it.  A warm-up begins at 0, which would train nothing, so an
    only step takes the factor of the middle of the run.
    """
    return schedule(0.5 if only else done)


@SCHEDULES.register("one-cycle")
def one_cycle(config: ScheduleConfig) -> Schedule:
    """Straight up to the peak over the warm-up, then straight down to the final rate."""

    def factor(done: float) -> float:
        if done < config.warmup:
            return done / config.warmup
        return 1 - (1 - config.final) * (done - config.warmup) / (1 - config.warmup)

    return factor


@SCHEDULES.register("cosine")
def cosine(config: ScheduleConfig) -> Schedule:
    """Straight up over the warm-up, then half a cosine down to the final rate."""

    def factor(done: float) -> float:
        if done < config.warmup:
            return done / config.warmup
        fall = 0.5 * (1 + math.cos(math.pi * (done - config.warmup) / (1 - config.warmup)))
        return config.final + (1 - config.final) * fall

    return factor


@SCHEDULES.register("constant")
def constant(config: ScheduleConfig) -> Schedule:
    """The peak rate throughout, as the study had it; warm-up and final rate are not used."""
    return lambda done: 1.0
