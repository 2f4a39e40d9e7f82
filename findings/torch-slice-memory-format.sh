#!/bin/sh
# torch and a strided slice of a channels-last tensor: its gradient comes back in the other memory format.
#
# Seen with torch 2.13.0 (CPU), CPython 3.11, Linux x86-64.
# x is a channels-last activation; y takes every second pixel, as the shortcut of a ResNet for CIFAR-10 does.
#
#   y is a view in which a pixel's channels still lie together; the gradient for x is laid out plane by plane.  Every
#   operation before it then works on two formats, which is slow, and a profile blames those operations (ReLU's
#   backward pass, say), not the slice.  avg_pool2d with a window of one pixel is the same function and keeps the format.
#
# What it printed:
#   slice: gradient's strides (512, 64, 8, 1), channels-last False
#   avg_pool2d(x, 1, 2): gradient's strides (512, 1, 64, 8), channels-last True
#
# Fails where that changes.  Needs python3 with venv, and a package index (about 0.2 GB, more where it has
# no builds for the CPU alone).
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/try.py" <<'PYTHON'
import torch
import torch.nn.functional as F

LAST = torch.channels_last


def gradient(function):
    """What the activation gets, when what `function` makes of it gets a channels-last gradient."""
    seen = []
    weights = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    x = weights.to(memory_format=LAST).requires_grad_() * 1.0
    x.register_hook(seen.append)
    y = function(x)
    y.backward(torch.ones_like(y))
    return y, seen[0]


sliced, by_slice = gradient(lambda x: x[:, :, ::2, ::2])
pooled, by_pool = gradient(lambda x: F.avg_pool2d(x, 1, 2))
for name, found in (("slice", by_slice), ("avg_pool2d(x, 1, 2)", by_pool)):
    print(f"{name}: gradient's strides {found.stride()}, channels-last {found.is_contiguous(memory_format=LAST)}")
assert torch.equal(sliced, pooled) and torch.equal(by_slice, by_pool), "they are no longer the same function"
assert sliced.stride(1) == 1, "the slice's own channels no longer lie together"
assert not by_slice.is_contiguous(memory_format=LAST), "the slice's gradient keeps the format now"
assert by_pool.is_contiguous(memory_format=LAST), "the pool's gradient no longer keeps the format"
PYTHON

python3 -m venv "$place/env"
"$place/env/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$place/env/bin/python" "$place/try.py"
echo "as described"
