from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.data.sources.csv_file import read


def table(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    for name in ("a.png", "b.png", "sub/pole_00000.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_all_columns(tmp_path: Path) -> None:
    text = "path,label,group,split,x1,y1,x2,y2\na.png,R1-1,g1,Train,1,2,3.5,4\nb.png,my sign,,,,,,\n"
    first, second = read(table(tmp_path, text), {}, "au")
    assert (first.label, first.group, first.split, first.box) == ("stop", "g1", "train", (1, 2, 3.5, 4))
    assert (second.label, second.group, second.split, second.box) == ("my sign", "", "", None)
    assert first.path == str(tmp_path / "a.png")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_dialects(tmp_path: Path, encoding: str, newline: str, delimiter: str) -> None:
    lines = ["Path,Label", "", "a.png,stop", '"b.png",stop', ""]
    text = newline.join(line.replace(",", delimiter) for line in lines)
    assert [r.label for r in read(table(tmp_path, text, encoding), {}, "names")] == ["stop", "stop"]


def test_gtsrbs_columns(tmp_path: Path) -> None:
    text = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n27,26,5,5,22,20,14,sub/pole_00000.png\n"
    (record,) = read(table(tmp_path, text), {}, "names")
    assert (record.label, record.box, record.group) == ("stop", (5, 5, 23, 21), "14/sub/pole")


def test_numbers_as_labels(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label\na.png,17\n")
    assert read(path, {}, "gtsrb-ids")[0].label == "no-entry"
    assert read(path, {}, "names")[0].label == "17"


def test_groups_from_names_only_without_a_column(tmp_path: Path) -> None:
    assert (
        read(table(tmp_path, "path,label\nsub/pole_00000.png,stop\n"), {}, "names")[0].group
        == "stop/sub/pole"
    )
    path = table(tmp_path, "path,label,group\nsub/pole_00000.png,stop,\n")
    assert read(path, {}, "names")[0].group == ""


def test_paths_absolute_backward_and_upward(tmp_path: Path) -> None:
    text = f"path,label\n{tmp_path / 'a.png'},stop\nsub\\pole_00000.png,stop\nsub/../b.png,stop\n"
    paths = [Path(r.path) for r in read(table(tmp_path, text), {}, "names")]
    assert paths == [tmp_path / "a.png", tmp_path / "sub/pole_00000.png", tmp_path / "b.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("path,name\na.png,stop\n", "no column 'label'; it has: name, path"),
        ("label\nstop\n", "no column 'path'"),
        ("path,label,label\na.png,stop,stop\n", "'label' twice"),
        ("path,label\na.png\n", "line 2: the row has 1 cells, the header 2"),
        ("path,label\na.png,stop,extra\n", "line 2: the row has 3 cells"),
        ("path,label\na.png,stop\n\n,stop\n", "line 4: the path is empty"),
        ("path,label\na.png, \n", "line 2: the label is empty"),
        ("path,label,split\na.png,stop,trian\n", "line 2: the split 'trian' is unknown; use train, val"),
        ("path,label\n\0a.png,stop\n", "line 2: column path: .*NUL character"),
        (f"path,label\n{'n' * 300},stop\n", "line 2: column path: .*300 bytes"),
        ("path,ClassId\na.png,99\n", "line 2: column classid: .*99"),
        ("path,label\nnone.png,stop\nnone2.png,stop\n", r"'none\.png' \(line 2\) and 1 more"),
        ("path,label\n", "a header but no rows"),
        ("path,label\na.png,st\0op\n", r"line 2: column label: .*'st.x00op' contains a control character"),
        ('path,label\na.png,"st\nop"\n', "line 3: column label: .* contains a control character"),
        ("path,label\na.png,\x1b[31mstop\n", "line 2: column label: .* contains a control character"),
        ("path,label\na.png,../stop\n", "line 2: column label: .* looks like a path"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(table(tmp_path, text), {}, "names")


def test_other_failures(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        read(tmp_path / "none.csv", {}, "names")
    with pytest.raises(DataError, match="not UTF-8"):
        read(table(tmp_path, "path,label\nü.png,stop\n", "latin-1"), {}, "names")
    with pytest.raises(ConfigError, match="csv: has no setting"):
        read(table(tmp_path, "path,label\na.png,stop\n"), {"n": "1"}, "names")


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ("1,2,3,", "the box needs four numbers"),
        ("1,2,nan,4", "the box"),
        ("-1,2,3,4", "the box .* needs 0 <= x1"),
    ],
)
def test_a_row_with_a_wrong_box_is_kept_as_one_that_cannot_be_used(
    tmp_path: Path, box: str, words: str
) -> None:
    path = table(tmp_path, f"path,label,x1,y1,x2,y2\na.png,stop,{box}\nb.png,stop,1,2,3,4\n")
    bad, good = read(path, {}, "names")
    assert re.search(rf"table\.csv, line 2: {words}", bad.fault)
    assert (good.fault, good.box) == ("", (1, 2, 3, 4))


def test_blanks_after_the_comma_and_quotes(tmp_path: Path) -> None:
    (record,) = read(table(tmp_path, '"path", "label"\n"a.png", "stop"\n'), {}, "names")
    assert (record.label, Path(record.path).name) == ("stop", "a.png")


@pytest.mark.parametrize("label", ["14.0", "14", " 014 "])
def test_ids_as_spreadsheets_write_them(tmp_path: Path, label: str) -> None:
    assert read(table(tmp_path, f"path,label\na.png,{label}\n"), {}, "gtsrb-ids")[0].label == "stop"


@pytest.mark.parametrize("label", ["14.5", "nan", "inf", "43.0", "stop"])
def test_what_is_no_id_is_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(DataError, match=f"line 2.*{label}"):
        read(table(tmp_path, f"path,label\na.png,{label}\n"), {}, "gtsrb-ids")


def test_splits_by_any_name_are_read_and_said(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label,split\na.png,stop,Training\nb.png,stop,dev\n")
    with hearing() as notes:
        assert [r.split for r in read(path, {}, "names")] == ["train", "val"]
    assert notes == [f"csv:{path}: read as splits: Training as train, dev as val"]


def test_merged_labels_are_said(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label\na.png,stop\nb.png,R1-1\n")
    with hearing() as notes:
        assert {r.label for r in read(path, {}, "au")} == {"stop"}
    assert any("2 labels become one class: 'stop', 'R1-1' are stop" in note for note in notes)


def test_names_of_files_are_found_in_either_form(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "größe.png") for form in ("NFC", "NFD"))
    path = table(tmp_path, f"path,label\n{composed},stop\n")
    (tmp_path / decomposed).write_bytes(b"x")
    assert Path(read(path, {}, "names")[0].path).exists()


def test_numbered_pictures_are_one_sign_only_where_a_column_says_so(tmp_path: Path) -> None:
    for name in ("i_00001.png", "i_00002.png"):
        (tmp_path / name).write_bytes(b"x")
    path = table(tmp_path, "path,label\ni_00001.png,stop\ni_00002.png,stop\n")
    with hearing() as notes:
        assert {r.group for r in read(path, {}, "names")} == {""}
    assert "all 2 pictures of stop" in notes[0]
    path = table(tmp_path, "path,label,group\ni_00001.png,stop,pole\ni_00002.png,stop,pole\n")
    assert {r.group for r in read(path, {}, "names")} == {"pole"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_tables_in_utf_16_are_read_by_their_mark(tmp_path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path = table(tmp_path, f"{mark}path,label\na.png,Fußgänger\n", encoding)
    assert [record.label for record in read(path, {}, "names")] == ["Fußgänger"]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="not UTF-16 text"):
        read(path, {}, "names")


def test_long_cells_are_cut_in_what_is_said(tmp_path: Path) -> None:
    with hearing() as notes:
        read(table(tmp_path, f"path,label\na.png,{'n' * 3000}\n"), {}, "names")
    for row in (f"a.png,stop,{'n' * 3000}", f"{'n/' * 1000}x.png,stop,"):
        with pytest.raises(DataError) as raised:
            read(table(tmp_path, f"path,label,split\n{row}\n"), {}, "names")
        notes.append(str(raised.value))
    assert len(notes) == 3
    assert all(len(note.replace(str(tmp_path), "")) < 300 for note in notes)
