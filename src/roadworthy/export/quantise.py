"""An ONNX network in 8 bits: weights by output channel, activations by what pictures make of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from roadworthy.core.arrays import ByteArray
from roadworthy.core.extras import require
from roadworthy.core.files import scratch
from roadworthy.inference.bundle import INPUT, STANDARD

LAYERS = ("Conv", "Gemm")
QUANTISED = ("Conv", "Gemm", "Add", "Relu", "AveragePool", "MaxPool", "Concat", "Resize")


class _Pictures:
    """What ONNX Runtime's calibration asks for its batches."""

    def __init__(self, batches: Sequence[ByteArray]) -> None:
        self._batches: Iterator[ByteArray] = iter(batches)

    def get_next(self) -> dict[str, ByteArray] | None:
        """The next batch, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def quantise(
    network: bytes,
    batches: Sequence[ByteArray],
    *,
    whole_heads: bool = False,
    whole_layers: Sequence[int] = (),
    averaged: bool = False,
) -> bytes:
    """Static quantisation of an ONNX model, its preprocessing left in full precision.

    batches: pictures as the network's input takes them, which show the ranges of its activations.
    whole_heads: leave the last layers and all that follows them in full precision: 256 levels are enough for
        features, and too few for a box's place in a frame of 1,280 pixels, or for a hundred close answers.
    whole_layers: leave these in full precision, too; layers are counted from 0, in order of computation.
    averaged: spread the levels over the mean of the batches' ranges, not over the widest that any picture
        reaches: what lies beyond is cut off, and all else is told apart more finely (docs/log.md).
    """
    require("quantising", "export")
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    reader: Any = type("Pictures", (_Pictures, CalibrationDataReader), {})(batches)
    model = onnx.load_from_string(network)
    quiet, level = logging.getLogger(), logging.getLogger().level
    quiet.setLevel(logging.ERROR)  # it advises every caller of something that was done
    try:
        with scratch() as folder:
            target = folder / "int8.onnx"
            quantize_static(
                model,
                str(target),
                reader,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(QUANTISED),
                nodes_to_exclude=[
                    *_preprocessing(model),
                    *(_heads(model) if whole_heads else ()),
                    *(name for number, name in enumerate(_layers(model)) if number in whole_layers),
                ],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"CalibMovingAverage": averaged},
            )
            found = onnx.load(str(target))
    finally:
        quiet.setLevel(level)
    del found.metadata_props[:]
    found.producer_name = found.producer_version = ""
    for entry in [entry for entry in found.opset_import if entry.domain not in STANDARD]:
        found.opset_import.remove(entry)  # named by habit, used by nothing: bundle.seal looks
    del found.graph.value_info[:]
    data: bytes = found.SerializeToString()
    return data


def _preprocessing(model: Any) -> list[str]:
    """Names of the nodes that the first convolution's input is made by."""
    maker = {name: node for node in model.graph.node for name in node.output}
    first = next(node for node in model.graph.node if node.op_type == "Conv")
    queue, found = [first.input[0]], []
    while queue:
        node = maker.get(queue.pop())
        if node is not None:
            found.append(node.name)
            queue += node.input
    return found


def _layers(model: Any) -> list[str]:
    """Names of the nodes with weights, in order of computation."""
    return [node.name for node in model.graph.node if node.op_type in LAYERS]


def _heads(model: Any) -> list[str]:
    """Names of the nodes from which no further layer is reached: the last ones, and what follows them."""
    takers: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            takers.setdefault(name, []).append(node)
    before: dict[str, bool] = {}  # by node: whether a layer comes after it
    for node in reversed(model.graph.node):  # in order of computation
        after = [taker for name in node.output for taker in takers.get(name, ())]
        before[node.name] = any(one.op_type in LAYERS or before[one.name] for one in after)
    return [node.name for node in model.graph.node if not before[node.name]]
