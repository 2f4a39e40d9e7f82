"""Signs are found where they are: tried with a network that knows red squares, so the truth is known."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import BundleError, UsageError
from roadworthy.evaluate.detection import intersection_over_union
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference import detect as find
from roadworthy.inference.bundle import Manifest
from roadworthy.inference.detect import (
    FILL,
    Found,
    constants,
    find_one,
    find_signs,
    shrink,
    shrink_factor,
    sizes,
    smallest_sought,
)
from roadworthy.serve.static import PAGE, model_json

SIZE, STRIDE = 48, 8
CLASSES = ("stop", "no-sign")


class RedSquares:
    """A window shows a stop sign where red fills 0.75 of its sides, its middle in the window's."""

    def __init__(self, classes: tuple[str, ...] = CLASSES) -> None:
        self.classes, self.spec, self.temperature = classes, InputSpec(size=SIZE), 1.0
        self.manifest = Manifest(classes=classes, input=self.spec, kind="dense", stride=STRIDE)
        self.pixels = 0

    def _logits(self, window: ByteArray) -> list[float]:
        red = ((window[..., 0] > 150) & (window[..., 1] < 100)).astype(float)
        if not red.any() or max(red[0].max(), red[-1].max(), red[:, 0].max(), red[:, -1].max()):
            return [-5.0, 5.0]  # nothing, or cut off
        rows, columns = np.nonzero(red)
        off = max(abs(rows.mean() - 23.5), abs(columns.mean() - 23.5)) / SIZE
        amiss = sum(abs((np.ptp(places) + 1) / SIZE - FILL) for places in (rows, columns))
        score = 12 - 12 * amiss - 30 * off
        return [score, -score]

    def windows(self, image: ByteArray) -> FloatArray:
        self.pixels += image.shape[0] * image.shape[1]
        rows, columns = ((extent - SIZE) // STRIDE + 1 for extent in image.shape[:2])
        return np.array(
            [
                [
                    self._logits(image[r * STRIDE : r * STRIDE + SIZE, c * STRIDE : c * STRIDE + SIZE])
                    for c in range(columns)
                ]
                for r in range(rows)
            ]
        )

    def logits(self, images: ByteArray) -> FloatArray:
        return np.array([self._logits(image) for image in images])


def street(*boxes: tuple[int, int, int, int], height: int = 120, width: int = 180) -> ByteArray:
    image = np.full((height, width, 3), 128, dtype=np.uint8)
    for x1, y1, x2, y2 in boxes:
        image[y1:y2, x1:x2] = (200, 20, 20)
    return image


class Sure(RedSquares):
    """The same, so sure that all probabilities about a sign round to 1."""

    def windows(self, image: ByteArray) -> FloatArray:
        return 10 * super().windows(image)


@pytest.mark.parametrize("network", [RedSquares, Sure])
@pytest.mark.parametrize("side", [16, 23, 34, 55, 88])
def test_a_sign_of_any_size_is_found_where_it_is(side: int, network: type[RedSquares]) -> None:
    box = (37, 20, 37 + side, 20 + side)
    found = find_signs(street(box), network(), RedSquares())
    assert len(found) == 1
    assert intersection_over_union(found[0].box, box) > 0.6


@pytest.mark.parametrize("box", [(37, 20, 67, 75), (37, 20, 92, 50)])
def test_a_box_takes_the_shape_of_its_sign(box: tuple[int, int, int, int]) -> None:
    (found,) = find_signs(street(box), RedSquares(), RedSquares())
    assert intersection_over_union(found.box, box) > 0.6


def test_a_box_stays_in_the_picture() -> None:
    (found,) = find_signs(street((9, 10, 69, 70)), RedSquares(), RedSquares())
    assert min(found.box) >= 0
    assert intersection_over_union(found.box, (9, 10, 69, 70)) > 0.6


def test_a_picture_of_one_sign_is_looked_at_in_as_little_time_however_large_it_is() -> None:
    costs = []
    for times in (1, 3):
        windows = RedSquares()
        box = (60 * times, 30 * times, 90 * times, 60 * times)
        (found,) = find_one(street(box, height=160 * times, width=240 * times), windows, RedSquares())
        assert intersection_over_union(found.box, box) > 0.6
        costs.append(windows.pixels)
    assert costs[1] < 1.1 * costs[0]


@pytest.mark.parametrize(
    ("height", "width", "factor"),
    [(2000, 2000, 1), (2001, 2000, 2), (8000, 8000, 11), (1000, 60_000, 1), (6000, 8000, 8)],
)
def test_a_large_picture_of_one_sign_is_shrunk_until_its_smallest_window_is_twice_the_networks(
    height: int, width: int, factor: int
) -> None:
    assert shrink_factor(height, width, SIZE) == factor
    smallest = find.LOOSEST * min(height, width) / FILL
    assert factor == 1 or smallest / factor >= 2 * SIZE > smallest / (factor + 1)


def test_in_a_shrunk_picture_the_sign_is_found_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = street((601, 350, 831, 580), height=1003, width=1450)
    (whole,) = find_one(picture, RedSquares(), RedSquares())
    monkeypatch.setattr(find, "SHRUNK_FROM", 1_000_000)
    monkeypatch.setattr(find, "GAP", 1.0)
    (shrunk,) = find_one(picture, RedSquares(), RedSquares())
    assert shrink(picture, SIZE).factor == 2
    assert intersection_over_union(shrunk.box, whole.box) > 0.9


def test_a_box_in_a_shrunk_picture_ends_with_the_picture() -> None:
    picture = find.Shrunk(pixels=np.zeros((5, 4, 3), np.uint8), factor=3, height=14, width=10)
    assert find._enlarged((1.0, 2.0, 4.0, 5.0), picture) == (3.0, 6.0, 10, 14)


def test_signs_side_by_side_are_two() -> None:
    boxes = [(10, 10, 34, 34), (70, 50, 100, 80), (130, 10, 160, 40)]
    found = find_signs(street(*boxes), RedSquares(), RedSquares())
    assert len(found) == 3
    for box in boxes:
        assert max(intersection_over_union(one.box, box) for one in found) > 0.6
    assert len(find_signs(street(*boxes), RedSquares(), RedSquares(), most=2)) == 2


def test_nothing_is_found_in_an_empty_street_or_where_the_crop_says_no() -> None:
    class Never(RedSquares):
        def logits(self, images: ByteArray) -> FloatArray:
            return np.array([[0.0, 1.0]] * len(images))

    assert find_signs(street(), RedSquares(), RedSquares()) == []
    assert find_signs(street((10, 10, 40, 40)), RedSquares(), Never()) == []


def test_a_picture_smaller_than_the_window_is_looked_at() -> None:
    found = find_signs(street((1, 1, 9, 9), height=10, width=11), RedSquares(), RedSquares(), least_px=6)
    assert len(found) == 1


def test_in_large_pictures_small_signs_are_not_looked_for() -> None:
    assert smallest_sought(720, 1280) == smallest_sought(1414, 1414) == 16.0
    assert smallest_sought(3000, 4000) == pytest.approx(16 * math.sqrt(6), rel=1e-6)

    class Empty(RedSquares):
        """Sees nothing anywhere, and that quickly."""

        def windows(self, image: ByteArray) -> FloatArray:
            self.pixels += image.shape[0] * image.shape[1]
            rows, columns = ((n - self.spec.size) // self.manifest.stride + 1 for n in image.shape[:2])
            return np.tile([-5.0, 5.0], (rows, columns, 1))

    costs = []
    for least in (None, smallest_sought(2000, 2400), 16.0):
        windows = Empty()
        find_signs(street(height=2000, width=2400), windows, RedSquares(), least_px=least)
        costs.append(windows.pixels)
    assert costs[0] == costs[1] < costs[2] / 2


@pytest.mark.parametrize("least", [0.0, -1.0, 3.9, math.nan, math.inf])
def test_a_sign_of_no_size_cannot_be_looked_for(least: float) -> None:
    with pytest.raises(UsageError, match="give 4 or more"):
        find_signs(street(), RedSquares(), RedSquares(), least_px=least)


def test_smaller_signs_cost_more() -> None:
    costs = []
    for least in (32, 16):
        windows = RedSquares()
        find_signs(street(), windows, RedSquares(), least_px=least)
        costs.append(windows.pixels)
    assert costs[1] > 2.5 * costs[0]


def test_sizes_cover_everything_from_the_least_up() -> None:
    found = sizes(720, 1280, 16)
    assert found[0] * FILL == 16
    assert found[-1] == 720
    assert all(b / a <= 1.5001 for a, b in pairwise(found))
    assert sizes(20, 30, 16) == [20.0]


def test_bundles_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(BundleError, match="two bundles of one network"):
        find_signs(street(), RedSquares(), RedSquares(("give-way", "no-sign")))
    with pytest.raises(BundleError, match="no-sign among its classes"):
        find_signs(street(), RedSquares(("stop", "give-way")), RedSquares(("stop", "give-way")))


SEEKS = """
// RedSquares once more.
const red = (data, at) => data[at] > 150 && data[at + 1] < 100;
function said(data, width, left, top, size, fill) {
  const at = [];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (red(data, 3 * ((top + y) * width + left + x))) at.push([y, x]);
    }
  }
  const edges = at.some(([y, x]) => y === 0 || x === 0 || y === size - 1 || x === size - 1);
  if (!at.length || edges) return [-5, 5];
  const along = [0, 1].map((axis) => at.map((place) => place[axis]));
  const off = Math.max(...along.map((p) => Math.abs(p.reduce((a, b) => a + b, 0) / p.length - 23.5))) / size;
  const wide = (p) => Math.max(...p) - Math.min(...p) + 1;
  const amiss = along.reduce((sum, p) => sum + Math.abs(wide(p) / size - fill), 0);
  const score = 12 - 12 * amiss - 30 * off;
  return [score, -score];
}
const { size, stride, rules } = given;
const how = { rule: "bilinear", reach: rules.reach, tallColumnsFirst: rules.tall_columns_first };
const all = [];
for (const picture of given.pictures) {
  picture.data = Uint8Array.from(picture.data);
  const windows = {
    size, stride, temperature: 1, nothing: 1,
    look: async (pixels, width, height) => {
      const { data } = resizing.resize(pixels, width, height, how);
      const [rows, columns] = [height, width].map((extent) => Math.floor((extent - size) / stride) + 1);
      const logits = Array.from({ length: rows * columns }, (_, i) =>
        said(data, width, (i % columns) * stride, Math.floor(i / columns) * stride, size, rules.find.fill));
      return { rows, columns, logits };
    },
  };
  const crop = (box) => {
    const part = resizing.widened(box, rules.find.room, picture.width, picture.height);
    return resizing.square(picture, size, { ...how, part });
  };
  const crops = {
    temperature: 1, nothing: 1,
    say: async (boxes) => boxes.map((box) => said(crop(box), size, 0, 0, size, rules.find.fill)),
  };
  all.push(await finding[given.seek](picture, windows, crops, rules.find));
}
console.log(JSON.stringify(all));
"""


@pytest.mark.parametrize(("seek", "wanted_of"), [("findOne", find_one), ("findSigns", find_signs)])
@pytest.mark.parametrize(
    "changed",
    [{}, {"LEAST_PX": 40.0}, {"FULL_PIXELS": 5_000}, {"LIKELY": 9.0}, {"_SOFT": 1.0}, {"_ROUNDS": 1}],
)
def test_signs_are_found_where_the_server_finds_them_by_the_numbers_that_it_sends(
    changed: dict[str, float],
    seek: str,
    wanted_of: Callable[..., list[Found]],
    in_node: Callable[[str, Any], Any],
    as_given: Callable[[ByteArray], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in changed.items():
        monkeypatch.setattr(find, name, value)
    pictures = [
        street((37, 20, 67, 50)),
        street((10, 10, 34, 34), (70, 50, 100, 80), (130, 10, 160, 40)),
        street((37, 20, 92, 50)),
        street((9, 10, 69, 70)),
        street((60, 200, 100, 240), height=420, width=130),
        street((120, 60, 200, 140), height=333, width=517),
        street((1, 1, 9, 9), height=10, width=11),
        street(),
    ]
    rules = json.loads(model_json(Manifest(classes=CLASSES, input=InputSpec()), None))["rules"]
    given = {"size": SIZE, "stride": STRIDE, "rules": rules, "seek": seek}
    given["pictures"] = [as_given(picture) for picture in pictures]
    for picture, seen in zip(pictures, in_node(SEEKS, given), strict=True):
        # The page reckons in double precision, the networks' answers come in single.
        wanted = wanted_of(picture, RedSquares(), RedSquares())
        assert len(seen) == len(wanted)
        for one, exact in zip(seen, wanted, strict=True):
            assert one["box"] == pytest.approx(exact.box, abs=1e-3)
            assert one["logits"] == pytest.approx(exact.logits.tolist(), abs=1e-3)


def test_the_page_has_the_numbers_that_finding_rests_on_from_here_alone() -> None:
    own = {name.strip("_").lower(): value for name, value in vars(find).items() if name.isupper()}
    for name, value in constants().items():
        assert np.array_equal(own[name], value), name
    program = re.sub(r"//[^\n]*|/\*.*?\*/", "", (PAGE / "find.js").read_text(), flags=re.DOTALL)
    numbers = set(re.findall(r"(?<![\w.])\d[\d.]*", program))
    assert numbers <= {"0", "0.5", "1", "2", "3"}  # places in a list, halves


def test_a_large_picture_is_looked_through_in_tiles_and_nothing_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = [(20, 30, 60, 70), (300, 40, 350, 90), (610, 400, 660, 450), (200, 470, 260, 530)]
    picture = street(*places, height=560, width=700)
    whole = find_signs(picture, RedSquares(), RedSquares())
    assert len(whole) == 4
    monkeypatch.setattr(find, "TILE_PIXELS", 40_000)
    windows, looked = RedSquares(), []
    tiled = find_signs(picture, windows, RedSquares(), check=lambda: looked.append(1))
    assert len(looked) > 20
    for one, other in zip(whole, tiled, strict=True):
        np.testing.assert_allclose(one.box, other.box, atol=1.5)


def test_a_picture_too_narrow_for_any_sign_costs_nothing() -> None:
    windows = RedSquares()
    assert find_signs(np.zeros((1, 100_000, 3), np.uint8), windows, RedSquares()) == []
    assert find_signs(np.zeros((50_000, 3, 3), np.uint8), windows, RedSquares()) == []
    assert windows.pixels == 0


def test_a_search_that_nobody_waits_for_ends() -> None:
    def given_up() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        find_signs(street((10, 10, 40, 40)), RedSquares(), RedSquares(), check=given_up)
