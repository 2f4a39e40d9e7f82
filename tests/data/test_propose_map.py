from __future__ import annotations

import pytest

from roadworthy.data.propose_map import propose


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("stop", "stop"),
        ("regulatory--stop--g1", "stop"),
        ("regulatory--yield--g1", "give-way"),
        ("regulatory--maximum-speed-limit-50--g1", "speed-50"),
        ("50_SIGN", "speed-50"),
        ("pl60", "speed-60"),
        ("keepRight", "keep-right"),
        ("PRIORITY_ROAD", "priority-road"),
        ("qwertz", ""),
    ],
)
def test_what_a_label_most_likely_is(theirs: str, ours: str) -> None:
    (one,) = propose([theirs, theirs])
    assert (one.theirs, one.ours) == (theirs, ours)
    assert one.why
