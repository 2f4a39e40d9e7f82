"""OpenVINO: Intel's runtime for processors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime


@RUNTIMES.register("openvino")
class OpenVino(Runtime):
    """Reads the bundle."""

    title = "OpenVINO"
    extra = "openvino"
    packages = ("openvino",)
    finds = True

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """A compiled model that computes in full precision wherever the file does."""
        import openvino

        core = openvino.Core()
        # Where a processor has bfloat16 OpenVINO uses it unasked, and logits move by tenths.
        settings: dict[str, object] = {"INFERENCE_PRECISION_HINT": "f32"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        compiled = core.compile_model(core.read_model(str(path)), "CPU", settings)
        return lambda images: np.array(compiled(images)[0])
