from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import DataError
from roadworthy.data.frame_sheet import IGNORED, WANTED, draw_boxes, frame_sheet
from roadworthy.data.frames import Annotation, Frame


def places(image: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """The smallest box around all pixels of a colour, x2 and y2 exclusive."""
    ys, xs = np.nonzero((image == colour).all(axis=2))
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def test_boxes_stand_just_outside_what_they_mark() -> None:
    picture = Image.new("RGB", (100, 80))
    draw_boxes(picture, [(20, 30, 60, 50)], [""], [WANTED])
    image = np.asarray(picture)
    assert places(image, WANTED) == (18, 28, 62, 52)
    assert not image[30:50, 20:60].any()


def test_boxes_are_scaled_with_their_frame(tmp_path: Path) -> None:
    Image.new("RGB", (400, 200)).save(tmp_path / "a.png")
    marks = (
        Annotation(box=(100, 40, 200, 120), label="stop"),
        Annotation(box=(300, 100, 380, 180), ignore=True),
    )
    frame = Frame(path=str(tmp_path / "a.png"), annotations=marks, split="val")
    sheet = frame_sheet([frame], cell=200)
    left, top = 8, 8 + 50  # the frame is half as high as its cell
    assert places(sheet, WANTED) == (left + 48, top + 18, left + 102, top + 62)
    assert places(sheet, IGNORED) == (left + 148, top + 48, left + 192, top + 92)
    assert sheet.shape[:2] == (200 + 2 * 16 + 16, 216)
    # The name stands above its box, in white.
    assert (sheet[top + 2 : top + 18, left + 48 : left + 80] > 200).all(axis=2).any()
    assert (frame_sheet([Frame(path=frame.path)] * 5, columns=4, cell=50).shape[1]) == 4 * 58 + 8


def test_a_frame_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"a\.png is no picture"):
        frame_sheet([Frame(path=str(tmp_path / "a.png"))])
