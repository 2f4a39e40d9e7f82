"""A bundle in ONNX Runtime: pictures in, logits out."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import BundleError, CheckpointError, ShapeError, UsageError
from roadworthy.core.paths import as_path
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import INPUT, OUTPUT, Bundle, Manifest, read_bundle, windows_path
from roadworthy.inference.network import all_logits
from roadworthy.signs.catalogue import NO_SIGN

PACKAGED = "packaged"  # the model that comes with Roadworthy, wherever a model is named
MOST_THREADS = 512  # more than any processor has cores; thousands bring a machine to a halt

Shape = list[int | None]
_FOR = {
    "crop": "pictures of one sign",
    "dense": "a closer look at pictures of one sign",
    "find": "finding signs in frames",
}


class Engine:
    """A network that answers.  Safe to be used by several threads at once.

    threads: that one answer may use; 0 takes up to four, as many as there are cores.  network: the bundle's
    bytes.
    Raises BundleError where the network is not what its manifest says.
    """

    def __init__(self, bundle: Bundle, *, name: str = "the bundle", threads: int = 0) -> None:
        self.manifest: Manifest = bundle.manifest
        self.sha256, self.network, self._name = bundle.sha256, bundle.network, name
        self._session = open_session(bundle.network, name, threads)
        self._check(name)
        # Once, so that what cannot answer does not come into service.
        self._run(np.full((1, self.spec.size, self.spec.size, 3), 128, np.uint8))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the logits."""
        return self.manifest.classes

    @property
    def spec(self) -> InputSpec:
        """How pictures are prepared for this network."""
        return self.manifest.input

    @property
    def temperature(self) -> float:
        """What logits are divided by before they become confidences."""
        return self.manifest.temperature

    @property
    def rejection(self) -> Rejection | None:
        """When its answers are not accepted; None where no threshold was chosen."""
        return self.manifest.rejection

    @property
    def without_colour(self) -> bool:
        """Whether it was trained to read pictures without colour, too."""
        return self.manifest.without_colour

    def logits(self, images: ByteArray) -> FloatArray:
        """(B, S, S, 3) uint8 RGB, cropped and resized as `spec` says -> (B, C) float32."""
        self._must_be("crop")
        size = self.spec.size
        if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3) or not len(images):
            raise ShapeError(
                f"pictures are {images.shape} {images.dtype}; this network takes uint8 of the shape "
                f"(N, {size}, {size}, 3), at least one"
            )
        return self._run(images)

    def all_logits(self, images: ByteArray, batch_size: int) -> FloatArray:
        """The same for any number of pictures, memory-mapped ones too."""
        return all_logits(self, images, batch_size)

    def windows(self, image: ByteArray) -> FloatArray:
        """(H, W, 3) uint8, H and W multiples of the stride and at least S -> (h, w, C) float32."""
        self._must_be("dense")
        height, width = image.shape[:2]
        stride, size = self.manifest.stride, self.spec.size
        if image.dtype != np.uint8 or image.shape[2:] != (3,) or height % stride or width % stride:
            raise ShapeError(
                f"the picture is {image.shape} {image.dtype}; this network takes uint8 (H, W, 3), H and W "
                f"multiples of {stride}"
            )
        if min(height, width) < size:
            raise ShapeError(f"the picture is {width} x {height}; its windows have {size} pixels")
        return np.asarray(self._run(image[None])[0].transpose(1, 2, 0))

    def _must_be(self, kind: str) -> None:
        if self.manifest.kind != kind:
            raise UsageError(
                f"this bundle is for {_FOR[self.manifest.kind]}; take the one for {_FOR[kind]}, which "
                "roadworthy export writes beside it"
            )

    def _run(self, images: ByteArray) -> FloatArray:
        logits: FloatArray = self._session.run([OUTPUT], {INPUT: images})[0]
        if not np.isfinite(logits).all():
            raise BundleError(f"{self._name} gave an answer that is not finite; its weights are damaged")
        return logits

    def _check(self, name: str) -> None:
        """That inputs, outputs and the manifest fit together."""
        if self.manifest.kind == "find":
            raise UsageError(f"{name} finds signs and does not read them; give it as the finder (--finder)")
        size, classes = self.spec.size, len(self.classes)
        takes: Shape = [None, size, size, 3]
        answers: Shape = [None, classes]
        if self.manifest.kind == "dense":
            takes, answers = [1, None, None, 3], [1, classes, None, None]
        check_end(self._session.get_inputs(), INPUT, "tensor(uint8)", takes, name)
        check_end(self._session.get_outputs(), OUTPUT, "tensor(float)", answers, name)


def check_end(ends: Sequence[Any], called: str, kind: str, wanted: Shape, name: str) -> None:
    """BundleError where a session's inputs or outputs are not the one of that name, type and shape."""
    if [(end.name, end.type) for end in ends] != [(called, kind)]:
        found = ", ".join(f"{end.name} of {end.type}" for end in ends) or "nothing"
        raise BundleError(f"{name} has {found} where {called} of {kind} belongs")
    shape = [extent if isinstance(extent, int) else None for extent in ends[0].shape]
    # An extent that the file leaves open may still be the right one.
    if len(shape) != len(wanted) or any(a not in (None, b) for a, b in zip(shape, wanted, strict=True)):
        raise BundleError(f"{name} has {called} of the shape {shape} where its manifest says {wanted}")


def check_windows(windows: Engine, crops: Engine, name: str) -> None:
    """Refuse a bundle for a closer look that is not of the same network as the one for crops.

    Raises BundleError.
    """
    if windows.manifest.kind != "dense":
        raise BundleError(f"{name} is no bundle for a closer look; export both anew (roadworthy export)")
    if windows.classes != crops.classes:
        raise BundleError(
            f"{name} is of another network: it has {len(windows.classes)} classes, the one that it belongs "
            f"to {len(crops.classes)}, or they are in another order; export both anew (roadworthy export)"
        )


def load_engine(path: Path, *, threads: int = 0) -> Engine:
    """The engine of a bundle's file."""
    return Engine(read_bundle(path), name=str(path), threads=threads)


def load_windows(path: Path, crops: Engine, load: Callable[[Path], Engine] = load_engine) -> Engine | None:
    """The engine for all windows of a picture that belongs to a bundle; None where there is none of use.

    load: makes an engine of a bundle's file.
    Raises BundleError where the file beside it is of another network.
    """
    beside = windows_path(path)
    if not beside.exists() or NO_SIGN not in crops.classes:
        return None
    windows = load(beside)
    check_windows(windows, crops, str(beside))
    return windows


def refuse_misspelt(name: str | os.PathLike[str]) -> None:
    """UsageError where nothing is at `name` and `packaged` was most likely meant (`Packaged`, `pakaged`)."""
    text = os.fspath(name)
    near = text != PACKAGED and difflib.get_close_matches(text.lower(), [PACKAGED], cutoff=0.8)
    if near and not as_path(text).exists():
        raise UsageError(f"there is no model {text!r}; did you mean {PACKAGED}?")


def packaged_weights() -> Path:
    """The weights of the packaged model, which can be trained on and exported.

    Raises CheckpointError where this copy has none.
    """
    path = Path(__file__).parent / "packaged" / "crop.safetensors"
    if not path.is_file():
        raise CheckpointError("this copy of Roadworthy comes without a model; name a run folder instead")
    return path


@cache
def packaged() -> Path | None:
    """The bundle that comes with Roadworthy; None where this copy has none."""
    path = Path(__file__).parent / "packaged" / "crop.onnx"
    return path if path.is_file() else None


def open_session(network: bytes, name: str, threads: int) -> Any:
    """ONNX Runtime's session of a network, which computes on so many threads, and on none while it waits."""
    import onnxruntime

    if not 0 <= threads <= MOST_THREADS:
        raise UsageError(f"threads is {threads:,}; give 1 to {MOST_THREADS}, or 0 for up to four")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or min(4, os.cpu_count() or 1)
    # Its threads would keep their cores busy while they wait for a picture (benchmarks/idle.py measures it).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors; it warns of processors that it cannot name
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        reason = " ".join(str(error).split())[:200]
        raise BundleError(f"{name} holds a network that ONNX Runtime cannot load: {reason}") from error
