"""Pictures without labels: what is estimated, what is compared, and what is refused."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.config import DataConfig
from roadworthy.core.errors import DataNotFoundError, ImageError, UsageError
from roadworthy.inference.bundle import read_bundle, write_bundle

KNOWN = {"n": 200, "accuracy": 0.9, "accuracy_se": 0.02, "confidence": 0.95, "threshold": 0.9}


@pytest.fixture(scope="module")
def knowing(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `colours`, which says what its confidence was worth."""
    bundle = read_bundle(colours)
    path = tmp_path_factory.mktemp("knowing") / "colours.onnx"
    bare = _without_metadata(bundle.network)
    write_bundle(bare, dataclasses.replace(bundle.manifest, known=KNOWN), path)
    return path


def _without_metadata(network: bytes) -> bytes:
    onnx = pytest.importorskip("onnx", reason="changing ONNX files needs roadworthy[export]")
    model = onnx.load_model_from_string(network)
    del model.metadata_props[:]
    return bytes(model.SerializeToString())


def pictures(folder: Path, n: int, *, dark: float = 1.0, seed: int = 0) -> Path:
    """Red, green and blue pictures, some of them dull."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for i in range(n):
        image = rng.integers(0, 60, (20, 24, 3))
        image[..., i % 3] = 255 if i % 4 else 40
        Image.fromarray((image * dark).astype(np.uint8)).save(folder / f"{i:03}.png")
    return folder


def test_accuracy_is_estimated_from_what_was_known(knowing: Path, tmp_path: Path) -> None:
    data = DataConfig(spec=str(pictures(tmp_path / "new", 40)))
    found = api.evaluate_unlabelled(knowing, data, out=tmp_path / "out")
    # Three of four pictures are bright, and surer than the threshold.
    assert found.estimates["thresholded confidence"].value == pytest.approx(0.75)
    assert found.known is not None
    assert found.known.n == 200
    assert found.changes is None
    stored = json.loads((tmp_path / "out" / "unlabelled.json").read_text())
    assert stored["estimates"]["thresholded confidence"]["value"] == pytest.approx(0.75)


def test_a_darker_camera_is_noticed(knowing: Path, tmp_path: Path) -> None:
    before = pictures(tmp_path / "before", 60)
    same = pictures(tmp_path / "same", 60, seed=1)
    dark = pictures(tmp_path / "dark", 60, dark=0.5, seed=2)
    look = {"before": str(before)}
    assert not api.evaluate_unlabelled(knowing, DataConfig(spec=str(same)), **look).alarms
    assert "brightness" in api.evaluate_unlabelled(knowing, DataConfig(spec=str(dark)), **look).alarms


def test_the_labels_of_a_set_are_not_asked(knowing: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    pictures(tmp_path / "set" / "whatever", 20)
    pictures(tmp_path / "set" / "else", 20)
    found = api.evaluate_unlabelled(knowing, DataConfig(spec=f"folder:{tmp_path / 'set'}"))
    assert found.n == 40


def test_a_model_that_does_not_say_what_it_knew_estimates_nothing(
    colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = pictures(tmp_path / "new", 8)
    assert cli.run(["evaluate", str(colours), "--data", str(new), "--unlabelled"]) == 0
    said = capsys.readouterr()
    assert "export it again, or give the run" in " ".join(said.err.split())
    assert "too few" in said.err
    assert "estimated" not in said.out
    assert "8, labels not asked" in said.out


def test_what_is_printed(knowing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, new = pictures(tmp_path / "a", 40), pictures(tmp_path / "b", 40, dark=0.4)
    command = ["evaluate", str(knowing), "--unlabelled", "--data", str(new), "--before", str(before)]
    assert cli.run(command) == 0
    said = capsys.readouterr().out
    assert "by thresholded confidence" in said
    assert "200 pictures with labels, 90.00 % of them right" in said
    assert "changed: " in said
    assert max(map(len, said.splitlines())) <= 120


def test_pictures_that_cannot_be_read_are_named_or_counted(knowing: Path, tmp_path: Path) -> None:
    new = pictures(tmp_path / "new", 4)
    (new / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"broken.png.*--skip-unreadable"):
        api.evaluate_unlabelled(knowing, DataConfig(spec=str(new)))
    found = api.evaluate_unlabelled(knowing, DataConfig(spec=str(new), skip_unreadable=True))
    assert (found.n, found.unreadable) == (4, 1)


def test_what_makes_no_sense_is_refused(knowing: Path, tmp_path: Path) -> None:
    new = DataConfig(spec=str(pictures(tmp_path / "new", 4)))
    with pytest.raises(UsageError, match="lies between 0 and 1"):
        api.evaluate_unlabelled(knowing, new, alarm_rate=1.5)
    with pytest.raises(DataNotFoundError):
        api.evaluate_unlabelled(knowing, DataConfig(spec=str(tmp_path / "nowhere")))
    for wrong in (
        ["--before", "x"],
        ["--unlabelled", "--skip-unknown"],
        ["--unlabelled", "--require", "accuracy=0.9"],
    ):
        assert cli.run(["evaluate", str(knowing), "--data", new.spec, *wrong]) == 2
