from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.core.errors import DataError
from roadworthy.core.notes import hearing
from roadworthy.data.class_map import read_map
from roadworthy.data.formats import rows
from roadworthy.data.frame_specs import read_frames
from roadworthy.data.sources import FORMS
from roadworthy.data.sources._looks import looks_like
from roadworthy.data.spec import parse_spec, read_records, with_map

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_formats_is_in_step() -> None:
    spec = importlib.util.spec_from_file_location("make_formats", DOCS / "make_formats.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    page = (DOCS / "guide/formats.md").read_text(encoding="utf-8")
    assert made.updated(page) == page, "run python docs/make_formats.py"


def test_cells_of_the_table_are_short() -> None:
    assert {row[1] for row in rows()} == {f"`{name}:`" for name in FORMS}
    assert max(len(cell) for row in rows() for cell in row) <= 80


@pytest.mark.parametrize("name", ["voc", "yolo", "coco", "gtsdb"])
def test_a_wrong_or_missing_prefix_is_told_what_it_looks_like(
    request: pytest.FixtureRequest, name: str
) -> None:
    place = request.getfixturevalue(name)
    folder = place if place.is_dir() else place.parent
    assert looks_like(folder) == [name]
    with pytest.raises(DataError, match=f"it looks like {name}: write {name}:"):
        parse_spec(str(folder))
    with pytest.raises(DataError, match=f"it looks like {name}: write {name}:"):
        read_frames(f"mtsd:{folder}")


def test_a_pickled_set_is_named_and_not_opened(tmp_path: Path) -> None:
    (tmp_path / "train.p").write_bytes(b"cos\nsystem\n(S'touch opened'\ntR.")
    for spec in (f"folder:{tmp_path / 'train.p'}", str(tmp_path / "train.p")):
        with pytest.raises(DataError, match=r"is a pickled file.*convert it where you trust it"):
            read_records(spec)


def test_labels_are_read_by_a_table_of_classes(voc: Path, tmp_path: Path) -> None:
    table = tmp_path / "map.csv"
    table.write_text("theirs,ours\nstop,no-entry\ngive-way,background\n")
    with hearing() as notes:
        frames = read_frames(with_map(f"voc:{voc}", table))
    assert [[one.label for one in frame.annotations] for frame in frames] == [["no-entry"], ["no-entry"], []]
    assert any("by the table of classes: stop is no-entry" in note for note in notes)
    table.write_text("theirs,ours\nstop,sign\ngive-way,\n")
    assert [one.label for one in read_frames(with_map(f"voc:{voc}", table))[0].annotations] == [
        "",
        "give-way",
    ]
    table.write_text("theirs,ours\nstop,a\nstop,b\n")
    with pytest.raises(DataError, match="line 3: 'stop' is 'a' and 'b'"):
        read_map(table)


def test_pictures_of_signs_take_a_table_too(tmp_path: Path, draw_frame: Callable[..., Path]) -> None:
    for n, label in enumerate(("halt", "tree")):
        draw_frame(tmp_path / f"set/{label}/{n}.png", seed=n)
    (tmp_path / "map.csv").write_text("theirs,ours\nhalt,stop\ntree,background\n")
    (record,) = read_records(with_map(f"folder:{tmp_path / 'set'}", tmp_path / "map.csv"))
    assert record.label == "stop"
