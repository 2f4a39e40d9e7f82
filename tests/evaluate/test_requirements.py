"""What a result must reach: bounds on readers' and finders' figures."""

import pytest

from roadworthy.core.errors import RequirementError, UnknownNameError, UsageError
from roadworthy.evaluate.requirements import check_requirements, parse_requirement

FINDER = {"ap50": 0.9, "recall": 0.8, "sure_wrong_per_frame": 0.02, "found_and_read": None, "per_class": {}}
READER = {"accuracy": 0.97, "ece": 0.01, "per_class": {"stop": {"recall": 0.9}}}


def check(metrics: dict, *texts: str) -> None:
    check_requirements(metrics, [parse_requirement(text) for text in texts])


def test_what_is_reached_passes() -> None:
    check(FINDER, "ap50=0.9", "recall=0.7", "sure_wrong_per_frame=0.02")
    check(READER, "accuracy=0.97", "ece=0.01", "stop.recall=0.9")


def test_what_is_not_reached_is_named() -> None:
    with pytest.raises(
        RequirementError, match=r"ap50 must be at least 0.95; it is 0.9; .*at most 0.01; it is 0.02"
    ):
        check(FINDER, "ap50=0.95", "sure_wrong_per_frame=0.01")
    with pytest.raises(RequirementError, match=r"found_and_read must be at least 0\.5 but has no value"):
        check(FINDER, "found_and_read=0.5")


def test_a_figure_of_the_other_kind_of_model_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"metric of this model 'accuracy' is unknown.*ap50"):
        check(FINDER, "accuracy=0.9")
    with pytest.raises(UnknownNameError, match=r"metric of this model 'ap50' is unknown.*accuracy"):
        check(READER, "ap50=0.9")
    with pytest.raises(UnknownNameError, match="class 'stop' is unknown"):
        check(FINDER, "stop.recall=0.9")


@pytest.mark.parametrize("text", ["ap50", "ap50=x", "=1", "ap50=nan", "ap50=2", "recall=-1"])
def test_what_is_no_bound_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--require got"):
        parse_requirement(text)


def test_times_and_rates_may_be_above_1() -> None:
    check({"ms_per_frame": 31.0}, "ms_per_frame=45")
