import sys
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from torch import nn

from roadworthy.config import EvaluateConfig
from roadworthy.core.errors import CheckpointError, ShapeError, UnknownNameError
from roadworthy.imaging.preprocess import normalise
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.torch import VIEWS, predict_logits, zoomed

SPEC = InputSpec(size=8)


def pictures(n, size=8):
    return np.random.default_rng(0).integers(256, size=(n, size, size, 3), dtype=np.uint8)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(144, 3)
    )


class Answer(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def test_logits_are_the_models_own_on_the_one_preprocessing():
    model, images = network().eval(), pictures(5)
    with torch.inference_mode():
        expected = model(torch.from_numpy(normalise(images, SPEC))).numpy()
    found = predict_logits(model, images, SPEC, batch_size=2)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=1e-5)


def test_batches_do_not_matter():
    model, images = network(), pictures(7)
    whole = predict_logits(model, images, SPEC)
    assert predict_logits(model, images, SPEC, batch_size=3) == pytest.approx(whole, abs=1e-5)


def test_modes_come_back_even_after_an_error():
    model = network().train()
    model[1].eval()
    before = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    predict_logits(model, pictures(4), SPEC)
    assert [module.training for module in model.modules()] == before
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    model[5] = nn.Linear(7, 3)
    with pytest.raises(RuntimeError):
        predict_logits(model, pictures(4), SPEC)
    assert model.training
    assert not model[1].training


def test_autocast_answers_in_float32():
    model = network()
    full = predict_logits(model, pictures(3), SPEC)
    half = predict_logits(model, pictures(3), SPEC, autocast_dtype=torch.bfloat16)
    assert half.dtype == np.float32
    assert half == pytest.approx(full, abs=0.05)
    assert (half != full).any()


def test_views():
    corner = Answer(lambda x: x[:, :, 0, 0] * 255)
    images = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    images[0, 0, 0], images[0, 0, 1], images[0, 1, 0] = 10, 20, 60
    spec = InputSpec(size=8, normalise="unit")
    assert predict_logits(corner, images, spec)[0, 0] == pytest.approx(10)
    # Moved down or right the edge repeats the corner; moved up and left its neighbours come there.
    shifted = predict_logits(corner, images, spec, views="shifts")[0, 0]
    assert shifted == pytest.approx((10 + 10 + 10 + 60 + 20) / 5, abs=1e-3)
    with pytest.raises(UnknownNameError, match="did you mean 'shifts'"):
        predict_logits(corner, images, spec, views="shift")


def test_the_setting_takes_every_view():
    assert set(get_args(get_type_hints(EvaluateConfig)["views"])) == set(VIEWS)


@pytest.mark.parametrize("name", VIEWS.names())
def test_every_view_gives_pictures_the_first_of_them_or_one_the_picture_itself(name):
    images = pictures(2)
    seen = [view(images) for view in VIEWS.get(name)()]
    assert all(view.shape == images.shape and view.dtype == np.uint8 for view in seen)
    assert sum(np.array_equal(view, images) for view in seen) == 1
    assert VIEWS.summary(name).endswith(".")


def test_zooms_are_the_mean_over_three_sizes():
    grey = np.full((1, 8, 8, 3), 90, dtype=np.uint8)
    assert (zoomed(grey, 0.5) == 90).all()
    # A white square of the four middle pixels: twice as large it has sixteen, half as large one's worth.
    square = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    square[:, 3:5, 3:5] = 255
    assert zoomed(square, 2.0)[0, :, :, 0].sum() / 255 == pytest.approx(16, rel=0.1)
    assert zoomed(square, 0.5)[0, :, :, 0].sum() / 255 < 2
    light = Answer(lambda x: x.sum(dim=(2, 3)) / 3)
    spec = InputSpec(size=8, normalise="unit")
    wanted = np.mean([zoomed(square, f).sum() / 255 / 9 for f in (0.85, 1.0, 1.18)])
    assert predict_logits(light, square, spec, views="zooms")[0, 0] == pytest.approx(wanted, rel=1e-4)


def test_a_zoom_of_one_is_plain(monkeypatch):
    monkeypatch.setattr(sys.modules[predict_logits.__module__], "ZOOMS", (1.0,))
    model, images = network(), pictures(4)
    assert np.array_equal(
        predict_logits(model, images, SPEC, views="zooms"), predict_logits(model, images, SPEC)
    )
    # And one that is nearly 1 gives nearly the same through warping and rounding.
    assert np.abs(zoomed(images, 1 + 1e-7).astype(int) - images).max() <= 1


def test_progress():
    calls = []
    predict_logits(network(), pictures(5), SPEC, batch_size=2, progress=lambda *done: calls.append(done))
    assert calls == [(2, 5), (4, 5), (5, 5)]


def test_answers_that_are_not_finite_name_the_picture():
    def broken(x):
        answers = torch.ones(len(x), 3)
        answers[3:, 1] = torch.nan
        return answers

    with pytest.raises(CheckpointError, match=r"picture 9 is not finite \(2 of 5"):
        predict_logits(
            Answer(lambda x: broken(x) if len(x) == 5 else x[:, 0, 0, :3]), pictures(11), SPEC, batch_size=6
        )


@pytest.mark.parametrize(
    "images",
    [pictures(2, size=9), pictures(2).astype(np.float32), pictures(0), pictures(2)[..., :2], pictures(2)[0]],
)
def test_pictures_that_do_not_fit(images):
    with pytest.raises(ShapeError, match=r"\(N, 8, 8, 3\)"):
        predict_logits(network(), images, SPEC)


def test_answers_that_do_not_fit():
    with pytest.raises(ShapeError, match="not \\(2, classes\\)"):
        predict_logits(Answer(lambda x: torch.ones(1, 3)), pictures(2), SPEC)
    with pytest.raises(ValueError, match="batch_size is 0"):
        predict_logits(network(), pictures(2), SPEC, batch_size=0)
