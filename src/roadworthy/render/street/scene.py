"""A drawn street that a finder can learn from: a camera, a road, what stands beside it, its signs, a lens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from roadworthy.core.errors import UsageError
from roadworthy.render.camera import SEEDS
from roadworthy.render.street.bend import Bend, any_bend
from roadworthy.render.street.canvas import Canvas
from roadworthy.render.street.confetti import draw_street
from roadworthy.render.street.ground import Road, any_road, mirror_wet, paint_ground
from roadworthy.render.street.lens import any_lens, photograph
from roadworthy.render.street.light import any_light
from roadworthy.render.street.photographs import Photograph, lay_photograph, second_lens
from roadworthy.render.street.places import PLACES, Place
from roadworthy.render.street.placing import Job, bridge, furnish, hang_wires
from roadworthy.render.street.result import Street
from roadworthy.render.street.signing import Signs, judged, plan_signs
from roadworthy.render.street.sky import paint_far, paint_sky
from roadworthy.render.street.things.all import HELD_OUT
from roadworthy.render.street.view import View, focal_px

PLAIN = "plain"
RECIPES = (PLAIN, *HELD_OUT)
_WEATHERS = ("sunny", "overcast", "dusk", "night", "rain", "fog")
_CHANCES = (0.36, 0.32, 0.1, 0.08, 0.09, 0.05)


def draw_scene(
    faces: Mapping[str, Tensor],
    generator: torch.Generator,
    *,
    width: int = 1280,
    height: int = 720,
    most: int = 6,
    recipe: str = "street",
    photographs: Sequence[Photograph] = (),
    bare: bool = False,
    bend: Bend | None = None,
) -> Street:
    """A street with up to `most` signs of these faces, some streets with none.

    faces: (N, 4, S, S) RGBA tiles of each class, float32 in [0, 1]; all classes are equally likely.
    recipe: `street` to learn from; `street-val` and `street-test` show kinds of things that it never does.
    photographs: of real streets; where there are any, signs are drawn on one of them.
    bare: the same street without its signs, and none marked.
    bend: how the picture is turned and bowed; drawn too without.
    A sign counts where half of it or more is seen and its larger side is 8 pixels or more; its box is the
    part that is seen.  The rest is among `others`.
    Raises UsageError for an unknown recipe, no faces or a picture under 64 pixels a side.
    """
    if recipe not in HELD_OUT:
        raise UsageError(f"drawn streets have no recipe {recipe!r}; known: {', '.join(HELD_OUT)}")
    if not faces or min(width, height) < 64 or most < 0:
        raise UsageError(
            f"got faces of {len(faces)} classes, most = {most}, {width} x {height} pixels; a street needs at "
            "least one face, no fewer than 0 signs and 64 pixels a side"
        )
    seeds = torch.randint(SEEDS, (6,), generator=generator).tolist()
    layout, looks, furniture, signing, painting, exposing = map(np.random.default_rng, seeds)
    view = any_view(layout, width, height)
    kind = str(layout.choice(list(PLACES), p=(0.17, 0.19, 0.12, 0.18, 0.2, 0.08, 0.06)))
    road = any_road(layout, kind)
    weather = str(looks.choice(_WEATHERS, p=_CHANCES))
    light = any_light(looks, weather)
    view = _in_lane(
        view, layout, road.lane_middle(int(layout.integers(road.lanes[0])), -1 if road.left_hand else 1)
    )

    bend = any_bend(layout, width, height) if bend is None else bend
    if photographs:
        canvas, jobs = lay_photograph(view, photographs, painting), []
    else:
        canvas = Canvas(view, light, painting)
        jobs = _scenery(canvas, road, PLACES[kind], recipe, looks, furniture)
    signs = Signs(faces, bare)
    wanted = int(signing.integers(1, most + 1)) if most and signing.random() > 0.12 else 0
    gantry = most > 0 and kind in ("motorway", "city", "industrial") and signing.random() < 0.2
    others, backs = int(signing.integers(0, 5)), int(signing.integers(0, 3))
    jobs += plan_signs(canvas, road, signing, signs, wanted, others, backs, gantry)
    for _, paint in sorted(jobs, key=lambda one: -one[0]):
        paint()
    mirror_wet(canvas, looks)
    lens = second_lens(exposing) if photographs else any_lens(exposing, weather == "night")
    image = photograph(canvas.radiance, lens, exposing, bend)
    found, rest = judged(canvas, signs, bend)
    return Street(
        image=image,
        boxes=tuple(sign.box for sign in found),
        signs=tuple(sign.name for sign in found),
        others=tuple((sign.box, what) for sign, what in rest),
    )


def _scenery(
    canvas: Canvas, road: Road, place: Place, recipe: str, looks: Generator, furniture: Generator
) -> list[Job]:
    """Paint what lies behind everything; returns what stands before it."""
    paint_sky(canvas, looks)
    end = int(np.clip(canvas.view.skyline(), 4, canvas.view.height))
    canvas.light = replace(canvas.light, haze=canvas.radiance[max(0, end - 30) : end].mean((0, 1)))
    paint_far(canvas, looks, place.far)
    paint_ground(canvas, road, looks)
    if looks.random() < place.wires:
        hang_wires(canvas, looks)
    jobs = furnish(canvas, road, furniture, place, recipe)
    if furniture.random() < 0.06:
        jobs.append(bridge(canvas, road, furniture))
    return jobs


def draw_frame(
    seed: int,
    number: int,
    recipe: str,
    width: int,
    height: int,
    faces: Mapping[str, Tensor],
    photographs: Sequence[Photograph] = (),
) -> Street:
    """Street `number` of a series, whichever others are drawn; `plain` is the recipe of `draw_street`.

    photographs: as for `draw_scene`; the plain recipe has none.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
    if recipe == PLAIN:
        return draw_street(faces, generator, width=width, height=height)
    return draw_scene(faces, generator, width=width, height=height, recipe=recipe, photographs=photographs)


def any_view(rng: Generator, width: int, height: int) -> View:
    """A camera in a windscreen: 50 to 110 degrees across, 1.1 to 2.5 m high, on a bent or straight road."""
    focal = focal_px(width, float(rng.uniform(50, 110) if rng.random() < 0.75 else rng.uniform(55, 75)))
    pitch = float(rng.normal(0.01, 0.035))
    bent, hilly = rng.random() < 0.6, rng.random() < 0.5
    return View(
        width=width,
        height=height,
        focal=focal,
        eye=float(rng.uniform(1.1, 1.7) if rng.random() < 0.8 else rng.uniform(1.7, 2.5)),
        horizon=float(height * rng.uniform(0.42, 0.58) + focal * pitch),
        middle=float(width * (0.5 + rng.normal(0, 0.03))),
        heading=float(rng.normal(0, 0.03)),
        bow=float(rng.choice([-1, 1]) / rng.uniform(120, 1500)) if bent else 0.0,
        rise=float(rng.choice([-1, 1]) / rng.uniform(2500, 12000)) if hilly else 0.0,
    )


def _in_lane(view: View, rng: Generator, lane: float) -> View:
    """The camera in its lane."""
    return replace(view, aside=lane + float(rng.normal(0, 0.3)))
