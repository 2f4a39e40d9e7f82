#!/bin/sh
# Pillow 13 and the pixels of Image.resize, for pictures that are shrunk more in height than in width.
#
# Seen with pillow 12.3.0 and 13.0.0, numpy 2.4.6, CPython 3.11, Linux x86-64.
# The pictures are random RGB; each is resized by both versions with the bilinear filter.
#
#   Pillow resizes in two passes and rounds to 8 bits between them.  12.3.0 always takes the rows first; 13.0.0
#   takes the columns first where that leaves less work.  An eighth to a fifth of the values then differ by one level.
#   Pictures that are square, or shrunk more in width, are the same byte for byte.
#   So hashes of resized pictures change with the version, and code that repeats Pillow's arithmetic elsewhere
#   (in a browser, in C) has to know which version it follows.
#
# What it printed:
#   60 x 400 to 20 x 40: 314 of 2400 values differ, by at most 1
#   64 x 90 to 48 x 48: 1394 of 6912 values differ, by at most 1
#   200 x 200 to 50 x 50: 0 of 7500 values differ, by at most 0
#   400 x 60 to 40 x 20: 0 of 2400 values differ, by at most 0
#
# Fails where that changes.  Needs python3 with venv, and a package index.
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/resize.py" <<'PYTHON'
import sys

import numpy as np
from PIL import Image

rng = np.random.default_rng(0)
resized = {}
for (width, height), to in {(60, 400): (20, 40), (64, 90): (48, 48), (200, 200): (50, 50), (400, 60): (40, 20)}.items():
    picture = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    name = f"{width} x {height} to {to[0]} x {to[1]}"
    resized[name] = np.asarray(picture.resize(to, Image.Resampling.BILINEAR))
np.savez(sys.argv[1], **resized)
PYTHON
cat > "$place/compare.py" <<'PYTHON'
import sys

import numpy as np

old, new = (np.load(path) for path in sys.argv[1:])
for name in old:
    apart = np.abs(old[name].astype(int) - new[name].astype(int))
    print(f"{name}: {np.count_nonzero(apart)} of {apart.size} values differ, by at most {apart.max()}")
    width, height, to_width, to_height = (int(word) for word in name.split() if word.isdigit())
    taller = height / to_height > width / to_width
    assert bool(apart.any()) == taller, f"{name}: not as described"
    assert apart.max() <= 1, f"{name}: more than rounding"
PYTHON

for version in 12.3.0 13.0.0; do
    python3 -m venv "$place/$version"
    "$place/$version/bin/pip" install --quiet --disable-pip-version-check "pillow==$version" numpy==2.4.6
    "$place/$version/bin/python" "$place/resize.py" "$place/$version.npz"
done
"$place/13.0.0/bin/python" "$place/compare.py" "$place/12.3.0.npz" "$place/13.0.0.npz"
echo "as described"
