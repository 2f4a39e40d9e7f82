"""Pictures through a network: the one place where evaluation runs a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.device import pick_device
from roadworthy.core.errors import CheckpointError, ShapeError, UsageError
from roadworthy.core.registry import Registry
from roadworthy.core.rejection import Rejection
from roadworthy.imaging import ops
from roadworthy.imaging.preprocess import normalise
from roadworthy.imaging.spec import InputSpec
from roadworthy.train.checkpoint import load_checkpoint

View = Callable[[ByteArray], ByteArray]
"""(B, S, S, 3) uint8 pictures -> as many others of the same signs, before the one preprocessing."""

VIEWS: Registry[Callable[[], tuple[View, ...]]] = Registry("view")
ZOOMS = (0.85, 1.0, 1.18)  # as far either way; within what boxes drawn by hand differ


@VIEWS.register("plain")
def _plain() -> tuple[View, ...]:
    """The picture as it is."""
    return (partial(moved, down=0, right=0),)


@VIEWS.register("shifts")
def _shifts() -> tuple[View, ...]:
    """The picture and four copies of it moved by a pixel, edges repeated."""
    steps = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
    return tuple(partial(moved, down=down, right=right) for down, right in steps)


@VIEWS.register("zooms")
def _zooms() -> tuple[View, ...]:
    """The picture, shrunk with its edges repeated, and enlarged."""
    return tuple(partial(zoomed, factor=factor) for factor in ZOOMS)


def moved(images: ByteArray, down: int, right: int) -> ByteArray:
    """Pictures moved by pixels, their edges repeated."""
    if not down and not right:
        return images
    size = images.shape[1]
    rows = np.clip(np.arange(size) - down, 0, size - 1)
    columns = np.clip(np.arange(size) - right, 0, size - 1)
    return images[:, rows][:, :, columns]


def zoomed(images: ByteArray, factor: float) -> ByteArray:
    """Pictures enlarged about their middle, below 1 shrunk with their edges repeated."""
    if factor == 1:
        return images
    planes = ops.to_float(torch.from_numpy(np.array(images)).permute(0, 3, 1, 2))
    warped = ops.warp(planes, ops.zoom(torch.full((len(images),), factor)))
    levels: ByteArray = (warped * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return levels


def predict_logits(
    model: nn.Module,
    images: ByteArray,
    spec: InputSpec,
    *,
    batch_size: int = 512,
    device: str | torch.device = "cpu",
    autocast_dtype: torch.dtype | None = None,
    views: str = "plain",
    progress: Callable[[int, int], None] | None = None,
) -> FloatArray:
    """(N, S, S, 3) uint8 RGB pictures -> (N, C) float32 logits, in evaluation mode and without gradients.

    images: as crop_resize leaves them, S being spec.size; may be memory-mapped, a batch is read at a time.
    device: where `model` already is.  autocast_dtype: bfloat16 for autocast, None for full precision.
    views: which of VIEWS each picture is seen in; the answer is the mean of their logits.  The mean of their
    log-probabilities would give the same confidences: the two differ by one number per picture.
    progress: called after each batch with the pictures done and N.
    The model's modules are left in the modes they came in.
    Raises ShapeError on pictures of another shape or type, CheckpointError on logits that are not finite.
    """
    check_images(images, spec, batch_size)
    seen = VIEWS.get(views)()
    kind = torch.device(device).type
    autocast = nullcontext() if autocast_dtype is None else torch.autocast(kind, dtype=autocast_dtype)
    parts = []
    with evaluating(model), torch.inference_mode(), autocast:
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            answers = [model(to_input(view(batch), spec, device)).float() for view in seen]
            logits = torch.stack(answers).mean(dim=0).cpu().numpy()
            parts.append(_checked_logits(logits, len(batch), start))
            if progress is not None:
                progress(start + len(batch), len(images))
    return np.concatenate(parts)


class Weights:
    """A checkpoint that answers, in full precision.

    path: a run folder or a .safetensors file.  device: `auto`, or torch's name of one.
    channels_last: how the weights lie in memory.  views: which of VIEWS each picture is seen in.
    """

    def __init__(
        self, path: Path, device: str = "cpu", *, channels_last: bool = False, views: str = "plain"
    ) -> None:
        self.device = pick_device(device)
        self.model, self.card = load_checkpoint(path, self.device)
        if self.card.finds:
            raise UsageError(f"{path} finds signs and does not read them; give it as the finder (--finder)")
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._views = views

    def with_model(self, model: nn.Module) -> Weights:
        """The same with the weights of another network of its shape."""
        other = copy(self)
        other.model = model
        return other

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        return self.card.classes

    @property
    def spec(self) -> InputSpec:
        """How pictures are prepared for this network."""
        return self.card.input

    @property
    def temperature(self) -> float:
        """What logits are divided by before they become confidences."""
        return self.card.temperature

    @property
    def rejection(self) -> Rejection | None:
        """When its answers are not accepted; None where no threshold was chosen."""
        return self.card.rejection

    @property
    def without_colour(self) -> bool:
        """Whether it was trained to read pictures without colour, too."""
        return self.card.without_colour

    def logits(self, images: ByteArray) -> FloatArray:
        """(B, S, S, 3) uint8 RGB, cropped and resized as `spec` says -> (B, C) float32."""
        return predict_logits(
            self.model,
            images,
            self.spec,
            batch_size=len(images),
            device=self.device,
            views=self._views,
        )


def predict_features(
    model: nn.Module, images: ByteArray, spec: InputSpec, *, batch_size: int = 512
) -> FloatArray:
    """(N, S, S, 3) uint8 RGB pictures -> (N, D) float32, what the last layer sees; else as predict_logits."""
    check_images(images, spec, batch_size)
    parts = []
    with evaluating(model), torch.inference_mode():
        for start in range(0, len(images), batch_size):
            inputs = to_input(np.asarray(images[start : start + batch_size]), spec, "cpu")
            parts.append(model.features(inputs).float().numpy())  # type: ignore[operator]
    return np.concatenate(parts)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The network in evaluation mode; afterwards every module is in the mode it came in."""
    # Module by module: a caller may have frozen some of them (BatchNorm in eval) inside a training model.
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def to_input(images: ByteArray, spec: InputSpec, device: str | torch.device) -> torch.Tensor:
    """(B, S, S, 3) uint8 RGB pictures -> (B, 3, S, S) network inputs on the device."""
    pictures = torch.from_numpy(normalise(images, spec))
    return pictures.to(device, memory_format=torch.channels_last, non_blocking=True)


def check_images(images: ByteArray, spec: InputSpec, batch_size: int) -> None:
    """Refuse what crop_resize would not have left so, and batches of nothing."""
    if images.dtype != np.uint8 or images.shape[1:] != (spec.size, spec.size, 3) or len(images) == 0:
        raise ShapeError(
            f"pictures are {images.shape} {images.dtype}; the model takes uint8 of the shape "
            f"(N, {spec.size}, {spec.size}, 3), at least one"
        )
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")


def _checked_logits(logits: FloatArray, count: int, start: int) -> FloatArray:
    if logits.ndim != 2 or len(logits) != count:
        raise ShapeError(f"the model answered {logits.shape} to {count} pictures, not ({count}, classes)")
    bad = ~np.isfinite(logits).all(axis=1)
    if bad.any():
        raise CheckpointError(
            f"the model's answer to picture {start + int(bad.argmax())} is not finite ({int(bad.sum())} of "
            f"{count} in its batch); its weights are damaged or training diverged, use an earlier checkpoint"
        )
    return logits
