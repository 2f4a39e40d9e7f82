"""A bundle as a folder for Hugging Face's hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.errors import UsageError
from roadworthy.inference.bundle import Manifest
from roadworthy.inference.onnx import packaged
from roadworthy.workflows.hub import metadata


def test_a_folder_has_the_bundle_its_card_and_its_classes(tmp_path: Path, colours: Path) -> None:
    place = api.hub_folder(colours, tmp_path / "signs", licence="apache-2.0")
    assert sorted(file.name for file in place.iterdir()) == ["README.md", "colours.onnx", "config.json"]
    assert (place / "colours.onnx").read_bytes() == colours.read_bytes()
    config = json.loads((place / "config.json").read_text())
    assert config["id2label"] == {"0": "stop", "1": "speed-60", "2": "roundabout"}
    _, head, card = (place / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(head)["license"] == "apache-2.0"
    assert yaml.safe_load(head)["pipeline_tag"] == "image-classification"
    assert "| answers | 3 classes |" in card
    assert "roadworthy predict signs/colours.onnx photo.jpg" in card


def test_what_was_measured_is_in_the_head(colours: Path) -> None:
    from roadworthy.inference.bundle import read_bundle

    plain = read_bundle(colours).manifest
    known = {"gtsrb:, test": {"accuracy": 0.98765, "n": 10}}
    head = metadata(Manifest(**{**vars(plain), "metrics": known}), "signs", "other")
    (index,) = head["model-index"]
    assert index["results"][0]["dataset"]["name"] == "gtsrb:, test"
    assert index["results"][0]["metrics"] == [{"type": "accuracy", "value": 0.9877, "name": "accuracy"}]
    assert head["license_name"] == "see-model-card"


def test_huggingface_hub_reads_the_card(tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="the reader of cards is huggingface_hub")
    if packaged() is None:
        pytest.skip("this copy comes without a model")
    place = api.hub_folder("packaged", tmp_path / "signs")
    card = hub.ModelCard.load(place / "README.md")
    assert card.data.pipeline_tag == "image-classification"
    assert card.data.library_name == "roadworthy"
    results = {one.dataset_name: one.metric_value for one in card.data.eval_results}
    assert results["folder:belgium, test"] > 0.9
    assert (place / "crop-find.onnx").is_file()


def test_bad_input_gets_one_line(
    tmp_path: Path, colours: Path, red_finder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    assert cli.run(["hub", str(colours), "--out", str(tmp_path / "full")]) == 2
    assert "is there already" in capsys.readouterr().err
    with pytest.raises(UsageError, match="is no bundle; export it first"):
        api.hub_folder(tmp_path, tmp_path / "new")
    assert cli.run(["hub", str(red_finder), "--out", str(tmp_path / "finder")]) == 0
    assert "object-detection" in (tmp_path / "finder" / "README.md").read_text()
