"""Timing runtimes: which rows there are, which is recommended, and what is refused."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.cli import layout
from roadworthy.core.errors import MissingExtraError, UsageError
from roadworthy.inference.runtimes import catalogue
from roadworthy.inference.runtimes.onnxruntime import OnnxRuntime
from roadworthy.inference.runtimes.runtime import RUNTIMES
from roadworthy.workflows import bench as timing
from roadworthy.workflows.bench import Timed, recommended


def row(runtime: str = "onnx", **changes: Any) -> Timed:
    given = {"threads": 1, "batch": 1, "p50_ms": 1.0, "p99_ms": 1.0, "crops_per_s": 1.0, "same": 1.0}
    return Timed(runtime=runtime, **{**given, "checked": True, **changes})


@pytest.fixture
def only_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNTIMES._entries, "other", type("Other", (OnnxRuntime,), {"title": "Other"}))
    monkeypatch.setattr(timing, "installed", lambda: ("onnx", "other"))


def test_every_combination_is_a_row(colours: Path, only_two: None) -> None:
    found = api.bench(colours, threads=[1, 2], batches=[1, 4], seconds=0.01)
    assert [(r.runtime, r.threads, r.batch) for r in found.rows] == [
        (name, threads, batch) for name in ("onnx", "other") for threads in (1, 2) for batch in (1, 4)
    ]
    assert all(r.same == 1 and 0 < r.p50_ms <= r.p99_ms and r.crops_per_s > 0 for r in found.rows)
    assert {r.runtime: r.checked for r in found.rows} == {"onnx": True, "other": False}
    assert found.recommended in found.rows


def test_the_quickest_is_recommended_unless_the_gain_is_small() -> None:
    rows = [row(), row("ncnn", p50_ms=0.95), row(threads=2, p50_ms=0.93)]
    assert recommended(rows) == rows[0]
    rows.append(row("tract", p50_ms=0.5))
    assert recommended(rows) == rows[-1]
    rows[-1] = dataclasses.replace(rows[-1], same=0.9)
    assert recommended(rows) == rows[0]
    assert recommended([row(batch=64)]) is None


def test_a_runtime_that_fails_is_left_out_unless_it_was_asked_for(
    colours: Path, only_two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Any, path: Path, **_: Any) -> Any:
        raise RuntimeError("no such layer")

    monkeypatch.setattr(RUNTIMES.get("other"), "open", broken)
    with pytest.warns(UserWarning, match="other is left out: Other cannot load"):
        found = api.bench(colours, batches=[1], threads=[1], seconds=0.01)
    assert {r.runtime for r in found.rows} == {"onnx"}
    with pytest.raises(UsageError, match="no such layer"):
        api.bench(colours, runtimes=["other"], seconds=0.01)


def test_bad_input_is_one_line(colours: Path, red_finder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    with pytest.raises(UsageError, match="threads has 0"):
        api.bench(colours, threads=[0])
    with pytest.raises(UsageError, match="seconds is -1"):
        api.bench(colours, seconds=-1)
    with pytest.raises(UsageError, match="does not read"):
        api.bench(red_finder)
    with pytest.raises(UsageError, match="no bundle"):
        api.bench(tmp_path)
    monkeypatch.setattr(catalogue, "missing", lambda extra: [extra])
    assert "openvino" not in catalogue.installed()
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"roadworthy\[openvino\]"):
        api.bench(colours, runtimes=["openvino"])


def test_the_table_fits_a_terminal(colours: Path, only_two: None, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(layout, "width_of", lambda stream: 80)
    line = ["bench", str(colours), "--threads", "1", "--batches", "1,4096", "--seconds", "0.01"]
    assert cli.run(line) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "recommended: " in out
    assert cli.run([*line, "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 4
    assert cli.run(["bench", str(colours), "--batches", "x"]) == 2
    assert "joined by commas" in capsys.readouterr().err


def test_answers_are_compared_on_pictures_of_the_users(colours: Path, only_two: None, tmp_path: Path) -> None:
    from PIL import Image

    from roadworthy.config import DataConfig

    (tmp_path / "stop").mkdir()
    for number in range(3):
        Image.fromarray(np.full((20, 20, 3), (200, number, 0), np.uint8)).save(
            tmp_path / "stop" / f"{number}.png"
        )
    found = api.bench(
        colours, data=DataConfig(spec=f"folder:{tmp_path}"), threads=[1], batches=[1], seconds=0.01
    )
    assert all(r.same == 1 for r in found.rows)
