"""Eight bits: smaller, nearly the same answers, and the preprocessing as it was."""

import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import MissingExtraError
from roadworthy.data.dataset import Dataset
from roadworthy.export.quantise import quantise
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import Manifest, seal

onnx = pytest.importorskip("onnx", reason="quantising needs roadworthy[export]")

SIZE = 32


@pytest.fixture(scope="module")
def signs(shipped: Any) -> Dataset:
    """The pictures that the network was measured on."""
    from roadworthy.config import load_config
    from roadworthy.data.open import open_splits

    config = load_config(shipped.run / "config.toml")
    return open_splits(config.data, config.input).test


@pytest.fixture(scope="module")
def eight_bits(shipped: Any, signs: Dataset) -> bytes:
    images = np.asarray(signs.images)
    return quantise(shipped.crops, [images[:20], images[20:]])


def answers(network: bytes, images: ByteArray) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"images": images})[0]


def nodes_before(model: Any, kind: str) -> Counter[str]:
    """Operators that the data go through from the pictures to the first of that kind."""
    maker = {name: node for node in model.graph.node for name in node.output}
    first = next(node for node in model.graph.node if node.op_type == kind)
    queue, seen = [first.input[0]], {}
    while queue:
        name = queue.pop()
        if name in maker:
            seen[name] = maker[name].op_type
            queue += maker[name].input
    return Counter(seen.values())


def test_it_is_much_smaller(shipped: Any, eight_bits: bytes) -> None:
    assert len(eight_bits) < 0.6 * len(shipped.crops)


def test_nearly_all_answers_stay(shipped: Any, signs: Dataset, eight_bits: bytes) -> None:
    images = np.asarray(signs.images)
    before, after = answers(shipped.crops, images), answers(eight_bits, images)
    assert before.shape == after.shape
    assert (before.argmax(axis=1) == after.argmax(axis=1)).mean() > 0.9
    assert 0 < np.abs(before - after).mean() < 0.15 * before.std()


def test_the_preprocessing_stays_in_full_precision(shipped: Any, eight_bits: bytes) -> None:
    whole, small = onnx.load_from_string(shipped.crops), onnx.load_from_string(eight_bits)
    before = nodes_before(whole, "Conv")
    assert before["Sqrt"] == 1
    assert nodes_before(small, "QuantizeLinear") == before


def test_weights_have_a_scale_for_every_channel(eight_bits: bytes) -> None:
    model = onnx.load_from_string(eight_bits)
    values = {tensor.name: tensor for tensor in model.graph.initializer}
    maker = {name: node for node in model.graph.node for name in node.output}
    layers = [node for node in model.graph.node if node.op_type == "Conv"]
    assert layers
    for layer in layers:
        weights, scales = (values[name] for name in maker[layer.input[1]].input[:2])
        assert weights.data_type == onnx.TensorProto.INT8
        assert list(scales.dims) == [weights.dims[0]]


def test_it_is_plain_onnx_that_can_be_sealed(eight_bits: bytes) -> None:
    model = onnx.load_from_string(eight_bits)
    onnx.checker.check_model(model, full_check=True)
    assert {entry.domain for entry in model.opset_import} == {""}
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert not model.metadata_props
    assert model.producer_name == ""
    for trace in (b".py", tempfile.gettempdir().encode(), b"onnx.quantize"):
        assert trace not in eight_bits
    seal(eight_bits, Manifest(classes=("a", "b", "c"), input=InputSpec(size=SIZE)))


def test_nothing_is_left_behind(
    shipped: Any, signs: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eight_bits: bytes
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.INFO)
    images = np.asarray(signs.images)
    assert quantise(shipped.crops, [images[:20], images[20:]]) == eight_bits
    assert list(tmp_path.iterdir()) == []
    assert root.level == logging.INFO


def test_ranges_come_from_the_pictures_shown(shipped: Any, signs: Dataset, eight_bits: bytes) -> None:
    black = np.zeros((4, SIZE, SIZE, 3), np.uint8)
    images = np.asarray(signs.images)
    whole = answers(shipped.crops, images)
    good, poor, both = (
        np.abs(answers(network, images) - whole).mean()
        for network in (eight_bits, *(quantise(shipped.crops, shown) for shown in ([black], [black, images])))
    )
    assert poor > 3 * good
    assert poor > 3 * both


def test_without_the_part_that_exports_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"roadworthy\[export\]"):
        quantise(b"", [])


def test_layers_can_be_left_in_full_precision(shipped: Any, signs: Dataset, eight_bits: bytes) -> None:
    images = np.asarray(signs.images)
    one_whole = quantise(shipped.crops, [images[:20], images[20:]], whole_layers=(1,))
    assert float_weights(eight_bits) == []
    assert float_weights(one_whole) == [1]


def float_weights(network: bytes) -> list[int]:
    """The layers whose weights are stored as they were, numbered in order of computation."""
    model = onnx.load_from_string(network)
    stored = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    return [i for i, node in enumerate(layers) if stored.get(node.input[1]) == onnx.TensorProto.FLOAT]
