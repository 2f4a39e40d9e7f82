"""Squares cut from frames show what their targets say, at every zoom and at every edge."""

from collections.abc import Sequence

import numpy as np
import pytest

from roadworthy.core.arrays import Box, ByteArray
from roadworthy.core.errors import DataError
from roadworthy.data.crops import IGNORED, WANTED, FrameCrops, Mixture
from roadworthy.data.frames import Annotation, Frame

SIZE = 128


class White:
    """Black frames of 640 x 360 in which each annotated box is white."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames

    def frame(self, index: int) -> ByteArray:
        picture = np.zeros((360, 640, 3), np.uint8)
        for one in self._frames[index].annotations:
            x1, y1, x2, y2 = map(int, one.box)
            picture[y1:y2, x1:x2] = 255
        return picture


def with_boxes(*boxes: Box, ignore: bool = False, source: int = 0) -> Frame:
    marked = tuple(Annotation(box=box, ignore=ignore) for box in boxes)
    return Frame(path=f"{boxes}", annotations=marked, source=source)


def crops(*frames: Frame, **settings: object) -> FrameCrops:
    asked = {
        "size": SIZE,
        "batch_size": 4,
        "per_epoch": 40,
        "seed": 0,
        "mixture": Mixture(signs=1.0, hard=0.0),
    }
    return FrameCrops(frames, White(frames), **(asked | settings))  # type: ignore[arg-type]


def test_a_target_lies_about_what_is_white() -> None:
    some = crops(
        with_boxes((300, 100, 340, 140)), with_boxes((0, 0, 24, 30)), with_boxes((620, 300, 640, 330))
    )
    seen = 0
    for number in range(60):
        image, targets = some.square(0, number)
        (target,) = targets[targets[:, 4] > 0]
        x1, y1, x2, y2 = target[:4]
        rows, columns = np.nonzero(
            (image[..., 0] > 127) & (image[..., 1] == image[..., 2]) & inside(image, target)
        )
        if target[4] != WANTED or not len(rows):
            continue
        seen += 1
        assert np.abs([columns.min() - x1, columns.max() + 1 - x2]).max() <= 2
        assert np.abs([rows.min() - y1, rows.max() + 1 - y2]).max() <= 2
        assert image.shape == (SIZE, SIZE, 3)
    assert seen > 40


def inside(image: ByteArray, target: np.ndarray) -> np.ndarray:
    """Near the target: what surrounds a small frame may be bright."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    return (x > target[0] - 3) & (x < target[2] + 3) & (y > target[1] - 3) & (y < target[3] + 3)


def test_signs_come_in_every_size() -> None:
    some = crops(
        with_boxes((300, 100, 340, 140)), mixture=Mixture(signs=1.0, hard=0.0, least_px=8, most_px=64)
    )
    sides = [
        (t[0, 2:4] - t[0, :2]).max() for _, t in (some.square(0, n) for n in range(300)) if t[0, 4] == WANTED
    ]
    assert np.quantile(np.log2(sides), [0.1, 0.5, 0.9]) == pytest.approx([3.3, 4.5, 5.7], abs=0.35)


def test_half_a_sign_is_wanted_and_less_is_ignored() -> None:
    some = crops(with_boxes((300, 100, 400, 200)))
    kinds = {WANTED: [], IGNORED: []}  # type: ignore[var-annotated]
    for number in range(300):
        _, targets = some.square(0, number)
        for target in targets[targets[:, 4] > 0]:
            width, height = target[2:4] - target[:2]
            kinds[int(target[4])].append(max(width, height) / min(width, height))
    assert kinds[WANTED]
    assert max(kinds[WANTED]) <= 2.6  # half of a square, and the stretch


def test_what_is_to_be_ignored_stays_so() -> None:
    some = crops(with_boxes((300, 100, 340, 140)), with_boxes((300, 100, 340, 140), ignore=True))
    kinds = {int(kind) for n in range(40) for kind in some.square(0, n)[1][:, 4]}
    assert kinds <= {0, WANTED, IGNORED}
    anywhere = crops(
        with_boxes((0, 0, 639, 359), ignore=True),
        with_boxes((9, 9, 30, 30)),
        mixture=Mixture(signs=0.05, hard=0.0),
    )
    kinds = {int(kind) for n in range(40) for kind in anywhere.square(0, n)[1][:, 4]}
    assert IGNORED in kinds


def test_the_same_square_is_the_same_again_and_others_are_others() -> None:
    some = crops(with_boxes((300, 100, 340, 140)))
    assert (some.square(3, 7)[0] == some.square(3, 7)[0]).all()
    assert (some.square(3, 7)[0] != some.square(3, 8)[0]).any()
    assert (some.square(3, 7)[0] != some.square(4, 7)[0]).any()


def test_batches_go_on_where_they_stopped() -> None:
    some = crops(with_boxes((300, 100, 340, 140)))
    whole, rest = list(some.epoch(1)), list(some.epoch(1, start=7))
    assert len(whole) == len(some) == 10
    assert len(rest) == 3
    assert (whole[7][0] == rest[0][0]).all()
    assert (whole[7][1] == rest[0][1]).all()
    assert whole[0][0].shape == (4, 3, SIZE, SIZE)


def test_shares_are_kept() -> None:
    frames = [with_boxes((300, 100, 340, 140)), *[with_boxes((10, 10, 50, 50), source=1)] * 9]
    some = crops(*frames, shares=(0.5, None))
    first = sum(some._place(np.random.default_rng(n))[0] == 0 for n in range(400))
    assert 160 < first < 240


def test_what_was_mistaken_comes_again() -> None:
    frame = with_boxes((300, 100, 340, 140))
    asked: list[int] = []

    def mistaken(epoch: int) -> dict[int, list[Box]]:
        asked.append(epoch)
        return {0: [(500.0, 300.0, 520.0, 320.0)]}

    some = crops(frame, mixture=Mixture(signs=0.05, hard=0.95), renew=mistaken)
    next(some.epoch(2))
    assert asked == [2]
    places = [some._place(np.random.default_rng(n))[1] for n in range(100)]
    near = [
        abs(place.x - 510) < SIZE / place.zoom and abs(place.y - 310) < SIZE / place.zoom for place in places
    ]
    assert sum(near) > 85


def test_frames_without_signs_are_refused() -> None:
    with pytest.raises(DataError, match="none of 1 frames for training shows a sign"):
        crops(with_boxes())
    with pytest.raises(DataError, match="source 2 of the data spec has a share"):
        crops(with_boxes((1, 1, 20, 20)), shares=(0.5, 0.5))
