from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.data.frame_audit import audit_frames, pairs_picture
from roadworthy.data.frames import Annotation, Frame


@pytest.fixture
def set_of(tmp_path: Path, draw_frame: Callable[..., Path]) -> Callable[..., Frame]:
    def make(name: str, *marks: Annotation, seed: int | None = None, **about: str) -> Frame:
        path = draw_frame(tmp_path / f"{name}.png", (64, 48), ord(name[0]) if seed is None else seed)
        return Frame(path=str(path), annotations=marks, **about)  # type: ignore[arg-type]

    return make


def mark(x1: float, y1: float, x2: float, y2: float, label: str = "stop", ignore: bool = False) -> Annotation:
    return Annotation(box=(x1, y1, x2, y2), label=label, ignore=ignore)


def test_a_clean_set(set_of: Callable[..., Frame]) -> None:
    found = audit_frames([set_of("a", mark(0, 0, 20, 20)), set_of("b"), set_of("c", mark(5, 5, 64, 48))])
    assert found.findings == ()
    assert (found.total, found.empty, found.signs) == (3, 1, 2)
    assert (found.counts, found.sizes) == ({"stop": 2}, {"16 to 24": 1, "48 to 64": 1})
    assert found.frame_sizes == {"64 x 48": 3}
    assert found.verdict == (
        "3 frames checked, 1 without signs; 2 signs; no damage, duplicates or boxes that cannot be"
    )
    assert pairs_picture(found) is None


def test_boxes_that_are_doubtful(set_of: Callable[..., Frame]) -> None:
    found = audit_frames(
        [
            set_of("a", mark(-1, -1, 65, 49), mark(-2, 0, 20, 20)),
            set_of("b", mark(0, 0, 66, 10), mark(0, 0, 10, 50), mark(30, 30, 35, 37.5)),
            set_of("c", mark(0, 0, 20, 20), mark(0, 0, 20, 19), mark(0, 0, 20, 17)),
            set_of("d", mark(0, 0, 20, 20), mark(0, 0, 20, 20, "give-way"), mark(40, 0, 50, 9, ""),
                   mark(40, 0, 50, 9, "stop")),
            set_of("e", mark(0, 0, 20, 20), mark(0, 0, 20, 20, ignore=True)),
        ]
    )  # fmt: skip
    names = {kind: [Path(path).name for path, _ in getattr(found, kind)] for kind in ("outside", "tiny")}
    assert names == {"outside": ["a.png", "b.png", "b.png"], "tiny": ["b.png"]}
    assert [Path(path).name for path, _ in found.doubled] == ["c.png", "d.png"]
    assert [Path(path).name for path, _ in found.disputed] == ["d.png"]
    said = dict(
        found.findings and [(text.split(", first: ")[0], severity) for severity, text in found.findings]
    )
    assert said == {
        "1 sign marked twice, as two classes": "error",
        "2 signs marked twice": "warning",
        "3 boxes beyond the picture": "warning",
        "1 box under 8 pixels": "warning",
        "1 sign of 13 without a class": "note",
        "1 region to be ignored": "note",
    }
    assert any("(-2, 0) to (20, 20) of 64 x 48 pixels" in text for _, text in found.findings)


def test_frames_that_are_there_twice(set_of: Callable[..., Frame], tmp_path: Path) -> None:
    sign = mark(0, 0, 20, 20)
    frames = [
        set_of("a", sign, split="train"),
        set_of("b", sign, split="train", sequence="1"),
        set_of("c", sign, split="train"),
        set_of("d", sign, split="test", seed=ord("a")),
        set_of("e", sign, split="train", sequence="2", seed=ord("b")),
        set_of("f", sign, split="train", seed=ord("c")),
        set_of("g", sign, split="val", seed=ord("c")),
    ]
    image = np.asarray(Image.open(frames[2].path)).astype(float)
    Image.fromarray((image * 0.8 + 20).astype(np.uint8)).save(frames[6].path)  # nearly the same
    found = audit_frames(frames)
    said = [(severity, text.split(", first: ")[0]) for severity, text in found.findings]
    assert said == [
        ("error", "1 pair of frames is the same picture in two splits: scores on the second are too good"),
        (
            "error",
            "1 pair of frames is nearly the same picture in two splits: scores on the second are too good",
        ),
        ("warning", "1 pair of frames is the same picture in two sequences"),
        ("warning", "1 pair of frames is the same picture more than once"),
    ]
    sheet = pairs_picture(found, cell=80)
    assert sheet is not None
    assert sheet.shape[1] == 4 * 88 + 8
    assert found.to_dict()["pairs"]["first"][0]["a"] == frames[0].path


def test_broken_frames_and_a_set_without_signs(set_of: Callable[..., Frame], tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no picture")
    shutil.copy(tmp_path / "x.png", tmp_path / "y.png")
    frames = [set_of("a"), *(Frame(path=str(tmp_path / f"{name}.png")) for name in "xyz")]
    frames.append(Frame(path=frames[0].path, fault="has no usable box (a.xml, object 1)"))
    found = audit_frames(frames)
    assert len(found.unreadable) == 4
    assert found.findings[0][0] == found.findings[-1][0] == "error"
    assert f"4 frames cannot be used, first: {tmp_path / 'x.png'} is no picture" in found.findings[0][1]
    assert "no sign is marked" in found.findings[-1][1]
    tree = json.loads(json.dumps(found.to_dict()))
    assert tree["unreadable"]["n"] == 4
    assert tree["findings"][0]["severity"] == "error"
