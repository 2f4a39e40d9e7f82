"""Drawn streets as frames, drawn once and kept in the cache.  Needs torch."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from roadworthy.core.device import set_threads
from roadworthy.core.files import folder_replacing, write_json
from roadworthy.core.notes import say
from roadworthy.core.words import plural
from roadworthy.data.cache import default_cache_dir
from roadworthy.data.drawings import face_tiles
from roadworthy.data.frames import Annotation, Frame
from roadworthy.imaging.decode import decode
from roadworthy.render.street import Photograph, draw_frame

_TILE_PX = 256
_QUALITY = 95  # of the files: frames of a camera are JPEG, too
_INDEX = "frames.json"


@dataclass(frozen=True, kw_only=True)
class Series:
    """Which streets: all that decides about their pixels.

    on: photographs of streets that signs are drawn on, without their own; none for drawn streets.
    code: what draws; a street drawn by other code is another.
    """

    countries: tuple[str, ...]
    recipe: str
    seed: int
    frames: int
    width: int = 1280
    height: int = 720
    on: tuple[Frame, ...] = ()
    code: str = ""


@cache
def _code() -> str:
    """A digest of all that streets and signs are drawn with."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for folder in ("render", "signs"):
        for file in sorted((package / folder).rglob("*")):
            if package / "render" / "drive" in file.parents:  # films, of which streets know nothing
                continue
            if file.suffix in (".py", ".svg", ".toml"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


def drawn_frames(series: Series, split: str, *, workers: int | None = None) -> list[Frame]:
    """The streets of a series, drawn where they are not in the cache yet, which is said.

    split: what each frame gets as its split.  workers: processes that draw; None for one per core.
    """
    series = replace(series, code=_code())
    key = _key(series)
    folder = default_cache_dir() / f"streets-{key}"
    if not (folder / _INDEX).is_file():
        ground = f" on {plural(len(series.on), 'photograph')}" if series.on else ""
        drawn = f"{plural(series.frames, 'street')}{ground} once ({series.recipe})"
        say(f"drawing {drawn}; they are kept in {folder}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder_replacing(folder) as aside:
            _draw_all(series, aside, workers)
    stored = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    return [
        Frame(
            path=str(folder / one["file"]),
            annotations=tuple(
                Annotation(box=(x1, y1, x2, y2), label=label, ignore=ignore)
                for x1, y1, x2, y2, label, ignore in one["marked"]
            ),
            sequence=f"{key}#{number}",
            split=split,
        )
        for number, one in enumerate(stored)
    ]


def _key(series: Series) -> str:
    # Photographs by name: where they lie does not matter.
    on = [
        (Path(frame.path).name, [[*one.box, one.ignore] for one in frame.annotations]) for frame in series.on
    ]
    tree = {name: value for name, value in asdict(replace(series, on=())).items() if name != "on"}
    tree |= {"on": on} if on else {}
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:24]


def _draw_all(series: Series, folder: Path, workers: int | None) -> None:
    asked = [(series, number, str(folder)) for number in range(series.frames)]
    # Threads of torch do not survive a fork.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=set_threads, initargs=(1,)) as pool:
        found = list(pool.map(_draw_one, asked, chunksize=4))
    write_json(found, folder / _INDEX)


def _draw_one(asked: tuple[Series, int, str]) -> dict[str, Any]:
    """Draw one street into its file; what is marked in it."""
    series, number, folder = asked
    faces, ground = _faces(series.countries), _ground(series, number)
    street = draw_frame(
        series.seed, number, series.recipe, series.width, series.height, faces, photographs=ground
    )
    name = f"{number:05d}.jpg"
    Image.fromarray(street.image).save(Path(folder) / name, quality=_QUALITY, subsampling=0)
    marked = [[*box, label, False] for box, label in zip(street.boxes, street.signs, strict=True)]
    return {"file": name, "marked": [*marked, *([*box, kind, True] for box, kind in street.others)]}


def _ground(series: Series, number: int) -> list[Photograph]:
    """The photograph that a street is drawn on, if it is to be; each as often as the others."""
    if not series.on:
        return []
    order = np.random.default_rng(series.seed).permutation(len(series.on))
    frame = series.on[int(order[number % len(order)])]
    return [Photograph(image=decode(frame.path), boxes=[one.box for one in frame.annotations])]


@cache
def _faces(countries: tuple[str, ...]) -> dict[str, torch.Tensor]:
    return face_tiles(countries, _TILE_PX)
