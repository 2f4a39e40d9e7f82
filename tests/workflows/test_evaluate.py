"""Bundles measured as the runs they came from, and without torch."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from roadworthy import api
from roadworthy.config import DataConfig, EvaluateConfig, load_config
from roadworthy.core.errors import ConfigError, DataError, LabelError, UsageError
from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.results import Metrics
from roadworthy.inference.bundle import read_bundle
from roadworthy.workflows.evaluate import frames_per_sign

# Whatever `pip install roadworthy` does not bring.
OPTIONAL = {
    *("torch", "torchvision", "safetensors", "scipy", "sklearn", "filelock", "resvg_py", "fontpkg_overpass"),
    *("onnx", "onnxscript", "jinja2", "matplotlib", "tensorboard", "ray"),
}
LIGHT = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {OPTIONAL}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
sys.meta_path.insert(0, Block())
from roadworthy.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def data(drawn_folder: Path) -> DataConfig:
    return DataConfig(spec=f"folder:{drawn_folder}")


@pytest.fixture(scope="module")
def both(
    shipped: Any, data: DataConfig, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Metrics, Path]]:
    """The run and the bundle, measured on the same."""
    found = {}
    for name, model in (("run", shipped.run), ("bundle", shipped.bundle)):
        out = tmp_path_factory.mktemp("measured") / name
        metrics = api.evaluate(model, data, skip_unknown=True, out=out, command=f"roadworthy evaluate {name}")
        found[name] = (metrics, out)
    return found


def test_a_bundle_is_measured_as_the_run_it_came_from(both: dict[str, tuple[Metrics, Path]]) -> None:
    run, bundle = (both[name][0].to_dict() for name in ("run", "bundle"))
    assert bundle["n"] == 36
    for name in ("split", "n", "accuracy", "accuracy_ci95", "accuracy_ci95_tracks", "confusion", "per_class"):
        assert bundle[name] == run[name], name
    for name in ("nll", "ece", "brier", "temperature"):
        assert bundle[name] == pytest.approx(run[name], abs=1e-4), name
    assert bundle["unknown_skipped"] == 12
    assert bundle["precision"] == "fp32"
    assert bundle["rejection"]["threshold"] == run["rejection"]["threshold"]
    assert bundle["rejection"]["n_accepted"] == run["rejection"]["n_accepted"]


def test_what_a_run_holds_is_not_written_over(shipped: Any, data: DataConfig) -> None:
    before = {path: path.stat().st_mtime_ns for path in shipped.run.rglob("*")}
    with pytest.raises(ConfigError, match="holds a run, whose own results would be written over"):
        api.evaluate(shipped.run, data, skip_unknown=True, out=shipped.run)
    assert {path: path.stat().st_mtime_ns for path in shipped.run.rglob("*")} == before


def test_a_new_set_is_set_against_the_runs_own_test(shipped: Any, drawn_folder: Path, tmp_path: Path) -> None:
    new = shutil.copytree(drawn_folder / "train", tmp_path / "new")
    own = json.loads((shipped.run / "metrics.json").read_text(encoding="utf-8"))
    out = tmp_path / "out"
    metrics = api.evaluate(shipped.run, DataConfig(spec=f"folder:{new}"), skip_unknown=True, out=out)
    found = metrics.extra["own_test"]
    assert (found["split"], found["n"], found["accuracy"]) == (own["split"], own["n"], own["accuracy"])
    change = found["accuracy_change"]["difference"]
    assert change["value"] == pytest.approx(metrics.accuracy - own["accuracy"])
    assert change["low"] <= change["value"] <= change["high"]
    with np.load(out / "pictures.npz") as stored:
        assert {"own_images", "measured_images"} <= set(stored.files)
    assert 'href="#change"' in (out / "report.html").read_text(encoding="utf-8")
    assert "own test" in (out / "report.txt").read_text(encoding="utf-8")


def test_the_runs_own_data_and_other_ways_to_measure_are_not_compared(
    shipped: Any, drawn_folder: Path, tmp_path: Path
) -> None:
    trained = load_config(shipped.run / "config.toml").data
    assert "own_test" not in api.evaluate(shipped.run, trained).extra
    new = DataConfig(spec=f"folder:{shutil.copytree(drawn_folder / 'train', tmp_path / 'new')}")
    zooms = EvaluateConfig(views="zooms")
    last = shipped.run / "checkpoints" / "last.safetensors"
    for model, config in ((shipped.run, zooms), (last, None), (shipped.bundle, None)):
        assert "own_test" not in api.evaluate(model, new, skip_unknown=True, config=config).extra


def test_what_is_stored_is_the_same_but_for_rounding(both: dict[str, tuple[Metrics, Path]]) -> None:
    run, bundle = (Predictions.read(both[name][1]) for name in ("run", "bundle"))
    assert (bundle.classes, bundle.paths, bundle.groups) == (run.classes, run.paths, run.groups)
    assert bundle.targets.tolist() == run.targets.tolist()
    assert bundle.logits == pytest.approx(run.logits, abs=1e-3)
    assert (bundle.temperature, bundle.rejection) == (run.temperature, run.rejection)


def test_the_folder_tells_what_was_measured_and_has_a_report(
    both: dict[str, tuple[Metrics, Path]], shipped: Any
) -> None:
    metrics, out = both["bundle"]
    facts = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert (facts["command"], facts["model"]) == ("roadworthy evaluate bundle", str(shipped.bundle))
    assert facts["sha256"] == read_bundle(shipped.bundle).sha256
    stored = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(metrics.to_dict()))
    assert json.loads((out / "data.json").read_text(encoding="utf-8"))["dropped"] == {"speed-60": 12}
    assert f"{100 * metrics.accuracy:.2f} %" in (out / "report.html").read_text(encoding="utf-8")


def test_a_small_batch_changes_nothing(shipped: Any, data: DataConfig, both: Any) -> None:
    config = EvaluateConfig(batch_size=5)
    found = api.evaluate(shipped.bundle, data, skip_unknown=True, config=config)
    assert found.nll == pytest.approx(both["bundle"][0].nll, abs=1e-5)


@pytest.mark.parametrize(
    "config",
    [EvaluateConfig(views="zooms"), EvaluateConfig(views="shifts"), EvaluateConfig(norms="new")],
    ids=["zooms", "shifts", "new norms"],
)
def test_what_only_weights_can_is_refused(
    shipped: Any, data: DataConfig, config: EvaluateConfig, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="is a bundle; evaluate the run that it was"):
        api.evaluate(shipped.bundle, data, skip_unknown=True, config=config, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_unknown_classes_and_splits_are_refused(shipped: Any, data: DataConfig, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="speed-60"):
        api.evaluate(shipped.bundle, data)
    with pytest.raises(ConfigError, match="split 'tset' is unknown; use train, val or test"):
        api.evaluate(shipped.bundle, data, split="tset")
    (tmp_path / "stop").mkdir()
    with pytest.raises(DataError):
        api.evaluate(shipped.bundle, DataConfig(spec=f"folder:{tmp_path}"))


def test_another_split_of_the_data_can_be_measured(shipped: Any, data: DataConfig) -> None:
    metrics = api.evaluate(shipped.bundle, data, split="train", skip_unknown=True)
    assert (metrics.split, metrics.n) == ("train", 72)


def test_windows_are_not_measured_as_crops(shipped: Any, data: DataConfig) -> None:
    windows = shipped.bundle.with_name("signs-find.onnx")
    with pytest.raises(UsageError, match="is for a closer look"):
        api.evaluate(windows, data, skip_unknown=True)


def light(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LIGHT, *arguments], capture_output=True, text=True, timeout=100, check=False
    )


def test_the_light_installation_evaluates_a_bundle(
    shipped: Any, drawn_folder: Path, both: dict[str, tuple[Metrics, Path]], tmp_path: Path
) -> None:
    line = ["evaluate", str(shipped.bundle), "--data", f"folder:{drawn_folder}", "--skip-unknown"]
    done = light(*line, "--out", str(tmp_path / "out"), "--require", "accuracy=0.5")
    assert (done.returncode, done.stderr) == (0, "")
    stored = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    metrics = both["bundle"][0]
    assert (stored["n"], stored["accuracy"]) == (metrics.n, metrics.accuracy)
    assert f"{100 * metrics.accuracy:.2f} %" in done.stdout
    refused = light(*line, "--require", "nll=0")
    assert refused.returncode == 3


def test_the_light_installation_predicts_with_a_bundle(shipped: Any, drawn_folder: Path) -> None:
    paths = [str(path) for path in sorted((drawn_folder / "test" / "stop").iterdir())[:3]]
    done = light("predict", str(shipped.bundle), *paths, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    expected = [row.to_dict() for row in api.predict(shipped.run, paths)]
    for row, other in zip(json.loads(done.stdout), expected, strict=True):
        assert (row["path"], row["predicted"]) == (other["path"], other["predicted"])
        assert row["confidence"] == pytest.approx(other["confidence"], abs=1e-3)
    run = light("predict", str(shipped.run), *paths)
    assert run.returncode == 2
    assert "roadworthy[train]" in run.stderr


@pytest.mark.parametrize(
    ("spec", "split", "sources", "expected"),
    [
        ("gtsrb:x", "test", [0, 0], 30.0),
        ("gtsrb:x", "train", [0], None),
        ("folder:x", "test", [0], None),
        ("folder:x,gtsrb:y", "test", [1, 1], 30.0),
        ("folder:x,gtsrb:y", "test", [0, 1], None),
    ],
)
def test_only_gtsrbs_test_is_known_to_have_thirty_frames_a_sign(
    spec: str, split: str, sources: list[int], expected: float | None
) -> None:
    measured: Any = SimpleNamespace(records=[SimpleNamespace(source=source, group="") for source in sources])
    assert frames_per_sign(spec, split, measured) == expected
    measured.records[0].group = "test_00007"  # then signs are known, and need not be estimated
    assert frames_per_sign(spec, split, measured) is None
