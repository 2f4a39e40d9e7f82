"""The ground, pixel by pixel: road with its markings, kerbs, pavements, verges, shadows, wet patches."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from roadworthy.render.street.canvas import GROUND, Canvas
from roadworthy.render.street.grain import SIDE, fractal, leaves
from roadworthy.render.street.light import linear
from roadworthy.render.street.things.colours import near
from roadworthy.render.street.view import FAR_M, Floats


@dataclass(frozen=True, kw_only=True)
class Road:
    """A road's cross-section, in metres right of its middle.

    lane: width of a lane.  lanes: left and right of the middle.  shoulder: paved, beyond the outermost lane.
    pavement: width of the footway, 0 without; it has a kerb.  median: half the width of what parts the ways.
    left_hand: whether traffic keeps left.  verge: sRGB levels of what lies beyond.  lines: how the
    markings are painted, see `Line`.
    """

    lane: float
    lanes: tuple[int, int]
    shoulder: float
    pavement: float
    median: float
    left_hand: bool
    verge: tuple[float, ...]
    asphalt: float
    lines: tuple[Line, ...] = ()
    crossing: float | None = None
    shade: float = 0.0
    litter: float = 0.0
    patches: float = field(default=0.3)

    def edge(self, side: int) -> float:
        """Where the carriageway ends, on a side of -1 (left) or 1."""
        return side * (self.median + self.lane * self.lanes[0 if side < 0 else 1] + self.shoulder)

    def lane_middle(self, number: int, side: int) -> float:
        """The middle of a lane, 0 nearest to the road's middle."""
        return side * (self.median + self.lane * (number + 0.5))


@dataclass(frozen=True)
class Line:
    """A painted line: where, how wide, how long its strokes are (0 for an unbroken one) and how far apart."""

    across: float
    width: float
    stroke: float
    gap: float
    colour: tuple[int, int, int]


def any_road(rng: Generator, kind: str) -> Road:
    """A road that suits a kind of place."""
    fast = kind == "motorway"
    lanes = (
        int(rng.integers(2, 4))
        if fast
        else 1 + int(rng.random() < (0.35 if kind in ("city", "industrial") else 0.1))
    )
    lane = float(rng.uniform(3.4, 3.8) if fast else rng.uniform(2.6, 3.6))
    median = float(rng.uniform(0.6, 3.0)) if fast else float(rng.random() < 0.1) * 0.8
    kerbed = kind in ("city", "suburb") or (kind == "industrial" and rng.random() < 0.5)
    shoulder = float(rng.uniform(1.0, 3.2)) if fast else float(rng.uniform(0.1, 0.6))
    if kerbed and rng.random() < 0.5:
        shoulder = float(rng.uniform(1.9, 2.6))  # where cars park
    grass = np.array([84, 88, 58]) * rng.uniform(0.65, 1.15) + rng.uniform(-9, 9, 3)
    straw, soil, gravel = np.array([138, 125, 95]), np.array([140, 95, 70]), np.array([130, 125, 115])
    blend = rng.random()
    verge = grass * (1 - blend * 0.6) + straw * blend * 0.6
    if kind == "outback":
        verge = soil * (1 - blend) + straw * blend
    elif kind in ("city", "industrial") and rng.random() < 0.5:
        verge = gravel * rng.uniform(0.7, 1.2)
    white = near(rng, (192, 192, 190), 40)
    yellow = (215, 165, 40)
    wide = float(rng.uniform(0.1, 0.2))
    stroke, gap = ((4.0, 8.0), (3.0, 6.0), (3.0, 9.0), (6.0, 12.0), (2.0, 4.0))[int(rng.integers(5))]
    lines = []
    both = lane * lanes + median
    if median > 0.3:
        lines += [Line(s * (median - 0.2), wide, 0, 0, white) for s in (-1, 1)]
    elif rng.random() < (0.5 if kind == "suburb" else 0.92):
        middle = yellow if rng.random() < 0.15 else white
        double = rng.random() < 0.3
        places = (-0.12, 0.12) if double else (0.0,)
        lines += [Line(p, wide * 0.8, 0 if double else stroke, gap, middle) for p in places]
    for number in range(1, lanes):
        lines += [Line(s * (median + lane * number), wide, stroke, gap, white) for s in (-1, 1)]
    if not kerbed or rng.random() < 0.3:
        outer = yellow if rng.random() < 0.08 else white
        lines += [Line(s * (both - 0.05), wide * rng.uniform(0.8, 1.5), 0, 0, outer) for s in (-1, 1)]
    crossing = float(rng.uniform(8, 60)) if kerbed and rng.random() < 0.2 else None
    return Road(
        lane=lane,
        lanes=(lanes, lanes),
        shoulder=shoulder,
        pavement=float(rng.uniform(1.5, 4.5)) if kerbed else 0.0,
        median=median,
        left_hand=bool(rng.random() < 0.5),
        verge=tuple(float(level) for level in np.clip(verge, 10, 240)),
        asphalt=float(rng.uniform(62, 140)),
        lines=tuple(lines),
        crossing=crossing,
        shade=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.6 else 0.0,
        litter=float(rng.uniform(0.05, 0.5)) if rng.random() < 0.25 else 0.0,
        patches=float(rng.uniform(0, 0.5)),
    )


def paint_ground(canvas: Canvas, road: Road, rng: Generator) -> None:
    """Everything below the skyline that lies flat."""
    view, light = canvas.view, canvas.light
    top = max(0, int(view.skyline()))
    if top >= view.height - 2:
        return
    z = view.rows(top)
    z = np.minimum.accumulate(z)  # behind a crest nothing is seen
    columns = np.arange(view.width, dtype=np.float32) + 0.5 - view.middle
    across = columns[None] * (z / view.focal)[:, None] - view.x(0.0, z)[:, None].astype(np.float32)
    pixel = (z / view.focal)[:, None]  # metres across
    deep = pixel * np.maximum(1.0, z / view.eye)[:, None]  # metres along
    away = np.abs(across)
    left, right = road.edge(-1), road.edge(1)
    paved = _step(across - left, pixel) * _step(right - across, pixel)

    fine = _field(0.5, across, z, 14.0, rng)
    rough = _field(1.2, across, z, 0.9, rng)
    broad = _field(1.5, across, z * 0.2, 1.5, rng)
    close = np.clip(0.02 / deep, 0.0, 1.0)  # grain is lost where a pixel holds many
    reflect = (
        linear(*road.verge)
        * np.clip(1 + 0.4 * close * fine + 0.16 * rough + 0.14 * broad, 0.15, 2.2)[..., None]
    )
    if road.pavement:
        flags = (
            linear(*(rng.uniform(95, 165) + rng.uniform(-6, 7, 3)))
            * (1 + 0.1 * rough + 0.12 * close * fine)[..., None]
        )
        size = rng.uniform(0.25, 0.9)
        joints = ((across / size) % 1 < 0.06) | (((z / size)[:, None] % 1) < 0.06)
        flags *= (1 - 0.35 * joints * np.clip(0.08 / deep, 0, 1))[..., None]
        outer = _step(right + road.pavement - across, pixel) * _step(across - left + road.pavement, pixel)
        _blend(reflect, outer, flags)
        kerb = (
            outer
            * _step(np.maximum(left - across, across - right), pixel)
            * _step(0.22 - np.maximum(left - across, across - right), pixel)
        )
        _blend(reflect, kerb, linear(*(rng.uniform(120, 190) + np.zeros(3)))[None, None])
    tar = linear(*(road.asphalt * np.array([1.0, 1.0, rng.uniform(0.96, 1.06)])))
    grit, worn_by = rng.uniform(0.06, 0.22), rng.uniform(0.0, 0.09)
    tracks = worn_by * np.cos((away - road.median) / road.lane * 4 * np.pi)
    asphalt = np.clip(1 + grit * close * fine + 0.05 * rough + 0.06 * broad + tracks, 0.2, 2.0)
    if road.patches > 0.35:
        asphalt *= 1 - np.float32(rng.uniform(-0.12, 0.3)) * (_field(2.0, across, z * 0.5, 4.0, rng) > 1.1)
    cracks = np.abs(_field(1.6, across, z * 0.6, 6.0, rng)) < 0.012
    asphalt *= 1 - 0.4 * cracks * np.clip(0.03 / deep, 0, 1)
    _blend(reflect, paved, tar * asphalt[..., None])
    worn = np.clip(0.85 + 0.25 * rough + 0.15 * close * fine, 0.05, 1.0)
    for line in road.lines:
        beside = np.abs(across - line.across) - line.width / 2
        mask = np.clip(0.5 - beside / pixel, 0, 1) * np.minimum(1.0, line.width / pixel)
        if line.stroke:
            period = line.stroke + line.gap
            phase = (z + rng.uniform(0, period)) % period
            there = np.clip((line.stroke / 2 - np.abs(phase - line.stroke / 2)) / deep[:, 0] + 0.5, 0, 1)
            there = np.where(deep[:, 0] > period, line.stroke / period, there)
            mask = mask * there[:, None]
        _blend(reflect, mask * worn * paved, linear(*line.colour)[None, None])
    if road.crossing is not None:
        _zebra(reflect, across, z, road.crossing, paved * worn, rng)
    if road.litter:
        _litter(reflect, across, z, road, rng)

    white = light.ambient + light.sun * (0.55 if light.sunny else 1.0)
    lit: Floats = white[None, None]
    if light.sunny and road.shade:
        shade = _shade(across, z, road, rng)
        lit = light.ambient + light.sun * 0.55 * (1 - shade)[..., None]
    if light.beam:
        own = light.beam * np.minimum(4.0, (10 / np.maximum(z, 3.0)) ** 2.0)[:, None]
        spread = np.exp(-((columns / view.focal / 0.45) ** 2))[None]
        lit = lit + (own * spread)[..., None] * np.array([1.0, 0.95, 0.85], dtype=np.float32)
    radiance = reflect * lit
    if light.sunny and light.front < 0.1:  # against the sun the road shines
        radiance += (paved * np.clip(z / 60, 0, 1)[:, None] * 0.25)[..., None] * light.sun
    through = np.exp(-light.fog * z)[:, None, None]
    canvas.radiance[top:] = radiance * through + light.air * (1 - through)
    canvas.owner[top:] = GROUND


def mirror_wet(canvas: Canvas, rng: Generator) -> None:
    """On a wet road the lower part of the picture mirrors what stands above it."""
    light, view = canvas.light, canvas.view
    foot = int(view.skyline()) + 2
    tall = view.height - foot
    if light.wet <= 0 or tall < 8 or foot < 8:
        return
    rows = np.clip(foot - 1 - (np.arange(tall) * rng.uniform(0.7, 1.0)).astype(int), 0, view.height - 1)
    image = canvas.radiance[rows][:, ::4]
    reach = max(1, tall // 30)
    total = np.cumsum(np.pad(image, ((reach, reach + 1), (0, 0), (0, 0)), mode="edge"), axis=0)
    image = np.repeat((total[2 * reach :][:tall] - total[:tall]) / (2 * reach), 4, axis=1)[:, : view.width]
    z = view.rows(foot)
    grazing = np.clip(0.06 + z / 120, 0, 0.6)[:, None] * light.wet
    puddle = np.clip(
        0.6
        + 0.5
        * _field(
            1.6,
            np.zeros((tall, 1), dtype=np.float32)
            + np.arange(view.width, dtype=np.float32)[None] * (z / view.focal)[:, None],
            z * 0.3,
            2.0,
            rng,
        ),
        0,
        1,
    )
    bare = canvas.owner[foot:] == GROUND  # what stands on it is not wet ground
    share = (grazing * puddle * bare)[..., None]
    part = canvas.radiance[foot:]
    part *= 1 - np.float32(0.35 * light.wet) * bare[..., None]
    part += (np.minimum(image, 2.5) - part) * share


def _step(inside: Floats, pixel: Floats) -> Floats:
    """1 where a length is above 0, with an edge one pixel wide."""
    return np.asarray(np.clip(inside / pixel + 0.5, 0, 1))


def _blend(below: Floats, mask: Floats, colour: Floats) -> None:
    below += (colour - below) * mask[..., None]


def _field(fall: float, across: Floats, z: Floats, per_m: float, rng: Generator) -> Floats:
    """A texture that lies on the ground, `per_m` texels a metre."""
    texture = fractal(fall)
    shift = rng.integers(SIDE, size=2)
    column = (across * per_m * 4).astype(np.int32) + int(shift[0])
    row = (z * per_m * 4).astype(np.int32) + int(shift[1])
    column &= SIDE - 1
    row &= SIDE - 1
    found: Floats = texture[row[:, None], column]
    return found


def _zebra(reflect: Floats, across: Floats, z: Floats, at: float, mask: Floats, rng: Generator) -> None:
    """A pedestrian crossing of bars along the road, or two lines over it."""
    long = rng.uniform(2.5, 4.0)
    rows = ((z > at) & (z < at + long)).astype(np.float32)[:, None]
    if rng.random() < 0.6:
        bars = (across % 1.0 < 0.5).astype(np.float32)
    else:
        bars = ((z < at + 0.3) | (z > at + long - 0.3)).astype(np.float32)[:, None]
    _blend(reflect, mask * rows * bars * 0.95, linear(215, 215, 215)[None, None])


def _litter(reflect: Floats, across: Floats, z: Floats, road: Road, rng: Generator) -> None:
    """Fallen leaves, most of them at the road's edge."""
    shade, order = leaves(0)
    shift = rng.integers(SIDE, size=2)
    column = ((across * 150).astype(np.int32) + int(shift[0])) & (SIDE - 1)
    row = ((z * 150).astype(np.int32) + int(shift[1])) & (SIDE - 1)
    when = order[row[:, None], column]
    edge = np.minimum(np.abs(across - road.edge(-1)), np.abs(across - road.edge(1)))
    share = road.litter * np.exp(-edge / 1.2) + 0.02
    colour = (
        linear(*rng.uniform([140, 80, 30], [200, 150, 70])) * (0.4 + shade[row[:, None], column])[..., None]
    )
    _blend(reflect, (when < share).astype(np.float32) * 0.9, colour)


def _shade(across: Floats, z: Floats, road: Road, rng: Generator) -> Floats:
    """Shadows of trees or houses across the road, from one side."""
    side = 1 if rng.random() < 0.5 else -1
    reach = rng.uniform(-4, road.edge(1) * 2)
    blobs = _field(1.7, across * 0.35 + 0.0, z * 0.5, rng.uniform(0.6, 1.6), rng)
    leaf = _field(1.1, across, z * 0.6, rng.uniform(1.5, 4.0), rng)
    deep = np.clip((side * across - road.edge(1) + reach) / 6.0, -2, 1.2)
    dark = blobs + 0.7 * leaf * (rng.random() < 0.8) + 1.6 * deep - rng.uniform(-0.4, 0.9)
    cover = 1 / (1 + np.exp(-np.clip(dark * 6, -20, 20)))
    far = np.clip(z / FAR_M * 3, 0, 1)[:, None]
    return np.asarray(cover * (1 - 0.5 * far) * road.shade, dtype=np.float32)
