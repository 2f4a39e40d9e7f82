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
