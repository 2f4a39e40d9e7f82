"""What the published pair of figures can mean, by hand."""

import pytest

from roadworthy.studies.questions.gradient_norm_arms import (
    plain_error_for,
    published_gains,
    published_interval,
)


def test_seventy_percent_more_takes_a_plain_error_of_three_point_one_five() -> None:
    plain = plain_error_for(0.7)
    assert plain == pytest.approx(0.0278 + 0.0026 / 0.7)
    sam, penalty, greater = published_gains(plain)
    assert (round(sam, 4), round(penalty, 4)) == (0.0037, 0.0063)
    assert greater == pytest.approx(0.7)


def test_the_share_grows_without_bound_as_the_gain_of_sam_falls() -> None:
    assert [round(published_gains(plain)[2], 2) for plain in (0.03, 0.035, 0.04)] == [1.18, 0.36, 0.21]
    assert published_gains(0.02781)[2] > 100


def test_the_gap_is_no_evidence_by_itself() -> None:
    low, high = published_interval()
    assert (round(low, 4), round(high, 4)) == (-0.0019, 0.0071)
