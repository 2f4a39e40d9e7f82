import pytest
import torch

from roadworthy.config import ModelConfig
from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.models.catalogue import build_finder, count_parameters
from roadworthy.models.finder import STRIDES, Finder, centres, to_boxes


@pytest.mark.parametrize(("height", "width"), [(32, 32), (96, 64), (352, 416)])
def test_every_cell_of_three_grids_answers(height: int, width: int) -> None:
    cells = centres(height, width)
    assert len(cells) == sum((height // stride) * (width // stride) for stride in STRIDES)
    answers = Finder(width=0.25).eval()(torch.rand(2, 3, height, width))
    assert answers.shape == (2, len(cells), 5)


def test_cells_stand_in_the_middle_of_their_squares() -> None:
    cells = centres(64, 64)
    assert cells[0].tolist() == [4, 4, 8]
    assert cells[1].tolist() == [12, 4, 8]
    assert cells[8].tolist() == [4, 12, 8]  # row by row
    assert cells[64].tolist() == [8, 8, 16]
    assert cells[-1].tolist() == [48, 48, 32]


def test_a_cell_answers_for_its_own_place() -> None:
    """What changes at one place of the frame changes the cells about it most."""
    torch.manual_seed(0)
    model = Finder(width=0.25).eval()
    frame = torch.full((1, 3, 256, 512), 0.5)
    other = frame.clone()
    other[:, :, 100:116, 300:316] = 1.0
    with torch.no_grad():
        changed = (model(frame) - model(other))[0].abs().amax(dim=1)
    fine = len(centres(256, 512)) - 16 * 32 - 8 * 16
    strongest = centres(256, 512)[int(changed[:fine].argmax())]
    assert abs(strongest[0] - 308) <= 24
    assert abs(strongest[1] - 108) <= 24


def test_distances_become_boxes() -> None:
    cells = torch.tensor([[20.0, 12.0, 8.0]])
    assert to_boxes(torch.tensor([[4.0, 2.0, 6.0, 8.0]]), cells).tolist() == [[16, 10, 26, 20]]


def test_signs_are_rare_before_anything_is_learnt() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        scores = Finder().eval()(torch.rand(1, 3, 128, 128))[0, :, 0].sigmoid()
    assert 0.005 < scores.mean() < 0.02


def test_size() -> None:
    assert count_parameters(Finder()) == 751_503


def test_settings_that_have_no_effect_are_refused() -> None:
    with pytest.raises(ConfigError, match="dropout"):
        build_finder(ModelConfig(name="finder", dropout=0.5))
    with pytest.raises(ConfigError, match=r"width of 0.25 to 2"):
        build_finder(ModelConfig(name="finder", width=9))
    with pytest.raises(UnknownNameError):
        build_finder(ModelConfig(name="compact"))
