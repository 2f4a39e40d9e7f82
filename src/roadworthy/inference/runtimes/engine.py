"""A bundle in another runtime than ONNX Runtime."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from threading import Lock

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import BundleError, RoadworthyError, ShapeError, UsageError
from roadworthy.core.finding_rule import FindingRule
from roadworthy.core.notes import say
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.boxes import MULTIPLE
from roadworthy.inference.bundle import Manifest, read_bundle
from roadworthy.inference.runtimes.catalogue import ready
from roadworthy.inference.runtimes.runtime import Run, Runtime


def open_run(runtime: Runtime, bundle: Path, manifest: Manifest, threads: int) -> Run:
    """The network of a bundle in a runtime; BundleError in one line where that cannot load it."""
    path = runtime.file(bundle)
    if not path.exists():
        raise BundleError(
            f"{path} is not there, which {runtime.title} reads; write it with: "
            f"roadworthy export RUN --to {bundle.name} --for NAME"
        )
    try:
        return runtime.open(path, precision=manifest.precision, threads=threads)
    except RoadworthyError:
        raise
    except Exception as error:  # each runtime has errors of its own
        reason = " ".join(str(error).split())[:200]
        raise BundleError(f"{runtime.title} cannot load {path}: {reason}") from error


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder."""
    found = hashlib.sha256()
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for file in files:
        found.update(file.relative_to(path).as_posix().encode() if path.is_dir() else b"")
        found.update(file.read_bytes())
    return found.hexdigest()


def _changed(file: Path, sha256: str | None) -> bool:
    return sha256 is not None and file.exists() and fingerprint(file) != sha256


class _Opened:
    """What readers and finders have in common: the manifest, what was checked, a run under a lock."""

    def __init__(self, path: Path, name: str, threads: int) -> None:
        runtime = ready(name)
        self.manifest: Manifest = read_bundle(path).manifest
        self._title = runtime.title
        self._checked = self.manifest.runtimes.get(name)
        if self._checked is None or not self._checked.get("run"):
            say(
                f"{path.name} was not checked in {runtime.title}: answers and confidences may differ; "
                f"export it anew with --for {name} to have them compared and calibrated"
            )
        elif _changed(runtime.file(path), self._checked.get("sha256")):
            raise BundleError(
                f"{runtime.file(path)} was changed or damaged after it was checked; export it anew with "
                f"--for {name}"
            )
        self._run_at_once = open_run(runtime, path, self.manifest, threads)
        self._lock = Lock()

    def _run(self, images: ByteArray) -> FloatArray:
        with self._lock:  # most runtimes answer one at a time
            answers = np.asarray(self._run_at_once(images), np.float32)
        if not np.isfinite(answers).all():
            raise BundleError(f"{self._title} gave an answer that is not finite")
        return answers


class RuntimeEngine(_Opened):
    """A reader's bundle in another runtime, with the temperature and threshold that were chosen for it.

    path: of the bundle.  name: of the runtime.  threads: 0 leaves it to the runtime.
    Raises MissingExtraError, BundleError.
    """

    def __init__(self, path: Path, name: str, *, threads: int = 0) -> None:
        super().__init__(path, name, threads)
        if self.manifest.kind != "crop":
            raise UsageError(f"{path} does not read pictures of one sign; name the bundle that does")

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
        """What logits are divided by, as it was fitted in this runtime."""
        return float((self._checked or {}).get("temperature", self.manifest.temperature))

    @property
    def rejection(self) -> Rejection | None:
        """When answers are not accepted, as it was chosen in this runtime."""
        own, chosen = (self._checked or {}).get("threshold"), self.manifest.rejection
        return chosen if chosen is None or own is None else replace(chosen, threshold=float(own))

    @property
    def without_colour(self) -> bool:
        """Whether it was trained to read pictures without colour, too."""
        return self.manifest.without_colour

    def logits(self, images: ByteArray) -> FloatArray:
        """(B, S, S, 3) uint8 RGB, cropped and resized as `spec` says -> (B, C) float32."""
        size = self.spec.size
        if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3) or not len(images):
            raise ShapeError(
                f"pictures are {images.shape} {images.dtype}; this network takes uint8 of the shape "
                f"(N, {size}, {size}, 3), at least one"
            )
        return self._run(np.ascontiguousarray(images))


class RuntimeFinder(_Opened):
    """A finder's bundle in another runtime.  Raises as RuntimeEngine does."""

    def __init__(self, path: Path, name: str, *, threads: int = 0) -> None:
        super().__init__(path, name, threads)
        if self.manifest.kind != "find":
            raise UsageError(f"{path} reads signs and does not find them; give a bundle of a finder")

    @property
    def rule(self) -> FindingRule:
        """From which score on a box is a sign."""
        assert self.manifest.finding is not None
        return self.manifest.finding

    def cells(self, frame: ByteArray) -> FloatArray:
        """(H, W, 3) uint8 RGB, H and W multiples of 32 -> (N, 5): x1, y1, x2, y2 in pixels and a score."""
        if frame.dtype != np.uint8 or frame.shape[2:] != (3,) or any(n % MULTIPLE for n in frame.shape[:2]):
            raise ShapeError(
                f"the frame is {frame.shape} {frame.dtype}; a finder takes uint8 (H, W, 3), H and W "
                f"multiples of {MULTIPLE}"
            )
        return np.asarray(self._run(np.ascontiguousarray(frame)[None])[0])
