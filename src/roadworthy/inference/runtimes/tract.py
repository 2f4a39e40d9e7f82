"""tract: Sonos' runtime in Rust, for programs without C++."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime


@RUNTIMES.register("tract")
class Tract(Runtime):
    """Reads the bundle; one thread, whatever is asked for."""

    title = "tract"
    extra = "tract"
    packages = ("tract",)

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """A plan that is ready to run."""
        import tract

        model = tract.onnx().load(str(path)).into_model().into_runnable()
        return lambda images: np.array(model.run([images])[0].to_numpy())
