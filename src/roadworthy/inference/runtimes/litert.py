"""LiteRT, which was TensorFlow Lite: Google's runtime for phones and boards."""

from __future__ import annotations

import contextlib
import io
import logging
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime, Source


@RUNTIMES.register("litert")
class LiteRt(Runtime):
    """Reads a .tflite file of its own, one picture at a time."""

    title = "LiteRT"
    extra = "litert"
    maker = "litert-export"
    packages = ("ai-edge-litert", "litert-torch")
    own = ".tflite"

    def convert(self, source: Source, to: Path) -> None:
        """From the network in torch, in full precision."""
        import litert_torch
        import torch

        example = torch.zeros(1, source.size, source.size, 3, dtype=torch.uint8)
        logging.getLogger().setLevel(logging.WARNING)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            litert_torch.convert(source.network.eval(), (example,)).export(str(to))

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """An interpreter of the file."""
        from ai_edge_litert.interpreter import Interpreter

        network: Any = Interpreter(str(path), num_threads=threads or None)
        network.allocate_tensors()
        takes, gives = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]

        def one(image: ByteArray) -> FloatArray:
            network.set_tensor(takes, image[None])
            network.invoke()
            return np.array(network.get_tensor(gives)[0])

        return lambda images: np.stack([one(image) for image in images])
