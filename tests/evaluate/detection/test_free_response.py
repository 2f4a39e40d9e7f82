"""Curves, average precision and thresholds: by hand, and against pycocotools and hotcoco."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.evaluate.detection.conftest import frame, random_frames

from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.free_response import Sweep, average_precision, resampled_weights
from roadworthy.evaluate.detection.tally import tally


def curve_of(*frames: Any) -> Any:
    return Sweep(tally(FinderPredictions(frames=frames))).curve()


# Four signs in two frames.  Surest first: found, false, found, false, false, found; one is never found.
FIRST = frame(
    "a",
    [(0, 0, 10, 10, 0.9), (50, 50, 60, 60, 0.8), (20, 0, 30, 10, 0.7)],
    wanted=[(0, 0, 10, 10), (20, 0, 30, 10)],
)
SECOND = frame(
    "b",
    [(50, 50, 60, 60, 0.6), (70, 70, 80, 80, 0.5), (0, 0, 10, 10, 0.4)],
    wanted=[(0, 0, 10, 10), (90, 90, 99, 99)],
)


def test_a_curve_by_hand() -> None:
    curve = curve_of(FIRST, SECOND)
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert curve.recall.tolist() == [0.25, 0.25, 0.5, 0.5, 0.5, 0.75]
    assert curve.false_per_frame.tolist() == [0, 0.5, 0.5, 1, 1.5, 1.5]
    assert curve.precision == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2, 2 / 5, 1 / 2])


def test_average_precision_by_hand() -> None:
    curve = curve_of(FIRST, SECOND)
    # The envelope: 1 up to a recall of 0.25, 2/3 up to 0.5, 1/2 up to 0.75, 0 beyond.
    assert average_precision(curve, None) == pytest.approx((1 + 2 / 3 + 1 / 2) / 4)
    # Of the 101 recalls 26 (0 to 0.25), 25 and 25 lie there.
    assert average_precision(curve) == pytest.approx((26 + 25 * 2 / 3 + 25 / 2) / 101)


def test_the_threshold_for_so_many_false_alarms() -> None:
    curve = curve_of(FIRST, SECOND)
    asked = [0.0, 0.49, 0.5, 0.99, 1.0, 1.4999, 1.5, 99]
    assert [curve.threshold_for(rate) for rate in asked] == [0.9, 0.9, 0.7, 0.7, 0.6, 0.6, 0.4, 0.4]
    assert [curve.recall_at(rate) for rate in asked] == [0.25, 0.25, 0.5, 0.5, 0.5, 0.5, 0.75, 0.75]


def test_rounding_takes_no_false_alarm_away() -> None:
    assert 0.29 * 100 < 29
    one = [frame(str(i), [(0, 0, 9, 9, 0.5 + i / 1000)]) for i in range(29)]
    rest = [frame(str(i), [(0, 0, 9, 9, 0.4)], wanted=[(0, 0, 9, 9)]) for i in range(29, 100)]
    assert curve_of(*one, *rest).recall_at(0.29) == 1


def test_where_the_surest_box_is_false_nothing_is_found_without_false_alarms() -> None:
    curve = curve_of(frame("a", [(0, 0, 9, 9, 0.9), (50, 50, 60, 60, 0.5)], wanted=[(50, 50, 60, 60)]))
    assert curve.threshold_for(0.5) == np.inf
    assert curve.recall_at(0.5) == 0
    assert curve.recall_at(1) == 1


def test_boxes_of_one_score_enter_together_in_whatever_order_frames_come() -> None:
    hit = frame("a", [(0, 0, 10, 10, 0.5)], wanted=[(0, 0, 10, 10)])
    miss = frame("b", [(0, 0, 10, 10, 0.5)])
    later = frame("c", [(0, 0, 10, 10, 0.4)], wanted=[(0, 0, 10, 10)])
    for order in ((hit, miss, later), (miss, hit, later), (later, miss, hit)):
        curve = curve_of(*order)
        assert curve.thresholds.tolist() == [0.5, 0.4]
        assert average_precision(curve, None) == pytest.approx(2 / 3)
        assert curve.recall_at(0.1) == 0
        assert curve.recall_at(1 / 3) == 1


@pytest.mark.parametrize("seed", range(20))
def test_no_figure_depends_on_the_order_of_frames_with_many_ties(seed: int) -> None:
    frames = random_frames(seed, ties=True).frames
    rng = np.random.default_rng(seed)
    mixed = [frames[i] for i in rng.permutation(len(frames))]
    one, other = curve_of(*frames), curve_of(*mixed)
    for name in ("thresholds", "found", "false"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert average_precision(one) == average_precision(other)


def test_without_signs_or_boxes() -> None:
    empty = curve_of(frame("a"))
    assert np.isnan(average_precision(empty))
    assert np.isnan(empty.recall_at(0.1))
    no_boxes = curve_of(frame("a", wanted=[(0, 0, 9, 9)]))
    assert average_precision(no_boxes) == average_precision(no_boxes, None) == 0
    assert no_boxes.recall_at(0.1) == 0
    no_signs = curve_of(frame("a", [(0, 0, 9, 9, 0.5)]))
    assert np.isnan(average_precision(no_signs))
    assert no_signs.false_per_frame.tolist() == [1]
    ignored = curve_of(frame("a", [(0, 0, 9, 9, 0.5)], ignore=[(0, 0, 20, 20)]))
    assert ignored.thresholds.tolist() == []


def test_all_points_are_the_mean_over_signs_of_the_best_precision_from_there_on() -> None:
    for seed in range(20):
        curve = curve_of(*random_frames(seed).frames)
        signs = round(curve.signs)
        best = [
            max((p for p, f in zip(curve.precision, curve.found, strict=True) if f >= k), default=0.0)
            for k in range(1, signs + 1)
        ]
        assert average_precision(curve, None) == pytest.approx(np.mean(best), abs=1e-12)


def test_resampling_draws_whole_sequences_and_a_weight_is_a_copy() -> None:
    units = np.array([0, 1, 1, 2, 2, 2])
    drawn = np.array(list(resampled_weights(units, 200, np.random.default_rng(0))))
    assert (drawn[:, 1] == drawn[:, 2]).all()
    assert (drawn[:, 3] == drawn[:, 5]).all()
    assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all()
    frames = random_frames(4, 6).frames
    weights = np.array([2.0, 0, 1, 3, 0, 1])
    weighted = Sweep(tally(FinderPredictions(frames=frames))).curve(weights)
    copies = [
        replace(one, path=f"{one.path} {copy}")
        for one, times in zip(frames, weights, strict=True)
        for copy in range(int(times))
    ]
    plain = curve_of(*copies)
    assert weighted.frames == 7
    assert average_precision(weighted) == pytest.approx(average_precision(plain), abs=1e-12)
    for rate in (0.1, 0.3, 1.0):
        assert weighted.recall_at(rate) == pytest.approx(plain.recall_at(rate), abs=1e-12)


def coco_precision(library: Any, predictions: FinderPredictions) -> tuple[float, float]:
    """AP50 and the recall of all boxes, as a COCO library has them: ids from 1, area and iscrowd always."""
    images, annotations, found = [], [], []
    for number, one in enumerate(predictions.frames, start=1):
        images.append({"id": number, "width": 1000, "height": 1000, "file_name": one.path})
        for boxes, crowd in ((one.wanted, 0), (one.ignore, 1)):
            annotations += [
                {
                    "id": 0,
                    "image_id": number,
                    "category_id": 1,
                    "bbox": as_coco(box),
                    "area": float((box[2] - box[0]) * (box[3] - box[1])),
                    "iscrowd": crowd,
                }
                for box in boxes
            ]
        found += [
            {"image_id": number, "category_id": 1, "bbox": as_coco(box), "score": float(score)}
            for box, score in zip(one.boxes, one.scores, strict=True)
        ]
    annotations = [{**one, "id": i} for i, one in enumerate(annotations, start=1)]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = library.coco()
        truth.dataset = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": 1, "name": "sign"}],
        }
        truth.createIndex()
        evaluation = library.evaluation(truth, truth.loadRes(found), "bbox")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.params.maxDets = [1, 10, 1000]
        evaluation.params.areaRng = [[0, 1e10]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = np.asarray(evaluation.eval["precision"])[0, :, 0, 0, -1]
    return float(precision.mean()), float(np.asarray(evaluation.eval["recall"])[0, 0, 0, -1])


def as_coco(box: np.ndarray) -> list[float]:
    return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]


class _Library:
    def __init__(self, name: str) -> None:
        if name == "pycocotools":
            self.coco = pytest.importorskip("pycocotools.coco").COCO
            self.evaluation = pytest.importorskip("pycocotools.cocoeval").COCOeval
        else:
            module = pytest.importorskip(name)
            self.coco, self.evaluation = module.COCO, module.COCOeval


@pytest.mark.parametrize("name", ["pycocotools", "hotcoco"])
def test_average_precision_and_recall_are_those_of_coco(name: str) -> None:
    library, compared, crowds = _Library(name), 0, 0
    for seed in range(200):
        # Where two scores are the same, or an id is 0, the libraries do not agree with each other.
        predictions = random_frames(seed, 6)
        scores = np.concatenate([one.scores for one in predictions.frames])
        assert len(np.unique(scores)) == len(scores)
        if not len(scores) or not sum(len(one.wanted) for one in predictions.frames):
            continue
        counted = tally(predictions)
        curve = Sweep(counted).curve()
        precision, recall = coco_precision(library, predictions)
        assert average_precision(curve) == pytest.approx(precision, abs=1e-9), seed
        assert curve.recall[-1] == pytest.approx(recall, abs=1e-9), seed
        compared, crowds = compared + 1, crowds + counted.ignored
    assert compared > 190
    assert crowds > 250
