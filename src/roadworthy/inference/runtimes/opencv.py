"""OpenCV's dnn module, for programs that have OpenCV anyway."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import UsageError
from roadworthy.inference.bundle import INPUT
from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime


@RUNTIMES.register("opencv")
class OpenCv(Runtime):
    """Reads the bundle; OpenCV 5, for version 4 answers wrongly to batches in 8 bits."""

    title = "OpenCV"
    extra = "opencv"
    packages = ("opencv-python-headless", "opencv-python")
    finds = True

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """A net of the engine that reads the precision best: the new one fp32, the classic one int8."""
        import cv2

        if not hasattr(cv2.dnn, "ENGINE_NEW"):
            raise UsageError(
                f"OpenCV is {cv2.__version__}; exported networks need version 5 or newer: "
                "pip install 'opencv-python-headless>=5'"
            )
        if threads:
            cv2.setNumThreads(threads)  # of the whole process: OpenCV knows no other
        engine = cv2.dnn.ENGINE_CLASSIC if precision == "int8" else cv2.dnn.ENGINE_NEW
        net = cv2.dnn.readNetFromONNX(str(path), engine)

        def run(images: ByteArray) -> FloatArray:
            net.setInput(images, INPUT)
            return np.array(net.forward())

        return run
