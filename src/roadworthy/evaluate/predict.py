"""Pictures through a network: the one place where evaluation runs a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import torch
from torch import nn

from roadworthy import pixels
from roadworthy.errors import CheckpointError, ShapeError, UnknownNameError
from roadworthy.inputs import ByteArray, FloatArray, InputSpec, normalise

View = Callable[[ByteArray], ByteArray]


def moved(images: ByteArray, down: int, right: int) -> ByteArray:
    """(N, S, S, 3) pictures moved by whole pixels, their edges repeated."""
    size = images.shape[1]
    rows = np.clip(np.arange(size) - down, 0, size - 1)
    columns = np.clip(np.arange(size) - right, 0, size - 1)
    return images[:, rows][:, :, columns]


def zoomed(images: ByteArray, factor: float) -> ByteArray:
    """(N, S, S, 3) pictures enlarged about their middle (below 1 shrunk, their edges repeated)."""
    pictures = pixels.to_float(torch.from_numpy(np.array(images)).permute(0, 3, 1, 2))
    scaled = pixels.warp(pictures, pixels.zoom(torch.full((len(images),), factor)))
    return np.asarray((scaled * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())


def _plain(images: ByteArray) -> ByteArray:
    return images


# Ways to look at a picture; logits are averaged over them.
VIEWS: dict[str, tuple[View, ...]] = {
    "plain": (_plain,),
    "shifts": (
        _plain,
        *(partial(moved, down=down, right=right) for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1))),
    ),
    "zooms": (_plain, partial(zoomed, factor=1 / 1.15), partial(zoomed, factor=1.15)),
}


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
    """(N, S, S, 3) uint8 pictures -> (N, C) float32 logits, in evaluation mode and without gradients.

    images: as crop_resize leaves them, S being spec.size; may be memory-mapped, a batch is read at a time.
    device: where `model` already is.  autocast_dtype: bfloat16 for autocast, None for full precision.
    views: `plain`, or `shifts` (also moved by a pixel each way) or `zooms` (also 15 % smaller and larger).
    progress: called after each batch with the pictures done and N.
    The model's modules are left in the modes they came in.
    Raises ShapeError on pictures of another shape or type, CheckpointError on logits that are not finite.
    """
    _check_images(images, spec, batch_size)
    if views not in VIEWS:
        raise UnknownNameError("view", views, VIEWS)
    kind = torch.device(device).type
    autocast = nullcontext() if autocast_dtype is None else torch.autocast(kind, dtype=autocast_dtype)
    parts = []
    with _evaluating(model), torch.inference_mode(), autocast:
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            answers = [model(to_input(view(batch), spec, device)).float() for view in VIEWS[views]]
            logits = torch.stack(answers).mean(dim=0).cpu().numpy()
            parts.append(_checked_logits(logits, len(batch), start))
            if progress is not None:
                progress(start + len(batch), len(images))
    return np.concatenate(parts)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    # Module by module: a caller may have frozen some of them (BatchNorm in eval) inside a training model.
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def to_input(images: ByteArray, spec: InputSpec, device: str | torch.device) -> torch.Tensor:
    """(N, S, S, 3) uint8 pictures as the network takes them: (N, 3, S, S)."""
    pictures = torch.from_numpy(normalise(images, spec))
    return pictures.to(device, memory_format=torch.channels_last, non_blocking=True)


def _check_images(images: ByteArray, spec: InputSpec, batch_size: int) -> None:
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
