"""Pictures of drawn records, and training sets whose drawings are renewed during training.  Needs torch.

A class's series is divided into blocks of 256, each with its own seed, and only the pictures of a block
that are needed are drawn: a picture is the same whichever other records, classes or splits are drawn with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from roadworthy.core.arrays import BoolArray, ByteArray, IntArray
from roadworthy.core.device import generator
from roadworthy.core.errors import DataNotFoundError, ImageError
from roadworthy.data.records import Drawing, Record
from roadworthy.imaging import ops
from roadworthy.imaging.decode import SUFFIXES, decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec
from roadworthy.render.camera import Camera
from roadworthy.render.distractors import distractor_faces
from roadworthy.render.no_sign import no_sign
from roadworthy.signs.catalogue import NO_SIGN, OTHER_SIGN, Face, faces, in_groups
from roadworthy.signs.draw import draw_tile, face_svg

BLOCK = 256
RENEWED_EVERY = 3  # epochs that a drawing serves in training, varied anew by augmentation each time
_TILE_PX, _LARGE_TILE_PX = 64, 128  # of a face, for pictures of up to 48 px and for larger ones
_PHOTO_PX, _MOST_PHOTOS = 64, 512
_MOST_OF_A_CLASS = 16  # faces of a class that streets show
_MOST_BESIDE = 1024  # faces that a block of what is no sign shows parts of

Progress = Callable[[int, int], None]


class Drawings:
    """The drawn pictures of some records, kept up to date in an array.

    images: (N, S, S, 3) uint8.  Rows of records without a drawing are left alone.
    drawn: whether they hold epoch 0 already.
    """

    def __init__(
        self, records: Sequence[Record], images: ByteArray, spec: InputSpec, *, drawn: bool = False
    ) -> None:
        self._images, self._spec = images, spec
        self._blocks: dict[Drawing, list[tuple[int, int]]] = defaultdict(list)
        for row, record in enumerate(records):
            if record.drawing is not None:
                block, place = divmod(record.drawing.number, BLOCK)
                self._blocks[replace(record.drawing, number=block)].append((row, place))
        self._generation: dict[Drawing, int] = dict.fromkeys(self._blocks, 0 if drawn else -1)

    def draw(self, epoch: int = 0, progress: Progress | None = None) -> None:
        """Bring the pictures to what `epoch` shows: each epoch redraws a third of the blocks.

        What an epoch shows does not depend on the epochs before it, so a training can be resumed.
        """
        stale = [
            (block, wanted)
            for index, (block, generation) in enumerate(self._generation.items())
            if (wanted := _generation(epoch, index)) != generation
        ]
        done, total = 0, sum(len(self._blocks[block]) for block, _ in stale)
        for block, wanted in stale:
            rows, places = np.array(self._blocks[block]).T
            self._images[rows] = _draw_block(block, wanted, self._spec, places)
            self._generation[block] = wanted
            done += len(rows)
            if progress is not None:
                progress(done, total)


def face_tiles(countries: Sequence[str], size: int) -> dict[str, Tensor]:
    """(F, 4, size, size) float32 RGBA drawings of faces of each class in some countries, for streets.

    At most _MOST_OF_A_CLASS of a class, evenly from its list, so that memory stays bounded.  Signs without a
    class are left out: a finder neither wants them nor errs with them.
    """
    tiles = _tiles(Drawing(sign="", countries=tuple(countries), recipe="", seed=0, number=0), size)
    return {
        sign: tiles.take(torch.linspace(first, end - 1, min(end - first, _MOST_OF_A_CLASS)).round().long())
        for sign, (first, end) in tiles.rows.items()
        if sign != OTHER_SIGN
    }


def worded(records: Sequence[Record]) -> BoolArray:
    """(N,) whether a picture is a drawing that carries words or digits: its mirror image is no sign.

    What is no sign may be mirrored, whatever stands on it.
    """
    found = np.zeros(len(records), dtype=bool)
    for row, record in enumerate(records):
        if (drawing := record.drawing) is not None and drawing.sign != NO_SIGN:
            own = _words(_without_series(drawing))[drawing.sign]
            found[row] = own[drawing.number % len(own)]
    return found


@lru_cache(maxsize=8)
def _words(block: Drawing) -> dict[str, list[bool]]:
    """Of each class's faces in their order, whether they carry words."""
    by_sign = _by_sign(block)
    return {sign: ["<text" in face_svg(face) for face in its] for sign, its in by_sign.items()}


def _generation(epoch: int, index: int) -> int:
    """The latest epoch, not after `epoch`, at which block number `index` is drawn anew; all are at 0."""
    return max(0, epoch - (epoch - index) % RENEWED_EVERY)


def _draw_block(
    block: Drawing, generation: int, spec: InputSpec, places: IntArray | None = None
) -> ByteArray:
    """(P, S, S, 3) uint8: the pictures at these places of block number `block.number`, all 256 without."""
    key = (block.seed, block.recipe, block.sign, "+".join(block.countries), block.number, generation)
    random = generator("cpu", "rendered", *key)
    size = _camera_px(spec)
    tile_px = _TILE_PX if size <= 48 else _LARGE_TILE_PX
    tiles = _tiles(_without_series(block), tile_px)
    photos = _photographs(block.photos) if block.photos else None
    every = np.arange(BLOCK)
    # Two records may be one drawing, and a block be asked for in any order: each picture is made once.
    asked, again = np.unique(every if places is None else places, return_inverse=True)
    rows = torch.from_numpy(asked)
    some = rows if len(rows) < BLOCK else None  # whole blocks need no choosing among numbers
    camera = _camera(block, size)
    if block.sign == NO_SIGN:
        everything = tiles.take(tiles.some(_MOST_BESIDE, random))
        pictures = no_sign(
            camera,
            BLOCK,
            random,
            everything,
            photos,
            misframed=block.misframed,
            things=distractors(tile_px) if block.distractors else None,
            distracting=block.distractors,
            rows=some,
        )
        boxes = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(len(rows), 4)
    else:
        shown = tiles.of(block.sign, block.number * BLOCK + torch.from_numpy(every))
        beside = tiles.take(tiles.of_others(block.sign, BLOCK, random)[rows])
        own, which = shown.unique(return_inverse=True)
        pictures, boxes = camera(tiles.take(own), random, beside, photos, which=which, rows=some)
    return _framed(pictures, boxes, spec)[again]


def _camera_px(spec: InputSpec) -> int:
    # A crop to the box enlarges, so there must be more to enlarge.
    return spec.size if spec.crop == "full" else round(1.5 * spec.size)


@lru_cache(maxsize=8)
def _camera_of(recipe: str, size: int, without: tuple[str, ...]) -> Camera:
    return Camera(recipe, size, without)


def _camera(block: Drawing, size: int) -> Camera:
    return _camera_of(block.recipe, size, block.without)


def check_rendered(options: Mapping[str, str]) -> None:
    """UnknownNameError if the camera recipe, or an effect to leave out, does not exist."""
    Camera(
        options.get("recipe", "default"), _TILE_PX, [n for n in options.get("without", "").split("+") if n]
    )


def _framed(pictures: Tensor, boxes_B4: Tensor, spec: InputSpec) -> ByteArray:
    """The pictures as `spec` frames and sizes them, as bytes with channels last."""
    if spec.crop != "full":
        margin = 0.0 if spec.crop == "roi" else float(spec.crop.removeprefix("margin="))
        low, high = boxes_B4[:, :2], boxes_B4[:, 2:]
        grow = margin * (high - low)
        low, high = (low - grow).clamp(0, 1), (high + grow).clamp(0, 1)
        # In the units of ops.warp: the middle is the origin, half the side is 1.
        centre, scale = low + high - 1, 1 / (high - low).clamp_min(0.05)
        move = ops.translation(-centre[:, 0] / 2, -centre[:, 1] / 2)
        matrices = ops.compose(move, ops.zoom(scale[:, 0], scale[:, 1]))
        pictures = ops.warp(pictures, matrices, size=(spec.size, spec.size))
    return pictures.clamp(0, 1).mul_(255).round_().to(torch.uint8).permute(0, 2, 3, 1).numpy()


@dataclass(frozen=True)
class _Tiles:
    """Faces, class by class, each drawn once it is needed.

    images: (F, 4, S, S) uint8 RGBA.  rows: where each class's faces begin and end.
    missing: how to draw those that are not in images yet, (4, S, S), by their row.
    """

    images: Tensor
    rows: Mapping[str, tuple[int, int]]
    missing: dict[int, Callable[[], Tensor]] = field(default_factory=dict)

    def take(self, indices: Tensor) -> Tensor:
        """The faces in these rows, float32 in [0, 1]."""
        for row in sorted(self.missing.keys() & set(indices.tolist())):
            self.images[row] = self.missing[row]()
            del self.missing[row]
        return self.images[indices].float() / 255

    def some(self, most: int, random: torch.Generator) -> Tensor:
        """All rows, or where there are more than `most`, so many of them by lot."""
        total = len(self.images)
        return torch.arange(total) if total <= most else torch.randperm(total, generator=random)[:most]

    def of(self, sign: str, numbers: Tensor) -> Tensor:
        """The rows of a class's faces by number, counted round and round."""
        first, end = self.rows[sign]
        return first + numbers % (end - first)

    def of_others(self, sign: str, count: int, random: torch.Generator) -> Tensor:
        """Rows of `count` faces of other classes; where there is no other class, of this one."""
        first, end = self.rows[sign]
        own, total = end - first, len(self.images)
        chosen = torch.randint(total - own or total, (count,), generator=random)
        return torch.where(chosen < first, chosen, (chosen + own) % total)


def _without_series(block: Drawing) -> Drawing:
    """What tells which faces are drawn, and nothing else."""
    return Drawing(
        sign="",
        countries=block.countries,
        recipe="",
        seed=0,
        number=0,
        faces=block.faces,
        groups=block.groups,
        leave=block.leave,
    )


def _by_sign(block: Drawing) -> dict[str, list[Face]]:
    """The faces that a series shows, class by class."""
    by_sign: dict[str, list[Face]] = defaultdict(list)
    known = faces(block.countries, Path(block.faces) if block.faces else None)
    for face in in_groups(known, block.groups, block.leave):
        by_sign[face.sign].append(face)
    return by_sign


@lru_cache(maxsize=8)
def _tiles(block: Drawing, size: int) -> _Tiles:
    by_sign = _by_sign(block)
    ordered = [face for its in by_sign.values() for face in its]
    ends = np.cumsum([len(its) for its in by_sign.values()]).tolist()
    return _Tiles(
        images=torch.zeros(len(ordered), 4, size, size, dtype=torch.uint8),
        rows=dict(zip(by_sign, pairwise([0, *ends]), strict=True)),
        missing={row: partial(_tile, face, size) for row, face in enumerate(ordered)},
    )


@lru_cache(maxsize=2)
def distractors(size: int) -> Tensor:
    """(N, 4, size, size) float32 RGBA of things that look much like signs."""
    return torch.stack([_tile(face, size) for face in distractor_faces()]).float() / 255


def _tile(face: Face, size: int) -> Tensor:
    return torch.from_numpy(draw_tile(face, size)).permute(2, 0, 1)


@lru_cache(maxsize=2)
def _photographs(folder: str) -> Tensor:
    """(N, 3, 64, 64) uint8: the first photographs of a folder, for backgrounds."""
    paths = sorted(p for p in Path(folder).expanduser().rglob("*") if p.suffix.lower() in SUFFIXES)
    pictures = []
    for path in paths[: 2 * _MOST_PHOTOS]:
        try:
            pictures.append(crop_resize(decode(path), InputSpec(size=_PHOTO_PX)))
        except ImageError:  # a background less is no loss
            continue
    if not pictures:
        raise DataNotFoundError(f"photos={folder} has no pictures; name a folder of photographs")
    return torch.from_numpy(np.stack(pictures[:_MOST_PHOTOS])).permute(0, 3, 1, 2)
