"""The network that a bundle in 8 bits was made from, as closely as its weights tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from roadworthy.config import ModelConfig
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import BundleError
from roadworthy.core.extras import require
from roadworthy.imaging.preprocess import normalise
from roadworthy.inference.bundle import Bundle
from roadworthy.models.catalogue import build_model


def recover(bundle: Bundle, config: ModelConfig, images: ByteArray) -> nn.Module:
    """A network of torch that answers as `bundle` does and can be trained on.

    bundle: for crops, in 8 bits, as `quantise` writes it.  config: the network that it was made from.
    images: (N, S, S, 3) uint8, pictures such as it was trained on.

    The export folded each BatchNorm into the convolution before it.  Here the convolution keeps what was
    folded, and its BatchNorm gets the mean and deviation that the convolution's output has on `images`
    twice, as statistics and as weights, so that it changes nothing: neither in evaluation, nor (but for the
    batch) in training.  Raises BundleError where bundle and config do not fit together.
    """
    manifest = bundle.manifest
    model = build_model(config, len(manifest.classes), manifest.input).eval()
    weights = _dequantised(bundle.network)
    pairs, head = _folded(model), cast(nn.Linear, model.head)
    try:
        with torch.no_grad():
            for name, (conv, norm) in pairs.items():
                conv.weight.copy_(weights[f"model.{name}.weight"])
                norm.running_mean.zero_()
                norm.running_var.fill_(1 - norm.eps)
                norm.weight.fill_(1)
                norm.bias.copy_(weights[f"model.{name}.weight_bias"])
            head.weight.copy_(weights["model.head.weight"])
            head.bias.copy_(weights["model.head.bias"])
    except (KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise BundleError(f"the bundle does not hold a {config.name} as it is described: {reason}") from error
    means, variances = _moments(model, pairs, normalise(images, manifest.input))
    with torch.no_grad():
        for name, (_, norm) in pairs.items():
            norm.running_mean.copy_(means[name])
            norm.running_var.copy_(variances[name])
            norm.weight.copy_((variances[name] + norm.eps).sqrt())
            norm.bias.add_(means[name])
    return model


def _folded(model: nn.Module) -> dict[str, tuple[nn.Conv2d, Any]]:
    """Convolutions by name, each with the BatchNorm after it."""
    modules = dict(model.named_modules())
    convs = {name: module for name, module in modules.items() if isinstance(module, nn.Conv2d)}
    norms = [module for module in modules.values() if isinstance(module, nn.BatchNorm2d)]
    if len(convs) != len(norms) or any(conv.bias is not None for conv in convs.values()):
        raise BundleError(f"{type(model).__name__} is not made of convolutions with a BatchNorm after each")
    return {name: (conv, norm) for (name, conv), norm in zip(convs.items(), norms, strict=True)}


def _moments(
    model: nn.Module, pairs: Mapping[str, tuple[nn.Conv2d, Any]], inputs: FloatArray
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Mean and variance by channel of every convolution's output, over all inputs at once."""
    sums: dict[str, Any] = {}

    def add(name: str) -> Any:
        def hook(module: nn.Module, given: Any, output: Tensor) -> None:
            values = output.double()
            counted, first, second = sums.get(name, (0, 0.0, 0.0))
            sums[name] = (
                counted + values.numel() // values.shape[1],
                first + values.sum(dim=(0, 2, 3)),
                second + (values * values).sum(dim=(0, 2, 3)),
            )

        return hook

    handles = [conv.register_forward_hook(add(name)) for name, (conv, _) in pairs.items()]
    with torch.inference_mode():
        for start in range(0, len(inputs), 128):
            model(torch.from_numpy(inputs[start : start + 128]))
    for handle in handles:
        handle.remove()
    means = {name: first / n for name, (n, first, _) in sums.items()}
    variances = {name: second / n - means[name] ** 2 for name, (n, _, second) in sums.items()}
    return means, variances


def _dequantised(network: bytes) -> dict[str, Tensor]:
    """The weights that a graph in 8 bits computes with, by the names of what its DequantizeLinear make."""
    require("reading an ONNX graph", "export")
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(network).graph
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    found = {}
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in stored:
            continue
        values, scale, zero = (stored[name].astype(np.float64) for name in node.input)
        along = (-1,) + (1,) * (values.ndim - 1)  # by output channel, the first axis
        if scale.size > 1:
            scale, zero = scale.reshape(along), zero.reshape(along)
        name = node.output[0].removesuffix("_DequantizeLinear_Output")
        found[name] = torch.from_numpy(((values - zero) * scale).astype(np.float32))
    return found
