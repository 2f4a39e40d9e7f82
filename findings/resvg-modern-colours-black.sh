#!/bin/sh
# resvg-py draws colours in CSS's newer forms as opaque black, and says nothing.
#
# Seen with resvg-py 0.5.0 (resvg 0.48), pillow 12.2.0, CPython 3.11, Linux x86-64.
# A square is filled with blue, written in several ways that browsers take (CSS Color, levels 3 and 4).
#
#   The form with spaces is understood, rgb(0 0 255), and so is hex with opacity, #0000ff80.  The same form with an
#   opacity after a slash is not: it is neither blue nor half transparent, nor refused, but solid black (1).  So are
#   oklch(), hwb(), color() and the name rebeccapurple, which CSS has had since 2014.  Drawing tools write these by now:
#   a sign's red becomes black, and nothing is raised or warned of.  In a style the earlier declaration, which CSS keeps
#   as a fallback for readers that do not know the later one, is lost too (2).
#
# What it printed:
#   rgb(0 0 255)                 0, 0, 255, 255
#   #0000ff80                    0, 0, 255, 128
#   rgb(0 0 255 / 50%)           0, 0, 0, 255
#   hwb(240 0% 0%)               0, 0, 0, 255
#   color(srgb 0 0 1)            0, 0, 0, 255
#   oklch(0.45 0.31 264)         0, 0, 0, 255
#   rebeccapurple                0, 0, 0, 255
#   blue, then oklch() in style  0, 0, 0, 255
#
# Fails where that changes.  Needs python3 with venv, and a package index.
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/try.py" <<'PYTHON'
import io

import resvg_py
from PIL import Image

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" {}/></svg>'
BLACK = (0, 0, 0, 255)


def middle(how):
    png = resvg_py.svg_to_bytes(svg_string=SVG.format(how), width=8, height=8)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA").getpixel((4, 4))


wanted = {
    "rgb(0 0 255)": (0, 0, 255, 255),
    "#0000ff80": (0, 0, 255, 128),
    "rgb(0 0 255 / 50%)": BLACK,
    "hwb(240 0% 0%)": BLACK,
    "color(srgb 0 0 1)": BLACK,
    "oklch(0.45 0.31 264)": BLACK,
    "rebeccapurple": BLACK,
}
found = {colour: middle(f'fill="{colour}"') for colour in wanted}
twice = "blue, then oklch() in style"
wanted[twice] = BLACK
found[twice] = middle('style="fill:blue;fill:oklch(0.45 0.31 264)"')
for how, pixel in found.items():
    print(f"{how:<28} {', '.join(map(str, pixel))}")
assert found == wanted, "resvg draws some of them otherwise now"
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet resvg-py==0.5.0 pillow==12.2.0
"$place/venv/bin/python" "$place/try.py"
