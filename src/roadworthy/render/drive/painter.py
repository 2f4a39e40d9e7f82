"""Paints the frames of a drive: a pinhole camera above a road, far things first, then what hides them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from roadworthy.core.arrays import Box, ByteArray, FloatArray
from roadworthy.render.drive.backdrop import Backdrop, make_backdrop
from roadworthy.render.drive.canvas import Canvas, Shown
from roadworthy.render.drive.eye import Eye
from roadworthy.render.drive.ground import NAMES, Atlas, Rows, make_atlas, paint
from roadworthy.render.drive.look import WARM, Look, tile_light
from roadworthy.render.drive.outlines import cut_off, side_road
from roadworthy.render.drive.posted import Posted
from roadworthy.render.drive.scenery import Vehicle, on_map
from roadworthy.render.drive.sprites import Lit, flank_light
from roadworthy.render.drive.windscreen import Windscreen
from roadworthy.render.drive.world import World
from roadworthy.render.street.light import linear
from roadworthy.render.street.mounting import Face, Pose, extent, warped
from roadworthy.render.street.view import FAR_M

_NEAR_M = 1.6  # nearer things are beside the car
_SIGNS_M = 170.0
_LEAST_PX = 2.0  # of a sign that is painted at all
_MOST_STEPS = 5  # of a sign's motion while a frame is exposed
_FIRST_M, _COURSE_M = 3.0, 400.0
_LED_LIGHT = 0.8  # of lamps, as exposed light


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnFrame:
    """A frame: image (H, W, 3) uint8 and the signs in it, from far to near."""

    image: ByteArray
    shown: tuple[Shown, ...]


class Painter:
    """Paints a world under one light."""

    def __init__(self, world: World, look: Look, seed: int) -> None:
        self.world, self.look, self._seed = world, look, seed
        settings = world.settings
        self._size = settings.width, settings.height
        self._lit = Lit(look, world.seed)
        self._screen = Windscreen(look, world.recipe, self._size, seed)

    @cached_property
    def _backdrop(self) -> Backdrop:
        rng = np.random.default_rng([self._seed, 41])
        start = float(np.median(self.world.road.headings))
        return make_backdrop(self.look, self.world.recipe, rng, self.world.eye_at(0).view, start)

    @cached_property
    def _atlas(self) -> Atlas:
        look = self.look
        if look.night:  # lit as near the lamps; farther off the mask takes light away
            look = _near_lamps(look)
        return make_atlas(look, self.world.seed)

    def frame(self, number: int, without: Collection[int] = ()) -> DrawnFrame:
        """Frame `number` of the film; `without`: signs that are left out."""
        eye = self.world.eye_at(number)
        canvas = Canvas(self._ground(eye), self.look)
        todo = [*self._props(eye, canvas), *self._vehicles(eye, canvas)]
        signs = self._signs(eye, canvas, without)
        for _, _, act in sorted([*todo, *signs], key=lambda one: (-one[0], one[1])):
            act()
        self._halos(eye, canvas)
        image = self._screen.seen(canvas.picture, eye.at_s, number, self._sun(eye))
        return DrawnFrame(image=np.asarray(image), shown=tuple(canvas.judged()))

    # The ground and what is behind it

    def _ground(self, eye: Eye) -> Image.Image:
        wide, tall = self._size
        view = eye.view
        columns = np.arange(wide) + 0.5 - view.middle
        horizon = round(view.horizon)
        picture = np.empty((tall, wide), dtype=np.uint32)
        sky = self._backdrop.view(columns, eye.heading, horizon)
        picture[: min(tall, len(sky))] = sky[:tall]
        first = horizon + 3
        rows = self._rows(eye, first)
        picture[first:] = paint(
            self._atlas, rows, columns, view.focal, view.eye, eye.speed * self.look.exposure_s
        )
        image = Image.frombuffer("RGBX", (wide, tall), picture.tobytes(), "raw", "RGBX", 0, 1).convert("RGB")
        self._side_roads(eye, image)
        self._light_ground(image, first)
        return image

    def _rows(self, eye: Eye, first: int) -> Rows:
        """What each row shows of the road."""
        view, road = eye.view, self.world.road
        ahead = view.focal * view.eye / (np.arange(first, view.height) + 0.5 - view.horizon)
        ahead = np.clip(ahead, 0.5, FAR_M)
        metres = np.arange(eye.metres - 8, eye.metres + _COURSE_M, 2.0)
        metres = metres[(metres >= 0) & (metres < road.metres[-1])]
        x, z = eye.sees(*on_map(road, metres, np.zeros_like(metres)))
        rising = np.maximum.accumulate(z) == z
        stop = len(z) if rising.all() else int(np.argmin(rising))
        x, z, metres = x[:stop], z[:stop], metres[:stop]
        turn = np.interp(metres, road.metres, road.headings) - eye.heading
        along = np.interp(ahead, z, metres)
        return Rows(
            ahead=ahead,
            middle=np.interp(ahead, z, x),
            along=along,
            turn=np.clip(np.interp(ahead, z, turn), -1.2, 1.2),
            kinds=self.world.kind_numbers(along, NAMES),
        )

    def _side_roads(self, eye: Eye, image: Image.Image) -> None:
        """Roads that join and leave, as flat pieces of tar."""
        pen = ImageDraw.Draw(image)
        tar = self.look if not self.look.night else _near_lamps(self.look)
        colour = tuple(
            int(c) for c in tar.levels(np.asarray(linear(92, 91, 89) * tar.ground, dtype=np.float32))
        )
        for place in self.world.signing.places:
            if place.kind not in ("side-road", "exit") or not -60 < place.from_m - eye.metres < 160:
                continue
            for corners in side_road(place, self.world):
                x, z = eye.sees(*on_map(self.world.road, corners[:, 0], corners[:, 1]))
                points = cut_off(np.stack([x, z], axis=1), 0.8)
                if len(points) > 2:
                    column, row = eye.view.pixel(points[:, 0], 0.0, points[:, 1])
                    pen.polygon(list(zip(column.tolist(), row.tolist(), strict=True)), fill=colour)

    def _light_ground(self, image: Image.Image, first: int) -> None:
        if self.look.night:
            part = image.crop((0, first, *self._size))
            mask = self._lamps_mask.crop((0, 0, part.width, part.height))
            image.paste(ImageChops.multiply(part, mask), (0, first))
        air, mask = self._air
        image.paste(air, (0, first), mask.crop((0, 0, self._size[0], self._size[1] - first)))

    @cached_property
    def _lamps_mask(self) -> Image.Image:
        """How the own lamps light the road, in levels: more to the left, as they must for traffic there."""
        view, look = self.world.eye_at(0).view, self.look
        rows = np.arange(3, self._size[1]) + 0.5
        ahead = np.clip(view.focal * view.eye / rows, 0.5, FAR_M)[:, None]
        aside = (np.arange(self._size[0]) + 0.5 - view.middle)[None] / view.focal * ahead
        broad = 1.8 + 0.16 * ahead
        pattern = np.exp(-(((aside + 0.03 * ahead) / broad) ** 2)) + 0.12 * np.exp(
            -((aside / (3 * broad)) ** 2)
        )
        fall = np.minimum(1.0, (9.0 / ahead) ** 1.5) * np.clip(ahead / 3.5, 0.25, 1)
        ambient = float(look.light.ambient.mean()) + self.world.street_light
        full = float(_near_lamps(look).ground.mean())
        light = (ambient + (full - ambient) * pattern * fall) / full
        levels = (np.clip(light, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)
        return Image.merge("RGB", [Image.fromarray(levels)] * 3)

    @cached_property
    def _air(self) -> tuple[tuple[int, int, int], Image.Image]:
        """The colour of the air and how much of it each row below the horizon shows; wet roads mirror it."""
        view, look = self.world.eye_at(0).view, self.look
        rows = np.arange(3, self._size[1] + 60) + 0.5
        ahead = np.clip(view.focal * view.eye / rows, 0.5, FAR_M)
        air = 1 - np.exp(-max(look.light.fog, 0.0006 * (not look.night)) * ahead)
        if look.wet:
            air = 1 - (1 - air) * (1 - 0.6 * np.exp(-rows / (0.14 * self._size[1])))
        colour = tuple(int(c) for c in look.levels(np.asarray(self._backdrop.air, dtype=np.float32)))
        mask = np.repeat((np.clip(air, 0, 1) * 255).astype(np.uint8)[:, None], self._size[0], axis=1)
        return (colour[0], colour[1], colour[2]), Image.fromarray(mask)

    def _sun(self, eye: Eye) -> tuple[float, float] | None:
        sun = self._backdrop.sun
        if sun is None:
            return None
        turn = (sun[0] - eye.heading + math.pi) % (2 * math.pi) - math.pi
        if abs(turn) > 1.2:
            return None
        view = eye.view
        return view.middle + view.focal * math.tan(turn), view.horizon - view.focal * sun[1]

    # What stands and drives

    def _props(self, eye: Eye, canvas: Canvas) -> list[Job]:
        props = self.world.props
        first, last = np.searchsorted(props.metres, [eye.metres, eye.metres + 265.0])
        part = slice(int(first), int(last))
        x, z = eye.sees(props.east[part], props.north[part])
        half = 0.5 * self._size[0] / eye.view.focal
        kept = (z > _NEAR_M) & (z < props.far[part]) & (np.abs(x) < z * half + 18)
        jobs: list[Job] = []
        for number in np.nonzero(kept)[0]:
            kind, variant = props.kinds[first + number], props.variants[first + number]
            jobs.append(self._thing(eye, canvas, kind, variant, float(x[number]), float(z[number])))
        return jobs

    def _thing(
        self, eye: Eye, canvas: Canvas, kind: str, variant: int, x: float, z: float, smear: bool = True
    ) -> Job:
        view = eye.view
        column, row = view.pixel(x, 0.0, z)
        moved = abs(x) * view.focal / (z * z) * eye.speed * self.look.exposure_s if smear else 0.0

        def act() -> None:
            laid = self._lit.laid(kind, variant, column, row, view.focal / z, z, self._size, moved)
            if laid is not None:
                canvas.lay(laid.image, laid.left, laid.top)
                if laid.lamps is not None:
                    canvas.lay(laid.lamps, laid.left, laid.top)

        return z, 1, act

    def _vehicles(self, eye: Eye, canvas: Canvas) -> list[Job]:
        jobs: list[Job] = []
        for vehicle in self.world.vehicles:
            where = self._where(eye, vehicle)
            if where is None or not _NEAR_M < where[1] < 220:
                continue
            x, z = where
            jobs.append((z + 0.02, 0, self._shadow(eye, canvas, x, z)))
            sprite = self._lit.sprite(vehicle.kind, vehicle.variant)
            if sprite.side is not None:
                jobs.append((z + 0.01, 0, self._flank(eye, canvas, vehicle, x, z)))
            jobs.append(self._thing(eye, canvas, vehicle.kind, vehicle.variant, x, z, smear=False))
        return jobs

    def _where(self, eye: Eye, vehicle: Vehicle) -> tuple[float, float] | None:
        gap = vehicle.ahead(eye.at_s)
        if gap is None:
            return None
        metres = eye.metres + gap
        across = self.world.lane_at(vehicle.lane, metres)
        x, z = eye.sees(*on_map(self.world.road, np.array([metres]), np.array([across])))
        return float(x[0]), float(z[0])

    def _shadow(self, eye: Eye, canvas: Canvas, x: float, z: float) -> Callable[[], None]:
        (left, top), (right, bottom) = (
            eye.view.pixel(x - 1.25, 0.0, z + 2.2),
            eye.view.pixel(x + 1.25, 0.0, max(z - 0.3, 0.8)),
        )
        return lambda: canvas.darken((left, top, right, bottom))

    def _flank(self, eye: Eye, canvas: Canvas, vehicle: Vehicle, x: float, z: float) -> Callable[[], None]:
        """The side of a long vehicle that is turned to us, as it runs along the road."""
        sprite = self._lit.sprite(vehicle.kind, vehicle.variant)
        inner = x + (sprite.left if x > 0 else sprite.left + sprite.wide)
        far = z + sprite.long
        # It follows the road, which may bend meanwhile.
        metres = eye.metres + (vehicle.ahead(eye.at_s) or 0.0)
        bend = float(np.interp(metres, self.world.road.metres, self.world.road.headings)) - eye.heading
        outer = inner + math.tan(max(-0.6, min(0.6, bend))) * sprite.long
        corners = [
            eye.view.pixel(inner, 0.5, z),
            eye.view.pixel(outer, 0.5, far),
            eye.view.pixel(outer, sprite.top, far),
            eye.view.pixel(inner, sprite.top, z),
        ]
        seen = (outer / far - inner / z) * x < 0  # else the back hides it
        colour = tuple(int(c) for c in flank_light(self.look, sprite.side or (0, 0, 0), z))
        return lambda: canvas.polygon(corners, colour) if seen else None

    # Signs

    def _signs(self, eye: Eye, canvas: Canvas, without: Collection[int]) -> list[Job]:
        jobs: list[Job] = []
        for sign in self.world.signs_near(eye.metres, _SIGNS_M):
            where = self._hangs(eye, sign)
            if where is None:
                continue
            x, z, heading = where
            if not _NEAR_M < z < _SIGNS_M or abs(x) > z * 1.2 + 3:
                continue
            if sign.pole:
                jobs.append((z + 0.03, 1, self._pole(eye, canvas, sign, x, z)))
            if sign.number in without:
                continue
            jobs.append((z - 0.02, 2, self._sign(eye, canvas, sign, x, z, heading)))
        return jobs

    def _hangs(self, eye: Eye, sign: Posted) -> tuple[float, float, float] | None:
        """x and z of a sign, and its road's heading beside the camera's."""
        if sign.carried is None:
            east, north, heading = self.world.places[sign.number]
            x, z = eye.sees(np.array([east]), np.array([north]))
            return float(x[0]), float(z[0]), heading - eye.heading
        vehicle = self.world.carriers.get(sign.carried)
        where = None if vehicle is None else self._where(eye, vehicle)
        if where is None or vehicle is None:
            return None
        metres = eye.metres + (vehicle.ahead(eye.at_s) or 0.0)
        heading = float(np.interp(metres, self.world.road.metres, self.world.road.headings))
        return where[0] - 0.75, where[1] - 0.1, heading - eye.heading

    def _pole(self, eye: Eye, canvas: Canvas, sign: Posted, x: float, z: float) -> Callable[[], None]:
        top = sign.bottom + sign.tall + 0.05
        shifts = (-0.35 * sign.long, 0.35 * sign.long) if sign.long > 1.5 else (0.0,)
        white = self.look.white * 0.6 + self.look.beam_at(z) * WARM
        colour = self.look.levels(np.asarray(linear(128, 130, 132) * white, dtype=np.float32))
        bars = []
        for shift in shifts:
            (left, upper), (right, lower) = (
                eye.view.pixel(x + shift - 0.035, top, z),
                eye.view.pixel(x + shift + 0.035, 0, z),
            )
            bars.append((left, upper, right, lower))
        rgb = int(colour[0]), int(colour[1]), int(colour[2])

        def act() -> None:
            for box in bars:
                canvas.bar(box, rgb)

        return act

    def _sign(
        self, eye: Eye, canvas: Canvas, sign: Posted, x: float, z: float, heading: float
    ) -> Callable[[], None]:
        sway = self.world.wind * math.sin(eye.at_s * 5.1 + sign.number) + 0.6 * self.world.wind * math.sin(
            eye.at_s * 8.7 + 2 * sign.number
        )
        pose = Pose(
            x=x,
            y=sign.bottom + sign.tall / 2,
            z=z,
            side=sign.long,
            yaw=sign.turn - heading + sway,
            roll=sign.roll + 0.4 * sway,
            lean=sign.lean,
        )
        face = self.world.face(sign)
        plate = self.world.plate(sign)

        def act() -> None:
            canvas.begin(sign.number)
            box = self._hang(eye, canvas, sign, face, pose)
            if plate is not None and box is not None:
                tall = plate.half[1] / plate.half[0] * sign.long * 0.8
                below = Pose(
                    x=x,
                    y=sign.bottom - tall / 2 - 0.03,
                    z=z,
                    side=max(sign.long * 0.8, tall),
                    yaw=pose.yaw,
                    roll=pose.roll,
                    lean=pose.lean,
                )
                canvas.begin(None)
                self._hang(eye, canvas, sign, plate, below)

        return act

    def _hang(self, eye: Eye, canvas: Canvas, sign: Posted, face: Face, pose: Pose) -> Box | None:
        """Paint a face; returns its whole box, None where it is turned away, too small or outside."""
        view = eye.view
        facing = math.cos(pose.yaw) * pose.z - math.sin(pose.yaw) * pose.x
        if facing <= 0.02 * pose.z:
            return None
        box = extent(view, face, pose)
        window = _window(box, self._size)
        if window is None or max(box[2] - box[0], box[3] - box[1]) < _LEAST_PX:
            return None
        levels, alpha = self._averaged(eye, face, pose, window, moves=sign.carried is None)
        canvas.hang(levels, alpha, window, box, self._shine(eye, sign, pose, facing))
        return box

    def _averaged(
        self, eye: Eye, face: Face, pose: Pose, window: tuple[int, int, int, int], moves: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Reflectances times alpha, and alpha, of a face over the time in which a frame is exposed."""
        moved = eye.speed * self.look.exposure_s if moves else 0.0
        shift_px = (
            moved
            / pose.z
            * math.hypot(pose.x * eye.view.focal / pose.z, (pose.y - eye.view.eye) * eye.view.focal / pose.z)
        )
        steps = int(min(_MOST_STEPS, max(1, math.ceil(shift_px / 0.8))))
        tall, wide = window[3] - window[1], window[2] - window[0]
        colour = np.zeros((tall, wide, 3), dtype=np.float32)
        alpha = np.zeros((tall, wide), dtype=np.float32)
        for step in range(steps):
            ahead = pose.z + moved * ((step + 0.5) / steps - 0.5)
            there = Pose(
                x=pose.x, y=pose.y, z=ahead, side=pose.side, yaw=pose.yaw, roll=pose.roll, lean=pose.lean
            )
            levels = np.asarray(warped(eye.view, face, there, window))
            seen = levels[..., 3].astype(np.float32) / 255
            colour += tile_light(levels[..., :3]) * seen[..., None]
            alpha += seen
        return colour / steps, alpha / steps

    def _shine(self, eye: Eye, sign: Posted, pose: Pose, facing: float) -> FloatArray:
        """(3,) exposed light of white on a sign, or of lamps that are lit; and what of it is air."""
        look = self.look
        gains = np.array(look.lens.colours, dtype=np.float32) * look.gain
        if sign.led:
            # Lamps flicker; a short exposure may meet their dark.
            beat = 0.5 + 0.5 * math.cos(2 * math.pi * (eye.at_s * 3.7 + 0.13 * sign.number))
            least = 0.75 if look.night else 0.35
            return np.full(3, _LED_LIGHT * (least + (1 - least) * beat), dtype=np.float32)
        cosine = max(0.0, facing / math.hypot(pose.x, pose.z))
        side = 0.55 + 0.45 * cosine
        white = look.white * side + look.beam_at(pose.z, pose.y) * WARM * cosine
        white = white + look.thrown_back(pose.z) * min(1.0, cosine**2) * WARM
        if self.world.street_light and look.night:
            white = white + self.world.street_light * WARM
        return np.asarray(white * gains, dtype=np.float32)

    def _halos(self, eye: Eye, canvas: Canvas) -> None:
        """Lamps of cars that come towards us, and lanterns, dazzle at night."""
        if not (self.look.night or self.look.wet):
            return
        strength = 1.0 if self.look.night else 0.35
        for vehicle in self.world.vehicles:
            where = self._where(eye, vehicle)
            if where is None or not 3.0 < where[1] < 220:
                continue
            x, z = where
            front = vehicle.kind.endswith("front")
            colour = (255, 246, 225) if front else (190, 24, 14)
            size = (26 + 420 / z) if front else (5 + 130 / z)
            for side in (-0.68, 0.68):
                column, row = eye.view.pixel(x + side, 0.72, z)
                canvas.glow(column, row, size * strength * self._size[1] / 720, colour)


Job = tuple[float, int, Callable[[], None]]


def _window(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    x1, y1 = max(0, math.floor(box[0] - 2)), max(0, math.floor(box[1] - 2))
    x2, y2 = min(size[0], math.ceil(box[2] + 2)), min(size[1], math.ceil(box[3] + 2))
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def _near_lamps(look: Look) -> Look:
    """The look of the ground where the own lamps light it most."""
    bright = (look.light.ambient + look.light.beam * 1.6 * WARM).astype(np.float32)
    return replace(look, light=replace(look.light, ambient=bright))
