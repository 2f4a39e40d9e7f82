"""Core ML: Apple's runtime.  Its file can be made anywhere, and run on macOS alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime, Source

TAKES, GIVES = "images", "logits"


@RUNTIMES.register("coreml")
class CoreMl(Runtime):
    """Reads an .mlpackage of its own: levels from 0 to 255 as floats in, one picture at a time."""

    title = "Core ML"
    extra = "coreml"
    maker = "coreml"
    packages = ("coremltools",)
    own = ".mlpackage"
    note = "on a Mac: roadworthy bench {bundle} --runtime coreml"

    def runs_here(self) -> bool:
        """On macOS."""
        return sys.platform == "darwin"

    def convert(self, source: Source, to: Path) -> None:
        """By way of TorchScript, in full precision."""
        import coremltools
        import torch

        example = torch.zeros(1, source.size, source.size, 3)
        made: Any = coremltools.convert(
            torch.jit.trace(source.network.eval(), example),
            inputs=[coremltools.TensorType(name=TAKES, shape=example.shape)],
            outputs=[coremltools.TensorType(name=GIVES)],
            convert_to="mlprogram",
            compute_precision=coremltools.precision.FLOAT32,
        )
        made.save(str(to))

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """A model of the package, as macOS compiles it."""
        import coremltools

        model: Any = coremltools.models.MLModel(str(path))

        def one(image: ByteArray) -> FloatArray:
            return np.array(model.predict({TAKES: image[None].astype(np.float32)})[GIVES][0])

        return lambda images: np.stack([one(image) for image in images])
