"""Policies: named sequences of augmentations, applied to a batch in one pass.

The order is that of a photograph being taken, whatever the order in which a policy names its ops:
geometry (one warp), colour (one matrix), then the filters as they are named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from roadworthy.augment.colourless import Backlit, Colourless, SwappedChannels
from roadworthy.augment.op import Colour, Filter, Geometry, Op, name_of
from roadworthy.augment.ops import (
    AutoAugment,
    BlindFlip,
    Blur,
    Brightness,
    Contrast,
    Cutout,
    Exposure,
    Flip,
    Hue,
    Jpeg,
    LowResolution,
    Mirror,
    MotionBlur,
    Noise,
    Occlusion,
    Perspective,
    Rotation,
    Saturation,
    Sharpen,
    Shear,
    ShiftedCrop,
    Stretch,
    Translation,
    WhiteBalance,
    Zoom,
)
from roadworthy.config import AugmentConfig
from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.core.registry import Registry
from roadworthy.core.timing import stage
from roadworthy.imaging import ops
from roadworthy.signs.catalogue import is_sign, mirror_indices, swapped_indices

POLICIES: Registry[Callable[[], tuple[Op, ...]]] = Registry("augmentation policy")
MAX_STRENGTH = 3.0
_KINDS: tuple[tuple[str, type[Op]], ...] = (("geometry", Geometry), ("colour", Colour), ("filters", Filter))


@POLICIES.register("none")
def _none() -> tuple[Op, ...]:
    """No augmentation."""
    return ()


@POLICIES.register("light")
def _light() -> tuple[Op, ...]:
    """A little of geometry and light; for short trainings."""
    return (Mirror(), Rotation(6), Translation(0.06), Zoom(0.1), Contrast(0.25), Brightness(0.25))


@POLICIES.register("default")
def _default() -> tuple[Op, ...]:
    """What cameras, weather and distance do to a sign; made for pictures of 32 to 64 pixels."""
    return (
        Mirror(),
        Shear(5),
        Stretch(0.07),
        Rotation(12),
        Zoom(0.2),
        Perspective(0.12),
        Translation(0.1),
        Contrast(0.5),
        Brightness(0.6),
        Saturation(0.4),
        Hue(6),
        WhiteBalance(0.1),
        Occlusion(0.4, 0.1),
        Blur(0.035, 0.2),
        MotionBlur(0.1, 0.05),
        LowResolution(1.5, 0.15),
        Noise(0.045, 0.15),
        Jpeg(70, 0.05),
    )


@POLICIES.register("strong")
def _strong() -> tuple[Op, ...]:
    """More of everything, more often; for long trainings and few pictures."""
    return (
        Mirror(),
        Shear(9),
        Stretch(0.12),
        Rotation(18),
        Zoom(0.28),
        Perspective(0.2),
        Translation(0.14),
        Contrast(0.65),
        Brightness(0.7),
        Saturation(0.6),
        Hue(10),
        WhiteBalance(0.15),
        Occlusion(0.5, 0.2),
        Blur(0.045, 0.25),
        MotionBlur(0.15, 0.15),
        LowResolution(2.0, 0.25),
        Sharpen(1.0, 0.1),
        Noise(0.07, 0.25),
        Jpeg(80, 0.15),
    )


@POLICIES.register("any-camera")
def _any_camera() -> tuple[Op, ...]:
    """For long trainings with drawn signs: a little of everything, no colour at all, light from behind."""
    return (
        Mirror(),
        Shear(4),
        Rotation(8),
        Zoom(0.12),
        Translation(0.07),
        Contrast(0.35),
        Brightness(0.4),
        Saturation(0.4, 0.5),
        WhiteBalance(0.12, 0.5),
        WhiteBalance(0.55, 0.06),
        SwappedChannels(1.0, 0.03),
        Colourless(1.0, 0.1),
        Backlit(1.0, 0.1),
        Exposure(1.5, 0.1),
        Blur(0.03, 0.08),
        LowResolution(1.5, 0.08),
        Noise(0.05, 0.08),
    )


@POLICIES.register("study")
def _study() -> tuple[Op, ...]:
    """The study's: rotation 20°, shift 0.2, shear 0.2°, zoom 0.2, edges repeated; without its flips."""
    # Keras, which the study used, reads a shear range in degrees and draws the zoom for each axis apart.
    return (Stretch(0.2), Shear(0.2), Translation(0.2), Rotation(20))


@POLICIES.register("study-flips")
def _study_flips() -> tuple[Op, ...]:
    """The study's with its horizontal flips, which keep the label: a mistake to be measured."""
    return (BlindFlip(), *_study())


@POLICIES.register("frames")
def _frames() -> tuple[Op, ...]:
    """What light and a camera do to a street; nothing moves, for a finder's boxes must still fit."""
    return (
        Contrast(0.5),
        Brightness(0.6),
        Saturation(0.5),
        Hue(8),
        WhiteBalance(0.15),
        # Much of a street lies in the dark or against the sun, its signs too.
        Exposure(2.0, 0.5),
        Blur(0.004, 0.15),
        MotionBlur(0.02, 0.1),
        LowResolution(1.0, 0.1),
        Noise(0.05, 0.2),
        Jpeg(75, 0.15),
    )


@POLICIES.register("cifar")
def _cifar() -> tuple[Op, ...]:
    """For objects, never signs: flipped, and cropped after padding by an eighth of the side (4 of 32 px)."""
    return (Flip(), ShiftedCrop(0.125))


@POLICIES.register("cifar-cutout")
def _cifar_cutout() -> tuple[Op, ...]:
    """As cifar, and a square of half the side (16 of 32 px) cut out."""
    return (*_cifar(), Cutout(0.5))


@POLICIES.register("cifar-autoaugment")
def _cifar_autoaugment() -> tuple[Op, ...]:
    """As cifar-cutout, with AutoAugment's pairs of operations before the cutout, as in its paper."""
    return (*_cifar(), AutoAugment(), Cutout(0.5))


def for_objects(policy: str) -> bool:
    """Whether a policy flips pictures as they are, and so refuses signs."""
    return any(isinstance(op, Flip) for op in POLICIES.get(policy)())


def for_frames(policy: str) -> bool:
    """Whether a policy leaves everything where it is and in sight, as a finder's boxes need it."""
    moving = (Geometry, Flip, Mirror, Occlusion, Cutout, ShiftedCrop, AutoAugment)
    return not any(isinstance(op, moving) for op in POLICIES.get(policy)())


def operations(policy: str) -> list[str]:
    """The names of a policy's operations, in its order."""
    return [name_of(type(op)) for op in POLICIES.get(policy)()]


def kinds(policy: str) -> dict[str, list[str]]:
    """The same by what they change: where points lie, colours, or pixels among their neighbours."""
    ops = POLICIES.get(policy)()
    return {
        kind: [name_of(type(op)) for op in ops if isinstance(op, cls)]
        for kind, cls in _KINDS
        if any(isinstance(op, cls) for op in ops)
    }


class Policy:
    """A sequence of augmentations for the pictures of one task.

    ops: those that change something.
    mirror_to: (C,) index of each class's mirror class, -1 where mirroring makes no sign.
    swap_to: the same for pictures with red and blue swapped; none are without it.
    """

    def __init__(
        self, ops: Sequence[Op], mirror_to: Sequence[int], swap_to: Sequence[int] | None = None
    ) -> None:
        self.ops = tuple(ops)
        swap_to = [-1] * len(mirror_to) if swap_to is None else swap_to
        self._relabelled: dict[type[Op], Tensor] = {
            Mirror: torch.tensor(list(mirror_to), dtype=torch.long),
            SwappedChannels: torch.tensor(list(swap_to), dtype=torch.long),
        }

    def __call__(
        self,
        images_uint8: Tensor,
        targets: Tensor,
        generator: torch.Generator,
        turnable: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) uint8 and (B,) targets -> float32 pictures in [0, 1] and targets, new ones both.

        turnable: (B,) which pictures may be mirrored as their class may; without it all.
        All that is random comes from `generator`, on its device, in an order that depends on neither
        threads nor workers.
        """
        images, targets = ops.to_float(images_uint8), targets.clone()
        drawn = []
        swapped = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        for op, u in draw(self.ops, images, generator):
            acts = u[:, 0] < op.probability
            if isinstance(op, (Colourless, Backlit)):
                acts = acts & ~swapped  # without its colour a picture tells no order of channels
            if (relabelled := self._relabelled.get(type(op))) is not None:
                become = relabelled.to(targets.device)[targets]
                acts = acts & (become >= 0)
                if isinstance(op, Mirror) and turnable is not None:
                    acts = acts & turnable.to(acts.device)
                targets = torch.where(acts, become, targets)
                swapped |= acts & isinstance(op, SwappedChannels)
            drawn.append((op, acts, u[:, 1:]))
        return applied(drawn, images, generator), targets

    def describe(self) -> list[str]:
        """One line per augmentation: name, range, how often."""
        return [op.describe() for op in self.ops]


def draw(ops: Sequence[Op], images: Tensor, generator: torch.Generator) -> list[tuple[Op, Tensor]]:
    """Each op with uniform numbers (B, 1 + draws), beside those it needs a first one for whether it acts."""
    widths = [1 + op.draws for op in ops]
    u = torch.rand(len(images), sum(widths), generator=generator, device=generator.device)
    return list(zip(ops, u.to(images.device).split(widths, dim=1), strict=True))


def applied(drawn: Sequence[tuple[Op, Tensor, Tensor]], images: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures after all the ops: each op with (B,) where it acts and (B, draws) its numbers.

    images: float32 (B, 3, H, W) in [0, 1]; may be written over.
    """
    homographies, colours = [], []
    grey = None
    for op, acts, numbers in drawn:
        if isinstance(op, Geometry):
            homographies.append(_where(acts, op.matrix(numbers)))
        elif isinstance(op, Colour):
            grey = ops.mean_grey(images) if grey is None else grey
            colours.append(_where(acts, op.matrix(numbers, grey)))
    # Whichever way the bytes lay, planes are what the operations from here on are quick with.
    with stage("augment: warp"):
        moved = ops.warp(images, ops.compose(*homographies)) if homographies else images
        images = moved.contiguous()
    if colours:
        with stage("augment: colour"):
            images = ops.colour(images, ops.compose_colour(*colours))
    for op, acts, numbers in drawn:
        chosen = acts.nonzero()[:, 0]
        if isinstance(op, Filter) and len(chosen):
            with stage(f"augment: {name_of(type(op))}"):
                images[chosen] = op.apply(images[chosen], numbers[chosen], generator)
    return images


def _where(acts: Tensor, matrices: Tensor) -> Tensor:
    """The matrices where an op acts, else the identity."""
    if acts.all():
        return matrices
    identity = torch.eye(*matrices.shape[1:], device=matrices.device)
    return torch.where(acts[:, None, None], matrices, identity)


def build_policy(config: AugmentConfig, classes: Sequence[str]) -> Policy:
    """The policy that `config` names, for a task with these classes.

    Raises UnknownNameError for a name that does not exist, ConfigError for a strength out of range and for
    a policy that flips objects where a class is a sign.
    """
    if not 0 <= config.strength <= MAX_STRENGTH:
        raise ConfigError(
            f"augment.strength is {config.strength}; it must lie between 0 (no change) and {MAX_STRENGTH:g}"
        )
    mirror_to = [target if config.mirror else -1 for target in mirror_indices(classes)]
    ops = _kept([op.scaled(config.strength) for op in POLICIES.get(config.policy)()], config)
    swap_to = swapped_indices(classes)
    idle: list[type[Op]] = []
    if max(mirror_to, default=-1) < 0:
        idle.append(Mirror)
    if max(swap_to, default=-1) < 0:
        idle.append(SwappedChannels)
    if not config.mirror:
        idle.append(Flip)
    ops = [op for op in ops if op.amount > 0 and not isinstance(op, tuple(idle))]
    _refuse_signs(ops, classes, config.policy)
    return Policy(ops, mirror_to, swap_to)


def _refuse_signs(ops: Sequence[Op], classes: Sequence[str], policy: str) -> None:
    sign = next((name for name in classes if is_sign(name)), None)
    if sign is not None and any(isinstance(op, Flip) for op in ops):
        raise ConfigError(
            f"augment.policy={policy} flips pictures of objects, and the class {sign} is a sign, whose "
            "mirror image may be another or none; use a policy for signs (default) or augment.mirror=false"
        )


def _kept(ops: Sequence[Op], config: AugmentConfig) -> Sequence[Op]:
    names = operations(config.policy)
    for name in config.only:
        if name not in names:
            raise UnknownNameError(f"operation of the policy {config.policy}", name, names)
    return [op for op, name in zip(ops, names, strict=True) if not config.only or name in config.only]
