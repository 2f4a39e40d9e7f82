"""`packaged` is a model wherever one is named: it answers, is measured, exported and trained on."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import roadworthy
from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.config import DataConfig
from roadworthy.core.errors import BundleError, CheckpointError, UsageError
from roadworthy.data.drawings import Drawings
from roadworthy.data.open import open_dataset
from roadworthy.data.spec import read_records
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.channel_order import SEEM_SWAPPED
from roadworthy.inference.onnx import load_engine, packaged, packaged_weights

DRAWN = (
    *("stop", "give-way", "no-entry", "keep-left", "roundabout", "children"),
    *("speed-60", "speed-80", "speed-110", "end-speed-60", "end-all-limits"),
)
pytest.importorskip("resvg_py", reason="drawing needs roadworthy[signs]")
pytestmark = pytest.mark.skipif(packaged() is None, reason="this copy comes without a model")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn pictures of two classes that it knows, and of one that it does not."""
    folder = tmp_path_factory.mktemp("few") / "signs"
    api.render("rendered:au?signs=stop+give-way+no-entry&recipe=plain", folder, 36, size=48)
    (folder / "no-entry").rename(folder / "keep-out")
    return folder


def test_the_name_goes_before_a_place_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "packaged").mkdir()
    Image.fromarray(np.full((48, 48, 3), 90, np.uint8)).save(tmp_path / "packaged" / "grey.png")
    monkeypatch.chdir(tmp_path)
    assert roadworthy.load("packaged").classes == roadworthy.load().classes
    with pytest.raises(CheckpointError):  # a Path is a place, and this one holds no model
        roadworthy.load(Path("packaged"))
    assert cli.run(["predict", "packaged", "packaged/grey.png", "--format", "csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert cli.run(["predict", "./packaged", "--format", "csv"]) == 0
    assert "packaged/grey.png" in capsys.readouterr().out
    assert cli.run(["predict", "packaged"]) == 2
    assert "packaged is a model" in capsys.readouterr().err


def test_it_is_measured_without_torch(few: Path) -> None:
    program = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"torch", "safetensors"}}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
sys.meta_path.insert(0, Block())
from roadworthy.cli import app as cli
sys.exit(cli.run(["evaluate", "packaged", "--data", "folder:{few}", "--skip-unknown"]))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert "24 pictures" in found.stdout


def test_arrays_in_the_right_order_are_not_refused_for_their_order() -> None:
    """Of 3,000 photographs 86 were, once it had learned that swapped signs are none."""
    drawn = read_records("rendered:au?recipe=other-val&per_class=1&seed=31")
    pictures = np.zeros((len(drawn), 48, 48, 3), np.uint8)
    Drawings(drawn, pictures, InputSpec()).draw()
    with warnings.catch_warnings(record=True):
        answers = roadworthy.load().predict(list(pictures))
    assert len(drawn) > 80
    assert sum(row.reason == SEEM_SWAPPED for row in answers) <= 1


@pytest.mark.parametrize(
    ("spec", "split"),
    [
        (f"rendered:au+de?recipe=plain&per_class=30&seed=99&signs={'+'.join(DRAWN)}", "train"),
        ("gtsrb:", "test"),
    ],
)
def test_its_weights_answer_as_its_bundle_does(
    spec: str, split: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    engine = load_engine(packaged() or Path())
    if spec == "gtsrb:":
        spec = f"csv:{some_of_gtsrb(request.getfixturevalue('real_data'), tmp_path)}"
    data, _ = open_dataset(
        DataConfig(spec=spec, labels="gtsrb-ids" if spec.startswith("csv") else "names"),
        engine.spec,
        engine.classes,
        split=split,
    )
    weights = api.Classifier(packaged_weights())
    assert (weights.classes, weights.spec) == (engine.classes, engine.spec)
    assert (weights.temperature, weights.rejection) == (engine.temperature, engine.rejection)
    images = np.asarray(data.images)
    same = weights.logits(images).argmax(1) == engine.all_logits(images, 64).argmax(1)
    assert len(same) >= 300
    assert same.mean() >= 0.995


def some_of_gtsrb(data: Path, folder: Path) -> Path:
    """Every 20th row of its test."""
    rows = (data / "gtsrb" / "Test.csv").read_text().splitlines()
    for row in rows[1::20]:
        path = folder / row.rsplit(",", 1)[1]
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.symlink_to(data / "gtsrb" / row.rsplit(",", 1)[1])
    (folder / "some.csv").write_text("\n".join([rows[0], *rows[1::20]]))
    return folder / "some.csv"


def test_a_training_starts_from_it(few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["train", "--data", f"folder:{few}", "--start", "packaged", "--epochs", "4"]
    out = tmp_path / "run"
    assert cli.run([*line, "--set", "train.batch_size=8", "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert "taken from packaged: model.width=0.75" in said
    assert "packaged knows give-way, stop; new: keep-out" in said
    metrics = roadworthy.load(out)
    assert set(metrics.classes) == {"stop", "give-way", "keep-out"}
    config = roadworthy.load_config(out / "config.toml")
    assert (config.train.start, config.model.width, config.optim.lr) == ("packaged", 0.75, 0.02)
    # A fresh network of this size is still guessing after a dozen steps.
    assert api.evaluate(out, DataConfig(spec=f"folder:{few}")).accuracy >= 0.8
    assert '"packaged knows give-way' in (out / "data.json").read_text()
    assert cli.run([*line, "--size", "32", "--out", str(tmp_path / "other")]) == 2
    refused = capsys.readouterr().err
    assert refused.count("\n") == 1
    assert "input.size is 32, but packaged" in refused
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_it_is_exported_from_its_weights(few: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="exporting needs roadworthy[export]")
    found = api.export("packaged", tmp_path / "x.onnx", data=DataConfig(spec=f"folder:{few}"))
    exported, ours = roadworthy.load(tmp_path / "x.onnx"), roadworthy.load("packaged")
    assert exported.classes == ours.classes
    assert (exported.temperature, exported.rejection) == (ours.temperature, ours.rejection)
    assert exported.looks_closer
    assert found.manifest.precision == "fp32"
    assert "rendered:all" in found.manifest.provenance["trained"]["data"]


def test_without_data_it_is_held_to_drawn_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr(
        "roadworthy.workflows.export.ship", lambda *places, **more: given.update(more, places=places)
    )
    api.export("packaged", str(tmp_path / "x.onnx"))
    assert given["places"] == (packaged_weights(), tmp_path / "x.onnx")
    assert given["data"].spec.startswith("rendered:au+de")  # type: ignore[attr-defined]
    api.export("packaged", tmp_path / "x.onnx", data=DataConfig(spec="folder:x"))
    assert given["data"] == DataConfig(spec="folder:x")


def test_what_takes_stored_answers_says_how_to_get_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["compare", "packaged", "runs/x"]) == 2
    assert "roadworthy evaluate packaged --data SPEC --out DIR" in capsys.readouterr().err


def test_the_service_and_its_page_take_the_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served: list[object] = []
    monkeypatch.setattr(api, "serve", served.append)
    assert cli.run(["serve", "packaged", "--port", "0"]) == 0
    assert served[0].models == (packaged(),)  # type: ignore[attr-defined]
    written: list[object] = []
    monkeypatch.setattr("roadworthy.serve.static.write_static", lambda *given: written.append(given) or [])
    api.write_page(str(tmp_path / "page"), ["packaged"])
    assert written == [(packaged(), tmp_path / "page", None)]


def test_a_copy_without_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("roadworthy.inference.onnx.packaged", lambda: None)
    monkeypatch.setattr("roadworthy.inference.onnx.__file__", str(tmp_path / "onnx.py"))
    with pytest.raises(UsageError, match="none comes with this copy"):
        roadworthy.load("packaged")
    with pytest.raises(CheckpointError, match="comes without a model"):
        packaged_weights()
    with pytest.raises(BundleError):
        roadworthy.load("packaged.onnx")
