"""What stands where in a kind of place: walls, trees, furniture, traffic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from roadworthy.render.street.canvas import Canvas, Figure
from roadworthy.render.street.ground import Road
from roadworthy.render.street.light import linear
from roadworthy.render.street.pen import Pen, shaded
from roadworthy.render.street.places import Place
from roadworthy.render.street.texture import Texture
from roadworthy.render.street.things.all import HELD_OUT, THINGS
from roadworthy.render.street.things.colours import grey
from roadworthy.render.street.walls import WALLS, stand_gable

Job = tuple[float, Callable[[], None]]
"""How far away something is, and what paints it."""


def furnish(canvas: Canvas, road: Road, rng: Generator, place: Place, recipe: str) -> list[Job]:
    """All that stands in a place but its signs."""
    jobs: list[Job] = []
    for side in (-1, 1):
        kerb = road.edge(side) + side * road.pavement
        jobs += _walls(canvas, kerb, side, rng, place)
        jobs += _trees(canvas, kerb, side, rng, place)
        if rng.random() < 0.4:  # gardens and parks behind
            jobs += _trees(canvas, kerb + side * rng.uniform(5, 15), side, rng, place)
        if rng.random() < place.parked:
            jobs += _parked(canvas, road, side, rng)
    for side in (-1, 1):
        if rng.random() < place.behind:
            kerb = road.edge(side) + side * road.pavement
            jobs += _along(
                canvas,
                rng,
                "wood",
                kerb + side * float(rng.uniform(6, 30)),
                4.0,
                220.0,
                gaps=rng.random() < 0.5,
            )
            jobs += _trees(canvas, kerb + side * 6, side, rng, place)
    jobs += _furniture(canvas, road, rng, place, recipe)
    jobs += _traffic(canvas, road, rng, place)
    if road.median > 0.5:
        wall, kind = (
            (road.median - 0.3) * (1 if rng.random() < 0.5 else -1),
            rng.choice(["rail", "hedge"], p=[0.8, 0.2]),
        )
        jobs += _along(canvas, rng, str(kind), wall, 3.0, 200.0)
    return jobs


def job(canvas: Canvas, kind: str, rng: Generator, x: float, z: float) -> Job:
    """A thing that stands at x, z."""
    figure = THINGS.get(kind)(rng, canvas.light)
    return z, lambda: canvas.stand(figure, x, z)


def _walls(canvas: Canvas, kerb: float, side: int, rng: Generator, place: Place) -> list[Job]:
    jobs: list[Job] = []
    if rng.random() > place.walled:
        return jobs
    back = rng.uniform(*place.back)
    kind = str(rng.choice(place.walls))
    if kind in ("houses", "shops"):
        z = rng.uniform(-12, 4)
        while z < 150:
            long = rng.uniform(6, 18)
            here = kerb + side * (back + rng.uniform(0, 0.4 + back * 0.3))
            kind = str(rng.choice([k for k in place.walls if k in ("houses", "shops")]))
            jobs += _house(canvas, rng, kind, here, side, z, long)
            z += long
            if rng.random() < 0.25:
                z += rng.uniform(2, 14)
        if back > 2.0 and rng.random() < 0.7:
            jobs += _along(
                canvas,
                rng,
                str(rng.choice(["hedge", "fence", "masonry"])),
                kerb + side * 0.2,
                3.0,
                120.0,
                gaps=True,
            )
        return jobs
    jobs += _along(
        canvas, rng, kind, kerb + side * back, rng.uniform(1.5, 15), rng.uniform(60, 200), gaps=kind != "rail"
    )
    if rng.random() < 0.4:
        jobs += _along(
            canvas, rng, str(rng.choice(place.walls)), kerb + side * (back + rng.uniform(3, 15)), 4.0, 120.0
        )
    return jobs


def _house(
    canvas: Canvas, rng: Generator, kind: str, across: float, side: int, z: float, long: float
) -> list[Job]:
    """The front along the road, and the gable that looks at us."""
    if z + long < 2:
        return []
    texture, bottom, top = WALLS.get(kind)(rng, canvas.light, long)
    jobs: list[Job] = [(z + long / 2, lambda: canvas.strip(texture, across, z, z + long, top, bottom, 0.12))]
    if rng.random() < 0.35 and z > 5:
        wide = rng.uniform(6, 11)
        foot = float(canvas.view.x(across, z))
        left = foot if side > 0 else foot - wide
        seed = int(rng.integers(2**31))
        jobs.append(
            (
                z - 0.1,
                lambda: stand_gable(canvas, np.random.default_rng(seed), left, z, wide, kind == "shops"),
            )
        )
    return jobs


def _along(
    canvas: Canvas, rng: Generator, kind: str, across: float, near: float, far: float, gaps: bool = False
) -> list[Job]:
    """A wall in pieces of some metres, so that it bends with the road and sorts with what stands near."""
    jobs: list[Job] = []
    long = 14.0 if kind != "masonry" else 9.0
    texture, bottom, top = WALLS.get(kind)(rng, canvas.light, long)
    z = near
    while z < far:
        here = texture, z, long
        if not (gaps and rng.random() < 0.12):
            jobs.append((z + 0.5 * long, _strip(canvas, here, across, top, bottom)))
        z += long
        long = min(60.0, long * 1.25) if z > 60 else long
    return jobs


def _strip(
    canvas: Canvas,
    here: tuple[Texture, float, float],
    across: float,
    top: float,
    bottom: float,
) -> Callable[[], None]:
    texture, z, long = here
    return lambda: canvas.strip(texture, across, z, z + long, top, bottom, 0.12)


def _trees(canvas: Canvas, kerb: float, side: int, rng: Generator, place: Place) -> list[Job]:
    jobs: list[Job] = []
    if rng.random() < 0.15:
        return jobs
    apart = rng.uniform(*place.trees)
    off = rng.uniform(0.8, 6.0)
    kinds = rng.choice(place.kinds, size=2)
    z = rng.uniform(3, 6 + apart)
    while z < 160 and len(jobs) < 22:
        across = kerb + side * (off + abs(rng.normal(0, 1 + off * 0.5)))
        jobs.append(job(canvas, str(kinds[int(rng.integers(2))]), rng, float(canvas.view.x(across, z)), z))
        z += apart * rng.uniform(0.5, 1.5) * (1 + z / 60)
    return jobs


def _parked(canvas: Canvas, road: Road, side: int, rng: Generator) -> list[Job]:
    jobs: list[Job] = []
    across = road.edge(side) - side * 1.0 if road.shoulder > 1.8 else road.edge(side) + side * 0.6
    towards = (side > 0) == road.left_hand
    z = rng.uniform(5, 14)
    while z < 90 and len(jobs) < 9:
        if rng.random() < 0.75:
            kind = "car-front" if towards else "car-rear"
            jobs.append(
                job(
                    canvas,
                    "truck-rear" if rng.random() < 0.08 and not towards else kind,
                    rng,
                    float(canvas.view.x(across, z)),
                    z,
                )
            )
        z += rng.uniform(5.2, 8.0)
    return jobs


def _traffic(canvas: Canvas, road: Road, rng: Generator, place: Place) -> list[Job]:
    jobs: list[Job] = []
    own = -1 if road.left_hand else 1
    taken: list[tuple[int, int, float]] = []
    for _ in range(int(rng.integers(place.cars[0], place.cars[1] + 1))):
        side = own if rng.random() < 0.55 else -own
        lane = int(rng.integers(road.lanes[0 if side < 0 else 1]))
        z = float(6 * 25 ** rng.random())
        if any(a == side and b == lane and abs(c - z) < 8 for a, b, c in taken):
            continue
        taken.append((side, lane, z))
        large = rng.random() < 0.16
        kind = (
            ("truck-rear" if large else "car-rear")
            if side == own
            else ("truck-front" if large else "car-front")
        )
        if rng.random() < 0.05:
            kind = "cyclist"
        across = road.lane_middle(lane, side) + rng.normal(0, 0.25)
        jobs.append(job(canvas, kind, rng, float(canvas.view.x(across, z)), z))
    return jobs


def _furniture(canvas: Canvas, road: Road, rng: Generator, place: Place, recipe: str) -> list[Job]:
    jobs: list[Job] = []
    for _ in range(int(rng.integers(place.pieces[0], place.pieces[1] + 1))):
        kind = str(rng.choice(place.furniture))
        if HELD_OUT[recipe] and rng.random() < 0.15:
            kind = str(rng.choice(HELD_OUT[recipe]))
        side = -1 if rng.random() < 0.5 else 1
        z = float(5 * 25 ** rng.random())
        across = road.edge(side) + side * (
            0.3 + road.pavement * rng.random() + (0 if road.pavement else 1.5 * rng.random())
        )
        if kind in ("pylon", "truck-side", "billboard", "price-pillar", "car-side"):
            z = max(z, 18.0) if kind != "pylon" else float(rng.uniform(120, 380))
            across += side * rng.uniform(4, 60 if kind == "pylon" else 14)
        if kind in ("guide-post", "cone", "bollard", "lamp-post", "barrier"):  # these stand in rows
            apart = {"guide-post": 25.0, "lamp-post": 28.0}.get(kind, float(rng.uniform(2, 5)))
            seed = int(rng.integers(2**31))
            for number in range(int(rng.integers(1, 5))):
                here = z + apart * number
                if here < 150:
                    jobs.append(
                        job(
                            canvas,
                            kind,
                            np.random.default_rng(seed),
                            float(canvas.view.x(across, here)),
                            here,
                        )
                    )
            continue
        jobs.append(job(canvas, kind, rng, float(canvas.view.x(across, z)), z))
    return jobs


def bridge(canvas: Canvas, road: Road, rng: Generator) -> Job:
    """A bridge across the road: a beam on piers, a rail above."""
    z, low = float(rng.uniform(25, 110)), float(rng.uniform(4.8, 6.5))
    deep, half, colour = float(rng.uniform(0.8, 1.8)), 80.0, grey(rng, 80, 170)
    piers = [road.edge(-1) - rng.uniform(0.5, 4), road.edge(1) + rng.uniform(0.5, 4)]

    def paint(pen: Pen) -> None:
        for x in piers:
            pen.rect(x - 0.6, 0, x + 0.6, low, shaded(colour, 0.6))
        pen.rect(-half, low, half, low + deep, colour)
        pen.rect(-half, low, half, low + 0.25, shaded(colour, 0.45))
        step = 0.3
        if pen.scale > 6:
            for number in range(int(-30 / step), int(30 / step)):
                pen.line([(number * step, low + deep), (number * step, low + deep + 1.0)], 0.03, colour)
        pen.line([(-half, low + deep + 1.0), (half, low + deep + 1.0)], 0.08, colour)

    figure = Figure(-half, half, low + deep + 1.1, paint, rough=0.25, facing=canvas.light.front * 0.7)
    return z, lambda: canvas.stand(figure, float(canvas.view.x(0.0, z)), z)


def hang_wires(canvas: Canvas, rng: Generator) -> None:
    """Wires across and along the sky, before all else."""
    view = canvas.view
    tall = max(8, min(view.height, int(view.horizon)))
    mask = Image.new("L", (view.width * 2, tall * 2))
    draw = ImageDraw.Draw(mask)
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.5:
            ends = rng.uniform(-0.1, 1.0, 2) * tall
            left, right = (0.0, ends[0]), (float(view.width), ends[1])
        else:
            side = view.width if rng.random() < 0.5 else 0
            left, right = (
                (float(view.middle + rng.normal(0, 40)), float(tall - 5)),
                (float(side), rng.uniform(-0.5, 0.7) * tall),
            )
        sag = rng.uniform(0.0, 0.12) * tall
        for number in range(int(rng.integers(1, 5))):
            t = np.linspace(0, 1, 24)
            x = left[0] + (right[0] - left[0]) * t
            y = left[1] + (right[1] - left[1]) * t + sag * 4 * t * (1 - t) + number * rng.uniform(2, 14)
            draw.line(
                [(2 * a, 2 * b) for a, b in zip(x, y, strict=True)],
                fill=int(rng.uniform(90, 255)),
                width=int(rng.integers(1, 4)),
            )
    alpha = np.asarray(mask.reduce(2), dtype=np.float32)[..., None] / 255
    part = canvas.radiance[:tall]
    part += (linear(40, 40, 42) * canvas.light.on(canvas.light.front, 50.0) - part) * alpha
