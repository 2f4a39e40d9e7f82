import numpy as np
import pytest
import torch
from torch import nn

from roadworthy.errors import CheckpointError, ShapeError, UnknownNameError
from roadworthy.evaluate.predict import VIEWS, moved, predict_logits, zoomed
from roadworthy.inputs import InputSpec, normalise

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


@pytest.mark.parametrize("views", list(VIEWS))
def test_views_are_averaged(views):
    model, images = network(), pictures(5)
    each = [predict_logits(model, view(images), SPEC) for view in VIEWS[views]]
    assert predict_logits(model, images, SPEC, views=views) == pytest.approx(np.mean(each, axis=0), abs=1e-5)


def test_views_by_hand():
    image = np.zeros((1, 4, 4, 3), np.uint8)
    image[0, 1, 1] = 200
    assert np.argwhere(moved(image, down=1, right=2)[0, :, :, 0]).tolist() == [[2, 3]]
    edge = np.arange(4, dtype=np.uint8)[None, :, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    assert moved(edge, down=2, right=0)[0, :, 0, 0].tolist() == [0, 0, 0, 1]
    assert np.array_equal(zoomed(image, 1.0), image)
    # Pixel centres at -1.5, -0.5, 0.5, 1.5 are read at half of that: between the middle two.
    assert zoomed(edge * 10, 2.0)[0, :, 0, 0].tolist() == pytest.approx([7.5, 12.5, 17.5, 22.5], abs=0.51)
    assert zoomed(edge * 10, 0.5)[0, :, 0, 0].tolist() == [0, 5, 25, 30]
    square = np.zeros((1, 16, 16, 3), np.uint8)
    square[:, 4:12, 4:12] = 255
    assert (zoomed(square, 1.15) > 127).sum() > (square > 127).sum() > (zoomed(square, 1 / 1.15) > 127).sum()
