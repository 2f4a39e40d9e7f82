"""metrics.json of a finder."""

import json

import pytest
from tests.evaluate.detection.conftest import random_frames

from roadworthy.config import EvaluateConfig
from roadworthy.evaluate.detection.metrics import compute_finder_metrics

CONTRACT = {
    *("split", "frames", "signs", "ap50", "recall", "recall_by_size", "precision", "false_per_frame"),
    *("sure_wrong_per_frame", "found_and_read", "ms_per_frame"),
}


def test_metrics_json_has_the_contracts_names_each_figure_with_n_and_interval() -> None:
    found = compute_finder_metrics(
        random_frames(2, read=True),
        split="test",
        config=EvaluateConfig(bootstrap=50),
        extra={"parameters": 7},
    )
    tree = found.to_dict()
    assert set(tree) >= CONTRACT
    assert (tree["task"], tree["parameters"]) == ("find", 7)
    figures = ["ap50", "recall", "precision", "false_per_frame", "sure_wrong_per_frame", "found_and_read"]
    for name in (*figures, "ms_per_frame"):
        assert isinstance(tree[name], float)
        assert tree[f"{name}_n"] > 0
        assert len(tree[f"{name}_ci95"]) == 2
    row = tree["recall_by_size"][0]
    assert set(row) == {
        *("low", "high", "recall", "recall_n", "recall_ci95", "read", "read_n", "read_ci95"),
    }
    point = tree["recall_at"][0]
    assert (point["false_per_frame"], set(point["recall_from"][0])) == (0.02, set(row))
    assert tree["per_class"]["stop"]["recall_n"] > 0
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree


def test_what_is_added_overwrites_nothing() -> None:
    for name in ("recall", "recall_ci95", "task"):
        with pytest.raises(ValueError, match=f"extra would overwrite {name} in metrics.json"):
            compute_finder_metrics(
                random_frames(2, 3), split="test", config=EvaluateConfig(bootstrap=2), extra={name: 1}
            )
