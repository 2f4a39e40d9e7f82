"""Signs found by the page's own code are those that the server finds: boxes in Node, answers in Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.finding_rule import FindingRule
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference import boxes
from roadworthy.inference.answer_rule import AnswerRule, Found
from roadworthy.inference.bundle import Manifest
from roadworthy.serve.static import model_json

CLASSES = ("stop", "speed-60", "end-speed-60", "no-sign")
RULE = FindingRule(threshold=0.3, sure=0.6)
REJECTION = Rejection(score="probability", threshold=0.6, coverage=0.9, n=10)
MANIFEST = Manifest(classes=CLASSES, input=InputSpec(), temperature=1.3, rejection=REJECTION)
MODEL = json.loads(model_json(MANIFEST, None, RULE))
RULES = MODEL["rules"]


class Remembered:
    """Finds boxes at random, many of them near each other; remembers what it was shown and what it found."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.shown: list[ByteArray] = []
        self.found: list[FloatArray] = []

    def cells(self, frame: ByteArray) -> FloatArray:
        height, width = frame.shape[:2]
        middles = self.rng.uniform(-5, 1, (9, 1, 2)) + [width, height] * self.rng.uniform(0, 1.02, (9, 1, 2))
        middles = middles + self.rng.normal(0, 4, (9, 8, 2))
        halves = self.rng.uniform(0.3, 30, (9, 8, 2))
        scores = self.rng.integers(0, 12, (9, 8, 1)) / 11  # many ties
        cells = np.concatenate([middles - halves, middles + halves, scores], axis=2).reshape(-1, 5)
        self.shown.append(frame)
        self.found.append(cells.astype(np.float32))
        return self.found[-1]


@pytest.mark.parametrize(
    ("height", "width"), [(90, 130), (96, 128), (350, 1283), (1281, 330), (20, 1400), (3, 700), (31, 31)]
)
def test_frames_are_shown_and_boxes_kept_as_on_the_server_to_the_last_bit(
    height: int,
    width: int,
    in_node: Callable[[str, Any], Any],
    as_given: Callable[[ByteArray], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(boxes, "MOST_PIXELS", 400_000)  # so that one is shrunk from the first pass on
    image = np.random.default_rng(2).integers(0, 256, (height, width, 3), dtype=np.uint8)
    finder = Remembered(height)
    wanted = boxes.find_boxes(image, finder, threshold=RULE.threshold)
    assert (len(wanted.boxes) > 1) == (min(height, width) >= boxes.LOWEST_PX)
    given = {
        "picture": as_given(image),
        "rules": boxes.constants(),
        "threshold": RULE.threshold,
        "found": [cells.ravel().tolist() for cells in finder.found],
        "tall": RULES["tall_columns_first"],
    }
    program = """
    const { picture, rules, threshold, found, tall } = given;
    picture.data = Uint8ClampedArray.from(picture.data);
    const shown = [];
    const cells = async (data, width, height) => {
      shown.push([height, width, Array.from(data)]);
      return Float32Array.from(found[shown.length - 1]);
    };
    const kept = await boxing.findBoxes(picture, { threshold, cells }, rules, { tallColumnsFirst: tall });
    console.log(JSON.stringify({ shown, kept }));
    """
    told = in_node(program, given)
    assert len(told["shown"]) == len(finder.shown)
    for (tall, wide, data), frame in zip(told["shown"], finder.shown, strict=True):
        assert (tall, wide) == frame.shape[:2]
        np.testing.assert_array_equal(np.array(data, np.uint8).reshape(tall, wide, 3), frame)
    assert [one["box"] for one in told["kept"]] == wanted.boxes.tolist()
    assert [one["score"] for one in told["kept"]] == wanted.scores.tolist()


@pytest.mark.parametrize("gap", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("size", [(331, 97), (330, 97), (40, 400), (13, 11), (700, 20), (167, 211)])
def test_a_frame_is_reduced_before_it_is_resized_as_pillow_does(
    size: tuple[int, int],
    gap: float,
    in_node: Callable[[str, Any], Any],
    as_given: Callable[[ByteArray], dict[str, Any]],
) -> None:
    image = np.random.default_rng(7).integers(0, 256, (423, 997, 3), dtype=np.uint8)
    wanted = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=gap))
    program = """
    const { data } = resizing.resize(given.picture, ...given.size, { rule: "bilinear", ...given.how });
    console.log(JSON.stringify(Array.from(data)));
    """
    how = {"gap": gap, "tallColumnsFirst": RULES["tall_columns_first"]}
    found = in_node(program, {"picture": as_given(image), "size": size, "how": how})
    np.testing.assert_array_equal(np.array(found, np.uint8).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("colourless", [False, True])
def test_what_the_finder_is_not_sure_of_is_not_accepted_as_on_the_server(
    colourless: bool, in_node: Callable[[str, Any], Any]
) -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 3, (40, len(CLASSES))).astype(np.float32)
    scores = np.append(rng.uniform(0.3, 0.9, 39), RULE.sure).astype(float)
    found = [
        Found(box=(1.0, 2.0, 3.0, 4.0), logits=own, score=score)
        for own, score in zip(logits, scores.tolist(), strict=True)
    ]
    rule = AnswerRule(classes=CLASSES, temperature=1.3, rejection=REJECTION, sure=RULE.sure)
    wanted = rule.found_rows("", found, colourless=colourless)
    given = [{"box": one.box, "logits": one.logits.tolist(), "score": one.score} for one in found]
    program = """
    const { found, model, colourless } = given;
    console.log(JSON.stringify(found.map((one) => answering.foundAnswer(one, model, "a", 3, colourless))));
    """
    told = in_node(program, {"found": given, "model": MODEL, "colourless": colourless})
    words = ("predicted", "accepted", "reason", "found")
    assert [[one[word] for word in words] for one in told] == [
        [getattr(one, word) for word in words] for one in wanted
    ]
    assert {one.accepted for one in wanted} == {True, False}
    assert any(one.reason == RULES["unsure_box"] for one in wanted)
