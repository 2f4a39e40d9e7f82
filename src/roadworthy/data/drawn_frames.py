"""Drawn streets as frames: `rendered:au+de` to a finder, drawn once and kept in the cache.  Needs torch.

    frames=1000     streets to train on
    recipe=NAME     `street`, or one of those that are held out, which then has no splits
    seed=7          which ones

To train on come with `val` and `test`, drawn with recipes of their own and always the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from roadworthy import render, signs
from roadworthy.core.device import set_threads
from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.core.files import folder_replacing, write_json
from roadworthy.data.cache import default_cache_dir
from roadworthy.data.drawings import face_tiles
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources._shared import refuse_unknown_options
from roadworthy.render.street import draw_frame
from roadworthy.render.street.scene import RECIPES
from roadworthy.signs.catalogue import faces

FRAMES, HELD_OUT_FRAMES = 1000, 100
WIDTH, HEIGHT = 1280, 720
HELD_OUT = {"val": "street-val", "test": "street-test"}
_OPTIONS = ("frames", "recipe", "seed")
_MOST = 100_000
_TILE_PX = 256
_QUALITY = 95  # of the files: frames of a camera are JPEG, too
_INDEX = "frames.json"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Series:
    """Which streets: all that decides about their pixels.

    code: what draws; a street drawn by other code is another.
    """

    countries: tuple[str, ...]
    recipe: str
    seed: int
    frames: int
    width: int = WIDTH
    height: int = HEIGHT
    code: str = ""


@cache
def _code() -> str:
    """A digest of all that streets and signs are drawn with."""
    digest = hashlib.sha256()
    for package in (render, signs):
        for file in sorted(Path(package.__path__[0]).rglob("*")):
            if file.suffix in (".py", ".svg", ".toml"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


def drawn_frames(
    place: str, options: Mapping[str, str], *, progress: Progress | None = None, workers: int | None = None
) -> list[Frame]:
    """The streets that `rendered:PLACE?options` names, drawn where they are not in the cache yet.

    Raises ConfigError and UnknownNameError for settings that make no sense.
    """
    refuse_unknown_options("rendered", options, _OPTIONS)
    countries = _countries(place)
    recipe, seed = options.get("recipe", "street"), _whole(options, "seed", 0, 0, 2**31 - 1)
    if recipe not in RECIPES:
        raise UnknownNameError("recipe of drawn streets", recipe, RECIPES)
    wanted = _whole(options, "frames", FRAMES, 1, _MOST)
    if recipe in HELD_OUT.values():
        series = {"": Series(countries=countries, recipe=recipe, seed=seed, frames=wanted)}
    else:
        series = {"train": Series(countries=countries, recipe=recipe, seed=seed, frames=wanted)}
        series |= {
            split: Series(countries=countries, recipe=held_out, seed=0, frames=HELD_OUT_FRAMES)
            for split, held_out in HELD_OUT.items()
        }
    return [
        frame
        for split, one in series.items()
        for frame in _kept(one, split, progress=progress, workers=workers)
    ]


def _kept(series: Series, split: str, *, progress: Progress | None, workers: int | None) -> list[Frame]:
    """The frames of a series, from the cache if it has them."""
    series = replace(series, code=_code())
    key = hashlib.sha256(json.dumps(asdict(series), sort_keys=True).encode()).hexdigest()[:24]
    folder = default_cache_dir() / f"streets-{key}"
    if not (folder / _INDEX).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder_replacing(folder) as aside:
            _draw_all(series, aside, progress, workers)
    stored = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    return [
        Frame(
            path=str(folder / one["file"]),
            annotations=tuple(
                Annotation(box=tuple(box), label=label, ignore=ignore)
                for *box, label, ignore in one["marked"]
            ),
            sequence=f"{key}#{number}",
            split=split,
        )
        for number, one in enumerate(stored)
    ]


def _draw_all(series: Series, folder: Path, progress: Progress | None, workers: int | None) -> None:
    found: list[dict[str, Any]] = []
    # Threads of torch do not survive a fork.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=set_threads, initargs=(1,)
    ) as pool:
        asked = [(series, number, str(folder)) for number in range(series.frames)]
        for drawn in pool.map(_draw_one, asked, chunksize=4):
            found.append(drawn)
            if progress is not None:
                progress(len(found), series.frames)
    write_json(found, folder / _INDEX)


def _draw_one(asked: tuple[Series, int, str]) -> dict[str, Any]:
    """Draw one street into its file; what is marked in it."""
    series, number, folder = asked
    street = draw_frame(
        series.seed, number, series.recipe, series.width, series.height, _faces(series.countries)
    )
    name = f"{number:05d}.jpg"
    Image.fromarray(street.image).save(Path(folder) / name, quality=_QUALITY, subsampling=0)
    marked = [[*box, label, False] for box, label in zip(street.boxes, street.signs, strict=True)]
    return {"file": name, "marked": [*marked, *([*box, kind, True] for box, kind in street.others)]}


@cache
def _faces(countries: tuple[str, ...]) -> dict[str, torch.Tensor]:
    return face_tiles(countries, _TILE_PX)


def _countries(place: str) -> tuple[str, ...]:
    known = sorted({face.country for face in faces()})
    wanted = tuple(part.strip() for part in place.split("+") if part.strip())
    if not wanted or len(set(wanted)) < len(wanted):
        raise ConfigError(
            f"rendered:{place} must name countries, each once and joined by +; known: {', '.join(known)}"
        )
    for country in wanted:
        if country not in known:
            raise UnknownNameError("country of drawn signs", country, known)
    return wanted


def _whole(options: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = options.get(name, str(default))
    if not text.isdecimal() or len(text) > 12 or not least <= int(text) <= most:
        raise ConfigError(
            f"rendered: got {name}={text!r}; it must be a whole number from {least} to {most:,}"
        )
    return int(text)
