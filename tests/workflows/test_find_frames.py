"""Tests of what a finder in training is shown again."""

import json
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.data.frames import Annotation, Frame
from roadworthy.workflows.find_frames import HardNegatives

SIGN, LAMP = (8.0, 8.0, 40.0, 40.0), (64.0, 8.0, 96.0, 40.0)


class Seer:
    """Finds the same two boxes in every frame: a sign that is marked, and what is none."""

    def cells(self, frame: ByteArray) -> FloatArray:
        return np.array([[*SIGN, 0.9], [*LAMP, 0.8]], np.float32)


class Grey:
    """Grey frames, all alike."""

    def frame(self, index: int) -> ByteArray:
        return np.full((64, 128, 3), 128, np.uint8)

    def __len__(self) -> int:
        return 6


def hard(folder: Path, most: int = 2, *, trained: bool = False) -> HardNegatives:
    sign = Annotation(box=SIGN, label="stop")
    frames = [Frame(path=f"{i}.png", annotations=(sign,)) for i in range(6)]
    return HardNegatives(
        Seer(), frames, Grey(), most=most, seed=0, kept=folder / "hard.json", trained=trained
    )


def test_what_is_no_sign_is_shown_again_and_stays(tmp_path: Path) -> None:
    looked = hard(tmp_path)
    assert looked(0) == {}  # who knows nothing mistakes everything
    first = looked(1)
    assert len(first) == 2
    assert all(np.allclose(boxes, [LAMP], atol=1) for boxes in first.values())
    both = looked(2)
    assert first.items() <= both.items()
    # A training that goes on has what it had.
    again = hard(tmp_path)
    assert again(2) == both
    assert json.loads((tmp_path / "hard.json").read_text())["epoch"] == 2


def test_a_finder_that_was_trained_before_is_looked_at_first(tmp_path: Path) -> None:
    assert len(hard(tmp_path, trained=True)(0)) == 2


@pytest.mark.parametrize("epoch", [0, 1])
def test_none_are_looked_for_where_none_are_asked(tmp_path: Path, epoch: int) -> None:
    assert hard(tmp_path, 0, trained=True)(epoch) == {}
