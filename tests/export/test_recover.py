"""A network read back from its bundle in 8 bits answers as it did, and starts to train from there."""

import numpy as np
import pytest
import torch

pytest.importorskip("onnxscript", reason="needs roadworthy[export]")

from roadworthy.config import ModelConfig
from roadworthy.core.errors import BundleError
from roadworthy.export.graph import Crops, to_onnx
from roadworthy.export.quantise import quantise
from roadworthy.export.recover import recover
from roadworthy.imaging.preprocess import normalise
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import Bundle, Manifest, parse_bundle, seal
from roadworthy.inference.torch import predict_logits
from roadworthy.models.catalogue import build_model

CONFIG = ModelConfig(width=0.25, depth=1)
SPEC = InputSpec(size=32)
IMAGES = np.random.default_rng(0).integers(0, 256, (256, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def made() -> tuple[torch.nn.Module, Bundle]:
    """A network with statistics and weights of its own in every BatchNorm, and its bundle in 8 bits."""
    torch.manual_seed(0)
    model = build_model(CONFIG, 5, SPEC).eval()
    torch.nn.init.uniform_(model.head.bias, -0.5, 0.5)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for values, low, high in (
                (module.weight, 0.5, 1.5),
                (module.bias, -0.5, 0.5),
                (module.running_mean, -0.5, 0.5),
                (module.running_var, 0.5, 2.0),
            ):
                torch.nn.init.uniform_(values, low, high)
    graph = quantise(to_onnx(Crops(model, SPEC), 32), [IMAGES[:64]])
    manifest = Manifest(classes=tuple("abcde"), input=SPEC, precision="int8")
    return model, parse_bundle(seal(graph, manifest), "test")


def test_it_answers_as_the_network_did_before_it_was_quantised(made: tuple[torch.nn.Module, Bundle]) -> None:
    model, bundle = made
    found = recover(bundle, CONFIG, IMAGES)
    before, after = (predict_logits(net, IMAGES, SPEC) for net in (model, found))
    assert np.abs(before - after).max() < 0.03 * np.abs(before).max()
    for module in found.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert torch.allclose(module.weight, (module.running_var + module.eps).sqrt())


def test_training_starts_at_the_same_function(made: tuple[torch.nn.Module, Bundle]) -> None:
    found = recover(made[1], CONFIG, IMAGES)
    inputs = torch.from_numpy(normalise(IMAGES, SPEC))
    with torch.no_grad():
        evaluated, trained = found.eval()(inputs), found.train()(inputs)
    assert torch.allclose(evaluated, trained, atol=1e-2)


def test_another_network_is_refused(made: tuple[torch.nn.Module, Bundle]) -> None:
    for config in (ModelConfig(width=0.5, depth=1), ModelConfig(width=0.25, depth=2)):
        with pytest.raises(BundleError, match="does not hold a compact as it is described"):
            recover(made[1], config, IMAGES)
    with pytest.raises(BundleError, match="not made of convolutions with a BatchNorm"):
        recover(made[1], ModelConfig(name="study-cnn"), IMAGES)
