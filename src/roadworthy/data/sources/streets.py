"""Drawn streets: `streets:au`, `streets:au+de`, with settings after a question mark.

    frames=1000   streets to train on, or in all
    recipe=NAME   `street`, or one that is held out: `street-val`, `street-test`, `plain`
    seed=7        which ones
    on=gtsdb      signs drawn on the training frames of another set, whose own signs are covered; to train on

`street` comes with val and test, drawn with recipes of their own and always the same; the others by name
give a set without splits.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.core.extras import require
from roadworthy.data.frames import Frame
from roadworthy.data.sources._boxes import OURS, frame_source
from roadworthy.signs.catalogue import faces

FRAMES, HELD_OUT_FRAMES = 1000, 100
TRAINED_ON = "street"
HELD_OUT = {"val": "street-val", "test": "street-test"}
_MOST = 100_000
_FIXED_SEED = 0

TERMS = "streets drawn by Roadworthy: Apache-2.0; road signs themselves are official works"


@frame_source("streets", settings=("frames", "on", "recipe", "seed"))
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """Streets drawn by Roadworthy itself, with the signs of au, de or au+de."""
    require("drawing streets", "train", "signs")
    from roadworthy.data.drawn_frames import Series, drawn_frames
    from roadworthy.render.street import RECIPES

    countries, recipe = _countries(str(place)), options.get("recipe", TRAINED_ON)
    if recipe not in RECIPES:
        raise UnknownNameError("recipe of drawn streets", recipe, RECIPES)
    seed, n = _whole(options, "seed", 0, 0, 2**31 - 1), _whole(options, "frames", FRAMES, 1, _MOST)
    series = Series(countries=countries, recipe=recipe, seed=seed, frames=n)
    if on := options.get("on"):
        if recipe != TRAINED_ON:
            raise ConfigError(f"streets: got on={on} and recipe={recipe}; photographs are for {TRAINED_ON}")
        return drawn_frames(replace(series, on=_photographs(on)), "train")
    if recipe != TRAINED_ON:
        return drawn_frames(series, "")
    found = drawn_frames(series, "train")
    for split, held_out in HELD_OUT.items():
        fixed = Series(countries=countries, recipe=held_out, seed=_FIXED_SEED, frames=HELD_OUT_FRAMES)
        found += drawn_frames(fixed, split)
    return found


def _countries(place: str) -> tuple[str, ...]:
    known = sorted({face.country for face in faces()})
    wanted = tuple(part.strip() for part in place.split("+") if part.strip())
    if not wanted or len(set(wanted)) < len(wanted):
        raise ConfigError(
            f"streets:{place} must name countries, each once and joined by +; known: {', '.join(known)}"
        )
    for country in wanted:
        if country not in known:
            raise UnknownNameError("country of drawn signs", country, known)
    return wanted


def _photographs(spec: str) -> tuple[Frame, ...]:
    """The training frames of another set, given as `gtsdb` or as `voc:FOLDER`."""
    from roadworthy.data.frame_specs import read_frames
    from roadworthy.data.frame_splits import split_frames

    if spec.startswith("streets"):
        raise ConfigError(f"streets: got on={spec}; drawn streets are no photographs")
    spec = spec if ":" in spec else f"{spec}:"
    # Signs that labels leave out would stay, and be learnt as what is none.
    with suppress(ConfigError):  # there may be none
        return tuple(split_frames(read_frames(f"{spec}?corrections={OURS}"))["train"])
    return tuple(split_frames(read_frames(spec))["train"])


def _whole(options: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = options.get(name, str(default))
    if not text.isdecimal() or len(text) > 12 or not least <= int(text) <= most:
        raise ConfigError(f"streets: got {name}={text!r}; it must be a whole number from {least} to {most:,}")
    return int(text)
