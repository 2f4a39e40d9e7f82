"""Recipes of the drawn camera: named lists of effects with their amounts and how often they act."""

from __future__ import annotations

from collections.abc import Callable

from roadworthy.core.registry import Registry
from roadworthy.render.backdrops import (
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
)
from roadworthy.render.effects import Effect
from roadworthy.render.held_out import (
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
from roadworthy.render.lens import (
    Bloom,
    ChromaBlur,
    ColourFringes,
    Demosaic,
    FocusBlur,
    Jpeg,
    LensDirt,
    MotionBlur,
    Rain,
    Resolution,
    SensorNoise,
    Sharpening,
)
from roadworthy.render.light import (
    Backlight,
    Contrast,
    Dullness,
    Exposure,
    Glare,
    Haze,
    Hue,
    Retroreflection,
    Saturation,
    Shadow,
    SunPatches,
    WhiteBalance,
)
from roadworthy.render.pose import (
    Crop,
    CutOff,
    OffCentre,
    Perspective,
    Rotation,
    Shear,
    Squeeze,
    Turn,
)
from roadworthy.render.surfaces import (
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

Recipe = tuple[Effect, ...]
RECIPES: Registry[Callable[[], Recipe]] = Registry("camera recipe")


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
        Crop(0.7),
        Crop(1.8, 0.15),  # signs that a detector found far away
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
        Saturation(0.4, 0.7),
        Dullness(0.6, 0.7),
        Hue(8),
        WhiteBalance(0.15),
        Contrast(0.4),
        Haze(0.4, 0.15),
        Exposure(0.9),
        Rain(0.5, 0.03),
        LensDirt(0.6, 0.05),
        FocusBlur(0.03, 0.3),
        MotionBlur(0.1, 0.15),
        Bloom(1.2, 0.15),
        Demosaic(1.0, 0.35),
        ChromaBlur(2.0, 0.15),
        ColourFringes(1.0, 0.2),
        Resolution(2.0, 0.4),
        SensorNoise(0.06, 0.4),
        Sharpening(2.0, 0.35),
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
        Saturation(0.7, 0.8),
        Dullness(0.8, 0.7),
        Hue(14),
        WhiteBalance(0.22),
        Contrast(0.5),
        Haze(0.75, 0.3),
        Exposure(0.95),
        Rain(0.7, 0.08),
        LensDirt(0.8, 0.12),
        FocusBlur(0.06, 0.5),
        MotionBlur(0.2, 0.3),
        Bloom(1.5, 0.2),
        Demosaic(1.0, 0.4),
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
