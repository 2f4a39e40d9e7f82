"""What happens between the street and the file: rain, drops, glare, the glass, the lens, the sensor."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.random import Generator, default_rng
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from roadworthy.render.drive.look import Look
from roadworthy.render.drive.settings import DriveRecipe

_STREAKS, _SPARE = 5, 160
_WIPED_S = 1.3  # between two strokes of the wiper
_STROKE_S = 0.35


class Windscreen:
    """The glass, lens and sensor of one drive under one light; all that stays is made once."""

    def __init__(self, look: Look, recipe: DriveRecipe, size: tuple[int, int], seed: int) -> None:
        self.look, self._recipe, self._size = look, recipe, size
        self._seed = seed

    def seen(
        self, picture: Image.Image, at_s: float, frame: int, sun: tuple[float, float] | None
    ) -> Image.Image:
        """The frame as the camera writes it.

        sun: the column and row where the sun stands, or None.
        """
        rng = default_rng([self._seed, frame, 5])
        if sun is not None:
            picture = self._glare(picture, sun)
        if self._recipe.ghost:
            turned = picture.resize((self._size[0] // 2, self._size[1] // 2)).transpose(
                Image.Transpose.FLIP_TOP_BOTTOM
            )
            picture = Image.blend(picture, turned.resize(self._size), self._recipe.ghost)
        if self.look.wet:
            self._rain(picture, rng)
            self._drops(picture, at_s)
        picture.paste(self._bonnet, (0, self._size[1] - self._bonnet.height), self._bonnet)
        picture = ImageChops.multiply(picture, self._vignette)
        blur = self.look.lens.blur + (0.25 if self.look.wet else 0.0)
        picture = picture.filter(ImageFilter.BoxBlur(blur))
        if self._recipe.fringe:
            picture = self._fringed(picture)
        return self._noisy(picture, rng)

    def _glare(self, picture: Image.Image, sun: tuple[float, float]) -> Image.Image:
        halo = self._halo
        column, row = sun
        left, top = round(column - halo.width / 2), round(row - halo.height / 2)
        if left + halo.width > 0 and left < self._size[0] and top + halo.height > 0:
            picture.paste((255, 250, 238), (left, top), halo)
        return picture

    @cached_property
    def _halo(self) -> Image.Image:
        side = self._size[0]
        y, x = np.mgrid[-1 : 1 : complex(0, side // 4), -1 : 1 : complex(0, side // 4)]
        away = np.hypot(x, y)
        light = 0.75 * np.exp(-((away / 0.06) ** 2)) + 0.35 * np.exp(-away / 0.28) * np.clip(1 - away, 0, 1)
        small = Image.fromarray(np.clip(light * 255, 0, 255).astype(np.uint8))
        return small.resize((side, side), Image.Resampling.BILINEAR)

    def _rain(self, picture: Image.Image, rng: Generator) -> None:
        """Drops that fall before the car, as long as the exposure shows them."""
        mask = self._falling[int(rng.integers(_STREAKS))]
        left, top = (int(one) for one in rng.integers(_SPARE, size=2))
        part = mask.crop((left, top, left + self._size[0], top + self._size[1]))
        level = 110 if self.look.night else 205
        picture.paste((level, level, level + 6), (0, 0), part)

    @cached_property
    def _falling(self) -> list[Image.Image]:
        rng, found = default_rng([self._seed, 17]), []
        wide, tall = self._size[0] + _SPARE, self._size[1] + _SPARE
        for _ in range(_STREAKS):
            mask = Image.new("L", (wide, tall))
            pen = ImageDraw.Draw(mask)
            for _drop in range(int(wide * tall / 5200)):
                x, y = rng.uniform(0, wide), rng.uniform(0, tall)
                long = float(rng.uniform(5, 26)) * tall / 900
                lean = (x - wide / 2) / wide * 0.5 * long
                pen.line([(x, y), (x + lean, y + long)], fill=int(rng.uniform(14, 52)), width=1)
            found.append(mask.filter(ImageFilter.GaussianBlur(0.6)))
        return found

    def _drops(self, picture: Image.Image, at_s: float) -> None:
        """Drops on the glass, more and more until the wiper takes them away."""
        stroke, since = divmod(at_s, _WIPED_S)
        share = min(1.0, max(0.0, since - _STROKE_S) / _WIPED_S)
        count = int(70 * share)
        wide, tall = self._size
        if count:
            rng = default_rng([self._seed, 23, int(stroke)])
            mask = Image.new("L", (wide // 2, tall // 2))
            pen = ImageDraw.Draw(mask)
            for x, y, radius in zip(
                rng.uniform(0, wide / 2, 70),
                rng.uniform(0, tall / 2, 70),
                rng.gamma(2.0, 0.9, 70),
                strict=True,
            ):
                count -= 1
                if count < 0:
                    break
                radius *= tall / 720
                pen.ellipse((x - radius, y - radius, x + radius, y + 1.2 * radius), fill=210)
            mask = mask.filter(ImageFilter.GaussianBlur(0.8)).resize((wide, tall), Image.Resampling.BILINEAR)
            soft = picture.reduce(10).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
            small = Image.blend(soft, soft.transpose(Image.Transpose.FLIP_TOP_BOTTOM), 0.6)
            picture.paste(small.resize((wide, tall), Image.Resampling.BILINEAR), (0, 0), mask)
        if since < _STROKE_S:
            self._wiper(picture, since / _STROKE_S, int(stroke))

    def _wiper(self, picture: Image.Image, share: float, stroke: int) -> None:
        wide, tall = self._size
        swing = share if stroke % 2 == 0 else 1 - share
        angle = np.pi * (0.06 + 0.8 * swing)
        foot, reach = (0.62 * wide, 1.12 * tall), 1.02 * tall
        tip = foot[0] - reach * np.cos(angle) * 1.15, foot[1] - reach * np.sin(angle)
        mask = Image.new("L", (wide // 4, tall // 4))
        ImageDraw.Draw(mask).line(
            [tuple(c / 4 for c in foot), tuple(float(c) / 4 for c in tip)],
            fill=235,
            width=max(2, wide // 220),
        )
        mask = mask.filter(ImageFilter.GaussianBlur(1.2)).resize((wide, tall), Image.Resampling.BILINEAR)
        picture.paste((14, 14, 16), (0, 0), mask)

    @cached_property
    def _bonnet(self) -> Image.Image:
        """The edge of the bonnet at the foot of the frame, out of focus."""
        wide, tall = self._size[0], max(8, round(0.075 * self._size[1]))
        rng = default_rng([self._seed, 3])
        level = int(rng.uniform(18, 60)) if not self.look.night else 6
        x = np.linspace(-1, 1, wide)[None]
        y = np.linspace(0, 1, tall)[:, None]
        edge = 0.25 + 0.5 * x**2
        alpha = np.clip((y - edge) * tall / 5, 0, 1)
        shade = level * (1 + 0.8 * np.exp(-(((y - edge) * tall / 9) ** 2)) + 0.5 * (1 - y))
        picture = np.empty((tall, wide, 4), dtype=np.uint8)
        picture[..., :3] = np.clip(shade[..., None] * np.array([1, 1.02, 1.06]), 0, 255)
        picture[..., 3] = alpha * 255
        return Image.fromarray(picture)

    @cached_property
    def _vignette(self) -> Image.Image:
        wide, tall = self._size
        x, y = np.linspace(-1, 1, wide)[None], np.linspace(-1, 1, tall)[:, None]
        # Levels are not light: the root of what falls off.
        level = 255 * np.sqrt(np.clip(1 - self.look.lens.vignette * (0.6 * x**2 + 0.4 * y**2), 0, 1))
        return Image.merge("RGB", [Image.fromarray((level + 0.5).astype(np.uint8))] * 3)

    def _fringed(self, picture: Image.Image) -> Image.Image:
        """Red a little larger than green, blue a little smaller."""
        wide, tall = self._size
        by = self._recipe.fringe
        red, green, blue = picture.split()
        inner = by, by * tall / wide, wide - by, tall - by * tall / wide
        red = red.resize((wide, tall), Image.Resampling.BILINEAR, box=inner)
        return Image.merge("RGB", [red, green, blue])

    def _noisy(self, picture: Image.Image, rng: Generator) -> Image.Image:
        left, top = (int(one) for one in rng.integers(_SPARE, size=2))
        grain = self._grain.crop((left, top, left + self._size[0], top + self._size[1]))
        picture = ImageChops.add(picture, grain, offset=-128)
        if not (self._recipe.banding or self._recipe.hot):
            return picture
        levels = np.array(picture)
        if self._recipe.banding:
            rows = rng.normal(0, self._recipe.banding, self._size[1])
            levels = np.clip(levels + rows[:, None, None].round(), 0, 255).astype(np.uint8)
        if self._recipe.hot:
            levels[self._hot] = 235
        return Image.fromarray(levels)

    @cached_property
    def _hot(self) -> tuple[np.ndarray, np.ndarray]:
        rng, count = default_rng([self._seed, 31]), int(self._recipe.hot * self._size[0] * self._size[1]) + 1
        return rng.integers(self._size[1], size=count), rng.integers(self._size[0], size=count)

    @cached_property
    def _grain(self) -> Image.Image:
        rng = default_rng([self._seed, 29])
        wide, tall = self._size[0] + _SPARE, self._size[1] + _SPARE
        fine = rng.normal(0, 1, (tall, wide, 1)) + 0.35 * rng.normal(0, 1, (tall, wide, 3))
        levels = 128 + fine * (self.look.lens.noise * 255)
        return Image.fromarray(np.clip(levels.round(), 0, 255).astype(np.uint8))
