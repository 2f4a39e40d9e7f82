"""Two finders compared from their run folders; tests/test_api.py compares readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.evaluate.detection.test_paired import finder

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.config import EvaluateConfig
from roadworthy.core.errors import CheckpointError
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.metrics import compute_finder_metrics
from roadworthy.workflows.compare import are_finders
from roadworthy.workflows.run_folder import RunFolder


def write(folder: Path, predictions: FinderPredictions) -> str:
    folder.mkdir()
    config = EvaluateConfig(bootstrap=20)
    metrics = compute_finder_metrics(predictions, split="test", config=config)
    picture = np.zeros((100, 100, 3), np.uint8)
    RunFolder(folder).write_finder_results(metrics, predictions, config.danger, lambda path: picture)
    return str(folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    where = tmp_path_factory.mktemp("runs")
    return write(where / "good", finder(0.95, wrong=0.05)), write(
        where / "bad", finder(0.5, wrong=0.6, seed=1)
    )


def test_two_finders_are_compared_frame_by_frame(runs: tuple[str, str], capsys: Any) -> None:
    found = api.compare_finders(*runs)
    assert (found.a, found.b, found.frames) == ("good", "bad", 60)
    assert [one.verdict for one in found.differences] == ["better"] * 3
    assert cli.run(["compare", *runs]) == 0
    said = capsys.readouterr().out
    assert "60 frames with 60 signs" in said
    assert f"a minus b {found.differences[0].effect:+.4f}" in said
    assert said.count("a is better") == 3
    assert cli.run(["compare", *runs, "--format", "json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert tree["differences"][0]["effect"] == found.differences[0].effect
    assert tree["differences"][2]["verdict"] == "better"


def test_more_than_two_and_a_reader_beside_a_finder_are_refused(
    runs: tuple[str, str], tmp_path: Path, capsys: Any
) -> None:
    assert cli.run(["compare", *runs, *runs]) == 2
    assert "compare got 4 folders of finders; give two" in capsys.readouterr().err
    (tmp_path / "metrics.json").write_text("{}")
    assert not are_finders([runs[0], tmp_path])
    for pair in ([runs[0], str(tmp_path)], [str(tmp_path / "none"), runs[0]]):
        assert cli.run(["compare", *pair]) == 2
        said = capsys.readouterr().err
        assert f"{runs[0]} is of a finder, and {tmp_path}" in said
        assert "holds no answers of a finder; compare two folders of finders, or readers" in said
    with pytest.raises(CheckpointError, match="holds no stored answers of a finder"):
        api.compare_finders(runs[0], tmp_path)
