"""Which signs stand where: posts, gantries, backs, and faces that the catalogue lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator
from torch import Tensor

from roadworthy.core.arrays import Box
from roadworthy.render.street.bend import Bend
from roadworthy.render.street.canvas import Canvas, Figure
from roadworthy.render.street.foreign import FOREIGN, foreign_face
from roadworthy.render.street.ground import Road
from roadworthy.render.street.mounting import Face, Pose, extent, hang, stand_pole
from roadworthy.render.street.pen import Pen
from roadworthy.render.street.placing import Job
from roadworthy.render.street.things.colours import grey
from roadworthy.render.street.things.tree import overhang
from roadworthy.render.street.view import View

LEAST_PX, MOST_PX = 8.0, 200.0  # a wanted sign's larger side; smaller ones are among the others
_AVERTED = math.radians(62)


@dataclass
class Sign:
    """One that is painted: its class or what it is, its box as if nothing hid it, the pixels it covers."""

    name: str
    wanted: bool
    face: Face
    pose: Pose
    box: Box
    covered: int = 0


@dataclass
class Signs:
    """All that are painted, in the order of their numbers in the canvas, from 1."""

    faces: Mapping[str, Tensor]
    bare: bool = False
    every: list[Sign] = field(default_factory=list)

    def any_face(self, rng: Generator) -> tuple[Face, str]:
        """A face of a class, all classes equally likely."""
        names = list(self.faces)
        name = names[int(rng.integers(len(names)))]
        tiles = self.faces[name]
        tile = tiles[int(rng.integers(len(tiles)))]
        levels = (tile.permute(1, 2, 0).clamp(0, 1) * 255 + 0.5).byte().numpy()
        return Face(levels), name

    def free(self, box: Box) -> bool:
        """Whether a box keeps clear of the signs that are there."""
        x1, y1, x2, y2 = box
        return all(
            not (x1 < b[2] and b[0] < x2 and y1 < b[3] and b[1] < y2)
            for b in (_widened(s.box) for s in self.every)
        )

    def add(self, canvas: Canvas, face: Face, pose: Pose, name: str, wanted: bool) -> int:
        """Note a sign; returns its number."""
        self.every.append(Sign(name, wanted, face, pose, extent(canvas.view, face, pose)))
        return len(self.every)

    def paint(self, canvas: Canvas, number: int, rng: Generator) -> None:
        """Paint one; without its signs, a street has nothing there."""
        sign = self.every[number - 1]
        if self.bare and sign.wanted:
            rng.integers(2**31)
            return
        sign.covered = hang(canvas, sign.face, sign.pose, rng, owner=number)


def plan_signs(
    canvas: Canvas,
    road: Road,
    rng: Generator,
    signs: Signs,
    wanted: int,
    others: int,
    backs: int,
    gantry: bool,
) -> list[Job]:
    """Posts with `wanted` signs of the catalogue, `others` that it lacks, and backs of signs."""
    jobs: list[Job] = []
    if gantry:
        jobs += _gantry(canvas, road, rng, signs)
    left = wanted
    while left > 0:
        count = min(left, 1 + int(rng.random() < 0.25) + int(rng.random() < 0.08))
        jobs += _post(canvas, road, rng, signs, ["face"] * count)
        left -= count
    kinds = FOREIGN.names()
    for _ in range(others):
        count = 1 + int(rng.random() < 0.3)
        jobs += _post(canvas, road, rng, signs, [str(kind) for kind in rng.choice(kinds, size=count)])
    for _ in range(backs):
        jobs += _back(canvas, road, rng, signs)
    return jobs


def _size(rng: Generator) -> float:
    """A sign's larger side in metres, by the kind of road."""
    return float(rng.choice([0.45, 0.6, 0.6, 0.75, 0.75, 0.9, 0.9, 1.2]) * rng.uniform(0.92, 1.08))


def _yaw(rng: Generator) -> float:
    return float(rng.normal(0, 0.12) if rng.random() < 0.85 else rng.uniform(-1.0, 1.0))


def _post(canvas: Canvas, road: Road, rng: Generator, signs: Signs, kinds: Sequence[str]) -> list[Job]:
    """A post with signs one beneath the other, plates under some."""
    view = canvas.view
    faces: list[tuple[Face, str, bool, float]] = []
    size = _size(rng)
    for kind in kinds:
        if kind == "face":
            face, name = signs.any_face(rng)
            faces.append((face, name, True, size))
        else:
            tile, label, long = foreign_face(rng, kind)
            faces.append((Face(tile), label, False, long))
    if rng.random() < 0.15:
        tile, label, _ = foreign_face(rng, "notice")
        faces.append((Face(tile), "board", False, size * 0.7))
    own = -1 if road.left_hand else 1
    for _ in range(12):
        px = LEAST_PX * (MOST_PX / LEAST_PX) ** (rng.random() ** 1.25)
        z = float(np.clip(view.focal * faces[0][3] / px, 4.0, 170.0))
        side = own if rng.random() < 0.7 else -own
        if road.median > 0.9 and rng.random() < 0.15:
            across = 0.0
        else:
            across = road.edge(side) + side * float(rng.uniform(0.3, 1.2 + max(road.pavement, 1.2)))
        x = float(view.x(across, z))
        bottom = float(rng.choice([rng.uniform(1.2, 1.9), rng.uniform(1.9, 2.6), rng.uniform(2.2, 3.0)]))
        height = sum(2 * 0.5 * face.half[1] * long for face, _, _, long in faces) + 0.03 * len(faces)
        top = bottom + height
        yaw, roll, lean = _yaw(rng), float(rng.normal(0, 0.03)), float(rng.normal(0, 0.02))
        ground = float(view.level(z))
        poses, y = [], ground + top
        for face, _, _, long in faces:
            tall = face.half[1] * long
            poses.append(Pose(x=x, y=y - tall / 2, z=z - 0.05, side=long, yaw=yaw, roll=roll, lean=lean))
            y -= tall + 0.03
        boxes = [extent(view, face, pose) for (face, *_), pose in zip(faces, poses, strict=True)]
        if all(_shown(view.width, view.height, box) > 0.3 for box in boxes) and all(map(signs.free, boxes)):
            break
    else:
        return []
    numbers = [
        signs.add(canvas, face, pose, name, wanted)
        for (face, name, wanted, _), pose in zip(faces, poses, strict=True)
    ]
    seed = int(rng.integers(2**31))
    wide = float(rng.uniform(0.05, 0.1))
    broad = faces[0][3] > 1.4
    poles = (-0.3 * faces[0][3], 0.3 * faces[0][3]) if broad else (0.0,)
    above = top + float(rng.uniform(-0.05, 0.15))

    def paint() -> None:
        local = np.random.default_rng(seed)
        for shift in poles:
            stand_pole(canvas, local, x + shift, z, above, wide)
        for number in numbers:
            signs.paint(canvas, number, local)

    jobs: list[Job] = [(z, paint)]
    if rng.random() < 0.08 and z > 5:
        half = float(rng.uniform(0.3, 0.9))
        figure = overhang(rng, canvas.light, half, top - 1.2, top + 0.8)
        shift = float(rng.choice([-1, 1]) * rng.uniform(0.3, 1.0))
        jobs.append((z - 0.8, lambda: canvas.stand(figure, (x + shift) * (z - 0.8) / z, z - 0.8)))
    return jobs


def _back(canvas: Canvas, road: Road, rng: Generator, signs: Signs) -> list[Job]:
    """A sign for those who come towards us: grey, its pole before it."""
    view = canvas.view
    face, _ = signs.any_face(rng)
    side = 1 if road.left_hand else -1
    side = side if rng.random() < 0.8 else -side
    z = float(5 * 20 ** rng.random())
    across = road.edge(side) + side * float(rng.uniform(0.3, 2.5))
    x, long, bottom = float(view.x(across, z)), _size(rng), float(rng.uniform(1.5, 2.8))
    pose = Pose(x=x, y=float(view.level(z)) + bottom + face.half[1] * long / 2, z=z, side=long, yaw=_yaw(rng))
    if not signs.free(extent(view, face, pose)):
        return []
    seed = int(rng.integers(2**31))

    def paint() -> None:
        local = np.random.default_rng(seed)
        hang(canvas, face, pose, local, back=True)
        stand_pole(canvas, local, x, z - 0.06, bottom + 0.7 * long, 0.07)

    return [(z, paint)]


def _gantry(canvas: Canvas, road: Road, rng: Generator, signs: Signs) -> list[Job]:
    """A frame across the road that carries signs and boards above the lanes."""
    view = canvas.view
    z, low = float(18 * 8 ** rng.random()), float(rng.uniform(5.0, 5.8))
    half, steel = road.edge(1) + float(rng.uniform(0.5, 3.0)), grey(rng, 70, 170)
    truss = rng.random() < 0.6
    ground = float(view.level(z))
    numbers: list[int] = []
    count = int(rng.integers(1, 5))
    for place in np.linspace(-0.75, 0.75, count) * half:
        if rng.random() < 0.6:
            face, name = signs.any_face(rng)
            wanted, long = True, float(rng.uniform(0.9, 2.0))
        else:
            tile, name, long = foreign_face(
                rng, str(rng.choice(["direction-board", "direction-board", "ring", "chevron"]))
            )
            face, wanted, long = Face(tile), False, max(1.5, min(long, 1.4 * half / count))
        pose = Pose(
            x=float(view.x(place, z)), y=ground + low + 0.4 + 0.3 * face.half[1] * long, z=z - 0.3, side=long
        )
        box = extent(view, face, pose)
        if _shown(view.width, view.height, box) > 0.3 and signs.free(box):
            numbers.append(signs.add(canvas, face, pose, name, wanted))
    seed = int(rng.integers(2**31))

    def paint_frame(pen: Pen) -> None:
        for x in (-half, half):
            pen.rect(x - 0.15, 0, x + 0.15, low + 1.0, steel)
        pen.line([(-half, low + 0.1), (half, low + 0.1)], 0.16, steel)
        pen.line([(-half, low + 1.0), (half, low + 1.0)], 0.16, steel)
        if truss:
            steps = int(2 * half)
            for number in range(steps):
                a, b = -half + number * 2 * half / steps, -half + (number + 1) * 2 * half / steps
                pen.line([(a, low + 0.1), (b, low + 1.0)], 0.06, steel)
                pen.line([(a, low + 1.0), (b, low + 0.1)], 0.06, steel)

    def paint() -> None:
        local = np.random.default_rng(seed)
        canvas.stand(Figure(-half - 0.2, half + 0.2, low + 1.1, paint_frame), float(view.x(0.0, z)), z)
        for number in numbers:
            signs.paint(canvas, number, local)

    return [(z, paint)]


def judged(canvas: Canvas, signs: Signs, bend: Bend) -> tuple[list[Sign], list[tuple[Sign, str]]]:
    """Those that count, with the part of their box that is seen; the others, each with what it is."""
    found: list[Sign] = []
    others: list[tuple[Sign, str]] = []
    for number, sign in enumerate(signs.every, start=1):
        if signs.bare and sign.wanted:
            continue
        whole = bent_box(canvas.view, sign, bend)
        visible, cuts = _seen(canvas, sign, number)
        x1, y1, x2, y2 = (edge + cut for edge, cut in zip(whole, cuts, strict=True))
        box = (
            max(0.0, x1),
            max(0.0, y1),
            min(float(canvas.view.width), x2),
            min(float(canvas.view.height), y2),
        )
        if visible < 0.02 or box[2] - box[0] < 1 or box[3] - box[1] < 1:
            continue
        width, height = canvas.view.width, canvas.view.height
        visible *= min(1.0, _shown(width, height, whole) / max(0.01, _shown(width, height, sign.box)))
        sign = replace(sign, box=box)
        if not sign.wanted:
            others.append((sign, sign.name))
        elif max(whole[2] - whole[0], whole[3] - whole[1]) < LEAST_PX:
            others.append((sign, "small"))
        elif visible < 0.5:
            others.append((sign, "hidden"))
        elif abs(sign.pose.yaw) > _AVERTED:
            others.append((sign, "averted"))
        else:
            found.append(sign)
    return found, others


def bent_box(view: View, sign: Sign, bend: Bend) -> Box:
    """The box of a whole sign in the bent picture."""
    if bend.straight:
        return sign.box
    points = bend.points(sign.pose.pixels(view, sign.face.outline))
    (x1, y1), (x2, y2) = points.min(0), points.max(0)
    return float(x1), float(y1), float(x2), float(y2)


def _seen(canvas: Canvas, sign: Sign, number: int) -> tuple[float, Box]:
    """The share of a sign that the straight picture shows, and by how much each edge of its box moves."""
    x1, y1, x2, y2 = sign.box
    window = canvas.window(x1 - 1, y1 - 1, x2 + 1, y2 + 1)
    if window is None:
        return 0.0, (0, 0, 0, 0)
    left, top, right, bottom = window
    here = canvas.owner[top:bottom, left:right] == number
    rows, columns = np.nonzero(here.any(1))[0], np.nonzero(here.any(0))[0]
    if not len(rows):
        return 0.0, (0, 0, 0, 0)
    # Half a pixel more than is seen is a matter of rounding.
    x_in, y_in = max(0.0, left + columns[0] - 0.5 - x1), max(0.0, top + rows[0] - 0.5 - y1)
    x_out, y_out = min(0.0, left + columns[-1] + 1.5 - x2), min(0.0, top + rows[-1] + 1.5 - y2)
    share = float(here.sum()) / max(1, sign.covered)
    return share, (float(x_in), float(y_in), float(x_out), float(y_out))


def _shown(width: int, height: int, box: Box) -> float:
    """The share of a box within the picture."""
    x1, y1, x2, y2 = box
    inner = max(0.0, min(x2, width) - max(x1, 0.0)) * max(0.0, min(y2, height) - max(y1, 0.0))
    return inner / max(1e-6, (x2 - x1) * (y2 - y1))


def _widened(box: Box) -> Box:
    room = 0.02 * max(box[2] - box[0], box[3] - box[1]) + 1
    return box[0] - room, box[1] - room, box[2] + room, box[3] + room
