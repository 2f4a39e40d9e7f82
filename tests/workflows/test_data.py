"""`data audit`, `show` and `preview` of frames with boxes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.config import AugmentConfig, DataConfig
from roadworthy.core.errors import DataError, LabelError, UsageError
from roadworthy.core.notes import hearing
from roadworthy.data.frame_audit import FrameAudit
from roadworthy.data.frame_overview import FrameOverview
from roadworthy.imaging.spec import InputSpec

XML = (
    "<annotation><filename>{0}.png</filename><object><name>{1}</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
    "<xmax>20</xmax><ymax>{2}</ymax></bndbox></object></annotation>"
)


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    root, rng = tmp_path / "voc", np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    for name, word, bottom in (("a", "stop", 24), ("b", "speedlimit", 300), ("c", "trafficlight", 9)):
        tiles = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        tiles.resize((64, 48), Image.Resampling.BICUBIC).save(root / f"images/{name}.png")
        (root / f"annotations/{name}.xml").write_text(XML.format(name, word, bottom))
    return root


def test_an_audit_of_frames_is_written(voc: Path, tmp_path: Path) -> None:
    (voc / "images/d.png").write_bytes((voc / "images/a.png").read_bytes())
    (voc / "annotations/d.xml").write_text(XML.format("d", "stop", 20))
    found = api.audit(DataConfig(spec=f"voc:{voc}"), out=tmp_path / "out")
    assert isinstance(found, FrameAudit)
    assert (found.total, found.empty, found.signs) == (4, 1, 3)
    assert any("speedlimit (1) mark signs whose class is not told" in note for note in found.notes)
    tree = json.loads((tmp_path / "out/audit.json").read_text())
    assert tree["outside"]["n"] == 1
    assert tree["pairs"]["n"] == 1
    assert Image.open(tmp_path / "out/audit.png").width > 300


def test_an_audit_is_printed(voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["data", "audit", f"voc:{voc}"]) == 0
    out, err = capsys.readouterr()
    assert "stop" in out
    assert "256 and more" in out
    assert "1 box beyond the picture, first: " in out
    assert "3 frames checked, 1 without signs; 2 signs" in out
    assert "note: " in err


def test_what_a_set_of_frames_holds(voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = api.overview(DataConfig(spec=f"voc:{voc}"))
    assert isinstance(found, FrameOverview)
    assert found.classes == {"stop": {"": 1}, "(class not told)": {"": 1}}
    assert cli.run(["data", "show", f"voc:{voc}"]) == 0
    shown = capsys.readouterr().out
    assert "3 frames, 2 signs" in shown
    assert "(class not told)" in shown
    assert cli.run(["data", "show", f"voc:{voc}", "--format", "json", "--classes", "stop"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 1
    assert cli.run(["data", "show", f"voc:{voc}", "--classes", "give-way"]) == LabelError.exit_code


def test_a_sheet_of_frames(voc: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name in "efghij":
        tiles = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        tiles.resize((64, 48), Image.Resampling.BICUBIC).save(voc / f"images/{name}.png")
        (voc / f"annotations/{name}.xml").write_text(XML.format(name, "speedlimit", 30))
    data = DataConfig(spec=f"voc:{voc}")
    out = api.preview(data, out=tmp_path / "sheet.png", n=2)
    assert Image.open(out).width == 2 * 408 + 8
    assert Image.open(api.preview(DataConfig(spec=data.spec, classes=("stop",)), out=out)).width == 408 + 8
    for settings in ({"augment": AugmentConfig()}, {"input": InputSpec(size=32)}):
        with pytest.raises(UsageError, match="frames, which are shown whole"):
            api.preview(data, out=out, **settings)  # type: ignore[arg-type]
    assert cli.run(["data", "preview", data.spec, "--out", str(out), "--n", "3"]) == 0


def test_frames_to_be_tested_on_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for split in ("train", "test"):
        Image.new("RGB", (64, 48)).save(tmp_path / f"{split}.png")
        tree = {
            "images": [{"id": 1, "file_name": f"{split}.png", "width": 64, "height": 48}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 5, 20, 21], "iscrowd": 0}],
            "categories": [{"id": 1, "name": "stop"}],
        }
        (tmp_path / f"{split}.json").write_text(json.dumps(tree), encoding="utf-8")
    shown: list[str] = []

    def sheet(frames):  # type: ignore[no-untyped-def]
        shown.extend(Path(frame.path).name for frame in frames)
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr("roadworthy.data.frame_sheet.frame_sheet", sheet)
    api.preview(DataConfig(spec=f"coco:{tmp_path}"), out=tmp_path / "sheet.png")
    assert shown == ["train.png"]


def test_frames_mixed_with_single_signs_are_pictures_of_signs(
    voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set/no-entry").mkdir(parents=True)
    Image.new("RGB", (20, 20), (200, 20, 20)).save(tmp_path / "set/no-entry/a.png")
    with hearing():
        assert api.overview(DataConfig(spec=f"voc:{voc},folder:{tmp_path / 'set'}")).n == 2


def test_frames_that_cannot_be_used_are_not_shown(voc: Path, tmp_path: Path) -> None:
    for name in "abc":
        (voc / f"annotations/{name}.xml").write_text(XML.format(name, "stop", 0))
    with pytest.raises(
        DataError, match=r"none of the 3 frames of voc:.* can be used, first: .*holds nothing"
    ):
        api.preview(DataConfig(spec=f"voc:{voc}"), out=tmp_path / "sheet.png")
