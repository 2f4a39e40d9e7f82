from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from roadworthy.core.errors import DataError, DataNotFoundError, UnknownNameError
from roadworthy.data.frame_specs import has_frames, read_frames
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources import FRAME_SOURCES
from roadworthy.data.spec import read_records


def test_several_sources_each_with_its_index(gtsdb: Path, coco: Path) -> None:
    frames = read_frames(f"gtsdb:{gtsdb}, coco:{coco}@0.3")
    assert [frame.source for frame in frames] == [0, 0, 0, 1, 1, 1]
    assert [len(frame.annotations) for frame in frames] == [2, 0, 1, 1, 2, 0]


def test_physical_signs_of_different_sources_stay_apart(
    gtsdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = (Annotation(box=(0, 0, 1, 1), group="7"), Annotation(box=(0, 0, 1, 1)))

    def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
        return [Frame(path="a.png", annotations=marks, sequence="film")]

    monkeypatch.setitem(FRAME_SOURCES._entries, "coco", read)
    (frame,) = read_frames(f"coco:{tmp_path}")
    assert frame.annotations == marks
    other = read_frames(f"gtsdb:{gtsdb},coco:{tmp_path}")[-1]
    assert [one.group for one in other.annotations] == ["1:7", ""]
    assert other.sequence == "film"  # of its source: a split must not depend on what it is mixed with


def test_without_a_place_they_are_found_under_frames(gtsdb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORTHY_DATA", str(gtsdb.parent))
    assert read_frames("gtsdb:")[0].path == str(gtsdb / "00000.ppm")
    (gtsdb.parent / "frames").mkdir()
    gtsdb.rename(gtsdb.parent / "frames/gtsdb")
    assert read_frames("gtsdb:")[0].path == str(gtsdb.parent / "frames/gtsdb/00000.ppm")
    assert len(read_records("gtsdb:")) == 3
    with pytest.raises(DataNotFoundError, match=r"voc: has no place.*/voc, .*/frames/voc, .* and "):
        read_frames("voc:")


def test_sources_of_single_signs_have_no_frames(gtsdb: Path) -> None:
    assert has_frames(f"gtsdb:{gtsdb},voc:x")
    assert not has_frames("gtsdb:x,folder:y")
    with pytest.raises(DataError, match="folder: has pictures of single signs and no boxes"):
        read_frames("folder:x")
    with pytest.raises(DataError, match="names no source"):
        read_frames(str(gtsdb))
    with pytest.raises(UnknownNameError, match="data source 'vok' is unknown; did you mean 'voc'"):
        read_frames("vok:x")
    with pytest.raises(DataNotFoundError, match="a comma separates only before a known source"):
        read_frames("gtsdb:x,gtsbd:y")
