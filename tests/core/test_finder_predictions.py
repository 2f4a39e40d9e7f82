"""A finder's answers as they are stored, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.core.errors import CheckpointError, ShapeError
from roadworthy.core.finder_predictions import FinderPredictions, FrameResult

BOX = np.array([[1, 2, 11, 22]], np.float32)
ONE = {"boxes": BOX, "scores": np.array([0.7], np.float32)}
READ = {"predicted": ("stop",), "confidence": np.array([0.9], np.float32)}


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    frames = (
        FrameResult(path="a.png", **ONE, **READ, accepted=np.array([True]), sequence="film", ms=31.5),
        FrameResult(path="=b\udcff.png", predicted=(), confidence=np.zeros(0, np.float32)),
        FrameResult(
            path="c.png",
            boxes=np.concatenate([BOX, BOX + 3]),
            scores=np.array([0.7, 0.25], np.float32),
            predicted=("no-entry", "stop"),
            confidence=np.array([0.5, 1], np.float32),
            wanted=np.concatenate([BOX, BOX + 50, BOX + 90]),
            labels=("stop", "", "speed-60"),
            ignore=BOX + 7,
        ),
    )
    FinderPredictions(frames=frames, threshold=0.25).write(tmp_path)
    back = FinderPredictions.read(tmp_path)
    assert back.threshold == 0.25
    for one, other in zip(frames, back.frames, strict=True):
        for name in ("path", "predicted", "labels", "sequence", "ms"):
            assert getattr(one, name) == getattr(other, name), name
        for name in ("boxes", "scores", "confidence", "wanted", "ignore"):
            assert getattr(one, name).tolist() == getattr(other, name).tolist()
            assert getattr(other, name).dtype == np.float32
    assert back.frames[0].accepted.tolist() == [True]
    assert back.frames[2].accepted is None


def test_a_finder_alone_and_nothing_at_all_come_back(tmp_path: Path) -> None:
    FinderPredictions(frames=(FrameResult(path="a", **ONE),)).write(tmp_path)
    back = FinderPredictions.read(tmp_path)
    assert (back.threshold, back.read_too, back.frames[0].predicted, back.frames[0].ms) == (
        None,
        False,
        None,
        None,
    )
    FinderPredictions(frames=()).write(tmp_path)
    assert FinderPredictions.read(tmp_path).frames == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"boxes": BOX[0]}, r"boxes of shape \(4,\); boxes are \(N, 4\)"),
        ({"boxes": BOX}, r"1 boxes and scores of shape \(0,\)"),
        (ONE | {"scores": np.array([np.nan])}, "has nan among its scores; each lies between 0 and 1"),
        (ONE | {"scores": np.array([1.5])}, "has 1.5 among its scores"),
        (ONE | READ | {"confidence": np.array([-0.1])}, "has -0.1 among its confidence"),
        (ONE | {"boxes": BOX[:, [2, 1, 0, 3]]}, "boxes that are no boxes"),
        ({"wanted": np.array([[0, 0, np.nan, 1]]), "labels": ("",)}, "wanted that are no boxes"),
        ({"wanted": BOX}, "1 wanted boxes and 0 labels"),
        (ONE | {"predicted": ("stop",)}, "classes or confidences alone"),
        (ONE | {"accepted": np.array([True])}, "accepted answers and no classes"),
        (ONE | READ | {"predicted": ("a", "b")}, "predicted of shape"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ShapeError, match=rf"frame\.png.*{said}") as error:
        FrameResult(path="frame.png", **given)
    assert "\n" not in str(error.value)


def test_a_frame_that_comes_twice_or_is_not_read_as_others_is_refused() -> None:
    one, other = FrameResult(path="a", **ONE), FrameResult(path="b", **ONE, **READ)
    with pytest.raises(ShapeError, match="the frame a comes 2 times"):
        FinderPredictions(frames=(one, other, one))
    with pytest.raises(ShapeError, match="some frames were read"):
        FinderPredictions(frames=(one, other))


def test_a_score_at_the_threshold_counts_as_exactly_as_scores_are() -> None:
    frame = FrameResult(path="a", **ONE)
    assert float(frame.scores[0]) < 0.7
    assert FinderPredictions(frames=(frame,), threshold=0.7).cut == float(frame.scores[0])
    assert FinderPredictions(frames=(frame,)).cut == 0


def test_what_is_not_there_or_of_a_reader_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no folder"):
        FinderPredictions.read(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="holds no stored answers of a finder"):
        FinderPredictions.read(tmp_path)
    np.savez(tmp_path / "predictions.npz", logits=np.zeros((1, 2)))
    with pytest.raises(CheckpointError, match="holds no stored answers of a finder"):
        FinderPredictions.read(tmp_path)
