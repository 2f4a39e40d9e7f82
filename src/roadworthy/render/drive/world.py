"""All that a drawn drive shows and does, before a frame is painted: from a seed, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.random import default_rng

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.render.drive.eye import Eye
from roadworthy.render.drive.posted import Posted, Signing, plan_signing
from roadworthy.render.drive.road import Motion, Road, any_stretches, drive_along, lay_road
from roadworthy.render.drive.scenery import Props, Vehicle, any_props, any_traffic
from roadworthy.render.drive.settings import DRIVE_RECIPES, DriveRecipe, DriveSettings
from roadworthy.render.street.foreign import Sheet
from roadworthy.render.street.mounting import Face
from roadworthy.render.street.view import View, focal_px
from roadworthy.signs.draw import draw_tile

_TILE_PX = 256


@dataclass(frozen=True, kw_only=True)
class LightPart:
    """A part of the film under one light.  weather: `dry` or `rain`."""

    from_s: float
    to_s: float
    night: bool
    weather: str
    fog: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """A drive's road, signs, things, traffic, the car's motion, and the light by time.

    seed: of all that is drawn of it.  focal: px.  eye_m: height of the camera.  wind: how far signs sway,
    radians.  street_light: radiance that lanterns add to white at night.
    """

    settings: DriveSettings
    recipe: DriveRecipe
    seed: int
    road: Road
    signing: Signing
    motion: Motion
    props: Props
    vehicles: Sequence[Vehicle]
    lights: tuple[LightPart, ...]
    focal: float
    eye_m: float
    horizon: float
    wind: float
    street_light: float

    def eye_at(self, number: int) -> Eye:
        """The camera at a frame: on its way, looking where the road goes, shaken by it."""
        motion, at_s = self.motion, number / self.motion.fps
        metres, across = float(motion.metres[number]), float(motion.across[number])
        east, north, heading = self.road.place(metres, across)
        soon = self.road.place(metres + 6.0)[2]
        speed = float(motion.speed[number])
        shake = 0.0009 * self.focal * min(1.0, speed / 20)
        bounce = math.sin(metres * 0.9) + 0.6 * math.sin(metres * 2.3 + 1) + 0.5 * math.sin(metres * 0.21)
        view = View(
            width=self.settings.width,
            height=self.settings.height,
            focal=self.focal,
            eye=self.eye_m,
            horizon=self.horizon + shake * bounce,
            middle=self.settings.width / 2,
        )
        wander = 0.004 * math.sin(at_s * 0.7) + 0.0007 * math.sin(metres * 1.7)
        return Eye(
            metres=metres,
            across=across,
            east=east,
            north=north,
            heading=0.5 * (heading + soon) + wander,
            view=view,
            speed=speed,
            at_s=at_s,
        )

    def kind_numbers(self, metres: FloatArray, names: Sequence[str]) -> IntArray:
        """The kinds of road at places along it, as numbers in `names`."""
        places = np.searchsorted(self.road.ends, metres, side="right").clip(0, len(self.road.ends) - 1)
        numbers = np.array([names.index(stretch.kind) for stretch in self.road.stretches])
        return np.asarray(numbers[places])

    @cached_property
    def _lanes(self) -> dict[str, FloatArray]:
        """The middles of lanes at every metre; they shift over some 60 m where the road changes."""
        at = np.searchsorted(self.road.ends, self.road.metres, side="right").clip(0, len(self.road.ends) - 1)
        found = {}
        for lane in ("own", "beside", "oncoming"):
            kinds = [stretch.road for stretch in self.road.stretches]
            middles = np.array(
                [
                    {"own": 0.0, "beside": min(1, kind.lanes - 1) * kind.lane, "oncoming": 2 * kind.middle}[
                        lane
                    ]
                    for kind in kinds
                ]
            )[at]
            smooth = np.ones(61) / 61
            found[lane] = np.convolve(np.pad(middles, 30, mode="edge"), smooth, mode="valid")
        return found

    def lane_at(self, lane: str, metres: float) -> float:
        """How far right of our own lane another lies at a place."""
        return float(np.interp(metres, self.road.metres, self._lanes[lane]))

    @cached_property
    def places(self) -> Sequence[tuple[float, float, float]]:
        """East, north, and the road's heading of each sign, by its number."""
        return [self.road.place(sign.metres, sign.across) for sign in self.signing.signs]

    @cached_property
    def carriers(self) -> dict[int, Vehicle]:
        """Vehicles that carry a sign, by their number."""
        return {one.number: one for one in self.vehicles if one.number is not None}

    @cached_property
    def _metres(self) -> FloatArray:
        return np.array([sign.metres for sign in self.signing.signs])

    @cached_property
    def _carried(self) -> Sequence[Posted]:
        return [sign for sign in self.signing.signs if sign.carried is not None]

    def signs_near(self, metres: float, ahead: float) -> Sequence[Posted]:
        """Signs that stand up to so far ahead, and all that vehicles carry."""
        first, last = np.searchsorted(self._metres, [metres - 2, metres + ahead + 10])
        standing = [s for s in self.signing.signs[int(first) : int(last)] if s.carried is None]
        return [*standing, *self._carried]

    def face(self, sign: Posted) -> Face:
        """The drawing of a sign, at several sizes."""
        return _face(sign)

    def plate(self, sign: Posted) -> Face | None:
        """That of the plate beneath it."""
        return _plate(sign.lines) if sign.lines else None


@lru_cache(maxsize=256)
def _face(sign: Posted) -> Face:
    return Face(draw_tile(sign.face, _TILE_PX))


@lru_cache(maxsize=64)
def _plate(lines: tuple[str, ...]) -> Face:
    """A white plate with black words."""
    sheet, half = Sheet(), 0.28 * len(lines)
    sheet.rect(-1, -half, 1, half, (20, 20, 20))
    sheet.rect(-0.95, -half + 0.05, 0.95, half - 0.05, (240, 240, 236))
    widest = max(sheet.length(line, 0.4) for line in lines)
    high = min(0.4, 0.4 * 1.7 / widest)
    for row, line in enumerate(lines):
        sheet.text(0, half * (1 - 2 * (row + 0.5) / len(lines)), high, line, (20, 20, 20))
    return Face(sheet.tile())


def make_world(settings: DriveSettings) -> World:
    """The drive of some settings; the same settings give the same drive."""
    recipe = DRIVE_RECIPES[settings.recipe]
    laying, driving, signing_rng, standing, moving, shining = (
        default_rng([settings.seed, recipe.number, part]) for part in range(6)
    )
    length_m = settings.km * 1000
    road = lay_road(laying, any_stretches(laying, length_m, settings.kmh))
    signing = plan_signing(signing_rng, settings, road)
    motion = drive_along(driving, road, length_m, settings.fps, signing.limit_at, settings.kmh)
    props = any_props(standing, settings, signing)
    focal = focal_px(settings.width, float(shining.uniform(*recipe.across_deg)))
    lights = _any_lights(shining, settings, motion)
    return World(
        settings=settings,
        recipe=recipe,
        seed=int(shining.integers(2**31)),
        road=road,
        signing=signing,
        motion=motion,
        props=props,
        vehicles=any_traffic(moving, signing, motion),
        lights=lights,
        focal=focal,
        eye_m=float(shining.uniform(1.2, 1.5)),
        horizon=settings.height * float(shining.uniform(0.43, 0.52)),
        wind=float(shining.choice([0.004, 0.012, 0.03])),
        street_light=0.006,
    )


def _any_lights(rng: np.random.Generator, settings: DriveSettings, motion: Motion) -> tuple[LightPart, ...]:
    """Day or night all along; dry and rain by turns of some 40 to 90 s unless asked otherwise."""
    night = bool(rng.random() < 0.35)
    turns = rng.uniform(40, 90, 200)
    wet, fog = bool(rng.random() < 0.4), bool(rng.random() < 0.12)
    duration = motion.duration_s
    if settings.light != "mixed":
        asked = LightPart(
            from_s=0.0,
            to_s=duration,
            night=settings.light == "night",
            weather="rain" if settings.light == "rain" else "dry",
            fog=False,
        )
        return (asked,)
    found, at = [], 0.0
    for long in turns:
        end = duration if at + long > duration - 25 else at + float(long)
        weather = "rain" if wet else "dry"
        found.append(LightPart(from_s=at, to_s=end, night=night, weather=weather, fog=fog and not wet))
        at, wet = end, not wet
        if at >= duration:
            break
    return tuple(found)
