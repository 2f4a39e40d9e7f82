"""Tables of classes that are proposed from names, and from what a reader sees."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from roadworthy.config import DataConfig
from roadworthy.core.notes import hearing
from roadworthy.workflows.sets import propose_map


class FakeReader:
    """Reads red as stop, surely; blue as roundabout, not surely; of green every third as give-way."""

    def __init__(self) -> None:
        self.shown = 0

    def predict(self, crops: list[np.ndarray], on_error: str) -> list[SimpleNamespace]:
        self.shown = max(self.shown, len(crops))
        return [self._row(i, crop) for i, crop in enumerate(crops)]

    @staticmethod
    def _row(i: int, crop: np.ndarray) -> SimpleNamespace:
        channel = int(crop.mean(axis=(0, 1)).argmax())
        predicted = ("stop", ("give-way", "a", "b")[i % 3], "roundabout")[channel]
        return SimpleNamespace(error=None, predicted=predicted, accepted=channel != 2)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    colours = {"qx1": (200, 0, 0), "qx2": (0, 0, 200), "qx3": (0, 200, 0), "give-way": (0, 0, 0)}
    for label, colour in colours.items():
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(30):
            Image.new("RGB", (8, 8), colour).save(tmp_path / f"set/{label}/{number}.png")
    (tmp_path / "set/qx1/0.png").write_bytes(b"no picture")
    return tmp_path / "set"


def proposed(place: Path, model: str | None) -> dict[str, dict[str, str]]:
    with hearing():
        out = propose_map(DataConfig(spec=f"folder:{place}"), place.parent / "to/classes.csv", model=model)
    with out.open(encoding="utf-8") as file:
        return {row["theirs"]: row for row in csv.DictReader(file)}


def test_a_reader_is_asked_where_names_say_nothing(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {row["ours"] for row in proposed(pictures, None).values()} == {"give-way", ""}
    reader = FakeReader()
    monkeypatch.setattr("roadworthy.inference.classifier.load", lambda model: reader)
    rows = proposed(pictures, "packaged")
    assert {name: row["ours"] for name, row in rows.items()} == {
        "give-way": "give-way",
        "qx1": "stop",
        "qx2": "",
        "qx3": "",
    }
    assert rows["give-way"]["why"] == "the same name"
    assert rows["qx1"]["why"] == "14 of 14 pictures read as stop: look"
    assert rows["qx1"]["n"] == "30"
    assert "none of 15 pictures is read surely" in rows["qx2"]["why"]
    assert rows["qx3"]["why"] == "5 of 15 pictures read as give-way: look"
    assert reader.shown <= 24
