"""All figures of a finder from what it found: by hand, with the edge cases, and as metrics.json."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.config import EvaluateConfig
from roadworthy.core.errors import ShapeError
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.metrics import RATES, compute_finder_metrics
from roadworthy.evaluate.detection.results import FinderMetrics
from roadworthy.evaluate.statistics.intervals import none_seen, wilson

QUICK = EvaluateConfig(bootstrap=50)


def measured(*frames: object, threshold: float | None = None) -> FinderMetrics:
    predictions = FinderPredictions(frames=frames, threshold=threshold)  # type: ignore[arg-type]
    return compute_finder_metrics(predictions, split="test", config=QUICK)


def by_hand() -> tuple[object, object, object]:
    """Three frames, four signs of 10, 20, 30 and 40 px; two are found and one of them is read right."""

    def said(*predicted: str) -> dict[str, object]:
        return {"predicted": predicted, "confidence": np.full(len(predicted), 0.9)}

    return (
        frame(
            "a",
            [(0, 0, 10, 10, 0.9), (50, 50, 70, 70, 0.8)],
            wanted=[(0, 0, 10, 10), (100, 0, 120, 20)],
            labels=("stop", "speed-60"),
            accepted=np.array([True, True]),
            ms=30,
            **said("stop", "no-entry"),
        ),
        frame(
            "b",
            [(0, 0, 30, 30, 0.7), (0, 0, 30, 29, 0.6), (200, 0, 240, 40, 0.2)],
            wanted=[(0, 0, 30, 30), (200, 0, 240, 40)],
            labels=("speed-60", ""),
            accepted=np.array([False, True, True]),
            ms=34,
            **said("speed-80", "speed-80", "stop"),
        ),
        frame("c", ms=40, **said()),
    )


def test_all_figures_by_hand() -> None:
    found = measured(*by_hand(), threshold=0.5)
    assert (found.frames, found.signs, found.signs_named, found.boxes) == (3, 4, 3, 4)
    assert (found.recall.value, found.recall.n, found.recall.ci95) == (0.5, 4, wilson(2, 4))
    assert (found.precision.value, found.precision.n) == (0.5, 4)
    assert (found.false_per_frame.value, found.false_per_frame.n) == (pytest.approx(2 / 3), 3)
    assert found.false_kinds == {"nothing": 1, "twice": 1}
    assert found.mean_overlap == 1
    # Found 0.9, false 0.8, found 0.7, false 0.6, found 0.2, of four: precision 1, 2/3 and 3/5 from there on.
    assert found.ap50.value == pytest.approx((26 + 25 * 2 / 3 + 25 * 3 / 5) / 101)
    assert found.ap50_all_points.value == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    sizes = [
        (one.low, one.high, one.recall.n, one.recall.value, one.read.n, one.read.value)
        for one in found.recall_by_size
    ]
    assert sizes == [(8, 12, 1, 1, 1, 1), (16, 24, 1, 0, 1, 0), (24, 32, 1, 1, 1, 0), (32, 48, 1, 0, 0, None)]
    assert [(one.low, one.high, one.recall.n, one.recall.value) for one in found.recall_from] == [
        (16, None, 3, pytest.approx(1 / 3)),
        (24, None, 2, 0.5),
    ]
    assert (found.found_and_read.value, found.found_and_read.n) == (pytest.approx(1 / 3), 3)
    assert (found.found_and_read_sure.value, found.found_and_read_sure.n) == (pytest.approx(1 / 3), 3)
    # Sure: stop, which is right; no-entry on nothing; speed-80 on the 60, which the unsure box leaves to it.
    assert (found.sure, found.sure_wrong) == (3, 2)
    assert found.sure_wrong_kinds == {"nothing": 1, "misread": 1}
    assert found.sure_wrong_per_frame.value == pytest.approx(2 / 3)
    assert (found.frames_with_sure_wrong.value, found.frames_with_sure_wrong.ci95) == (
        pytest.approx(2 / 3),
        wilson(2, 3),
    )
    assert [(one.shown, one.predicted, one.count, one.row, one.cost) for one in found.sure_wrong_as] == [
        ("speed-60", "speed-80", 1, "limit_too_high", 5),
        ("no-sign", "no-entry", 1, "false_priority", 3),
    ]
    assert found.danger_per_100 == pytest.approx(800 / 3)
    rows = {
        name: (one.recall.n, one.recall.value, one.read.value, one.sure, one.sure_wrong, one.danger)
        for name, one in found.per_class.items()
    }
    assert rows == {
        "no-entry": (0, None, None, 1, 1, 3),
        "speed-60": (2, 0.5, 0, 0, 0, 0),
        "speed-80": (0, None, None, 1, 1, 5),
        "stop": (1, 1, 1, 1, 0, 0),
    }
    assert (found.ms_per_frame.value, found.ms_per_frame.n, found.ms_per_frame_p95) == (
        34,
        3,
        pytest.approx(39.4),
    )


def test_recall_where_so_many_false_alarms_are_allowed() -> None:
    found = measured(*by_hand(), threshold=0.5)
    points = {one.false_per_frame: one for one in found.recall_at}
    assert tuple(points) == RATES
    # Two false alarms in three frames: none is allowed at 0.1 a frame, one at 0.5.
    assert (points[0.1].threshold, points[0.1].false, points[0.1].recall.value) == (0.9, 0, 0.25)
    assert (points[0.5].threshold, points[0.5].false, points[0.5].recall.value) == (0.7, 1, 0.5)
    assert points[0.5].reached
    assert [one.recall.n for one in points[0.5].recall_from] == [3, 2]
    wide = compute_finder_metrics(
        FinderPredictions(frames=by_hand()), split="test", config=QUICK, rates=[2.0]
    )
    assert (wide.recall_at[0].threshold, wide.recall_at[0].recall.value, wide.recall_at[0].reached) == (
        0.2,
        0.75,
        False,
    )


def test_a_sign_that_is_not_found_at_a_threshold_is_not_read_at_it() -> None:
    read = {"predicted": ("stop", "stop"), "confidence": np.ones(2), "labels": ("stop",)}
    one = frame("a", [(50, 50, 70, 70, 0.9), (0, 0, 20, 20, 0.5)], wanted=[(0, 0, 20, 20)], **read)
    found = measured(one)
    assert found.recall_by_size[0].read.value == found.found_and_read.value == 1
    assert [point.recall_by_size[0].read.value for point in found.recall_at] == [0] * 4


def test_intervals_at_a_rate_hold_wilsons_and_the_bootstraps() -> None:
    found = compute_finder_metrics(random_frames(3, 40), split="test", config=EvaluateConfig(bootstrap=400))
    wider = []
    for point in found.recall_at:
        low, high = wilson(round(point.recall.value * point.recall.n), point.recall.n)
        assert point.recall.ci95[0] <= low
        assert point.recall.ci95[1] >= high
        wider.append((point.recall.ci95[1] - point.recall.ci95[0]) / (high - low))
    assert max(wider) > 1.3  # what follows from the threshold


def test_over_sequences_where_they_are_known() -> None:
    plain = random_frames(5, 40)
    films = replace(
        plain, frames=tuple(replace(one, sequence=f"s{i // 8}") for i, one in enumerate(plain.frames))
    )
    alone, together = (compute_finder_metrics(p, split="test", config=QUICK) for p in (plain, films))
    assert (alone.interval_over, alone.sequences) == ("frames", None)
    assert (together.interval_over, together.sequences) == ("sequences", 5)
    assert alone.ap50.value == together.ap50.value
    assert alone.recall.ci95 != together.recall.ci95


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_frames_changes_no_figure(seed: int) -> None:
    frames = random_frames(seed, ties=True, read=True).frames
    one = compute_finder_metrics(FinderPredictions(frames=frames, threshold=0.3), split="test", config=QUICK)
    other = compute_finder_metrics(
        FinderPredictions(frames=frames[::-1], threshold=0.3), split="test", config=QUICK
    )
    for name in FinderMetrics.__dataclass_fields__:
        if name not in ("ms_per_frame", "extra"):
            assert values(getattr(one, name)) == values(getattr(other, name)), name


def values(figure: object) -> object:
    """Without the intervals, whose resamples draw frames by their number."""
    return json.dumps(measured_dict(figure), sort_keys=True, default=str)


def measured_dict(figure: object) -> object:
    if hasattr(figure, "__dataclass_fields__"):
        return {n: measured_dict(getattr(figure, n)) for n in figure.__dataclass_fields__ if n != "ci95"}
    if isinstance(figure, dict):
        return {k: measured_dict(v) for k, v in figure.items()}
    if isinstance(figure, tuple | list):
        return [measured_dict(v) for v in figure]
    return round(figure, 9) if isinstance(figure, float) else figure


def test_no_frames_are_refused() -> None:
    with pytest.raises(ShapeError, match="there are no frames to measure; the split is empty"):
        measured()


def test_no_signs_no_boxes_all_ignored() -> None:
    nothing = measured(frame("a"), frame("b"))
    assert (nothing.ap50.value, nothing.recall.value, nothing.precision.value) == (None, None, None)
    assert (nothing.false_per_frame.value, nothing.false_per_frame.ci95) == (0, none_seen(2))
    assert all(point.recall.value is None for point in nothing.recall_at)
    no_signs = measured(frame("a", [(0, 0, 9, 9, 0.5)]), frame("b"))
    assert (no_signs.ap50.value, no_signs.precision.value, no_signs.false_per_frame.value) == (None, 0, 0.5)
    no_boxes = measured(frame("a", wanted=[(0, 0, 9, 9)]), frame("b"))
    assert (no_boxes.ap50.value, no_boxes.recall.value, no_boxes.precision.value) == (0, 0, None)
    assert [point.recall.value for point in no_boxes.recall_at] == [0] * 4
    ignored = measured(frame("a", [(0, 0, 9, 9, 0.5), (20, 0, 29, 9, 0.4)], ignore=[(0, 0, 100, 100)]))
    assert (ignored.ap50.value, ignored.precision.value, ignored.false_per_frame.value) == (None, None, 0)
    assert (ignored.ignored, ignored.boxes) == (2, 0)
    for one in (nothing, no_signs, no_boxes, ignored):
        json.dumps(one.to_dict(), allow_nan=False)


def test_all_found_and_nothing_false_claims_no_certainty() -> None:
    found = measured(*(frame(str(i), [(0, 0, 20, 20, 0.9)], wanted=[(0, 0, 20, 20)]) for i in range(10)))
    assert (found.ap50.value, found.ap50.ci95) == (1, None)
    assert (found.recall.value, found.recall.ci95) == (1, wilson(10, 10))
    assert found.recall_at[0].recall.ci95 == wilson(10, 10)
    assert found.false_per_frame.ci95 == none_seen(10)


def test_without_a_reader_nothing_is_said_of_reading() -> None:
    found = measured(frame("a", [(0, 0, 9, 9, 0.5)], wanted=[(0, 0, 9, 9)], labels=("stop",)))
    assert (found.sure, found.sure_wrong_per_frame.value, found.found_and_read.value) == (None, None, None)
    assert found.per_class == {}
    assert found.ms_per_frame.value is None
