"""TensorRT: Nvidia's runtime, by way of ONNX Runtime's build for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roadworthy.core.errors import UsageError
from roadworthy.inference.bundle import INPUT, OUTPUT
from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime

PROVIDER = "TensorrtExecutionProvider"


@RUNTIMES.register("tensorrt")
class TensorRt(Runtime):
    """Reads the bundle, where onnxruntime-gpu and TensorRT are installed."""

    title = "TensorRT"
    finds = True
    note = (
        "where there are an Nvidia card, TensorRT and onnxruntime-gpu: "
        "roadworthy bench {bundle} --runtime tensorrt"
    )

    def runs_here(self) -> bool:
        """Where ONNX Runtime was built with it."""
        import onnxruntime

        return PROVIDER in onnxruntime.get_available_providers()

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """A session that falls back on nothing else."""
        import onnxruntime

        if not self.runs_here():
            raise UsageError("this ONNX Runtime comes without TensorRT; install onnxruntime-gpu and TensorRT")
        session: Any = onnxruntime.InferenceSession(str(path), providers=[PROVIDER])
        return lambda images: session.run([OUTPUT], {INPUT: images})[0]
