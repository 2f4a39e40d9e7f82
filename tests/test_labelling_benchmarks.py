"""What the benchmarks of labelling count; no model is asked."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from roadworthy.data.records import Record

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module(name)


def test_found_is_counted_where_half_of_the_list_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = benchmark("label_errors", monkeypatch)
    # Right, wrong, wrong, right: half of four are right, so both of four errors count.
    assert errors.found_at([True, False, False, True], 4) == 0.5
    assert errors.found_at([True, False, False, False, True], 4) == 0.25
    assert errors.found_at([], 4) == 0


@pytest.mark.parametrize("how", ["any", "look-alike", "signs"])
def test_the_share_asked_for_is_planted(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    errors = benchmark("label_errors", monkeypatch)
    records = [Record(path=f"{i}", label="ab"[i % 2], group=f"g{i // 2}") for i in range(200)]
    likely = np.tile([0, 1, 2], (200, 1))
    labels = errors.planted(records, ("a", "b", "c"), likely, how, 0.1, np.random.default_rng(0))
    changed = [new.label for new, old in zip(labels, records, strict=True) if new.label != old.label]
    assert len(changed) == 20 if how != "signs" else 8 <= len(changed) <= 20
    if how == "look-alike":
        assert set(changed) == {"a", "b"}


def test_no_sign_is_in_pool_and_test(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn", reason="the head is scikit-learn's")
    following = benchmark("label_next", monkeypatch)
    records = [Record(path=f"{i}", label="a", group=f"g{i // 3}") for i in range(90)]
    pool, test = following.divided(records, seed=0)
    assert len(test) == 30
    assert not {records[i].group for i in pool} & {records[i].group for i in test}
    assert following.rounds_to([50, 200, 800]) == [25, 50, 100, 200, 400, 800]
    mean, low, high = following.interval([1.0, 2.0, 3.0])  # 4.3027 * 1 / sqrt(3)
    assert (mean, low, high) == pytest.approx((2.0, 2 - 2.4841, 2 + 2.4841), abs=1e-4)


def test_boxes_that_need_no_correction_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from roadworthy.data.frames import Annotation, Frame
    from roadworthy.inference.proposals import Proposal

    boxes = benchmark("prelabels", monkeypatch)

    def proposal(x: float, label: str) -> Proposal:
        box = (x, 0.0, x + 10, 10.0)
        return Proposal(box=box, label=label, confidence=1, found=0.9, accepted=True, energy=0, logits=())

    marked = [((0, 0, 10, 10), "stop", False), ((20, 0, 30, 10), "stop", False), ((40, 0, 50, 10), "", True)]
    frame = Frame(
        path="f/1.png", annotations=tuple(Annotation(box=b, label=n, ignore=i) for b, n, i in marked)
    )
    rows, missed = boxes.matched(frame, [proposal(1, "stop"), proposal(40, "stop"), proposal(70, "stop")])
    assert [row.what for row in rows] == ["right", "ignored", "unmatched"]
    assert missed == 1
    rows, missed = boxes.matched(frame, [proposal(1, "give-way")])
    assert (rows[0].what, rows[0].label, missed) == ("misnamed", "stop", 1)
    assert boxes.needs_none(rows[0], "") is False


def test_an_order_is_as_good_as_it_puts_faults_first(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = benchmark("prelabels", monkeypatch)
    said = boxes.order_of(["a", "b", "c", "d", "e", "f"], {"a", "c"})
    # Of eight pairs of a fault and none, a comes before all four and c before three.
    assert said == "2 frames need a correction; 50% of them in the first third, AUROC 0.88"
