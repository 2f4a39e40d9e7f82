"""Pictures that another arm reads otherwise, from their own files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.data.records import Record
from roadworthy.studies.questions import domain_pictures as pictures
from roadworthy.studies.results import ArmResult

BEFORE, AFTER = ((0, 1), (0, 1), ()), ((0, 0), (0, 0), ())


def test_repaired_and_spoilt_pictures_are_shown_large(
    finished_arm: Callable[..., ArmResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = finished_arm("none", [BEFORE]), finished_arm("ours", [AFTER])
    run = tmp_path / before.runs[0].folder
    (run / "config.toml").write_text("[input]\nsize = 16\n")
    records = {}
    for name in ("speed-50/0.png", "speed-50/1.png", "speed-60/0.png", "speed-60/1.png"):
        file = tmp_path / name.replace("/", "-")
        Image.new("RGB", (20, 20), (200, 0, 0)).save(file)
        records[name] = Record(path=str(file), label="x")
    numbered = {f"speed-50/{i}.png": records[f"speed-50/{i}.png"] for i in range(2)} | {
        f"speed-60/{i + 2}.png": records[f"speed-60/{i}.png"] for i in range(2)
    }
    monkeypatch.setattr(pictures, "_records", lambda run, domain: numbered)
    (stored,) = pictures.before_and_after(before, after, tmp_path, "", "changed.npz")
    assert stored.caption == (
        "'ours' beside 'none' on the test, seed 0: 1 mistake repaired, 1 new, 1 in both"
    )
    assert stored.captions == (
        "speed-50: read as speed-60 before, speed-50 after",
        "speed-60: read as speed-60 before, speed-50 after",
    )
    assert not stored.first
    with np.load(tmp_path / "changed.npz") as arrays:
        images = arrays["images"]
    assert images.shape == (2, pictures.SHOWN_PX, pictures.SHOWN_PX, 3)
    assert images[0, 40, 40, 0] > 150  # from the file, not what a network was given


def test_where_nothing_changed_nothing_is_shown(
    finished_arm: Callable[..., ArmResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_records", lambda run, domain: {})
    same = finished_arm("none", [BEFORE]), finished_arm("ours", [BEFORE])
    assert pictures.before_and_after(*same, tmp_path, "", "changed.npz") == []
