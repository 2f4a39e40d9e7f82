"""How things look on a drive by day, by night and in rain: its light, and the camera's tone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.random import Generator

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.render.drive.settings import DriveRecipe
from roadworthy.render.street.lens import Lens, any_lens
from roadworthy.render.street.light import BYTE_TO_LINEAR, Light, any_light

_STEPS = 4096
_BEAM_M = 11.0  # at which the lamps' own light is as `beam` says
WARM = np.array([1.0, 0.95, 0.86], dtype=np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """Light of one kind and the camera under it.

    light, lens: as streets have them.  night, wet: what they stand for.  gain: radiance to the picture's
    light, 1 white.  exposure_s: how long a frame is exposed.
    """

    light: Light
    lens: Lens
    night: bool
    wet: bool
    gain: float
    exposure_s: float

    @cached_property
    def _curve(self) -> FloatArray:
        """Levels for the square root of light in steps: sRGB's curve, then an S of the lens's contrast."""
        light = (np.arange(_STEPS) / (_STEPS - 1)) ** 2
        plain = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        toned = plain + (plain * plain * (3 - 2 * plain) - plain) * self.lens.contrast
        black = self.lens.black
        return np.asarray((black + (1 - black) * toned) * 255, dtype=np.float32)

    @cached_property
    def back(self) -> FloatArray:
        """(256,): the light that each level of the picture stands for, for what is laid over it."""
        return np.interp(np.arange(256), self._curve, (np.arange(_STEPS) / (_STEPS - 1)) ** 2).astype(
            np.float32
        )

    def levels(self, radiance: FloatArray) -> ByteArray:
        """The picture's levels, uint8, of radiance (..., 3)."""
        gains = np.array(self.lens.colours, dtype=np.float32) * np.float32(self.gain)
        return self.levels_of(radiance * gains)

    def levels_of(self, light: FloatArray) -> ByteArray:
        """The levels of light that is exposed already: 1 is white."""
        steps = (np.sqrt(np.clip(light, 0, 1)) * (_STEPS - 1)).astype(np.uint16)
        toned = self._curve[steps]
        return np.asarray(np.clip(toned + 0.5, 0, 255).astype(np.uint8))

    def beam_at(self, ahead: float, height: float = 1.0) -> float:
        """Radiance that the car's lamps add to white, so far ahead and so high above the road."""
        if not self.light.beam:
            return 0.0
        low = 1.0 if height < 1.3 else 0.3
        return self.light.beam * min(3.0, math.pow(_BEAM_M / max(ahead, 3.0), 1.6)) * low

    def thrown_back(self, ahead: float) -> float:
        """Radiance that retroreflective sheeting throws back of the lamps' light, besides what all get."""
        if not (self.night and self.light.beam):
            return 0.0
        return self.light.beam * 1.3 * min(1.6, math.pow(45 / max(ahead, 8.0), 0.8))

    def seen(self, ahead: float) -> float:
        """How much of a thing's light comes through the air."""
        return self.light.seen(ahead)

    @property
    def white(self) -> FloatArray:
        """(3,): radiance of white that faces the camera, without lamps."""
        return np.asarray(self.light.ambient + self.light.sun * max(0.12, self.light.front))

    @property
    def ground(self) -> FloatArray:
        """(3,): radiance of white that lies on the ground."""
        return np.asarray(self.light.ambient + self.light.sun * 0.75)


def any_look(
    rng: Generator, recipe: DriveRecipe, *, night: bool, wet: bool, fog: bool, lens: Lens | None = None
) -> Look:
    """A light of a kind and a camera for it; by day and dry sunny or overcast by lot.

    lens: of the same drive by another light, whose glass and colours stay.
    """
    weather = "night" if night else "rain" if wet else str(rng.choice(["sunny", "sunny", "overcast"]))
    light = any_light(rng, weather)
    if night:
        level = float(rng.uniform(0.012, 0.03))
        light = replace(
            light,
            ambient=(WARM * level).astype(np.float32),
            beam=float(rng.uniform(0.28, 0.45)),
            fog=0.0004,
            zenith=(light.zenith * 0.4).astype(np.float32),
            skyline=(light.skyline * 0.5).astype(np.float32),
            cloud=(light.cloud * 0.35).astype(np.float32),
        )
    if wet:
        light = replace(light, wet=0.8, fog=float(rng.uniform(0.002, 0.0045)), lamps=True)
    if fog:
        light = replace(light, fog=max(light.fog, float(rng.uniform(0.004, 0.008))))
    own = any_lens(rng, night)
    own = _as_recipe(own if lens is None else lens, rng if lens is None else None, recipe)
    own = replace(own, noise=0.008 if night else 0.0035 if wet else 0.002)
    look = Look(
        light=light,
        lens=own,
        night=night,
        wet=wet,
        gain=1.0,
        exposure_s=1 / 45 if night else 1 / 160 if wet else 1 / 500,
    )
    # Meters weigh the road and the sky; at night what the lamps light.
    ground = 0.2 * float(look.ground.mean())
    sky = float(np.minimum(light.skyline, 3.0).mean())
    level = 0.75 * ground + 0.25 * sky if not night else 0.055
    wanted = 0.34 if not night else 0.10
    gain = wanted / level
    if not night:
        # Neither the road nor a white sign is burnt out, and the sky only in part.
        gain = min(gain, 0.26 / ground, 0.95 / max(0.45 * sky, 0.75 * float(look.white.mean())))
    return replace(look, gain=float(gain))


def _as_recipe(lens: Lens, rng: Generator | None, recipe: DriveRecipe) -> Lens:
    """A fair dashcam's lens with what the recipe says of tone and colours."""
    if rng is None:
        return lens
    red, blue = rng.uniform(*recipe.cast, 2)
    return replace(
        lens,
        contrast=float(rng.uniform(*recipe.tone)),
        colours=(float(red), 1.0, float(blue)),
        saturation=1.0,  # things are lit band by band
        blur=float(rng.uniform(0.25, 0.6)),
        black=float(rng.uniform(0.0, 0.03)),
        vignette=float(rng.uniform(0.1, 0.3)) + recipe.spot,
    )


def tile_light(levels: ByteArray) -> FloatArray:
    """Reflectances of a drawing's sRGB levels."""
    return np.asarray(BYTE_TO_LINEAR[levels])
