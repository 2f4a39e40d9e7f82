"""ONNX Runtime: what Roadworthy itself answers with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roadworthy.inference.bundle import INPUT, OUTPUT
from roadworthy.inference.onnx import open_session
from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime


@RUNTIMES.register("onnx")
class OnnxRuntime(Runtime):
    """Reads the bundle; what all others are compared with."""

    title = "ONNX Runtime"
    packages = ("onnxruntime",)
    finds = True

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """A session on the processor."""
        session: Any = open_session(path.read_bytes(), str(path), threads)
        return lambda images: session.run([OUTPUT], {INPUT: images})[0]
