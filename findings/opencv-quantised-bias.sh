#!/bin/sh
# OpenCV's dnn and a fully connected layer of 8 bits whose bias is quantised too (int32, behind a
# DequantizeLinear), as ONNX Runtime's quantiser writes every such layer.
#
# Seen with opencv-python-headless 4.14.0.94 and 5.0.0.93, onnx 1.22.0, numpy 2.4.6, CPython 3.11, Linux x86-64.
# The network is one Gemm of 16 inputs and 5 outputs, weights random, all biases 5.  It is drawn here, and
# onnx's checker and its reference implementation take it.  Distances are from that reference.
#
#   4.14.0   The first row of a batch is right, all others are wrong, and nothing is raised.  The same
#            rows, given one at a time, are right.  So are batches where the bias is a plain float.
#   5.0.0    The default engine raises an assertion (bufidx >= 0 in argTensor) once the output is quantised as
#            well; without that, or with ENGINE_CLASSIC, the same layer is right in every row.
#
# What it printed (the large numbers differ from run to run):
#   4.14.0 float bias: batch of 4: 0 0 0 0, one at a time: 0 0 0 0
#   4.14.0 quantised bias: batch of 4: 0 1.16e+27 1.81e+28 5, one at a time: 0 0 0 0
#   5.0.0 float bias: batch of 4: 0 0 0 0, one at a time: 4.77e-07 2.38e-07 4.77e-07 4.77e-07
#   5.0.0 quantised bias: batch of 4: 0 0 0 0, one at a time: 4.77e-07 2.38e-07 9.54e-07 4.77e-07
#   5.0.0 quantised bias and output, ENGINE_CLASSIC: batch of 4: 0 0 0 0, one at a time: 0 0 0 0
#   5.0.0 quantised bias and output, default engine: bufidx >= 0 in argTensor
#
# Fails where either behaviour changes.  Needs python3 with venv, and a package index.
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/try.py" <<'PYTHON'
import sys

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

INPUTS, OUTPUTS, ROWS = 16, 5, 4
LEVEL, WEIGHT, OUT = np.float32(2 / 255), np.float32(1 / 63), np.float32(0.1)


def network(quantised_bias, quantised_output):
    rng = np.random.default_rng(0)
    values = {
        "weights": rng.integers(-63, 64, (OUTPUTS, INPUTS)).astype(np.int8),
        "weight_scale": WEIGHT,
        "weight_zero": np.int8(0),
        "level": LEVEL,
        "middle": np.uint8(128),
        "out_scale": OUT,
        "bias_levels": np.full(OUTPUTS, round(5 / (LEVEL * WEIGHT)), np.int32),
        "bias_scale": LEVEL * WEIGHT,
        "bias_zero": np.int32(0),
    }
    if not quantised_bias:
        values["bias"] = np.full(OUTPUTS, 5, np.float32)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "level", "middle"], ["x8"]),
        helper.make_node("DequantizeLinear", ["x8", "level", "middle"], ["xd"]),
        helper.make_node("DequantizeLinear", ["weights", "weight_scale", "weight_zero"], ["w"]),
    ]
    if quantised_bias:
        nodes.append(helper.make_node("DequantizeLinear", ["bias_levels", "bias_scale", "bias_zero"], ["bias"]))
    nodes.append(helper.make_node("Gemm", ["xd", "w", "bias"], ["g" if quantised_output else "y"], transB=1))
    if quantised_output:
        nodes.append(helper.make_node("QuantizeLinear", ["g", "out_scale", "middle"], ["g8"]))
        nodes.append(helper.make_node("DequantizeLinear", ["g8", "out_scale", "middle"], ["y"]))
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "one layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", OUTPUTS])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def distances(model, *engine):
    """Of each row from the reference: all rows at once, and one at a time."""
    onnx.save(model, sys.argv[1])
    x = np.random.default_rng(1).uniform(-1, 1, (ROWS, INPUTS)).astype(np.float32)
    wanted = ReferenceEvaluator(model).run(None, {"x": x})[0]
    net = cv2.dnn.readNetFromONNX(sys.argv[1], *engine)
    net.setInput(x, "x")
    batch = net.forward().copy()
    alone = []
    for row in x:
        net.setInput(row[None], "x")
        alone.append(net.forward()[0].copy())
    return [np.abs(given - wanted).max(axis=1) for given in (batch, np.array(alone))]


def said(name, batch, alone):
    rows = [" ".join(f"{distance:.3g}" for distance in one) for one in (batch, alone)]
    print(f"{cv2.__version__} {name}: batch of {ROWS}: {rows[0]}, one at a time: {rows[1]}")


RIGHT = 0.11  # one level of the output
plain = distances(network(False, False))
said("float bias", *plain)
assert max(map(np.max, plain)) < RIGHT, "a float bias is no longer read right"
if cv2.__version__.startswith("4."):
    batch, alone = distances(network(True, False))
    said("quantised bias", batch, alone)
    assert alone.max() < RIGHT and batch[0] < RIGHT, "single rows are no longer right"
    assert not (batch[1:] < 1).any(), "rows after the first are right now"
else:
    right = distances(network(True, False))
    said("quantised bias", *right)
    assert max(map(np.max, right)) < RIGHT, "a quantised bias is no longer read right"
    classic = distances(network(True, True), cv2.dnn.ENGINE_CLASSIC)
    said("quantised bias and output, ENGINE_CLASSIC", *classic)
    assert max(map(np.max, classic)) < RIGHT, "ENGINE_CLASSIC no longer reads it right"
    try:
        distances(network(True, True))
    except cv2.error as error:
        print(f"{cv2.__version__} quantised bias and output, default engine: {error.err} in {error.func}")
        assert "bufidx >= 0" in error.err, "it fails in another way"
    else:
        raise SystemExit("the default engine reads it now")
PYTHON

for version in 4.14.0.94 5.0.0.93; do
    python3 -m venv "$place/$version"
    "$place/$version/bin/pip" install --quiet --disable-pip-version-check \
        "opencv-python-headless==$version" onnx==1.22.0 numpy==2.4.6
    "$place/$version/bin/python" "$place/try.py" "$place/layer.onnx"
done
echo "as described"
