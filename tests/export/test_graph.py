"""Networks as ONNX: the one preprocessing within, for crops and for every window of a picture."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from roadworthy.config import ModelConfig
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import MissingExtraError, UsageError
from roadworthy.export.graph import OPSET, Crops, Windows, dense_stride, to_onnx
from roadworthy.export.parity import TOLERANCE
from roadworthy.imaging.preprocess import normalise, read_square
from roadworthy.imaging.spec import NORMALISATIONS, InputSpec
from roadworthy.models.catalogue import build_model
from roadworthy.train.checkpoint import load_checkpoint

SIZE, STRIDE, CLASSES = 32, 8, 3


@pytest.fixture(scope="module")
def network(shipped: Any) -> nn.Module:
    return load_checkpoint(shipped.run)[0]


@pytest.fixture(scope="module")
def signs(shipped: Any, drawn_folder: Path) -> ByteArray:
    """36 test pictures of what the network knows."""
    _, card = load_checkpoint(shipped.run)
    files = [path for name in card.classes for path in sorted((drawn_folder / "test" / name).iterdir())]
    return np.stack([read_square(path, card.input) for path in files])


def noise(n: int, height: int = SIZE, width: int = SIZE, seed: int = 0) -> ByteArray:
    """Pictures of any exposure, some nearly flat."""
    rng = np.random.default_rng(seed)
    mean, spread = rng.uniform(20, 235, (n, 1, 1, 1)), rng.uniform(1, 60, (n, 1, 1, 1))
    return rng.normal(mean, spread, (n, height, width, 3)).clip(0, 255).round().astype(np.uint8)


def smooth(height: int, width: int, seed: int = 0) -> ByteArray:
    """A picture without edges."""
    y, x = np.mgrid[:height, :width]
    waves = [90 + 40 * np.sin(x / 50 + plane) + 30 * np.cos(y / 60 + seed) for plane in range(3)]
    return np.stack(waves, axis=-1).round().astype(np.uint8)


def eager(model: nn.Module, images: ByteArray, spec: InputSpec) -> FloatArray:
    with torch.inference_mode():
        answers: FloatArray = model(torch.from_numpy(normalise(images, spec))).numpy()
    return answers


def served(module: nn.Module, images: ByteArray) -> FloatArray:
    with torch.inference_mode():
        answers: FloatArray = module.eval()(torch.from_numpy(images)).numpy()
    return answers


def runtime(data: bytes) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["logits"], {"images": images})[0]


@pytest.mark.parametrize("rule", NORMALISATIONS)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_crops_are_the_one_preprocessing_and_the_network(network: nn.Module, rule: str, n: int) -> None:
    spec, images = InputSpec(size=SIZE, normalise=rule), noise(n)
    assert served(Crops(network, spec), images) == pytest.approx(eager(network, images, spec), abs=1e-4)


@pytest.mark.parametrize("n", [1, 3, 64])
def test_crops_as_onnx_answer_as_the_network_for_any_number_of_pictures(
    shipped: Any, network: nn.Module, n: int
) -> None:
    images = noise(n, seed=n)
    found = runtime(shipped.crops)(images)
    assert found.dtype == np.float32
    assert found == pytest.approx(eager(network, images, InputSpec(size=SIZE)), abs=1e-4)


def test_without_normalisation_they_do_too(network: nn.Module) -> None:
    spec, images = InputSpec(size=SIZE, normalise="unit"), noise(5)
    run = runtime(to_onnx(Crops(network, spec), SIZE))
    assert run(images) == pytest.approx(eager(network, images, spec), abs=1e-4)
    assert run(images[:1]) == pytest.approx(eager(network, images[:1], spec), abs=1e-4)


@pytest.mark.parametrize("level", [0, 10, 128, 200, 235, 255])
def test_flat_and_bright_pictures_are_normalised_as_exactly(
    shipped: Any, network: nn.Module, level: int
) -> None:
    """Sums over such pictures are large, what is left of them small; validation may hold some."""
    rng = np.random.default_rng(level)
    spread = np.array([0, 0.7, 2, 8, 16]).reshape(5, 1, 1, 1)
    images = rng.normal(level, spread, (5, SIZE, SIZE, 3)).clip(0, 255).round().astype(np.uint8)
    expected = eager(network, images, InputSpec(size=SIZE))
    crops, windows = runtime(shipped.crops), runtime(shipped.windows)
    assert crops(images) == pytest.approx(expected, abs=TOLERANCE / 2)
    for image, answer in zip(images, expected, strict=True):
        assert windows(image[None])[0, :, 0, 0] == pytest.approx(answer, abs=TOLERANCE / 2)


@pytest.mark.parametrize("rule", NORMALISATIONS)
def test_the_window_of_a_picture_of_its_size_is_the_crop(network: nn.Module, rule: str) -> None:
    spec, images = InputSpec(size=SIZE, normalise=rule), noise(6)
    windows, expected = Windows(network, spec), served(Crops(network, spec), images)
    for image, answer in zip(images, expected, strict=True):
        found = served(windows, image[None])
        assert found.shape == (1, CLASSES, 1, 1)
        assert found[0, :, 0, 0] == pytest.approx(answer, abs=1e-4)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (32, 48), (80, 80), (160, 96)])
def test_windows_as_onnx_take_pictures_of_any_size(
    shipped: Any, network: nn.Module, height: int, width: int
) -> None:
    image = noise(1, height, width)
    found = runtime(shipped.windows)(image)
    assert found.shape == (1, CLASSES, (height - SIZE) // STRIDE + 1, (width - SIZE) // STRIDE + 1)
    assert found == pytest.approx(served(Windows(network, InputSpec(size=SIZE)), image), abs=1e-3)


class Seen(nn.Module):
    """A network that answers with what it was given."""

    stride = STRIDE

    def windows(self, planes: torch.Tensor, size: int) -> torch.Tensor:
        assert size == SIZE
        return planes


def test_windows_are_normalised_by_their_own_mean_and_deviation() -> None:
    """Tiles of one crop: every window holds the same pixels, wherever it begins."""
    spec, tile = InputSpec(size=SIZE), noise(1)
    found = served(Windows(Seen(), spec), np.tile(tile, (1, 3, 4, 1)))
    assert found == pytest.approx(np.tile(normalise(tile, spec), (1, 1, 3, 4)), abs=1e-4)


def test_between_two_windows_normalisation_goes_over_from_one_to_the_other() -> None:
    spec = InputSpec(size=SIZE)
    image = np.concatenate([np.full((1, SIZE, 2 * SIZE, 3), level, np.uint8) for level in (40, 200)], axis=2)
    found = served(Windows(Seen(), spec), image)[0, 0, 0]
    # Half a window from the border each window is flat; each mean is that of its middle.
    assert found[: SIZE + SIZE // 2 - STRIDE] == pytest.approx(0, abs=1e-3)
    assert found[-(SIZE + SIZE // 2 - STRIDE) :] == pytest.approx(0, abs=1e-3)
    edge = 2 * SIZE
    assert -1.2 < found[edge - 1] < -0.8 < 0.8 < found[edge] < 1.2  # half of either: mean 120, deviation 80
    # No jumps within either half: what is interpolated has none.
    assert np.abs(np.diff(found[:edge])).max() < 0.3


def test_without_normalisation_windows_see_the_pixels() -> None:
    image = noise(1, 48, 64)
    found = served(Windows(Seen(), InputSpec(size=SIZE, normalise="unit")), image)
    assert found == pytest.approx(image.transpose(0, 3, 1, 2) / 255, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_windows_of_a_smooth_picture_answer_nearly_as_crops_of_it(shipped: Any, seed: int) -> None:
    height, width = 128, 160
    image = smooth(height, width, seed)
    found = runtime(shipped.windows)(image[None])[0].transpose(1, 2, 0)
    rows, columns = range(0, height - SIZE + 1, STRIDE), range(0, width - SIZE + 1, STRIDE)
    cut = np.stack([image[r : r + SIZE, c : c + SIZE] for r in rows for c in columns])
    expected = runtime(shipped.crops)(cut).reshape(len(rows), len(columns), CLASSES)
    inner = np.s_[2:-2, 2:-2]
    assert (found.argmax(axis=2) == expected.argmax(axis=2))[inner].mean() > 0.9
    assert np.abs(found - expected)[inner].mean() < 0.2 * expected.std()


def test_signs_side_by_side_are_read_in_their_windows(shipped: Any, signs: ByteArray) -> None:
    side = 6
    tiles = signs.reshape(side, side, SIZE, SIZE, 3).transpose(0, 2, 1, 3, 4)
    picture = np.ascontiguousarray(tiles.reshape(1, side * SIZE, side * SIZE, 3))
    step = SIZE // STRIDE
    found = runtime(shipped.windows)(picture)[0].transpose(1, 2, 0)[::step, ::step].reshape(-1, CLASSES)
    expected = runtime(shipped.crops)(signs)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.85
    assert np.abs(found - expected).mean() < 0.3 * expected.std()


@pytest.mark.parametrize("dense", [False, True], ids=["crops", "windows"])
def test_the_file_is_plain_onnx_that_tells_nothing_of_this_machine(shipped: Any, dense: bool) -> None:
    import onnx

    data = shipped.windows if dense else shipped.crops
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    assert {node.domain for node in model.graph.node} == {""}
    assert not model.functions
    assert not model.metadata_props
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert model.producer_name == model.doc_string == model.graph.doc_string == ""
    for trace in (b".py", b"/tmp", b"torch", b"roadworthy/", str(Path(__file__).parent).encode()):
        assert trace not in data
    (takes,), (gives,) = model.graph.input, model.graph.output
    assert (takes.name, gives.name) == ("images", "logits")
    assert takes.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    extents = [dim.dim_param or dim.dim_value for dim in takes.type.tensor_type.shape.dim]
    assert extents == ([1, "height", "width", 3] if dense else ["batch", SIZE, SIZE, 3])
    answers = [dim.dim_param or dim.dim_value or None for dim in gives.type.tensor_type.shape.dim]
    assert answers == ([1, CLASSES, None, None] if dense else [None, CLASSES])


@pytest.mark.parametrize(("size", "instead"), [(24, 32), (40, 32), (60, 64), (100, 96)])
def test_a_size_that_windows_cannot_have_is_refused(network: nn.Module, size: int, instead: int) -> None:
    with pytest.raises(UsageError, match=rf"{size} px .* multiple of 16, like {instead}$"):
        Windows(network, InputSpec(size=size))


@pytest.mark.parametrize("size", [16, 32, 48, 64])
def test_sizes_that_they_can_have(network: nn.Module, size: int) -> None:
    assert dense_stride(network, InputSpec(size=size)) == STRIDE


@pytest.mark.parametrize("name", ["study-cnn", "resnet-8"])
def test_a_network_without_windows_is_refused(name: str) -> None:
    model = build_model(ModelConfig(name=name), CLASSES, InputSpec(size=SIZE))
    with pytest.raises(UsageError, match="cannot look closer at a picture; the model compact can"):
        Windows(model, InputSpec(size=SIZE))


def test_without_the_part_that_exports_it_is_named(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"roadworthy\[export\]"):
        to_onnx(Crops(network, InputSpec(size=SIZE)), SIZE)
