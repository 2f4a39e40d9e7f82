"""The drawn camera: faces of signs become photographs, in batches, from a seed.

Every effect is one definition (effects.py, surfaces.py, backdrops.py, unseen.py) found by name in EFFECTS; a
recipe is a list of them with strengths.  `Camera(recipe, size, without)` leaves effects out one by one, and
leaves all else as it was to the last number: that is what an ablation needs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy.core.errors import ShapeError, UnknownNameError
from roadworthy.imaging import ops
from roadworthy.render.effects import (
    EFFECTS,
    Colour,
    Effect,
    Framing,
    Layer,
    Pose,
    Random,
    Scene,
    Stage,
    batch,
    effect_name,
    halve,
    premultiplied,
    scales,
)
from roadworthy.render.recipes import RECIPES, Recipe

_OUTLINE_PX = 64  # at most so many rows in which a face's outline is looked up
SEEDS = 2**62


class Camera:
    """Makes photographs of drawn signs.

    recipe: a name in RECIPES, or effects of one's own; order matters within a stage only.
    size: side of the photographs in pixels.
    without: names of effects to leave out.  UnknownNameError for one that does not exist.
    """

    def __init__(self, recipe: str | Recipe, size: int, without: Collection[str] = ()) -> None:
        self.effects: Recipe = RECIPES.get(recipe)() if isinstance(recipe, str) else tuple(recipe)
        self.size = size
        for name in without:
            if name not in EFFECTS:
                raise UnknownNameError(EFFECTS.kind, name, EFFECTS)
        # An effect that is left out still uses up its random numbers, so that the others keep theirs.
        self._used = [e.amount > 0 and effect_name(e) not in without for e in self.effects]

    def __call__(
        self,
        faces_B4SS: Tensor,
        generator: torch.Generator,
        neighbours: Tensor | None = None,
        photographs: Tensor | None = None,
        before: Tensor | None = None,
        which: Tensor | None = None,
        rows: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Photographs (B, 3, size, size), float32 in [0, 1], and the signs' boxes (B, 4).

        faces_B4SS: float32 RGBA in [0, 1], straight alpha, as `draw_tile` draws them.
        neighbours: faces of the same size for signs beside; one for each picture, used where chance says so.
        photographs: (N, 3, h, w), float32 in [0, 1] or uint8, for backgrounds.
        before: (B, 3, size, size), what the signs stand before; mid-grey without.
        which: (N,), the face of each picture where several show the same one; one each without.
        rows: (B,), which of those pictures to make, as they are in the whole, in any order and as often as
        named; all without.
        Boxes are x1, y1, x2, y2 in fractions of the picture, cut off at its borders.
        All that is random comes from `generator`, in an order that no number of threads changes.
        Raises ShapeError for faces that are not square RGBA.
        """
        check_faces(faces_B4SS)
        every = torch.arange(len(faces_B4SS), device=faces_B4SS.device) if which is None else which
        made = every if rows is None else every[rows]
        wanted = (len(made), *faces_B4SS.shape[1:])
        if neighbours is not None and neighbours.shape != wanted:
            raise ShapeError(
                f"neighbours have the shape {tuple(neighbours.shape)}; with one per picture it is {wanted}"
            )
        drawn = self.draw(len(every), generator, faces_B4SS.device)
        layers = pyramid(premultiplied(faces_B4SS), max(16, self.size / 3))
        outline, extents = (values[every] for values in _outline(layers))
        matrices, boxes_B4 = self._place(outline, drawn)
        if which is not None or rows is not None:
            layers = [layer[made] for layer in layers]
        if rows is not None:
            drawn = [only(one, rows, scales(matrices)) for one in drawn]
            matrices, extents, boxes_B4 = matrices[rows], extents[rows], boxes_B4[rows]
        sign = shrink_and_warp(layers, matrices, self.size)
        scene = Scene(
            signs=sign[:, 3:],
            matrices=matrices,
            extents=extents,
            neighbours=neighbours,
            photographs=photographs,
            rows=torch.arange(len(sign), device=sign.device),
        )
        ground = torch.full_like(sign[:, :3], 0.5) if before is None else before.clone()
        pictures = self.apply("behind", ground, scene, drawn)
        pictures = torch.addcmul(sign[:, :3], pictures, 1 - scene.signs)
        return self.expose(self.apply("surface", pictures, scene, drawn), scene, drawn), boxes_B4

    def describe(self) -> list[str]:
        """One line per effect in use: name, amount, how often."""
        return [effect.describe() for effect, used in zip(self.effects, self._used, strict=True) if used]

    def draw(self, count: int, generator: torch.Generator, device: torch.device) -> list[Drawn]:
        """For each effect in use: the pictures that it meets, and random numbers of its own."""
        u = torch.rand(len(self.effects), count, generator=generator, device=generator.device)
        seeds = torch.randint(SEEDS, (len(self.effects),), generator=generator, device=generator.device)
        whole = zip(self.effects, self._used, u.to(device), seeds.tolist(), strict=True)
        return [
            Drawn(effect, chance < effect.probability, Random(seed, generator.device, device))
            for effect, used, chance, seed in whole
            if used
        ]

    def _place(self, outline: Tensor, drawn: list[Drawn]) -> tuple[Tensor, Tensor]:
        """Homographies from tile to picture, and boxes, of drawings with these outlines (N, P, 2)."""
        matrices = torch.eye(3, device=outline.device).expand(len(outline), 3, 3)
        for effect, acts, random, _ in drawn:
            if isinstance(effect, Pose):
                turned = effect.matrix(batch(outline), random) @ matrices
                matrices = torch.where(acts[:, None, None], turned, matrices)
        low, high = _bounds(outline, matrices)
        half, middle = (high - low) / 2, (high + low) / 2
        # From here on the sign's box is what moves: at first it fills the picture.
        frame = torch.cat([half / half.amax(dim=1, keepdim=True), torch.zeros_like(middle)], dim=1)
        for effect, acts, random, _ in drawn:
            if isinstance(effect, Framing):
                frame = torch.where(acts[:, None], effect.move(frame, random), frame)
        scale = frame[:, :2] / half
        fit = torch.diag_embed(F.pad(scale, (0, 1), value=1.0))
        fit[:, :2, 2] = frame[:, 2:] - scale * middle
        edges = torch.cat([frame[:, 2:] - frame[:, :2], frame[:, 2:] + frame[:, :2]], dim=1)
        return fit @ matrices, ((edges + 1) / 2).clamp_(0.0, 1.0)

    def expose(self, pictures: Tensor, scene: Scene, drawn: list[Drawn]) -> Tensor:
        """Light, exposure, lens and sensor."""
        pictures = self.apply("light", pictures, scene, drawn)
        mean = pictures.mean(dim=(2, 3), keepdim=True)[:, :, 0]
        luma, eye = mean.new_tensor(ops.LUMA), torch.eye(3, 4, device=mean.device)
        matrices = []
        for effect, acts, random, _ in drawn:
            if isinstance(effect, Colour):
                matrix = torch.where(acts[:, None, None], effect.matrix(mean[:, :, 0] @ luma, random), eye)
                mean = torch.baddbmm(matrix[:, :, 3:], matrix[:, :, :3], mean)
                matrices.append(matrix)
        if matrices:
            pictures = ops.colour(pictures, ops.compose_colour(*matrices))
        # Sums of weights may be a rounding error above 1.
        return self.apply("lens", pictures, scene, drawn).clamp_(0.0, 1.0)

    def apply(self, stage: Stage, pictures: Tensor, scene: Scene, drawn: list[Drawn]) -> Tensor:
        """The layers of one stage, each computed only for the pictures that it meets."""
        for effect, acts, random, sizes in drawn:
            if not isinstance(effect, Layer) or effect.stage != stage:
                continue
            chosen = acts.nonzero()[:, 0]
            if not len(chosen):
                continue
            met = scene.at(chosen, sizes)
            if len(chosen) == len(pictures):
                pictures = effect.apply(pictures, met, random)
            else:
                pictures[chosen] = effect.apply(pictures[chosen], met, random)
        return pictures


class Drawn(NamedTuple):
    """An effect, which pictures (N,) it meets, its random numbers.

    sizes: of all that it meets, where some of them are not made.
    """

    effect: Effect
    acts: Tensor
    random: Random
    sizes: Tensor | None = None


def only(drawn: Drawn, rows: Tensor, sizes: Tensor) -> Drawn:
    """The same for some of the pictures, as it is in the whole; sizes: (N,) of all signs."""
    effect, acts, random, _ = drawn
    if isinstance(effect, Layer):  # it draws numbers for those alone that it meets
        return Drawn(effect, acts[rows], random.only(*among(acts, rows)), sizes[acts])
    return Drawn(effect, acts[rows], random.only(rows, len(acts)))


def among(chosen: Tensor, rows: Tensor) -> tuple[Tensor, int]:
    """Where the chosen ones of `rows` stand among all that are chosen, and how many those are.

    chosen: (N,) bool.  rows: indices in [0, N).
    """
    places = chosen.long().cumsum(0) - 1
    return places[rows][chosen[rows]], int(chosen.sum())


def check_faces(faces: Tensor) -> None:
    """ShapeError for faces that are not square RGBA."""
    if faces.ndim != 4 or faces.shape[1] != 4 or faces.shape[2] != faces.shape[3]:
        raise ShapeError(f"faces have the shape {tuple(faces.shape)}; it must be (B, 4, S, S)")


def pyramid(faces: Tensor, least: float) -> list[Tensor]:
    """The faces, and halves of them down to `least` pixels, each averaged from the last."""
    layers = [faces]
    while layers[-1].shape[-1] >= least * 2 and layers[-1].shape[-1] % 2 == 0:
        layers.append(halve(layers[-1]))
    return layers


def shrink_and_warp(layers: list[Tensor], matrices: Tensor, size: int) -> Tensor:
    """(B, 4, size, size): each face drawn from the layer whose pixels come nearest to the picture's."""
    # Bilinear sampling skips pixels where it shrinks by more than two, and thin strokes break up.
    scale = matrices[:, :2, :2].det().abs().sqrt().clamp_min(1e-3)
    level = (layers[0].shape[-1] / (size * scale)).log2().round().long().clamp_(0, len(layers) - 1)
    result = layers[0].new_empty(len(matrices), 4, size, size)
    for number, layer in enumerate(layers):
        chosen = (level == number).nonzero()[:, 0]
        if len(chosen):
            result[chosen] = ops.warp(layer[chosen], matrices[chosen], "zeros", size=(size, size))
    return result


def _outline(layers: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Points (B, P, 2) around each drawing in its tile, and its half width and height (B, 2) there."""
    layer = next((each for each in layers if each.shape[-1] <= _OUTLINE_PX), layers[-1])
    solid = layer[:, 3] > 0.5
    # A face that is all clear counts as a full tile: its box must still be a box.
    solid = solid | ~solid.flatten(1).any(dim=1)[:, None, None]
    side = solid.shape[-1]
    place = torch.arange(side, dtype=layer.dtype, device=layer.device)
    first = torch.where(solid, place, float(side)).amin(dim=2)
    last = torch.where(solid, place, -1.0).amax(dim=2) + 1
    # Rows without the drawing repeat its first row: no point of theirs lies outside.
    filled = first < side
    top = torch.where(filled, place, float(side)).amin(dim=1, keepdim=True)
    row = torch.where(filled, place, top)
    first, last = first.gather(1, row.long()), last.gather(1, row.long())
    x = torch.cat([first, first, last, last], dim=1)
    y = torch.cat([row, row + 1, row, row + 1], dim=1)
    points = torch.stack([x, y], dim=2) * (2 / side) - 1
    extent = (points.amax(dim=1) - points.amin(dim=1)) / 2
    return points, extent


def _bounds(points: Tensor, matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest x and y (B, 2) of the points where the homographies take them."""
    moved = torch.baddbmm(matrices[:, None, :, 2], points, matrices[:, :, :2].mT)
    moved = moved[..., :2] / moved[..., 2:]
    return moved.amin(dim=1), moved.amax(dim=1)
