"""What a classifier said of several pictures: selecting, comparing, handing on, and how it looks."""

import base64
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import roadworthy
from roadworthy.core.errors import DataNotFoundError, ShapeError, UsageError
from roadworthy.inference.answers import ROWS_IN_NOTEBOOK, ROWS_IN_SHELL, THUMBNAIL, Answers, Row, Seen

SURE = Row(
    path="a.png", predicted="speed-60", kind="speed", value=60, confidence=0.9931, accepted=True,
    alternatives=(("speed-80", 0.004),), box=(10.25, 20.5, 42.25, 60.5),
)  # fmt: skip
UNSURE = Row(path="b.png", predicted="stop", kind="stop", confidence=0.4, accepted=False)
UNREADABLE = Row(path="<c>.png", error="is damaged: <b>cut</b> short")
UNJUDGED = Row(path="d.png", predicted="my <own> class", kind="my <own> class", confidence=0.7)
ROWS = [SURE, UNSURE, UNREADABLE, UNJUDGED]
SEEN = Seen((64, 48), np.full((48, 48, 3), 200, np.uint8))


def flat(colour: tuple[int, int, int], width: int = 20, height: int = 20) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


RED, GREEN, BLUE = flat((250, 0, 0)), flat((0, 250, 0)), flat((0, 0, 250))


def test_answers_are_a_sequence_that_equals_a_list_of_its_rows() -> None:
    answers = Answers(iter(ROWS))
    assert len(answers) == 4
    assert list(answers) == ROWS
    assert (answers[0], answers[-1], answers[np.int64(1)]) == (SURE, UNJUDGED, UNSURE)
    assert answers == ROWS
    assert answers == Answers(ROWS)
    assert answers != ROWS[:3]
    assert answers + [SURE] == [*ROWS, SURE]  # noqa: RUF005
    assert UNSURE in answers
    assert not Answers()
    with pytest.raises(IndexError):
        answers[4]


@pytest.mark.parametrize(
    "index",
    [
        slice(0, 3, 2),
        [True, False, True, False],
        np.array([True, False, True, False]),
        [0, 2],
        np.array([0, -2]),
    ],
)
def test_a_selection_is_answers_again_with_its_pictures(index: object) -> None:
    answers = Answers(ROWS, seen=[SEEN, None, None, None])
    chosen = answers[index]  # type: ignore[call-overload]
    assert isinstance(chosen, Answers)
    assert chosen == [SURE, UNREADABLE]
    assert chosen.to_coco()["images"][0]["width"] == 64  # of SEEN: a.png does not exist


def test_a_mask_must_have_an_entry_for_each_answer() -> None:
    answers = Answers(ROWS)
    with pytest.raises(IndexError, match="3 entries; there are 4"):
        answers[[True, False, True]]
    with pytest.raises(IndexError, match="0 entries"):
        answers[np.zeros(0, bool)]
    with pytest.raises(TypeError, match="asked for by str"):
        answers["stop"]  # type: ignore[call-overload]
    assert answers[[False] * 4] == answers[[]] == []
    with pytest.raises(ShapeError, match="4 rows and 1 pictures"):
        Answers(ROWS, seen=[None])


def test_accepted_masks_what_may_be_relied_on() -> None:
    answers = Answers(ROWS)
    assert answers.accepted.tolist() == [True, False, False, True]
    assert answers[answers.accepted] == [SURE, UNJUDGED]
    assert answers[~answers.accepted] == [UNSURE, UNREADABLE]
    assert Answers().accepted.dtype == np.bool_


def test_a_shell_shows_a_few_rows_in_lines_of_80_columns() -> None:
    folder, name = "folder/" * 20, "end-no-overtaking-trucks"
    long = [Row(path=f"{folder}{i}.png", predicted=name, confidence=1.0, accepted=False) for i in range(3000)]
    long[1] = Row(path=long[1].path, error="cannot be read: " + "a long reason " * 9)
    lines = repr(Answers(long)).splitlines()
    assert lines[0] == "Answers: 3,000 answers, 2,999 not sure, 1 unreadable"
    assert lines[-1] == "  ... 2,990 more"
    assert len(lines) == ROWS_IN_SHELL + 2
    assert max(map(len, lines)) <= 80
    assert lines[1].endswith("folder/folder/0.png")
    assert repr(SURE) == "Row('a.png': speed-60 99.3 %, or speed-80 0.4 % at 10 20 42 60)"
    assert repr(UNSURE) == "Row('b.png': stop 40.0 % (not sure))"
    nearly = Row(path="e.png", predicted="stop", confidence=0.99996, alternatives=(("hump", 0.00002),))
    assert repr(nearly) == "Row('e.png': stop >99.9 %)"
    assert repr(UNREADABLE) == "Row('<c>.png': unreadable, is damaged: <b>cut</b> short)"


def test_a_notebook_shows_thumbnails_and_faces_and_escapes_text(tmp_path: Path) -> None:
    # Left half red, right half blue; the box is in the blue.
    picture = np.concatenate([flat((250, 0, 0)), flat((0, 0, 250))], axis=1)
    Image.fromarray(picture).save(tmp_path / "x.png")
    of_file = Row(path=str(tmp_path / "x.png"), predicted="stop", confidence=0.9, box=(24.0, 2.0, 38.0, 18.0))
    page = Answers([of_file, SURE, UNREADABLE, UNJUDGED], seen=[None, SEEN, None, None])._repr_html_()
    thumbnails = [Image.open(io.BytesIO(base64.b64decode(data))) for data in images(page, "jpeg")]
    assert [one.size for one in thumbnails] == [(THUMBNAIL.size,) * 2] * 2  # d.png is not there
    assert np.allclose(np.asarray(thumbnails[0]).mean((0, 1)), (0, 0, 250), atol=8)
    faces = images(page, "png")
    assert len(faces) == 2  # of stop and speed-60; a class of one's own has none
    assert faces[0] != faces[1]
    assert "&lt;c&gt;.png" in page
    assert "&lt;b&gt;cut" in page
    assert "my &lt;own&gt; class" in page
    assert not re.search("<(c|own|b>cut)", page)
    assert SURE._repr_html_().count("<tr>") == 2


def images(page: str, kind: str) -> list[str]:
    return re.findall(f'data:image/{kind};base64,([^"]+)', page)


def test_a_notebook_is_not_flooded_by_thousands_of_rows() -> None:
    page = Answers([SURE] * 5000, seen=[SEEN] * 5000)._repr_html_()
    assert page.count("<tr>") == ROWS_IN_NOTEBOOK + 1
    assert f"{5000 - ROWS_IN_NOTEBOOK:,} more" in page
    assert len(page) < 500_000


def test_boxes_become_a_coco_data_set_whose_annotations_are_results() -> None:
    none = Row(path="a.png", predicted="no-sign", kind="no-sign", confidence=1.0)
    answers = Answers(
        [SURE, UNSURE, UNREADABLE, none], classes=("stop", "speed-60", "no-sign"), seen=[SEEN] * 4
    )
    coco = json.loads(json.dumps(answers.to_coco()))
    assert coco["images"] == [
        {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
        {"id": 2, "file_name": "b.png", "width": 64, "height": 48},
    ]
    assert coco["annotations"] == [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 2,
            "bbox": [10.25, 20.5, 32.0, 40.0],
            "area": 1280.0,
            "iscrowd": 0,
            "score": 0.9931,
        }
    ]
    assert coco["categories"] == [
        {"id": 1, "name": "stop", "supercategory": "stop"},
        {"id": 2, "name": "speed-60", "supercategory": "speed"},
    ]


def test_coco_sizes_are_of_the_upright_picture(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    path = tmp_path / "turned.jpg"
    Image.fromarray(flat((9, 9, 9), width=30, height=20)).save(path, exif=turned)
    image = Answers([Row(path=str(path), predicted="stop", confidence=1.0)]).to_coco()["images"][0]
    assert (image["width"], image["height"]) == roadworthy.decode(path).shape[1::-1] == (20, 30)


def test_without_a_data_frame_library_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    answers = Answers(ROWS)
    with pytest.raises(UsageError, match=r"needs pandas or polars.*pip install pandas, or take to_dicts"):
        answers.to_dataframe()
    with pytest.raises(UsageError, match=r"needs polars.*pip install polars"):
        answers.to_dataframe("polars")
    with pytest.raises(UsageError, match="known: pandas, polars"):
        answers.to_dataframe("spark")  # type: ignore[arg-type]
    assert answers.to_dicts() == [row.to_dict() for row in ROWS]


def test_a_pandas_data_frame_has_one_kind_of_value_in_each_column() -> None:
    pandas = pytest.importorskip("pandas")
    frame = Answers(ROWS).to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["value"].dtype == "Int64"
    assert frame["value"][0] == 60
    assert frame["accepted"].dtype == "boolean"
    assert frame["accepted"].isna().tolist() == [False, False, True, True]
    assert frame["confidence"].isna().tolist() == [False, False, True, False]
    assert frame.loc[0, ["x1", "y1", "x2", "y2"]].tolist() == list(SURE.box or ())
    assert frame["alternatives"][0] == [{"class": "speed-80", "confidence": 0.004}]
    assert list(Answers().to_dataframe().columns) == list(frame.columns)
    assert Answers(ROWS)[frame["confidence"] > 0.6] == [SURE, UNJUDGED]


def test_polars_is_taken_where_it_is_asked_for_or_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    polars = pytest.importorskip("polars")
    frame = Answers(ROWS).to_dataframe("polars")
    assert frame.schema["value"] == polars.Int64
    assert frame["accepted"].to_list() == [True, False, None, None]
    assert frame["alternatives"].to_list()[0] == [{"class": "speed-80", "confidence": 0.004}]
    assert Answers().to_dataframe("polars").schema == frame.schema
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert isinstance(Answers(ROWS).to_dataframe(), polars.DataFrame)


def test_predict_takes_folders_and_globs_among_pictures(colours: Path, tmp_path: Path) -> None:
    for name, picture in {"a": RED, "deep/b": GREEN, "deep/c": BLUE}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    classifier = roadworthy.load(colours)
    signs = ["stop", "speed-60", "roundabout"]
    assert [row.predicted for row in classifier.predict(tmp_path)] == signs
    assert [row.predicted for row in classifier.predict(str(tmp_path / "**" / "*.png"))] == signs
    mixed = classifier.predict([GREEN, tmp_path / "deep", tmp_path / "a.png", RED])
    assert [row.predicted for row in mixed] == ["speed-60", *signs[1:], "stop", "stop"]
    assert [row.path for row in mixed][::4] == ["image 0", "image 4"]
    with pytest.raises(DataNotFoundError, match="no picture at"):
        classifier.predict(str(tmp_path / "*.jpg"))
    assert [row.predicted for row in roadworthy.predict(colours, tmp_path)] == signs
    # A file whose name only looks like a pattern is that file.
    Image.fromarray(RED).save(tmp_path / "[x].png")
    assert classifier.predict(tmp_path / "[x].png")[0].predicted == "stop"


def test_predict_keeps_no_pictures_and_few_in_memory(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(RED).save(tmp_path / "a.png")
    classifier = roadworthy.load(colours)
    answers = classifier.predict([tmp_path / "a.png", flat((0, 250, 0), 400, 300)])
    of_file, of_array = answers._seen
    assert of_file is None
    assert of_array is not None
    assert of_array.size == (400, 300)
    assert of_array.thumbnail.shape == (48, 48, 3)
    batches = []
    logits = classifier._network.logits
    monkeypatch.setattr(
        classifier._network, "logits", lambda images: batches.append(len(images)) or logits(images)
    )
    many = classifier.predict([tmp_path / "a.png"] * 150)
    assert len(many) == 150
    assert batches == [64, 64, 22]
    assert classifier.predict([RED] * 70)[-1].path == "image 69"
    assert classifier.predict([]) == []


def test_a_classifier_says_what_it_is(colours: Path) -> None:
    said = repr(roadworthy.load(colours))
    assert said == f"Classifier({str(colours)!r}: 3 classes, 16 px, accepts the surest 99 %, finds signs)"
    ours = repr(roadworthy.load("packaged"))
    assert ours == "Classifier('packaged': 105 classes, 48 px, accepts the surest 84 %, finds signs)"
    assert len(ours) <= 80


def test_find_returns_answers_with_boxes_and_crops(tmp_path: Path) -> None:
    street = roadworthy.decode(Path(__file__).parents[2] / "docs" / "tutorials" / "pictures" / "street.jpg")
    found = roadworthy.load().find(street)
    assert isinstance(found, Answers)
    assert len(found) >= 1
    coco = found.to_coco()
    assert (coco["images"][0]["height"], coco["images"][0]["width"]) == street.shape[:2]
    assert len(coco["annotations"]) == len(found)
    assert [one["name"] for one in coco["categories"]][:2] == list(roadworthy.load().classes[:2])
    assert len(images(found._repr_html_(), "jpeg")) == len(found)


@pytest.mark.parametrize("index", [True, np.True_])
def test_one_truth_value_is_no_index(index: object) -> None:
    with pytest.raises(TypeError, match="True"):
        Answers(ROWS)[index]


@pytest.mark.parametrize("index", [9, [99], -9])
def test_an_index_beyond_the_end_is_named_with_the_length(index: object) -> None:
    with pytest.raises(IndexError, match=r"answer -?\d+ was asked for; there are 4"):
        Answers(ROWS)[index]  # type: ignore[call-overload]


def test_answers_are_added_to_a_list() -> None:
    both = [UNSURE] + Answers(ROWS, classes=["stop"])  # noqa: RUF005
    assert both == [UNSURE, *ROWS]
    assert isinstance(both, Answers)


def test_every_category_has_its_kind_whether_it_occurs_or_not() -> None:
    categories = Answers([], classes=["speed-60", "end-speed-60", "stop"]).to_coco()["categories"]
    assert [one["supercategory"] for one in categories] == ["speed", "end-speed", "stop"]
