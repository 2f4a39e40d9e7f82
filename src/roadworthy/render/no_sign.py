"""Pictures of the class `no-sign`: what a detector takes for a sign."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from roadworthy.imaging import ops
from roadworthy.render.backdrops import words
from roadworthy.render.camera import SEEDS, Camera, among, check_faces, only, pyramid, shrink_and_warp
from roadworthy.render.effects import (
    Random,
    Scene,
    any_colours,
    axes,
    batch,
    boxes,
    lay,
    pixel,
    planes,
    premultiplied,
    scene_colours,
    strokes,
)

_SATURATION = 0.25  # of things: their own, since the fixed recipes show them too


def no_sign(
    camera: Camera,
    count: int,
    generator: torch.Generator,
    faces: Tensor | None = None,
    photographs: Tensor | None = None,
    *,
    misframed: float = 0.0,
    things: Tensor | None = None,
    distracting: float = 0.0,
    rows: Tensor | None = None,
) -> Tensor:
    """`count` of a camera's pictures of the class `no-sign`, float32 in [0, 1], on the generator's device.

    A quarter shows ground only; the others shapes, poles and wires, wheels and lamps, words, and, where
    `faces` (N, 4, S, S) are given, corners of signs and signs from behind; all through the camera's light
    and lens.
    A corner shows at most a fifth of a sign's width or of its height: too little to know it by.
    misframed: the share that shows a sign as no picture of it would: far too small, so near that only its
    inside is seen, or by half outside.  A network that looks for signs in windows must know these too.
    distracting: the share that shows one of `things` (N, 4, S, S), which look much like signs, as signs are.
    rows: which of the `count` are made, as they are in the whole, in any order and as often as named; all
    without.
    """
    size, device = camera.size, generator.device
    drawn = camera.draw(count, generator, device)
    seeds = torch.randint(SEEDS, (len(_THINGS) + 1,), generator=generator, device=device).tolist()
    kind = (torch.rand(count, generator=generator, device=device) * 8).long().clamp_max(7)
    if rows is None:
        rows = torch.arange(count, device=device)
    else:
        drawn = [only(one, rows, torch.ones(count, device=device)) for one in drawn]
    made = len(rows)
    scene = Scene(
        signs=torch.zeros(made, 1, size, size, device=device),
        matrices=torch.eye(3, device=device).repeat(made, 1, 1),
        extents=torch.ones(made, 2, device=device),
        neighbours=None,
        photographs=photographs,
        rows=torch.arange(made, device=device),
    )
    # Poles and boards too: a pole without its sign, an empty board.
    pictures = camera.apply("behind", torch.full((made, 3, size, size), 0.5, device=device), scene, drawn)
    kinds: list[Callable[[Tensor, Random], Tensor]] = list(_THINGS)
    if faces is not None and len(faces):
        check_faces(faces)
        tiles = premultiplied(faces.to(device))
        kinds += [lambda p, r: _corners(p, tiles, r), lambda p, r: _backs(p, tiles, r)]
        seeds += torch.randint(SEEDS, (2,), generator=generator, device=device).tolist()
    for number, thing in enumerate(kinds):
        _change(pictures, thing, kind == number + 2, rows, seeds[number])
    if misframed:
        if faces is None or not len(faces):
            raise ValueError("signs that are misframed need faces")
        chosen = torch.rand(count, generator=generator, device=device) < misframed
        seed = int(torch.randint(SEEDS, (1,), generator=generator, device=device))
        _change(pictures, lambda p, r: _misframed(p, tiles, r), chosen, rows, seed)
    if distracting:
        if things is None or not len(things):
            raise ValueError("distracting needs things to show")
        laid = premultiplied(things.to(device))
        chosen = torch.rand(count, generator=generator, device=device) < distracting
        seed = int(torch.randint(SEEDS, (1,), generator=generator, device=device))
        _change(pictures, lambda p, r: _distractors(p, laid, r), chosen, rows, seed)
    return camera.expose(pictures, scene, drawn)


def _change(
    pictures: Tensor, thing: Callable[[Tensor, Random], Tensor], chosen: Tensor, rows: Tensor, seed: int
) -> None:
    """Lay a thing over those of the pictures, which are `rows` of the whole batch, that are chosen there."""
    here = chosen[rows].nonzero()[:, 0]
    if len(here):
        random = Random(seed, rows.device, rows.device).only(*among(chosen, rows))
        pictures[here] = thing(pictures[here], random)


def _shapes(pictures: Tensor, random: Random) -> Tensor:
    """Up to four boxes and ellipses of any colour; one alone may look like a blank sign, which is none."""
    count, shapes = batch(pictures), 4
    shape = random.uniform(count, shapes, 5, low=-1)
    shape[..., 2:4] = 0.08 + 0.6 * shape[..., 2:4].abs()
    x, y = axes(pictures)
    there = (random.uniform(count, shapes, 1, 1) < 0.6).float()
    masks = boxes(x, y, shape, pixel(pictures), random.uniform(count, shapes, 1, 1) < 0.5)
    return lay(pictures, masks * there, any_colours(random, count, shapes))


def _poles_and_wires(pictures: Tensor, random: Random) -> Tensor:
    """Five straight things from end to end, nearly upright or level."""
    count, lines = batch(pictures), 5
    along = random.uniform(count, lines, 1, low=-1)
    lean = along + random.normal(count, lines, 1) * 0.15
    far = torch.full_like(along, 1.3)
    level = random.uniform(count, lines, 1) < 0.3
    upright = torch.cat([along, -far, lean, far], dim=2)
    ends = torch.where(level, upright[..., [1, 0, 3, 2]], upright)
    width = random.uniform(count, lines).square() * 0.2 + 0.01
    x, y = axes(pictures)
    colours = scene_colours(random, count, lines, saturation=_SATURATION)
    return lay(pictures, strokes(x, y, ends, width, pixel(pictures)), colours)


def _wheels_and_lamps(pictures: Tensor, random: Random) -> Tensor:
    """A round thing in two rings: a dark tyre with a pale hub, or a bright lamp in a dark housing."""
    count = batch(pictures)
    outer = random.uniform(count, 1, 5, low=-0.4, high=0.4)
    outer[..., 2:4] = random.uniform(count, 1, 1, low=0.3, high=1.0)
    outer[..., 3] *= random.uniform(count, 1, low=0.6, high=1.0)
    inner, core = outer.clone(), outer.clone()
    inner[..., 2:4] *= random.uniform(count, 1, 1, low=0.45, high=0.75)
    core[..., 2:4] *= 0.2
    x, y = axes(pictures)
    masks = boxes(x, y, torch.cat([core, inner, outer], dim=1), pixel(pictures), round_=True)
    spokes = random.uniform(count, 6, high=3.1416)
    ends = outer[:, :, :2].expand(-1, 6, -1)
    reach = torch.stack([spokes.cos(), spokes.sin()], dim=2) * inner[:, :, 2:4] * 0.9
    bars = strokes(
        x, y, torch.cat([ends - reach, ends + reach], dim=2), inner[:, :, 2] * 0.06, pixel(pictures)
    )
    colours = scene_colours(random, count, 9, saturation=_SATURATION)
    colours[:, 8] *= 0.3  # tyres and housings are dark
    return lay(pictures, torch.cat([masks[:, :1], bars, masks[:, 1:]], dim=1), colours)


def _words(pictures: Tensor, random: Random) -> Tensor:
    """A shop's board, a number plate, a poster: marks in rows on one colour."""
    count = batch(pictures)
    shape = random.uniform(count, 5, low=-0.3, high=0.3)
    shape[:, 2:3] = random.uniform(count, 1, low=0.5, high=1.3)
    shape[:, 3:4] = random.uniform(count, 1, low=0.2, high=0.8)
    shape[:, 4] = 0.0
    x, y = axes(pictures)
    ground, ink = any_colours(random, count), any_colours(random, count)
    pictures = lay(pictures, boxes(x, y, shape[:, None], pixel(pictures)), ground[:, None])
    return words(pictures, x, y, shape, ink, random)


def _corners(pictures: Tensor, faces: Tensor, random: Random) -> Tensor:
    """A sign so near and so far aside that only an edge of it shows."""
    count, size = batch(pictures), pictures.shape[-1]
    chosen = _pick(random, count, faces)
    # The tile's border comes to within a fifth of the sign from the picture's border, on one or two sides.
    zoom = random.uniform(count, low=0.8, high=2.5)
    shown = random.uniform(2, count, low=0.05, high=0.4) * zoom
    side = torch.where(random.uniform(2, count) < 0.5, -1.0, 1.0)
    away = side * (1 + zoom - shown)
    both = random.uniform(count) < 0.4
    flat = random.uniform(count) < 0.5
    beside = random.uniform(2, count, low=-0.4, high=0.4)
    matrices = torch.diag_embed(torch.stack([zoom, zoom, torch.ones_like(zoom)], dim=1))
    matrices[:, 0, 2] = torch.where(both | flat, away[0], beside[0])
    matrices[:, 1, 2] = torch.where(both | ~flat, away[1], beside[1])
    drawn = shrink_and_warp([faces[chosen]], matrices, size)
    return torch.addcmul(drawn[:, :3], pictures, 1 - drawn[:, 3:])


def _misframed(pictures: Tensor, faces: Tensor, random: Random) -> Tensor:
    """Signs at the wrong scale or place: a third each too small, too near, half outside."""
    count, size = batch(pictures), pictures.shape[-1]
    chosen = _pick(random, count, faces)
    u = random.uniform(count)
    place = random.uniform(count, 2, low=-1)
    kind = random.uniform(count)
    small, near, beside = 0.08 + 0.14 * u, 3.0 + 3.0 * u.square(), 0.7 + 0.7 * u
    # Anywhere in the picture; the picture anywhere inside of the sign; 0.3 to 0.45 of the sign within it.
    shown = random.uniform(count, low=0.3, high=0.45)
    out = (1 + beside * (1 - 2 * shown))[:, None] * place.sign()
    sideways = (random.uniform(count) < 0.5)[:, None] == torch.tensor([True, False], device=pictures.device)
    scale = torch.where(kind < 1 / 3, small, torch.where(kind < 2 / 3, near, beside))
    inner = place * torch.where(kind < 1 / 3, 0.9, near * 0.7 - 1)[:, None]
    shift = torch.where((kind < 2 / 3)[:, None], inner, torch.where(sideways, out, 0.0))
    drawn = shrink_and_warp(pyramid(faces[chosen], 4), ops.compose(ops.zoom(scale), _shift(shift)), size)
    return torch.addcmul(drawn[:, :3], pictures, 1 - drawn[:, 3:])


def _distractors(pictures: Tensor, things: Tensor, random: Random) -> Tensor:
    """Things of a sign's size in a sign's place: turned, squeezed, and in other tints."""
    count, size = batch(pictures), pictures.shape[-1]
    chosen = _pick(random, count, things)
    scale = random.uniform(count, low=0.45, high=1.3)
    squeezed = random.uniform(count, low=0.65, high=1.0)
    across = torch.where(random.uniform(count) < 0.5, squeezed, 1.0)
    matrices = ops.compose(
        ops.rotation(random.normal(count) * 10),
        ops.zoom(scale * across, scale),
        _shift(random.uniform(count, 2, low=-0.35, high=0.35)),
    )
    drawn = shrink_and_warp(pyramid(things[chosen], 4), matrices, size)
    gains = planes(random.uniform(count, 3, low=0.65, high=1.1))
    return torch.addcmul(drawn[:, :3] * gains, pictures, 1 - drawn[:, 3:]).clamp_(0.0, 1.0)


def _backs(pictures: Tensor, faces: Tensor, random: Random) -> Tensor:
    """Signs from behind: their outlines in the grey of bare metal, a pole before them."""
    count, size = batch(pictures), pictures.shape[-1]
    chosen = _pick(random, count, faces)
    scale = random.uniform(count, low=0.4, high=1.0)
    matrices = ops.compose(
        ops.zoom(scale),
        ops.rotation(random.normal(count) * 6),
        _shift(random.uniform(count, 2, low=-0.2, high=0.2)),
    )
    mask = shrink_and_warp([faces[chosen]], matrices, size)[:, 3:]
    x, y = axes(pictures)
    middle = matrices[:, :2, 2]
    half = 0.12 * scale
    pole = torch.stack(
        [middle[:, 0], torch.ones_like(half), half, torch.full_like(half, 1.6), half * 0], dim=1
    )
    masks = torch.cat([boxes(x, y, pole[:, None], pixel(pictures)), mask], dim=1)
    grey = random.uniform(count, 2, 1, low=0.2, high=0.7) * random.uniform(count, 1, 3, low=0.9, high=1.1)
    return lay(pictures, masks, grey.clamp(0.0, 1.0))


def _pick(random: Random, count: int, faces: Tensor) -> Tensor:
    return (random.uniform(count) * len(faces)).long().clamp_max(len(faces) - 1)


def _shift(by_B2: Tensor) -> Tensor:
    return ops.translation(by_B2[:, 0] / 2, by_B2[:, 1] / 2)


_THINGS: tuple[Callable[[Tensor, Random], Tensor], ...] = (
    _shapes,
    _poles_and_wires,
    _wheels_and_lamps,
    _words,
)
