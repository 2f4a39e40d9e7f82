"""Exports for other runtimes: a stand-in answers as ONNX Runtime does, or a little otherwise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy import api
from roadworthy.core.errors import ParityError, UsageError
from roadworthy.export.box_parity import box_parity
from roadworthy.inference.bundle import read_bundle
from roadworthy.inference.onnx_finder import load_finder
from roadworthy.inference.runtimes.catalogue import installed
from roadworthy.inference.runtimes.onnxruntime import OnnxRuntime
from roadworthy.inference.runtimes.runtime import RUNTIMES
from roadworthy.workflows import export as shipping
from roadworthy.workflows.runtime_check import checked_finders, require_runtimes


def stand_in(monkeypatch: pytest.MonkeyPatch, change: Any, **facts: Any) -> None:
    """A runtime `other`: what ONNX Runtime answers, changed."""

    def opened(self: Any, path: Path, *, precision: str, threads: int) -> Any:
        source = path if path.suffix == ".onnx" else path.with_suffix(".onnx")
        run = OnnxRuntime().open(source, precision=precision, threads=threads)
        return lambda images: change(run(images))

    entry = type("Other", (OnnxRuntime,), {"title": "Other", "open": opened, "finds": False, **facts})
    monkeypatch.setitem(RUNTIMES._entries, "other", entry)


@pytest.fixture(autouse=True)
def _quick(shipped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"crops": shipped.crops, "windows": shipped.windows}
    monkeypatch.setattr(shipping, "to_onnx", lambda served, size, *, form="crops": made[form])


def test_a_runtime_that_answers_alike_keeps_the_calibration(
    shipped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, lambda logits: logits + np.float32(1e-5))
    found = api.export(shipped.run, tmp_path, runtimes=["onnx,other"]).manifest
    facts = read_bundle(tmp_path / "model.onnx").manifest.runtimes["other"]
    assert dict(facts) == dict(found.runtimes["other"])
    assert set(found.runtimes) == {"other"}
    assert facts["run"]
    assert (facts["agreement"], facts["accepted_alike"]) == (1, 1)
    assert 0 < facts["largest_difference"] < 1e-3
    assert facts["temperature"] == found.temperature
    assert facts["threshold"] == found.rejection.threshold  # type: ignore[union-attr]
    assert "onnxruntime" in facts["versions"]


def test_a_runtime_that_answers_otherwise_is_refused(
    shipped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, lambda logits: logits[:, ::-1])
    with pytest.raises(ParityError, match="in Other: the exported network answers differently"):
        api.export(shipped.run, tmp_path / "x.onnx", runtimes=["other"])
    assert not list(tmp_path.iterdir())
    stand_in(monkeypatch, lambda logits: logits * np.float32(np.nan))
    with pytest.raises(ParityError, match="not finite"):
        api.export(shipped.run, tmp_path / "x.onnx", runtimes=["other"])


def test_where_logits_move_confidence_is_fitted_there(
    shipped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Twice as large in 8 bits: the temperature that undoes it is twice the bundle's.
    stand_in(monkeypatch, lambda logits: logits * 2)
    manifest = api.export(shipped.run, tmp_path / "x.onnx", precision="int8", runtimes=["other"]).manifest
    facts = manifest.runtimes["other"]
    assert facts["temperature"] == pytest.approx(2 * manifest.temperature, rel=0.1)
    assert facts["accepted_alike"] >= 0.98
    assert facts["confidence_difference"] < 0.1


def test_files_of_its_own_are_placed_and_replaced(
    shipped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(self: Any, source: Any, to: Path) -> None:
        to.mkdir()
        (to / "network").write_text(str(source.size))

    stand_in(monkeypatch, lambda logits: logits, own=".other", convert=convert)
    (tmp_path / "x.other").mkdir()
    (tmp_path / "x.other" / "older").touch()
    files = api.export(shipped.run, tmp_path / "x.onnx", runtimes=["other"]).files
    assert tmp_path / "x.other" in files
    assert [path.name for path in (tmp_path / "x.other").iterdir()] == ["network"]
    assert len(read_bundle(tmp_path / "x.onnx").manifest.runtimes["other"]["sha256"]) == 64


def test_what_cannot_run_here_is_marked_so(
    shipped: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = api.export(shipped.run, tmp_path / "x.onnx", runtimes=["hailo"])
    assert found.manifest.runtimes["hailo"]["run"] is False
    assert any("not run here" in note and "x.onnx" in note for note in found.notes)
    with pytest.raises(UsageError, match="leave --precision at fp32"):
        require_runtimes(["hailo"], finds=False, precision="int8")


def test_a_finders_boxes_are_compared_in_the_runtime(
    red_finder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = read_bundle(red_finder)
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[10:30, 20:50, 0] = 255
    before = [load_finder(red_finder).cells(frame)]

    def compare(finder: Any) -> Any:
        return box_parity(before, [finder.cells(frame)])

    stand_in(monkeypatch, lambda cells: cells, finds=True)
    names = ["onnx", "other", "tensorrt"]
    found = checked_finders(names, bundle.network, bundle.manifest, compare, "f.onnx")
    assert found.facts["other"]["agreement"] == 1
    assert found.facts["other"]["boxes"] == len(before[0])
    assert found.facts["tensorrt"]["run"] is False
    stand_in(monkeypatch, lambda cells: cells + np.float32(1), finds=True)
    with pytest.raises(ParityError, match="in Other: the exported finder finds otherwise"):
        checked_finders(["other"], bundle.network, bundle.manifest, compare, "f.onnx")


def test_a_finder_is_not_for_every_runtime() -> None:
    with pytest.raises(UsageError, match="for readers here"):
        require_runtimes(["hailo"], finds=True, precision="fp32")


@pytest.mark.parametrize("name", ["ncnn"])
def test_files_are_converted_for_what_is_installed(name: str, shipped: Any, tmp_path: Path) -> None:
    if name not in installed():
        pytest.skip(f"{name} is not installed")
    facts = api.export(shipped.run, tmp_path / "x.onnx", runtimes=[name]).manifest.runtimes[name]
    assert facts["agreement"] == 1
    rows = api.load(tmp_path / "x.onnx", runtime=name).predict([np.zeros((40, 40, 3), np.uint8)])
    assert rows[0].confidence == pytest.approx(
        api.load(tmp_path / "x.onnx").predict([np.zeros((40, 40, 3), np.uint8)])[0].confidence, abs=1e-3
    )
