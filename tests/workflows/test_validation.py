"""What a training asks its validation split, against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roadworthy.config import CalibrateConfig, EvaluateConfig
from roadworthy.data.dataset import Dataset
from roadworthy.data.records import Record
from roadworthy.imaging.spec import InputSpec
from roadworthy.workflows.validation import Hardware, _rejection, validate

SIDE = 8


class Brightness(nn.Module):
    """Answers 1 for a white picture, 0 for a black one, each with log-odds of 2."""

    def forward(self, images: Tensor) -> Tensor:
        white = images.mean(dim=(1, 2, 3))
        return torch.stack([1 - 2 * white, 2 * white - 1], dim=1)


def validated(white: list[int], targets: list[int], groups: str, sources: str = "") -> dict[str, float]:
    images = np.stack([np.full((SIDE, SIDE, 3), 255 * one, np.uint8) for one in white])
    records = tuple(
        Record(path=f"{i}.png", label=str(target), group=group.strip(), source=source)
        for i, (target, group, source) in enumerate(
            zip(targets, groups, sources or "a" * len(white), strict=True)
        )
    )
    val = Dataset(images=images, targets=np.array(targets), records=records, classes=("0", "1"))
    spec = InputSpec(size=SIDE, normalise="unit")
    hardware = Hardware(device=torch.device("cpu"), autocast=None)
    return dict(validate(Brightness(), val=val, spec=spec, config=EvaluateConfig(), hardware=hardware))


def test_loss_accuracy_and_its_error_are_those_worked_by_hand() -> None:
    # Two signs of two pictures: the first half right, the second right.
    found = validated([0, 1, 1, 1], [0, 0, 1, 1], "xxyy")
    assert found["val_accuracy"] == 0.75
    right, wrong = np.log1p(np.exp(-2)), np.log1p(np.exp(2))
    assert found["val_loss"] == pytest.approx((3 * right + wrong) / 4)
    # Of the two signs' means 0.5 and 1, the deviation 0.3536 over the root of two.
    assert found["val_accuracy_se"] == pytest.approx(0.25)


def test_frames_of_one_sign_are_no_further_signs() -> None:
    few = validated([0, 1, 1, 0], [0, 0, 1, 0], "    ")
    assert few["val_accuracy_se"] == pytest.approx(np.sqrt(0.75 * 0.25 / 3))
    many = validated([0, 1, 1, 0] * 9, [0, 0, 1, 0] * 9, "abcd" * 9)
    assert many["val_accuracy_se"] == pytest.approx(few["val_accuracy_se"])


def test_all_right_and_a_lone_sign_have_no_error() -> None:
    assert validated([0, 1, 1], [0, 1, 1], "xyz")["val_accuracy_se"] == 0
    assert validated([0, 1, 1], [0, 0, 1], "xxx")["val_accuracy_se"] == 0


def test_in_a_mixture_every_source_and_class_counts_the_same() -> None:
    # Source a: class 0 half right, class 1 right; source b: one picture of class 0, wrong.
    found = validated([0, 1, 1, 1], [0, 0, 1, 0], "wxyz", "aaab")
    assert found["val_accuracy"] == pytest.approx((0.75 + 0) / 2)
    weights, right = np.array([1, 1, 2, 4]) / 8, np.array([1, 0, 1, 0])
    off = weights * (right - 0.375)
    assert found["val_accuracy_se"] == pytest.approx(np.sqrt(4 / 3 * (off**2).sum()))


@pytest.mark.parametrize(
    ("coverage", "wrong", "threshold", "answered"),
    [
        (1.0, 1.0, 0.5, 1.0),  # all are answered
        (1.0, 0.1, 0.7, 0.8),  # one of five is too many wrong ones, none of four is not
        (0.6, 0.1, 0.8, 0.6),  # the share asked for is stricter already
    ],
)
def test_the_threshold_holds_both_the_share_answered_and_the_share_wrong(
    coverage: float, wrong: float, threshold: float, answered: float
) -> None:
    sure = np.array([0.5, 0.7, 0.8, 0.9, 0.95])
    logits = np.log(np.stack([sure, 1 - sure], axis=1))
    logits[0] += [0.01, 0.0]  # the least sure one answers 0, too, and is wrong
    targets = np.array([1, 0, 0, 0, 0])
    found = _rejection(logits, targets, 1.0, CalibrateConfig(coverage=coverage, wrong=wrong))
    assert found.threshold == pytest.approx(threshold, abs=0.01)
    assert (found.coverage, found.n) == (answered, 5)
