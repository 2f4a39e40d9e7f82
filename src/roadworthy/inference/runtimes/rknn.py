"""RKNN: Rockchip's runtime for its boards."""

from __future__ import annotations

from pathlib import Path

from roadworthy.core.errors import UsageError
from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime


@RUNTIMES.register("rknn")
class Rknn(Runtime):
    """Converts the bundle in full precision with a toolkit of its own."""

    title = "RKNN"
    note = (
        "with rknn-toolkit2, which pins another torch: "
        "python -m rknn.api.rknn_convert -t rk3588 -i {bundle} -o . (not tried)"
    )

    def runs_here(self) -> bool:
        """On its boards alone."""
        return False

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """Not possible from here."""
        raise UsageError("RKNN runs on Rockchip's boards, with their own tools; see docs/results/runtimes.md")
