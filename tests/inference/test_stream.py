import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import CheckpointError, DataNotFoundError, ShapeError, UsageError
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference import inputs, stream
from roadworthy.inference.answer_rule import AnswerRule, Found
from roadworthy.inference.confidence import answer
from roadworthy.inference.inputs import expand_inputs
from roadworthy.inference.stream import predict_files

SPEC = InputSpec(size=8)


CLASSES = ("stop", "speed-50", "no-entry")


def picture(path, grey=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (10, 10), grey).save(path)
    return path


def by_brightness(images):
    """Darker than 64 is a stop sign, than 128 a 50, else no entry."""
    level = np.minimum(images[:, 0, 0, 0] // 64, 2)
    return np.eye(3)[level] * 5


def test_a_folder_that_cannot_be_read_is_a_row_with_its_error(tmp_path, monkeypatch):
    picture(tmp_path / "a" / "1.png")
    picture(tmp_path / "b" / "1.png")
    scandir = os.scandir

    def refuse(folder):
        if Path(folder).name == "a":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(inputs.os, "scandir", refuse)
    rows = list(predict_files(expand_inputs([str(tmp_path)]), by_brightness, SPEC, CLASSES))
    assert [row.error is None for row in rows] == [False, True]
    assert rows[0].path == str(tmp_path / "a")


def test_rows_by_the_contract(tmp_path):
    path = picture(tmp_path / "x.png", grey=100)
    (row,) = predict_files([path], by_brightness, SPEC, CLASSES, temperature=2.0, without_colour=True)
    share = 1 / (1 + 2 * np.exp(-2.5))
    other = (1 - share) / 2
    assert row.to_dict() == {
        "path": str(path),
        "predicted": "speed-50",
        "kind": "speed",
        "value": 50,
        "confidence": pytest.approx(share),
        "accepted": None,
        "alternatives": [
            {"class": "stop", "confidence": pytest.approx(other)},
            {"class": "no-entry", "confidence": pytest.approx(other)},
        ],
    }


def test_what_is_not_sure_enough_is_not_accepted(tmp_path):
    paths = [picture(tmp_path / f"{grey}.png", grey=grey) for grey in (100, 150)]
    seen = partial(predict_files, paths, by_brightness, SPEC, CLASSES, without_colour=True)
    sure = [row.confidence for row in seen()]
    between = Rejection(score="probability", threshold=sum(sure) / 2, coverage=0.9, n=9)
    again = list(seen(rejection=between))
    assert [row.accepted for row in again] == [one > between.threshold for one in sure]
    assert {row.accepted for row in again} == {True, False}


def test_top_counts_all_answers():
    logits = np.array([0.0, 2.0, 1.0])
    assert answer("x", logits, CLASSES, top=1).alternatives == ()
    assert [name for name, _ in answer("x", logits, CLASSES, top=2).alternatives] == ["no-entry"]
    assert len(answer("x", logits, CLASSES, top=9).alternatives) == 2


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_order_is_kept_and_bad_pictures_are_rows(tmp_path, workers, batch_size):
    greys = [(i * 37) % 200 for i in range(20)]
    paths = [picture(tmp_path / f"{i}.png", grey) for i, grey in enumerate(greys)]
    for i in (0, 7, 8, 9, 19):
        paths[i].write_bytes(b"" if i % 2 else b"no picture")
    rows = list(predict_files(paths, by_brightness, SPEC, CLASSES, batch_size=batch_size, workers=workers))
    assert [row.path for row in rows] == [str(path) for path in paths]
    for i, row in enumerate(rows):
        if i in (0, 7, 8, 9, 19):
            assert sorted(row.to_dict()) == ["error", "path"]
        else:
            assert row.predicted == CLASSES[min(greys[i] // 64, 2)]


def test_only_bad_pictures_never_reach_the_model(tmp_path):
    def never(images):
        raise AssertionError(f"called with {images.shape}")

    rows = list(predict_files([tmp_path / "missing.png"] * 3, never, SPEC, CLASSES))
    assert all("cannot be read" in row.error for row in rows)
    assert list(predict_files([], never, SPEC, CLASSES)) == []


def test_a_picture_beyond_the_limit_is_a_row_with_its_error(tmp_path):
    (row,) = predict_files([picture(tmp_path / "x.png")], by_brightness, SPEC, CLASSES, max_pixels=99)
    assert "99" in row.error


def test_an_endless_stream_is_read_one_batch_ahead_at_most(tmp_path):
    path, read = picture(tmp_path / "x.png"), []

    def endless():
        while True:
            read.append(1)
            yield path

    rows = predict_files(endless(), by_brightness, SPEC, CLASSES, batch_size=8, workers=3)
    assert not read  # nothing is read before the first row is asked for
    for done in range(1, 200):
        next(rows)
        assert len(read) - done <= 2 * 8
    rows.close()


def test_stopping_half_way_stops_the_decoding(tmp_path, monkeypatch):
    decoded = []

    def decode(path, limit):
        decoded.append(path)
        time.sleep(0.05)
        return np.zeros((9, 9, 3), np.uint8)

    monkeypatch.setattr(stream, "decode", decode)
    paths = map(str, range(10**6))
    rows = predict_files(paths, by_brightness, SPEC, CLASSES, batch_size=10, workers=1)
    next(rows)
    rows.close()
    assert 10 <= len(decoded) < 20  # the batch after the first was under way and is given up
    assert next(paths) == "20"


def test_a_model_that_answers_nonsense():
    shapes = iter([np.zeros((1, 2)), np.full((1, 3), np.nan)])
    for error in (ShapeError, CheckpointError):
        logits = next(shapes)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stream, "decode", lambda path, limit: np.zeros((9, 9, 3), np.uint8))
            with pytest.raises(error):
                list(predict_files(["x"], lambda images, logits=logits: logits, SPEC, CLASSES))


@pytest.mark.parametrize("setting", ["top", "batch_size", "workers"])
def test_refuses_settings_at_the_call(setting):
    with pytest.raises(UsageError, match=f"{setting} is 0"):
        predict_files([], by_brightness, SPEC, CLASSES, **{setting: 0})


def test_the_light_modules_need_no_torch():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['scipy'] = None\n"
        "from roadworthy.evaluate import calibration, metrics\n"
        "from roadworthy.evaluate.analysis import mistakes\n"
        "from roadworthy.evaluate.statistics import intervals\n"
        "from roadworthy.inference import stream"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_sign_found_is_a_row_with_its_box(tmp_path):
    def look(image):
        level = int(image[0, 0, 0])
        return [Found((i, 0.0, i + 4.0, 4.0), np.eye(3)[i] * 9) for i in range(level // 50)]

    paths = [picture(tmp_path / "two.png", 100), tmp_path / "none.png", picture(tmp_path / "empty.png", 10)]
    rows = list(stream.find_files(paths, look, AnswerRule(classes=CLASSES)))
    assert [(row.path, row.predicted, row.box) for row in rows if row.error is None] == [
        (str(paths[0]), "stop", (0, 0.0, 4.0, 4.0)),
        (str(paths[0]), "speed-50", (1, 0.0, 5.0, 4.0)),
        (str(paths[2]), "no-sign", None),
    ]
    assert rows[2].path == str(paths[1])
    assert "cannot be read" in rows[2].error
    assert rows[1].to_dict()["box"] == [1, 0.0, 5.0, 4.0]
    assert "box" not in rows[3].to_dict()


def test_only_what_is_not_sure_is_looked_at_closer(tmp_path):
    looked = []

    def look(image):
        looked.append(int(image[0, 0, 0]))
        return [Found((1.0, 1.0, 5.0, 5.0), np.array([0.0, 0.0, 9.0]))] if image[0, 0, 0] < 80 else []

    def unsure_below_64(images):
        level = np.minimum(images[:, 0, 0, 0] // 64, 2)
        return np.eye(3)[level] * np.where(level == 0, 0.1, 9.0)[:, None]

    rejection = Rejection(score="probability", threshold=0.9, coverage=0.99, n=10)
    paths = [picture(tmp_path / f"{grey}.png", grey) for grey in (30, 90, 200)]
    seen = partial(predict_files, paths, unsure_below_64, SPEC, CLASSES, rejection=rejection, closer=look)
    rows = list(seen(without_colour=True))
    assert looked == [30]
    assert [(row.predicted, row.accepted, row.box) for row in rows] == [
        ("no-entry", True, (1.0, 1.0, 5.0, 5.0)),
        ("speed-50", True, None),
        ("no-entry", True, None),
    ]


WITH_NONE = ("stop", "speed-50", "no-sign")
SURE_OF_NONE, UNSURE_OF_NONE, UNSURE, HARDLY = (0, 0, 9), (0, 0, 0.9), (0.5, 0, 0), (0, 0.3, 0)


@pytest.mark.parametrize(
    ("first", "found", "answered"),
    [
        (UNSURE, None, ("stop", False, None)),
        (SURE_OF_NONE, None, ("no-sign", True, None)),
        # Neither is sure: the surer, though never "no sign".
        (UNSURE, HARDLY, ("stop", False, None)),
        (UNSURE, (0, 0.8, 0), ("speed-50", False, (0.0, 0.0, 4.0, 4.0))),
        (UNSURE_OF_NONE, HARDLY, ("speed-50", False, (0.0, 0.0, 4.0, 4.0))),
        (SURE_OF_NONE, HARDLY, ("speed-50", False, (0.0, 0.0, 4.0, 4.0))),
        (SURE_OF_NONE, (9, 0, 0), ("stop", True, (0.0, 0.0, 4.0, 4.0))),
    ],
)
def test_what_a_closer_look_finds_is_the_answer_unless_the_first_is_surer(tmp_path, first, found, answered):
    rejection = Rejection(score="probability", threshold=0.9, coverage=0.99, n=10)
    path = picture(tmp_path / "a.png", 30)

    def said(images):
        return np.tile(first, (len(images), 1))

    def look(_):
        return [] if found is None else [Found((0.0, 0.0, 4.0, 4.0), np.array(found, np.float64))]

    (row,) = predict_files([path], said, SPEC, WITH_NONE, rejection=rejection, closer=look)
    assert (row.predicted, row.accepted, row.box) == answered


def in_colour(path):
    """A picture of several hues, dark enough for a stop sign."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8, :8], pixels[:8, 8:], pixels[8:, :8] = (60, 10, 10), (20, 20, 90), (100, 100, 100)
    Image.fromarray(pixels).save(path)
    return path


LIMITS = ("speed-50", "end-speed-50", "stop")


@pytest.mark.parametrize(("answered", "kept"), [("speed-50", False), ("end-speed-50", False), ("stop", True)])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_grey_is_never_accepted_as_what_only_colour_tells_apart(tmp_path, answered, kept, threshold):
    rejection = threshold and Rejection(score="probability", threshold=threshold, coverage=0.9, n=9)
    logits = 9.0 * np.eye(3)[LIMITS.index(answered)]
    paths = [picture(tmp_path / "grey.png"), in_colour(tmp_path / "colour.png")]

    def said(images):
        return np.tile(logits, (len(images), 1))

    def look(image):
        return [Found((1.0, 1.0, 9.0, 9.0), logits)]

    by_itself = None if threshold is None else True
    for rows in (
        predict_files(paths, said, SPEC, LIMITS, rejection=rejection),
        predict_files(paths, said, SPEC, LIMITS, rejection=rejection, closer=look),
        stream.find_files(paths, look, AnswerRule(classes=LIMITS, rejection=rejection)),
    ):
        grey, colour = rows
        assert (colour.accepted, colour.reason) == (by_itself, None)
        assert grey.accepted is (by_itself if kept else False)
        assert (grey.reason is None) is kept
    rows = predict_files(paths, said, SPEC, LIMITS, rejection=rejection, without_colour=True)
    assert [row.accepted for row in rows] == [by_itself, by_itself]


def test_what_is_found_in_grey_by_a_closer_look_is_held_to_the_same(tmp_path):
    rejection = Rejection(score="probability", threshold=0.9, coverage=0.99, n=10)
    looked = []

    def look(image):
        looked.append(image.shape)
        return [Found((1.0, 1.0, 9.0, 9.0), np.array([9.0, 0.0, 0.0]))]

    def unsure(images):
        return np.tile([0.0, 0.3, 0.0], (len(images), 1))

    (row,) = predict_files(
        [picture(tmp_path / "grey.png")], unsure, SPEC, LIMITS, rejection=rejection, closer=look
    )
    # The surer answer is told, and not accepted.
    assert (row.predicted, row.accepted, row.box) == ("speed-50", False, (1.0, 1.0, 9.0, 9.0))
    assert "no colour" in row.reason
    assert len(looked) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_pipes_are_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (row,) = predict_files([tmp_path / "pipe.png"], by_brightness, SPEC, CLASSES)
    assert row.error == "cannot be read: it is a pipe, no file"
    with pytest.raises(DataNotFoundError, match="it is a pipe, no file"):
        expand_inputs([f"@{tmp_path}/pipe.png"])
