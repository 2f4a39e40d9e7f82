import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.config import ScheduleConfig
from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.train.schedules import SCHEDULES, build_schedule, step_factor


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_stays_between_nothing_and_the_peak_which_it_reaches(name):
    factor = build_schedule(ScheduleConfig(name=name, warmup=0.25))
    values = [factor(i / 100) for i in range(101)]
    assert min(values) >= 0
    assert max(values) == factor(0.25) == pytest.approx(1)


def test_values_worked_by_hand():
    cycle = build_schedule(ScheduleConfig(name="one-cycle", warmup=0.2, final=0.1))
    assert [cycle(0), cycle(0.1), cycle(0.6), cycle(1)] == pytest.approx([0, 0.5, 0.55, 0.1])
    cosine = build_schedule(ScheduleConfig(name="cosine", warmup=0, final=0))
    assert [cosine(0), cosine(0.5), cosine(1 / 3), cosine(1)] == pytest.approx([1, 0.5, 0.75, 0])


def test_refuses_what_makes_no_schedule():
    with pytest.raises(ConfigError, match="warmup"):
        build_schedule(ScheduleConfig(warmup=1))
    with pytest.raises(UnknownNameError, match="cosine"):
        build_schedule(ScheduleConfig(name="cosin"))


@given(
    name=st.sampled_from(SCHEDULES.names()),
    steps=st.integers(1, 60),
    warmup=st.floats(0, 1, exclude_max=True),
    final=st.floats(0, 1),
)
def test_no_training_steps_at_nothing_throughout(name, steps, warmup, final):
    schedule = build_schedule(ScheduleConfig(name=name, warmup=warmup, final=final))
    factors = [step_factor(schedule, step / steps, only=steps == 1) for step in range(steps)]
    assert max(factors) > 0
    assert all(0 <= factor <= 1 for factor in factors)
