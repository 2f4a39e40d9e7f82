"""Stored predictions side by side."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import CheckpointError, DataError
from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.statistics.pairing import pair
from roadworthy.inference.predictions import write_predictions


def store(folder: Path, names: str, answers: str, targets: str | None = None) -> Path:
    """Pictures by letter; answers and targets are 0 or 1."""
    folder.mkdir(parents=True)
    said = Predictions(
        classes=("stop", "give-way"),
        logits=np.eye(2)[[int(a) for a in answers]],
        targets=np.array([int(t) for t in targets or "0" * len(names)]),
        paths=tuple(names),
        groups=tuple(f"sign {name}" for name in names),
    )
    write_predictions(said, folder)
    return folder


def test_pictures_are_matched_by_path_whatever_their_order(tmp_path: Path) -> None:
    one = store(tmp_path / "one", "abc", "011")
    two = store(tmp_path / "two", "cbd", "010")
    both = pair([one], [two])
    assert both.paths == ("b", "c")
    assert both.a.tolist() == [[0.0, 0.0]]
    assert both.b.tolist() == [[0.0, 1.0]]
    assert both.groups == ("sign b", "sign c")
    assert both.targets == ("stop", "stop")
    assert both.left_out == 2


def test_seeds_are_rows(tmp_path: Path) -> None:
    folders = [store(tmp_path / name, "ab", answers) for name, answers in [("p", "00"), ("q", "01")]]
    assert pair(folders, folders[::-1]).a.tolist() == [[1.0, 1.0], [1.0, 0.0]]


def test_it_knows_how_many_signs_the_pictures_show(tmp_path: Path) -> None:
    one, two = store(tmp_path / "one", "abc", "011"), store(tmp_path / "two", "abc", "010")
    assert (pair([one], [two]).signs, pair([one], [two]).classes) == (3, 2)
    for folder in (one, two):
        said = dataclasses.replace(Predictions.read(folder), groups=("", "", ""))
        write_predictions(said, folder)
    assert pair([one], [two]).signs is None
    (one / "metrics.json").write_text('{"n": 60, "signs_estimated": 40}')
    both = pair([one], [two])
    assert (both.unnamed_frames, both.signs) == (1.5, 2)


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    one, other = store(tmp_path / "one", "ab", "00"), store(tmp_path / "other", "cd", "00")
    renamed = store(tmp_path / "renamed", "ab", "00", targets="01")
    with pytest.raises(DataError, match="no picture in common"):
        pair([one], [other])
    with pytest.raises(DataError, match=r"b shows stop in .* and give-way in"):
        pair([one], [renamed])
    with pytest.raises(DataError, match="2 and 1 folders"):
        pair([one, other], [one])
    with pytest.raises(CheckpointError, match="no stored answers"):
        pair([one], [tmp_path])
