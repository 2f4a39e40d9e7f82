"""A finder's bundle in ONNX Runtime: frames in, cells out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import BundleError, ShapeError
from roadworthy.core.finding_rule import FindingRule
from roadworthy.inference.boxes import MULTIPLE
from roadworthy.inference.bundle import INPUT, OUTPUT, Bundle, Manifest, read_bundle
from roadworthy.inference.onnx import check_end, open_session


class FinderEngine:
    """A network that finds signs in frames.  Safe to be used by several threads at once.

    threads: that one answer may use; 0 takes up to four, as many as there are cores.
    Raises BundleError where the network is not what its manifest says.
    """

    def __init__(self, bundle: Bundle, *, name: str = "the bundle", threads: int = 0) -> None:
        self.manifest: Manifest = bundle.manifest
        self.sha256, self.network, self._name = bundle.sha256, bundle.network, name
        if self.manifest.kind != "find" or self.manifest.finding is None:
            raise BundleError(f"{name} reads signs and does not find them; give a bundle of a finder")
        if self.manifest.stride != MULTIPLE:
            raise BundleError(f"{name} takes frames in steps of {self.manifest.stride} px, not of {MULTIPLE}")
        self._session = open_session(bundle.network, name, threads)
        check_end(self._session.get_inputs(), INPUT, "tensor(uint8)", [1, None, None, 3], name)
        check_end(self._session.get_outputs(), OUTPUT, "tensor(float)", [1, None, 5], name)
        # Once, so that what cannot answer does not come into service.
        self.cells(np.full((MULTIPLE, MULTIPLE, 3), 128, np.uint8))

    @property
    def rule(self) -> FindingRule:
        """From which score on a box is a sign."""
        assert self.manifest.finding is not None
        return self.manifest.finding

    def cells(self, frame: ByteArray) -> FloatArray:
        """(H, W, 3) uint8 RGB, H and W multiples of 32 -> (N, 5): x1, y1, x2, y2 in pixels and a score."""
        height, width = frame.shape[:2]
        if frame.dtype != np.uint8 or frame.shape[2:] != (3,) or height % MULTIPLE or width % MULTIPLE:
            raise ShapeError(
                f"the frame is {frame.shape} {frame.dtype}; a finder takes uint8 (H, W, 3), "
                f"H and W multiples of {MULTIPLE}"
            )
        cells: FloatArray = self._session.run([OUTPUT], {INPUT: frame[None]})[0][0]
        if not np.isfinite(cells).all():
            raise BundleError(f"{self._name} gave an answer that is not finite; its weights are damaged")
        return cells


@cache
def packaged_finder() -> Path | None:
    """The finder that comes along; None where this copy has none."""
    path = Path(__file__).parent / "packaged" / "find.onnx"
    return path if path.is_file() else None


def load_finder(path: Path, *, threads: int = 0) -> FinderEngine:
    """The finder of a bundle's file."""
    return FinderEngine(read_bundle(path), name=str(path), threads=threads)
