"""A drawn drive: its frames, and what is true of them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

import numpy as np
from numpy.random import default_rng
from PIL import Image

from roadworthy.render.drive.look import any_look
from roadworthy.render.drive.painter import DrawnFrame, Painter
from roadworthy.render.drive.settings import DriveSettings
from roadworthy.render.drive.world import LightPart, World, make_world

_FADE_S = 2.0  # in which one weather turns into the next


class DrawnDrive:
    """A drive whose frames are painted when they are asked for, in any order.

    The same settings give the same frames, whichever are asked for, and in whichever process.
    """

    def __init__(self, settings: DriveSettings) -> None:
        self.settings = settings
        self._painters: dict[tuple[bool, str, bool], Painter] = {}

    @cached_property
    def world(self) -> World:
        """All that is there."""
        return make_world(self.settings)

    def __len__(self) -> int:
        return len(self.world.motion)

    def frame(self, number: int, without: Collection[int] = ()) -> DrawnFrame:
        """Frame `number`, from 0.  without: numbers of signs that are left out.

        Raises IndexError for one that the film does not have.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"frame {number} of {len(self)}")
        now, after, share = self._lights_at(number / self.settings.fps)
        frame = self._painter(now).frame(number, without)
        if after is None:
            return frame
        other = self._painter(after).frame(number, without)
        image = Image.blend(Image.fromarray(frame.image), Image.fromarray(other.image), share)
        return DrawnFrame(image=np.asarray(image), shown=frame.shown)

    def _lights_at(self, at_s: float) -> tuple[LightPart, LightPart | None, float]:
        """The light of a moment, the one that it turns into, and how far."""
        lights = self.world.lights
        number = next((n for n, one in enumerate(lights) if at_s < one.to_s), len(lights) - 1)
        left = lights[number].to_s - at_s
        if left < _FADE_S and number + 1 < len(lights):
            return lights[number], lights[number + 1], 1 - left / _FADE_S
        return lights[number], None, 0.0

    def _painter(self, part: LightPart) -> Painter:
        key = part.night, part.weather, part.fog
        if key not in self._painters:
            world, wet = self.world, part.weather == "rain"
            glass = any_look(
                default_rng([world.seed, 7]), world.recipe, night=part.night, wet=False, fog=False
            )
            look = any_look(
                default_rng([world.seed, 11]),
                world.recipe,
                night=part.night,
                wet=wet,
                fog=part.fog,
                lens=glass.lens,
            )
            self._painters[key] = Painter(world, look, world.seed)
        return self._painters[key]
