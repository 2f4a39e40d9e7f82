from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from roadworthy.data.overlap import overlap
from roadworthy.data.records import Record


def test_the_same_sign_in_a_frame_and_cut_out_in_another_format(
    tmp_path: Path, draw_frame: Callable[..., Path]
) -> None:
    frame = draw_frame(tmp_path / "frame.png", (200, 150), seed=1)
    box = (20, 30, 120, 130)
    Image.open(frame).crop(box).resize((64, 64)).save(tmp_path / "sign.jpg", quality=90)
    other = draw_frame(tmp_path / "other.png", (64, 64), seed=9)
    in_frames = [
        Record(path=str(frame), label="stop", box=(120, 20, 190, 90), in_frame=True),
        Record(path=str(frame), label="stop", box=box, in_frame=True, group="7"),
    ]
    cut_out = [Record(path=str(path), label="stop") for path in (other, tmp_path / "sign.jpg")]
    found = overlap(in_frames, cut_out)
    assert found.pairs == ((1, 1),)
    assert found.groups == (1, 1)
    assert overlap(in_frames, cut_out[:1]).pairs == ()
