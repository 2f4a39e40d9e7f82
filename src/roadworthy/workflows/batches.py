"""Pictures of a training on their way into the network: varied, normalised, mixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from roadworthy.augment.policy import Policy
from roadworthy.core.arrays import BoolArray, ByteArray
from roadworthy.core.device import derive_seed, generator
from roadworthy.core.timing import stage
from roadworthy.data.dataset import Dataset
from roadworthy.imaging.colour import has_colour
from roadworthy.imaging.ops import normalise
from roadworthy.imaging.spec import InputSpec
from roadworthy.signs.catalogue import told_by_colour
from roadworthy.workflows.run_folder import samples

GREY_SAMPLE, GREY_SHARE = 256, 0.2


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """(images, targets, step) of a batch -> what the network takes, on its device, and targets.

    own: what makes this process vary its pictures in its own way.
    """

    policy: Policy
    further_views: Callable[[Tensor, torch.Generator], Tensor]
    mix: Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]
    input: InputSpec
    device: torch.device
    seed: int
    own: tuple[int, ...] = ()

    def __call__(
        self, images: Tensor, targets: Tensor, turnable: Tensor | None = None, *, step: int
    ) -> tuple[Tensor, Tensor]:
        """The same for the same step.  turnable: (B,) which may be mirrored, all without it."""
        with stage("copy"):
            images = images.to(self.device, non_blocking=True)
            targets = targets.to(self.device, non_blocking=True)
        with stage("augment"):
            random = generator(self.device, self.seed, "augment", step, *self.own)
            augmented, targets = self.policy(images, targets, random, turnable)
            augmented = self.further_views(augmented, random)
        with stage("normalise"):
            inputs = normalise(augmented, self.input)
        # After normalisation: before it, strong contrast would outweigh the share that its label gets.
        with stage("augment: mix"):
            return self.mix(inputs, targets, random)


def turnable(data: Dataset) -> BoolArray | None:
    """(N,) which pictures may be mirrored: not drawings with words.  None where all may."""
    if data.renew is None:
        return None
    from roadworthy.data.drawings import worded

    return ~worded(data.records)


def augmented_samples(
    data: Dataset, policy: Policy, seed: int, may_turn: BoolArray | None = None
) -> dict[str, Any]:
    """Samples before and after augmentation, for the report.  may_turn: `turnable` of the data."""
    chosen = samples(data)
    images, targets = data.images[chosen], data.targets[chosen]
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    may = None if may_turn is None else torch.from_numpy(may_turn[chosen])
    augmented, labels = policy(batch, torch.from_numpy(targets), generator("cpu", seed, "preview"), may)
    return {
        "samples_images": images,
        "samples_labels": targets,
        "augmented_images": _as_bytes(augmented),
        "augmented_labels": labels.numpy(),
    }


def trains_without_colour(data: Dataset, policy: Policy, seed: int) -> bool:
    """Whether training shows signs that only colour tells apart without it: a fifth of them, at least.

    Looked up in pictures as they are augmented, 256 at most, not in settings: whatever takes colour away
    counts, and data that are grey from the start do.  False where no class of the task is such a sign.
    """
    such = [i for i, name in enumerate(data.classes) if told_by_colour(name)]
    rows = np.flatnonzero(np.isin(data.targets, such))
    if not len(rows):
        return False
    source = np.random.default_rng(derive_seed(seed, "colour"))
    rows = np.sort(source.permutation(rows)[:GREY_SAMPLE])
    batch = torch.from_numpy(np.asarray(data.images[rows])).permute(0, 3, 1, 2)
    images, _ = policy(batch, torch.from_numpy(data.targets[rows]), generator("cpu", seed, "colour"))
    levels = np.ascontiguousarray(_as_bytes(images))
    return float(np.mean([not has_colour(picture) for picture in levels])) >= GREY_SHARE


def _as_bytes(images: Tensor) -> ByteArray:
    """(B, 3, S, S) in [0, 1] -> (B, S, S, 3) uint8."""
    pixels: ByteArray = (images.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return pixels
