"""The drawn camera: faces of signs become photographs, in batches, from a seed.

Every effect is one definition (effects.py, surfaces.py, backdrops.py, unseen.py) found by name in EFFECTS; a
recipe is a list of them with strengths.  `Camera(recipe, size, without)` leaves effects out one by one, and
leaves all else as it was to the last number: that is what an ablation needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
import torch.nn.functional as F
from torch import Tensor

from roadworthy import pixels
from roadworthy.errors import ShapeError, UnknownNameError
from roadworthy.registry import Registry
from roadworthy.signs.backdrops import (
    Board,
    Brick,
    Buildings,
    Clutter,
    Foliage,
    Gradient,
    Neighbour,
    Photograph,
    Plate,
    Pole,
    Sky,
    Solid,
    words,
)
from roadworthy.signs.effects import (
    EFFECTS,
    Backlight,
    ChromaBlur,
    Colour,
    ColourFringes,
    Contrast,
    Crop,
    CutOff,
    Effect,
    Exposure,
    FocusBlur,
    Framing,
    Glare,
    Haze,
    Hue,
    Jpeg,
    Layer,
    LensDirt,
    MotionBlur,
    OffCentre,
    Perspective,
    Pose,
    Rain,
    Random,
    Resolution,
    Retroreflection,
    Rotation,
    Saturation,
    Scene,
    SensorNoise,
    Shadow,
    Sharpening,
    Shear,
    Squeeze,
    Stage,
    SunPatches,
    Turn,
    WhiteBalance,
    any_colours,
    axes,
    boxes,
    effect_name,
    halve,
    lay,
    pixel,
    premultiplied,
    scene_colours,
    strokes,
)
from roadworthy.signs.surfaces import (
    BulletHoles,
    Confetti,
    Dirt,
    Fade,
    Graffiti,
    Leaves,
    Rust,
    Stickers,
    SurfaceNoise,
)
from roadworthy.signs.unseen import (
    TestBoxBlur,
    TestCast,
    TestFence,
    TestFraming,
    TestGhost,
    TestLevels,
    TestSnow,
    TestSpeckle,
    TestSplitLight,
    TestTone,
    TestWaves,
    ValDefocus,
    ValDrops,
    ValFacets,
    ValFog,
    ValFraming,
    ValGamma,
    ValImpulses,
    ValSpotlight,
)

Recipe = tuple[Effect, ...]
RECIPES: Registry[Callable[[], Recipe]] = Registry("camera recipe")

_OUTLINE_PX = 64  # at most so many rows in which a face's outline is looked up
_SEEDS = 2**62


@RECIPES.register("plain")
def _plain() -> Recipe:
    """Tight crops, little geometry, mild light, no damage: for clean icons and first checks."""
    return (
        Solid(),
        Gradient(0.5, 0.5),
        Rotation(3),
        Crop(0.25),
        OffCentre(0.02),
        Contrast(0.1),
        WhiteBalance(0.05),
        FocusBlur(0.01, 0.3),
    )


@RECIPES.register("default")
def _default() -> Recipe:
    """What streets, weather, light and cameras do to signs; for training at 32 to 64 pixels."""
    return (
        Solid(),
        Gradient(0.9, 0.3),
        Clutter(0.4, 0.7),
        Buildings(1.0, 0.5),
        Brick(0.4, 0.06),
        Sky(1.0, 0.35),
        Foliage(1.0, 0.3),
        Photograph(1.0, 0.4),
        Pole(0.08, 0.45),
        Board(0.3, 0.06),
        Plate(0.45, 0.1),
        Neighbour(0.15, 0.15),
        Turn(0.3, 0.6),
        Shear(5, 0.6),
        Perspective(0.2, 0.6),
        Rotation(9),
        Squeeze(0.15, 0.25),
        Crop(1.0),
        OffCentre(0.05),
        CutOff(0.2, 0.05),
        Fade(0.6, 0.2),
        SurfaceNoise(0.35, 0.2),
        Dirt(0.6, 0.12),
        Rust(0.8, 0.05),
        Stickers(0.16, 0.05),
        BulletHoles(0.04, 0.03),
        Graffiti(0.05, 0.05),
        Confetti(0.12, 0.1),
        Leaves(0.6, 0.06),
        Shadow(0.7, 0.25),
        SunPatches(1.0, 0.12),
        Backlight(0.7, 0.4),
        Retroreflection(0.95, 0.06),
        Glare(0.7, 0.08),
        Saturation(0.5),
        Hue(8),
        WhiteBalance(0.15),
        Contrast(0.4),
        Haze(0.4, 0.15),
        Exposure(0.9),
        Rain(0.5, 0.03),
        LensDirt(0.6, 0.05),
        FocusBlur(0.035, 0.35),
        MotionBlur(0.1, 0.15),
        ChromaBlur(2.0, 0.2),
        ColourFringes(1.0, 0.2),
        Resolution(2.5, 0.5),
        SensorNoise(0.06, 0.3),
        Sharpening(1.5, 0.2),
        Jpeg(70, 0.15),
    )


@RECIPES.register("hard")
def _hard() -> Recipe:
    """More of everything, and crops up to three times as wide as the sign; for long trainings."""
    return (
        Solid(),
        Gradient(1.0, 0.3),
        Clutter(0.4, 0.7),
        Buildings(1.0, 0.4),
        Brick(0.5, 0.08),
        Sky(1.0, 0.25),
        Foliage(1.0, 0.35),
        Photograph(1.0, 0.4),
        Pole(0.1, 0.55),
        Board(0.4, 0.1),
        Plate(0.5, 0.2),
        Neighbour(0.2, 0.3),
        Turn(0.5, 0.7),
        Shear(10, 0.7),
        Perspective(0.35, 0.7),
        Rotation(13),
        Squeeze(0.3, 0.35),
        Crop(2.0),
        OffCentre(0.08),
        CutOff(0.3, 0.1),
        Fade(0.8, 0.3),
        SurfaceNoise(0.55, 0.3),
        Dirt(0.75, 0.2),
        Rust(0.9, 0.1),
        Stickers(0.2, 0.1),
        BulletHoles(0.05, 0.06),
        Graffiti(0.07, 0.1),
        Confetti(0.16, 0.2),
        Leaves(0.8, 0.12),
        Shadow(0.85, 0.35),
        SunPatches(1.5, 0.2),
        Backlight(0.75, 0.5),
        Retroreflection(0.98, 0.1),
        Glare(0.9, 0.12),
        Saturation(0.8),
        Hue(14),
        WhiteBalance(0.22),
        Contrast(0.5),
        Haze(0.75, 0.3),
        Exposure(0.95),
        Rain(0.7, 0.08),
        LensDirt(0.8, 0.12),
        FocusBlur(0.06, 0.5),
        MotionBlur(0.2, 0.3),
        ChromaBlur(3.0, 0.3),
        ColourFringes(1.5, 0.3),
        Resolution(3.6, 0.7),
        SensorNoise(0.14, 0.4),
        Sharpening(2.0, 0.3),
        Jpeg(85, 0.3),
    )


@RECIPES.register("other-val")
def _other_val() -> Recipe:
    """To choose on, never to train on: facets, fog, spotlights, gamma, drops, discs, dead pixels.  Fixed."""
    return (
        ValFacets(),
        Turn(0.35, 0.5),
        Perspective(0.25, 0.5),
        Rotation(7),
        ValFraming(0.25),
        Fade(0.5, 0.2),
        ValFog(0.9, 0.35),
        ValSpotlight(0.85, 0.4),
        ValGamma(1.5, 0.7),
        Saturation(0.4, 0.7),
        ValDrops(0.15, 0.12),
        ValDefocus(0.05, 0.4),
        Resolution(2.5, 0.5),
        ValImpulses(0.04, 0.25),
    )


@RECIPES.register("other-test")
def _other_test() -> Recipe:
    """To report on, never to train or choose on: waves, fences, coloured light, snow, ghosts.  Fixed."""
    return (
        TestWaves(),
        Turn(0.35, 0.5),
        Shear(8, 0.5),
        Rotation(8),
        TestFraming(0.6),
        TestFence(0.06, 0.12),
        TestSplitLight(0.6, 0.5),
        TestTone(0.9, 0.6),
        TestCast(0.5, 0.6),
        Haze(0.5, 0.2),
        TestSnow(0.08, 0.15),
        TestBoxBlur(0.12, 0.3),
        TestGhost(0.08, 0.2),
        TestSpeckle(0.3, 0.4),
        TestLevels(1.0, 0.25),
    )


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
        # What is left out keeps its place in the row of random numbers, so that the others keep theirs.
        self._used = [e.amount > 0 and effect_name(e) not in without for e in self.effects]

    def __call__(
        self,
        faces_B4SS: Tensor,
        generator: torch.Generator,
        neighbours: Tensor | None = None,
        photographs: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Photographs (B, 3, size, size), float32 in [0, 1], and the signs' boxes (B, 4).

        faces_B4SS: float32 RGBA in [0, 1], straight alpha, as `draw_tile` draws them.
        neighbours: faces of the same shape for signs beside; one each, used where chance says so.
        photographs: (N, 3, h, w), float32 in [0, 1] or uint8, for backgrounds.
        Boxes are x1, y1, x2, y2 in fractions of the picture, cut off at its borders.
        All that is random comes from `generator`, in an order that no number of threads changes.
        Raises ShapeError for faces that are not square RGBA.
        """
        _check_faces(faces_B4SS)
        if neighbours is not None and neighbours.shape != faces_B4SS.shape:
            raise ShapeError(
                f"neighbours have the shape {tuple(neighbours.shape)}; "
                f"they need the faces', {tuple(faces_B4SS.shape)}"
            )
        drawn = self._draw(len(faces_B4SS), generator, faces_B4SS.device)
        layers = _pyramid(premultiplied(faces_B4SS), self.size)
        matrices, extents, boxes_B4 = self._place(layers, drawn)
        sign = _shrink_and_warp(layers, matrices, self.size)
        scene = Scene(
            signs=sign[:, 3:],
            matrices=matrices,
            extents=extents,
            neighbours=neighbours,
            photographs=photographs,
            rows=torch.arange(len(sign), device=sign.device),
        )
        pictures = self._apply("behind", torch.full_like(sign[:, :3], 0.5), scene, drawn)
        pictures = torch.addcmul(sign[:, :3], pictures, 1 - scene.signs)
        return self._expose(self._apply("surface", pictures, scene, drawn), scene, drawn), boxes_B4

    def describe(self) -> list[str]:
        """One line per effect in use: name, amount, how often."""
        return [effect.describe() for effect, used in zip(self.effects, self._used, strict=True) if used]

    def _draw(self, count: int, generator: torch.Generator, device: torch.device) -> list[Drawn]:
        """For each effect in use: the rows that it meets, and random numbers of its own."""
        u = torch.rand(len(self.effects), count, generator=generator, device=generator.device)
        seeds = torch.randint(_SEEDS, (len(self.effects),), generator=generator, device=generator.device)
        whole = zip(self.effects, self._used, u.to(device), seeds.tolist(), strict=True)
        return [
            (effect, chance < effect.probability, Random(seed, generator.device, device))
            for effect, used, chance, seed in whole
            if used
        ]

    def _place(self, layers: list[Tensor], drawn: list[Drawn]) -> tuple[Tensor, Tensor, Tensor]:
        """Homographies from tile to picture, half extents of the drawings in their tiles, and boxes."""
        outline, extent = _outline(layers)
        matrices = torch.eye(3, device=outline.device).expand(len(outline), 3, 3)
        for effect, acts, random in drawn:
            if isinstance(effect, Pose):
                turned = effect.matrix(len(outline), random) @ matrices
                matrices = torch.where(acts[:, None, None], turned, matrices)
        low, high = _bounds(outline, matrices)
        half, middle = (high - low) / 2, (high + low) / 2
        # From here on the sign's box is what moves: at first it fills the picture.
        frame = torch.cat([half / half.amax(dim=1, keepdim=True), torch.zeros_like(middle)], dim=1)
        for effect, acts, random in drawn:
            if isinstance(effect, Framing):
                frame = torch.where(acts[:, None], effect.move(frame, random), frame)
        scale = frame[:, :2] / half
        fit = torch.diag_embed(F.pad(scale, (0, 1), value=1.0))
        fit[:, :2, 2] = frame[:, 2:] - scale * middle
        edges = torch.cat([frame[:, 2:] - frame[:, :2], frame[:, 2:] + frame[:, :2]], dim=1)
        return fit @ matrices, extent, ((edges + 1) / 2).clamp_(0.0, 1.0)

    def _expose(self, pictures: Tensor, scene: Scene, drawn: list[Drawn]) -> Tensor:
        """Light, exposure, lens and sensor."""
        pictures = self._apply("light", pictures, scene, drawn)
        mean = pictures.mean(dim=(2, 3), keepdim=True)[:, :, 0]
        luma, eye = mean.new_tensor(pixels.LUMA), torch.eye(3, 4, device=mean.device)
        matrices = []
        for effect, acts, random in drawn:
            if isinstance(effect, Colour):
                matrix = torch.where(acts[:, None, None], effect.matrix(mean[:, :, 0] @ luma, random), eye)
                mean = torch.baddbmm(matrix[:, :, 3:], matrix[:, :, :3], mean)
                matrices.append(matrix)
        if matrices:
            pictures = pixels.colour(pictures, pixels.compose_colour(*matrices))
        # Sums of weights may be a rounding error above 1.
        return self._apply("lens", pictures, scene, drawn).clamp_(0.0, 1.0)

    def _apply(self, stage: Stage, pictures: Tensor, scene: Scene, drawn: list[Drawn]) -> Tensor:
        """The layers of one stage, each computed only for the pictures that it meets."""
        for effect, acts, random in drawn:
            if not isinstance(effect, Layer) or effect.stage != stage:
                continue
            chosen = acts.nonzero()[:, 0]
            if not len(chosen):
                continue
            if len(chosen) == len(pictures):
                pictures = effect.apply(pictures, scene, random)
            else:
                pictures[chosen] = effect.apply(pictures[chosen], scene.at(chosen), random)
        return pictures


Drawn = tuple[Effect, Tensor, Random]


def _check_faces(faces: Tensor) -> None:
    if faces.ndim != 4 or faces.shape[1] != 4 or faces.shape[2] != faces.shape[3]:
        raise ShapeError(f"faces have the shape {tuple(faces.shape)}; they need (B, 4, S, S)")


def _pyramid(faces: Tensor, size: int) -> list[Tensor]:
    """The faces, and halves of them down to what the smallest signs need, each averaged from the last."""
    layers = [faces]
    while layers[-1].shape[-1] >= max(16, size / 3) * 2 and layers[-1].shape[-1] % 2 == 0:
        layers.append(halve(layers[-1]))
    return layers


def _shrink_and_warp(layers: list[Tensor], matrices: Tensor, size: int) -> Tensor:
    """(B, 4, size, size): each face drawn from the layer whose pixels come nearest to the picture's."""
    # Bilinear sampling skips pixels where it shrinks by more than two, and thin strokes break up.
    scale = matrices[:, :2, :2].det().abs().sqrt().clamp_min(1e-3)
    level = (layers[0].shape[-1] / (size * scale)).log2().round().long().clamp_(0, len(layers) - 1)
    result = layers[0].new_empty(len(matrices), 4, size, size)
    for number, layer in enumerate(layers):
        chosen = (level == number).nonzero()[:, 0]
        if len(chosen):
            result[chosen] = pixels.warp(layer[chosen], matrices[chosen], "zeros", size=(size, size))
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


# Pictures of no sign ------------------------------------------------------------------------------------


def no_sign(
    count: int,
    size: int,
    generator: torch.Generator,
    faces: Tensor | None = None,
    photographs: Tensor | None = None,
    recipe: str | Recipe = "default",
) -> Tensor:
    """(count, 3, size, size) pictures of the class `no-sign`, float32 in [0, 1], on the generator's device.

    A quarter shows ground only; the others shapes, poles and wires, wheels and lamps, words, and, where
    `faces` (N, 4, S, S) are given, corners of signs and signs from behind; all through the light and the
    lens of the recipe.
    A corner shows at most a fifth of a sign's width or of its height: too little to know it by.
    """
    camera = Camera(recipe, size)
    device = generator.device
    drawn = camera._draw(count, generator, device)
    seeds = torch.randint(_SEEDS, (len(_THINGS) + 1,), generator=generator, device=device).tolist()
    kind = (torch.rand(count, generator=generator, device=device) * 8).long().clamp_max(7)
    scene = Scene(
        signs=torch.zeros(count, 1, size, size, device=device),
        matrices=torch.eye(3, device=device).repeat(count, 1, 1),
        extents=torch.ones(count, 2, device=device),
        neighbours=None,
        photographs=photographs,
        rows=torch.arange(count, device=device),
    )
    # Poles and boards too: a pole without its sign, an empty board.
    pictures = camera._apply("behind", torch.full((count, 3, size, size), 0.5, device=device), scene, drawn)
    things: list[Callable[[Tensor, Random], Tensor]] = list(_THINGS)
    if faces is not None and len(faces):
        _check_faces(faces)
        tiles = premultiplied(faces.to(device))
        things += [lambda p, r: _corners(p, tiles, r), lambda p, r: _backs(p, tiles, r)]
        seeds += torch.randint(_SEEDS, (2,), generator=generator, device=device).tolist()
    for number, thing in enumerate(things):
        chosen = (kind == number + 2).nonzero()[:, 0]
        if len(chosen):
            pictures[chosen] = thing(pictures[chosen], Random(seeds[number], device, device))
    return camera._expose(pictures, scene, drawn)


def _shapes(pictures: Tensor, random: Random) -> Tensor:
    """Up to four boxes and ellipses of any colour; one alone may look like a blank sign, which is none."""
    count, shapes = len(pictures), 4
    shape = random.uniform(count, shapes, 5, low=-1)
    shape[..., 2:4] = 0.08 + 0.6 * shape[..., 2:4].abs()
    x, y = axes(pictures)
    there = (random.uniform(count, shapes, 1, 1) < 0.6).float()
    masks = boxes(x, y, shape, pixel(pictures), random.uniform(count, shapes, 1, 1) < 0.5)
    return lay(pictures, masks * there, any_colours(random, count, shapes))


def _poles_and_wires(pictures: Tensor, random: Random) -> Tensor:
    """Five straight things from end to end, nearly upright or level."""
    count, lines = len(pictures), 5
    along = random.uniform(count, lines, 1, low=-1)
    lean = along + random.normal(count, lines, 1) * 0.15
    far = torch.full_like(along, 1.3)
    level = random.uniform(count, lines, 1) < 0.3
    upright = torch.cat([along, -far, lean, far], dim=2)
    ends = torch.where(level, upright[..., [1, 0, 3, 2]], upright)
    width = random.uniform(count, lines).square() * 0.2 + 0.01
    x, y = axes(pictures)
    return lay(pictures, strokes(x, y, ends, width, pixel(pictures)), scene_colours(random, count, lines))


def _wheels_and_lamps(pictures: Tensor, random: Random) -> Tensor:
    """A round thing in two rings: a dark tyre with a pale hub, or a bright lamp in a dark housing."""
    count = len(pictures)
    outer = random.uniform(count, 1, 5, low=-0.4, high=0.4)
    outer[..., 2:4] = random.uniform(count, 1, 1, low=0.3, high=1.0)
    outer[..., 3] *= random.uniform(count, 1, low=0.6, high=1.0)
    inner, core = outer.clone(), outer.clone()
    inner[..., 2:4] *= random.uniform(count, 1, 1, low=0.45, high=0.75)
    core[..., 2:4] *= 0.2
    x, y = axes(pictures)
    masks = boxes(x, y, torch.cat([core, inner, outer], dim=1), pixel(pictures), round_=True)
    spokes = random.uniform(count, 6, high=3.1416)
    ends = outer[:, :, :2].expand(-1, 6, -1)
    reach = torch.stack([spokes.cos(), spokes.sin()], dim=2) * inner[:, :, 2:4] * 0.9
    bars = strokes(
        x, y, torch.cat([ends - reach, ends + reach], dim=2), inner[:, :, 2] * 0.06, pixel(pictures)
    )
    colours = scene_colours(random, count, 9)
    colours[:, 8] *= 0.3  # tyres and housings are dark
    return lay(pictures, torch.cat([masks[:, :1], bars, masks[:, 1:]], dim=1), colours)


def _words(pictures: Tensor, random: Random) -> Tensor:
    """A shop's board, a number plate, a poster: marks in rows on one colour."""
    count = len(pictures)
    shape = random.uniform(count, 5, low=-0.3, high=0.3)
    shape[:, 2:3] = random.uniform(count, 1, low=0.5, high=1.3)
    shape[:, 3:4] = random.uniform(count, 1, low=0.2, high=0.8)
    shape[:, 4] = 0.0
    x, y = axes(pictures)
    ground, ink = any_colours(random, count), any_colours(random, count)
    pictures = lay(pictures, boxes(x, y, shape[:, None], pixel(pictures)), ground[:, None])
    return words(pictures, x, y, shape, ink, random)


def _corners(pictures: Tensor, faces: Tensor, random: Random) -> Tensor:
    """A sign so near and so far aside that only an edge of it shows."""
    count, size = len(pictures), pictures.shape[-1]
    chosen = _pick(random, count, faces)
    # The tile's border comes to within a fifth of the sign from the picture's border, on one or two sides.
    zoom = random.uniform(count, low=0.8, high=2.5)
    shown = random.uniform(2, count, low=0.05, high=0.4) * zoom
    side = torch.where(random.uniform(2, count) < 0.5, -1.0, 1.0)
    away = side * (1 + zoom - shown)
    both = random.uniform(count) < 0.4
    flat = random.uniform(count) < 0.5
    beside = random.uniform(2, count, low=-0.4, high=0.4)
    matrices = torch.diag_embed(torch.stack([zoom, zoom, torch.ones_like(zoom)], dim=1))
    matrices[:, 0, 2] = torch.where(both | flat, away[0], beside[0])
    matrices[:, 1, 2] = torch.where(both | ~flat, away[1], beside[1])
    drawn = _shrink_and_warp([faces[chosen]], matrices, size)
    return torch.addcmul(drawn[:, :3], pictures, 1 - drawn[:, 3:])


def _backs(pictures: Tensor, faces: Tensor, random: Random) -> Tensor:
    """Signs from behind: their outlines in the grey of bare metal, a pole before them."""
    count, size = len(pictures), pictures.shape[-1]
    chosen = _pick(random, count, faces)
    scale = random.uniform(count, low=0.4, high=1.0)
    matrices = pixels.compose(
        pixels.zoom(scale),
        pixels.rotation(random.normal(count) * 6),
        _shift(random.uniform(count, 2, low=-0.2, high=0.2)),
    )
    mask = _shrink_and_warp([faces[chosen]], matrices, size)[:, 3:]
    x, y = axes(pictures)
    middle = matrices[:, :2, 2]
    half = 0.12 * scale
    pole = torch.stack(
        [middle[:, 0], torch.ones_like(half), half, torch.full_like(half, 1.6), half * 0], dim=1
    )
    masks = torch.cat([boxes(x, y, pole[:, None], pixel(pictures)), mask], dim=1)
    grey = random.uniform(count, 2, 1, low=0.2, high=0.7) * random.uniform(count, 1, 3, low=0.9, high=1.1)
    return lay(pictures, masks, grey.clamp(0.0, 1.0))


def _pick(random: Random, count: int, faces: Tensor) -> Tensor:
    return (random.uniform(count) * len(faces)).long().clamp_max(len(faces) - 1)


def _shift(by_B2: Tensor) -> Tensor:
    return pixels.translation(by_B2[:, 0] / 2, by_B2[:, 1] / 2)


_THINGS: tuple[Callable[[Tensor, Random], Tensor], ...] = (
    _shapes,
    _poles_and_wires,
    _wheels_and_lamps,
    _words,
)
