#!/bin/sh
# MNN's converter for Python and the environment that it runs in.
#
# Seen with MNN 3.6.1, onnx 1.23.2, protobuf 7.36.2, CPython 3.11, Linux x86-64.
# The network is one Relu, which onnx's checker takes.
#
#   `python -m MNN.tools.mnnconvert` converts it, and then runs `pip install -U aliyun-log-python-sdk` for its
#   own statistics, without being asked.  That brings ten more packages and an older protobuf: onnx, which the
#   network was written with a moment ago, says by its own requirements that it does not work with it.
#   With PIP_NO_INDEX=1 set, pip finds nothing, and the network is converted all the same.
#
# What it printed:
#   before: protobuf 7.36.2, aliyun-log-python-sdk none
#   converted with PIP_NO_INDEX=1: protobuf 7.36.2, aliyun-log-python-sdk none
#   converted as it is: protobuf 5.29.6, aliyun-log-python-sdk 0.9.52
#   pip check: onnx 1.23.2 has requirement protobuf>=6.31.1, but you have protobuf 5.29.6.
#
# Fails where that changes.  Needs python3 with venv, and a package index.
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
export PATH="$place/env/bin:$PATH" PIP_DISABLE_PIP_VERSION_CHECK=1
pip install --quiet MNN==3.6.1 onnx==1.23.2 protobuf==7.36.2 numpy==2.4.6
cd "$place"
python - <<'PYTHON'
import onnx
from onnx import TensorProto, helper

ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("x", "y")]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "one layer", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
onnx.save(model, "relu.onnx")
PYTHON

version() { pip list 2>/dev/null | awk -v name="$1" 'tolower($1) == name { print $2 }'; }
state() {
    sdk=$(version aliyun-log-python-sdk)
    echo "$1: protobuf $(version protobuf), aliyun-log-python-sdk ${sdk:-none}"
}
convert() {
    rm -f relu.mnn
    python -m MNN.tools.mnnconvert -f ONNX --modelFile relu.onnx --MNNModel relu.mnn --bizCode x >said 2>&1 || true
    test -s relu.mnn
}

state before
test "$(version protobuf)" = 7.36.2
( export PIP_NO_INDEX=1; convert )
state "converted with PIP_NO_INDEX=1"
test "$(version protobuf)" = 7.36.2
test -z "$(version aliyun-log-python-sdk)"
convert
state "converted as it is"
test -n "$(version aliyun-log-python-sdk)" || { echo "it installs nothing now"; exit 1; }
test "$(version protobuf)" != 7.36.2 || { echo "protobuf stays as it is now"; exit 1; }
if complaint=$(pip check 2>/dev/null | grep "^onnx "); then echo "pip check: $complaint"; else
    echo "onnx has nothing to complain of now"; exit 1
fi
echo "as described"
