"""Bundles in other runtimes: ONNX Runtime by another name stands in for those that are not installed."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy import api
from roadworthy.core.errors import BundleError, MissingExtraError, ShapeError, UnknownNameError, UsageError
from roadworthy.core.notes import hearing
from roadworthy.inference.bundle import parse_bundle, read_bundle, seal
from roadworthy.inference.onnx import load_engine
from roadworthy.inference.runtimes import catalogue
from roadworthy.inference.runtimes.catalogue import installed, ready, runtime_of, runtimes_of
from roadworthy.inference.runtimes.engine import RuntimeEngine, RuntimeFinder, fingerprint
from roadworthy.inference.runtimes.onnxruntime import OnnxRuntime
from roadworthy.inference.runtimes.runtime import RUNTIMES


class Twin(OnnxRuntime):
    """ONNX Runtime, as a runtime that reads a file of its own."""

    title = "Twin"
    own = ".twin"


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNTIMES._entries, "twin", Twin)


def checked(bundle: Path, network: bytes, to: Path, **facts: Any) -> Path:
    """The bundle as if it had been checked in the twin, whose file lies beside it."""
    path, manifest = to / "signs.onnx", read_bundle(bundle).manifest
    path.with_suffix(".twin").write_bytes(network)
    facts = {"run": True, "versions": {}, "sha256": fingerprint(path.with_suffix(".twin")), **facts}
    path.write_bytes(seal(network, dataclasses.replace(manifest, runtimes={"twin": facts})))
    return path


@pytest.fixture
def pictures(shipped: Any) -> Any:
    size = read_bundle(shipped.bundle).manifest.input.size
    return np.random.default_rng(0).integers(256, size=(3, size, size, 3), dtype=np.uint8)


def test_a_checked_bundle_answers_with_its_own_calibration(
    shipped: Any, twin: None, tmp_path: Path, pictures: Any
) -> None:
    path = checked(shipped.bundle, shipped.crops, tmp_path, temperature=3.5, threshold=0.25)
    with hearing() as notes:
        engine = RuntimeEngine(path, "twin")
    assert notes == []
    assert (engine.temperature, engine.rejection.threshold) == (3.5, 0.25)  # type: ignore[union-attr]
    assert np.array_equal(engine.logits(pictures), load_engine(shipped.bundle).logits(pictures))
    classifier = api.load(path, runtime="twin")
    assert classifier.temperature == 3.5
    assert not classifier.looks_closer
    with pytest.raises(ShapeError, match="takes uint8"):
        engine.logits(pictures[:0])


def test_an_unchecked_runtime_is_said_aloud(shipped: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(RUNTIMES._entries, "other", type("Other", (OnnxRuntime,), {"title": "Other"}))
    with hearing() as notes:
        engine = RuntimeEngine(shipped.bundle, "other")
    assert len(notes) == 1
    assert "was not checked in Other" in notes[0]
    assert engine.temperature == read_bundle(shipped.bundle).manifest.temperature


def test_a_file_that_changed_or_is_gone_is_refused(shipped: Any, twin: None, tmp_path: Path) -> None:
    path = checked(shipped.bundle, shipped.crops, tmp_path)
    path.with_suffix(".twin").write_bytes(b"other")
    with pytest.raises(BundleError, match="changed or damaged"):
        RuntimeEngine(path, "twin")
    path.with_suffix(".twin").unlink()
    with pytest.raises(BundleError, match=r"signs\.twin is not there"):
        RuntimeEngine(path, "twin")


def test_what_cannot_be_loaded_is_one_line(shipped: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def broken(self: Any, path: Path, **_: Any) -> Any:
        raise RuntimeError("no\nsuch layer")

    monkeypatch.setitem(
        RUNTIMES._entries, "bad", type("Bad", (OnnxRuntime,), {"title": "Bad", "open": broken})
    )
    with pytest.raises(BundleError, match=r"Bad cannot load .* no such layer"):
        RuntimeEngine(shipped.bundle, "bad")


def test_a_finder_is_no_reader(red_finder: Path, shipped: Any) -> None:
    assert RuntimeFinder(red_finder, "onnx").cells(np.zeros((32, 64, 3), np.uint8)).shape[1] == 5
    with pytest.raises(ShapeError, match="multiples of 32"):
        RuntimeFinder(red_finder, "onnx").cells(np.zeros((30, 64, 3), np.uint8))
    with pytest.raises(UsageError, match="does not find them"):
        RuntimeFinder(shipped.bundle, "onnx")
    with pytest.raises(UsageError, match="does not read"):
        RuntimeEngine(red_finder, "onnx")


def test_names_are_known_and_packages_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtimes_of(["ncnn, onnx", "ncnn"]) == ("ncnn", "onnx")
    with pytest.raises(UnknownNameError, match="did you mean 'openvino'"):
        runtimes_of(["openvno"])
    monkeypatch.setattr(
        catalogue,
        "require",
        lambda purpose, extra: (_ for _ in ()).throw(MissingExtraError(purpose, [extra], [extra])),
    )
    with pytest.raises(
        MissingExtraError, match=r"answering with OpenVINO needs openvino.*roadworthy\[openvino\]"
    ):
        ready("openvino")
    assert installed()[0] == "onnx"


def test_weights_are_for_torch(shipped: Any) -> None:
    with pytest.raises(UsageError, match=r"--for openvino"):
        api.load(shipped.run, runtime="openvino")


@pytest.mark.parametrize("name", sorted(set(RUNTIMES) - {"rknn", "hailo"}))
def test_each_runtime_that_is_installed_reads_the_bundle(
    name: str, shipped: Any, tmp_path: Path, pictures: Any
) -> None:
    runtime = runtime_of(name)
    if name not in installed() or runtime.own:
        pytest.skip(f"{runtime.title} is not installed, cannot run here, or reads a file of its own")
    logits = runtime.open(shipped.bundle, precision="fp32", threads=1)(pictures)
    assert np.abs(logits - load_engine(shipped.bundle).logits(pictures)).max() < 1e-3


@pytest.mark.parametrize("name", ["rknn", "hailo"])
def test_what_only_a_board_runs_says_so(name: str, shipped: Any) -> None:
    assert not runtime_of(name).runs_here()
    with pytest.raises(UsageError, match=r"boards|accelerators"):
        runtime_of(name).open(shipped.bundle, precision="fp32", threads=0)


def test_older_bundles_name_no_runtimes(colours: Path) -> None:
    data = colours.read_bytes()
    assert parse_bundle(data, "it").manifest.runtimes == {}
