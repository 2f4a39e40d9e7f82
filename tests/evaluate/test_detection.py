"""What evaluation of finders offers under one name."""

from roadworthy.evaluate import detection
from roadworthy.evaluate.detection import matching


def test_matching_is_offered_by_the_package() -> None:
    for name in ("OVERLAP", "Match", "SizeClass", "by_size", "intersection_over_union", "match"):
        assert getattr(detection, name) is getattr(matching, name)
