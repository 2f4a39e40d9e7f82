"""AutoAugment's policy for CIFAR-10 (Cubuk et al. 2019): 25 pairs of operations that a search has found.

A picture gets one pair.  Of each operation the pair says how often it acts and how strongly, from 0 to 9, a
tenth of its range each: the paper's ranges, as the authors' code divides them.  What differs from that code:
points between pixels are interpolated, where it takes the nearest; shears keep the middle in its place, not
the corner; what comes in at the edges is the picture's own mean grey; `posterise` keeps 8 to 4 bits as the
paper has it, where the code keeps 4 to 0; colours are not rounded to whole levels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from roadworthy.imaging import ops

Operation = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(pictures (B, 3, H, W), share (B,) of the range in [0, 1), direction (B,) of 1 or -1) -> new pictures."""

Step = tuple[str, float, int | None]
"""Operation, how often it acts, how strongly; None where it has no strength."""

PAIRS: tuple[tuple[Step, Step], ...] = (
    (("invert", 0.1, None), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate-x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear-y", 0.5, 8), ("translate-y", 0.7, 9)),
    (("auto-contrast", 0.5, None), ("equalise", 0.9, None)),
    (("shear-y", 0.2, 7), ("posterise", 0.3, 7)),
    (("colour", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalise", 0.6, None), ("equalise", 0.5, None)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("colour", 0.7, 7), ("translate-x", 0.5, 8)),
    (("equalise", 0.3, None), ("auto-contrast", 0.4, None)),
    (("translate-y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("colour", 0.2, 8)),
    (("solarise", 0.5, 2), ("invert", 0.0, None)),
    (("equalise", 0.2, None), ("auto-contrast", 0.6, None)),
    (("equalise", 0.2, None), ("equalise", 0.6, None)),
    (("colour", 0.9, 9), ("equalise", 0.6, None)),
    (("auto-contrast", 0.8, None), ("solarise", 0.2, 8)),
    (("brightness", 0.1, 3), ("colour", 0.7, 0)),
    (("solarise", 0.4, 5), ("auto-contrast", 0.9, None)),
    (("translate-y", 0.9, 9), ("translate-y", 0.7, 9)),
    (("auto-contrast", 0.9, None), ("solarise", 0.8, 3)),
    (("equalise", 0.8, None), ("invert", 0.1, None)),
    (("translate-y", 0.7, 9), ("auto-contrast", 0.9, None)),
)

LEVELS = 10
DRAWS = 5


def _moved(images: Tensor, matrices: Tensor) -> Tensor:
    return ops.warp(images, matrices, fill=ops.mean_level(images))


def _factor(share: Tensor) -> Tensor:
    return 0.1 + 1.8 * share


def invert(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """The negative."""
    return 1 - images


def rotate(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Turned by up to 30 degrees."""
    return _moved(images, ops.rotation(30 * share * direction))


def shear_y(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Horizontals lean, by up to 0.3 of their length."""
    lean = torch.rad2deg((0.3 * share * direction).atan())
    return _moved(images, ops.shear(torch.zeros_like(lean), lean))


def translate_x(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Moved across by up to 10 of 32 px."""
    by = 10 / 32 * share * direction
    return _moved(images, ops.translation(by, torch.zeros_like(by)))


def translate_y(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Moved down by up to 10 of 32 px."""
    by = 10 / 32 * share * direction
    return _moved(images, ops.translation(torch.zeros_like(by), by))


def colour(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Paler or stronger colours, by a factor of 0.1 to 1.9."""
    return ops.colour(images, ops.saturation(_factor(share)))


def brightness(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Darker or brighter, by a factor of 0.1 to 1.9."""
    return ops.colour(images, ops.brightness(_factor(share)))


def contrast(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Nearer to the mean grey or further from it, by a factor of 0.1 to 1.9."""
    return ops.colour(images, ops.contrast(_factor(share), ops.mean_grey(images)))


def sharpness(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Smoother or sharper, by a factor of 0.1 to 1.9."""
    return ops.sharpness(images, _factor(share))


def auto_contrast(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Each channel spread over its whole range."""
    return ops.auto_contrast(images)


def equalise(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """All levels of a channel about as frequent."""
    return ops.equalise(images)


def posterise(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """Levels of 8 bits down to those of 4."""
    return ops.posterise(images, (8 - 4 * share).round())


def solarise(images: Tensor, share: Tensor, direction: Tensor) -> Tensor:
    """The negative from a level on that falls from 256 to 0."""
    return ops.solarise(images, (256 * (1 - share)).ceil())


OPERATIONS: dict[str, Operation] = {
    "invert": invert,
    "rotate": rotate,
    "shear-y": shear_y,
    "translate-x": translate_x,
    "translate-y": translate_y,
    "colour": colour,
    "brightness": brightness,
    "contrast": contrast,
    "sharpness": sharpness,
    "auto-contrast": auto_contrast,
    "equalise": equalise,
    "posterise": posterise,
    "solarise": solarise,
}


def apply(images: Tensor, u: Tensor, often: float = 1.0) -> Tensor:
    """New pictures, each after the operations of its pair that act, the first one first.

    u: (B, 5) in [0, 1): which pair, whether its first and its second act, in which direction those go.
    often: what the pairs' probabilities are multiplied by.
    """
    images = images.clone()
    kind, probability, share = (table[_pair(u[:, 0])] for table in _tables(u.device))
    acts = u[:, 1:3] < often * probability
    direction = torch.where(u[:, 3:5] < 0.5, -1.0, 1.0)
    for place in range(2):
        for number, operation in enumerate(OPERATIONS.values()):
            chosen = (acts[:, place] & (kind[:, place] == number)).nonzero()[:, 0]
            if len(chosen):
                images[chosen] = operation(images[chosen], share[chosen, place], direction[chosen, place])
    return images


def _pair(u: Tensor) -> Tensor:
    return (u * len(PAIRS)).long().clamp_max(len(PAIRS) - 1)


@cache
def _tables(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """(25, 2) each: number of the operation, how often, share of its range."""
    names = list(OPERATIONS)
    kinds = [[names.index(name) for name, _, _ in pair] for pair in PAIRS]
    often = [[probability for _, probability, _ in pair] for pair in PAIRS]
    shares = [[(level or 0) / LEVELS for _, _, level in pair] for pair in PAIRS]
    return (
        torch.tensor(kinds, device=device),
        torch.tensor(often, device=device),
        torch.tensor(shares, device=device),
    )
