"""Which cells should see which sign, and the loss, against figures worked by hand."""

import pytest
import torch

from roadworthy.models.finder import Finder, centres, to_boxes
from roadworthy.train.finding import IGNORED, WANTED, assign, finding_loss, overlaps

CELLS = centres(128, 128)  # 256, 64 and 16 cells


def seen(*targets: tuple[float, float, float, float, int]) -> list[list[float]]:
    """x, y and stride of the cells that should see a sign."""
    assigned = assign(torch.tensor([targets], dtype=torch.float32), CELLS)
    return CELLS[assigned.sees[0]].tolist()


def test_a_small_sign_is_seen_by_fine_cells_about_its_middle() -> None:
    # Of side 24 about (36, 36): fine cells up to 12 px from its middle.
    cells = seen((24, 24, 48, 48, WANTED))
    assert {stride for *_, stride in cells} == {8}
    assert sorted((x, y) for x, y, _ in cells) == [(x, y) for x in (28, 36, 44) for y in (28, 36, 44)]


def test_a_sign_smaller_than_a_cell_is_seen_by_the_one_that_it_lies_in() -> None:
    assert seen((41, 33, 44, 36, WANTED)) == [[44, 36, 8]]


def test_sizes_between_two_grids_are_seen_by_both() -> None:
    assert {stride for *_, stride in seen((20, 20, 60, 60, WANTED))} == {8, 16}
    assert {stride for *_, stride in seen((10, 10, 110, 110, WANTED))} == {16, 32}


def test_of_two_signs_the_smaller_is_seen() -> None:
    targets = torch.tensor([[[16.0, 16, 56, 56, WANTED], [30.0, 30, 42, 42, WANTED]]])
    assigned = assign(targets, CELLS)
    at = (torch.tensor([36.0, 36, 8]) == CELLS).all(dim=1).nonzero().item()
    assert assigned.boxes[0, at].tolist() == [30, 30, 42, 42]


def test_within_ignored_boxes_nothing_counts() -> None:
    assigned = assign(torch.tensor([[[0.0, 0, 64, 64, IGNORED], [0.0, 0, 0, 0, 0]]]), CELLS)
    inside = (CELLS[:, 0] < 64) & (CELLS[:, 1] < 64)
    assert not assigned.sees.any()
    assert (assigned.counts[0] == ~inside).all()


def test_without_signs_there_is_a_loss_of_scores_alone() -> None:
    outputs = torch.zeros(1, len(CELLS), 5, requires_grad=True)
    loss = finding_loss(outputs, torch.zeros(1, 0, 5), 128, 128)
    loss.backward()
    # Each of 336 cells at one half: (1/2)^2 ln 2.
    assert loss.item() == pytest.approx(len(CELLS) * 0.25 * 0.693147, rel=1e-5)
    assert outputs.grad is not None
    assert not outputs.grad[..., 1:].any()


def test_a_perfect_answer_costs_next_to_nothing() -> None:
    targets = torch.tensor([[[24.0, 24, 48, 48, WANTED]]])
    assigned = assign(targets, CELLS)
    outputs = torch.full((1, len(CELLS), 5), 1.0)
    outputs[..., 0] = torch.where(assigned.sees, 12.0, -12.0)
    x, y = CELLS[:, 0], CELLS[:, 1]
    sides = torch.stack([x - 24, y - 24, 48 - x, 48 - y], dim=1)
    outputs[0, :, 1:] = torch.where(assigned.sees[0, :, None], sides, outputs[0, :, 1:])
    assert finding_loss(outputs, targets, 128, 128).item() < 1e-5


def test_overlaps_worked_by_hand() -> None:
    found = torch.tensor([[0.0, 0, 2, 2], [0.0, 0, 1, 1], [0.0, 0, 2, 2]])
    wanted = torch.tensor([[1.0, 1, 3, 3], [2.0, 0, 3, 1], [0.0, 0, 2, 2]])
    iou, general = overlaps(found, wanted)
    assert iou.tolist() == pytest.approx([1 / 7, 0, 1])
    assert general.tolist() == pytest.approx([1 / 7 - 2 / 9, -1 / 3, 1])


def test_signs_of_four_sizes_are_learnt() -> None:
    torch.manual_seed(0)
    images, targets = torch.rand(4, 3, 128, 128) * 0.3, torch.zeros(4, 2, 5)
    for row, side in enumerate((12, 24, 60, 100)):
        targets[row, 0] = torch.tensor([10.0, 8, 10 + side, 8 + side, WANTED])
        images[row, 0, 8 : 8 + side, 10 : 10 + side] = 1
    model = Finder(width=0.25)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(120):
        optimizer.zero_grad()
        finding_loss(model(images), targets, 128, 128).backward()
        optimizer.step()
    with torch.no_grad():
        outputs = model.eval()(images)
    for row in range(4):
        best = outputs[row, :, 0].argmax()
        box = to_boxes(outputs[row, :, 1:], CELLS)[best]
        assert overlaps(box[None], targets[row, :1, :4])[0] > 0.75
