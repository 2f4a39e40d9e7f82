"""The light of a street: sun, sky, lamps and fog, as radiances; a white wall in full sun has about 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from roadworthy.render.street.view import Floats

BYTE_TO_LINEAR: Floats = ((np.arange(256) / 255) ** 2.2).astype(np.float32)


def linear(*levels: float) -> Floats:
    """Reflectances of a colour given as sRGB levels of 0 to 255."""
    return np.asarray((np.asarray(levels, dtype=np.float32) / 255) ** 2.2, dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Light:
    """What shines on a street.

    ambient, sun: (3,) radiance of white in the shade, and what the sun adds to white that faces it.
    front: how much of the sun strikes what faces the camera; left, right: what faces right, and left.
    zenith, skyline: (3,) radiances of the sky.  clouds: how much of it they cover.  cloud: (3,) theirs.
    beam: radiance that the car's own lamps add to white at 10 m.  lamps: whether lamps are lit.
    fog: how much the air hides a metre, 1/m.  wet: how wet the road is, 0 to 1.  haze: (3,) what far things
    fade to; near the skyline without.
    """

    ambient: Floats
    sun: Floats
    front: float
    left: float
    right: float
    zenith: Floats
    skyline: Floats
    cloud: Floats
    clouds: float
    beam: float = 0.0
    lamps: bool = False
    fog: float = 0.0
    wet: float = 0.0
    haze: Floats | None = None

    def on(self, facing: float, z: float, y: float = 1.0) -> Floats:
        """(3,): radiance of white that gets `facing` of the sun, z metres ahead and y above the road."""
        own = self.beam * min(3.0, (10 / max(z, 2.0)) ** 1.6) * (1.0 if y < 1.2 else 0.35)
        warm = np.array([1.0, 0.95, 0.85], dtype=np.float32)
        return np.asarray(self.ambient + self.sun * facing + own * warm)

    def seen(self, z: float) -> float:
        """How much of a thing's light comes through the air."""
        return float(np.exp(-self.fog * z))

    @property
    def air(self) -> Floats:
        """(3,): what comes from the air instead."""
        return self.skyline * 0.85 if self.haze is None else self.haze

    @property
    def sunny(self) -> bool:
        """Whether things throw shadows."""
        return bool(self.sun.mean() > 0.2)


def any_light(rng: Generator, weather: str) -> Light:
    """Light of some weather: sunny, overcast, dull, dusk, night, rain or fog."""
    tint = np.array([1.0, 1.0, 1.0], dtype=np.float32) + rng.uniform(-0.04, 0.04, 3).astype(np.float32)
    blue = np.array([0.62, 0.8, 1.1], dtype=np.float32)
    white = np.array([0.95, 0.98, 1.03], dtype=np.float32)
    gold = np.array([1.1, 0.95, 0.78], dtype=np.float32)
    behind = rng.random() < 0.4  # the sun is before us
    facing = float(rng.uniform(0.0, 0.08) if behind else rng.uniform(0.3, 1.0))
    sides = rng.uniform(0.05, 0.9, 2)
    one = int(rng.integers(2))
    sides[one] *= 0.15
    fog, wet, beam, lamps = float(rng.uniform(0.0, 0.0015)), 0.0, 0.0, False
    if weather == "sunny":
        ambient, sun = blue * rng.uniform(0.16, 0.32), gold * rng.uniform(0.7, 1.0)
        zenith, skyline = (
            blue * np.array([0.45, 0.8, 1.2]) * rng.uniform(0.5, 1.0),
            white * rng.uniform(0.8, 2.2),
        )
        cloud, clouds = white * rng.uniform(1.2, 2.2), float(rng.uniform(0, 0.7))
        if behind:
            skyline = skyline * 2.0
    elif weather in ("overcast", "rain", "fog"):
        ambient, sun = white * rng.uniform(0.6, 1.0), gold * 0.06
        zenith, skyline = white * rng.uniform(0.8, 2.0), white * rng.uniform(1.2, 3.0)
        cloud, clouds = white * rng.uniform(0.5, 1.4), float(rng.uniform(0.2, 1.0))
        wet = float(rng.uniform(0.5, 1.0)) if weather == "rain" else float(rng.random() < 0.2) * 0.5
        fog = {
            "overcast": fog,
            "rain": float(rng.uniform(0.002, 0.008)),
            "fog": float(rng.uniform(0.008, 0.03)),
        }[weather]
        lamps = weather != "overcast"
    elif weather == "dusk":
        ambient, sun = blue * rng.uniform(0.12, 0.3), gold * 0.05
        zenith, skyline = (
            blue * rng.uniform(0.3, 0.8),
            (gold if rng.random() < 0.5 else white) * rng.uniform(0.6, 2.0),
        )
        cloud, clouds, lamps = blue * rng.uniform(0.15, 0.5), float(rng.uniform(0.2, 1.0)), True
        beam, wet = float(rng.uniform(0.05, 0.2)), float(rng.random() < 0.3) * 0.6
    else:
        ambient, sun = gold * rng.uniform(0.01, 0.06), gold * 0.0
        zenith, skyline = blue * rng.uniform(0.0, 0.02), gold * rng.uniform(0.0, 0.04)
        cloud, clouds, lamps = gold * 0.02, 0.3, True
        beam, wet = float(rng.uniform(0.15, 0.5)), float(rng.random() < 0.4) * 0.8
    f = np.float32
    return Light(
        ambient=(ambient * tint).astype(f),
        sun=(sun * tint).astype(f),
        front=facing,
        left=float(sides[0]),
        right=float(sides[1]),
        zenith=zenith.astype(f),
        skyline=skyline.astype(f),
        cloud=cloud.astype(f),
        clouds=clouds,
        beam=beam,
        lamps=lamps,
        fog=fog,
        wet=wet,
    )
