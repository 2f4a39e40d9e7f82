"""Hailo's accelerators."""

from __future__ import annotations

from pathlib import Path

from roadworthy.core.errors import UsageError
from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime


@RUNTIMES.register("hailo")
class Hailo(Runtime):
    """Converts the bundle in full precision with a compiler of its own."""

    title = "Hailo"
    note = "with Hailo's Dataflow Compiler, from its makers: hailo parser onnx {bundle} (not tried)"

    def runs_here(self) -> bool:
        """On its boards alone."""
        return False

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """Not possible from here."""
        raise UsageError("Hailo's accelerators run what its own compiler makes; see docs/results/runtimes.md")
