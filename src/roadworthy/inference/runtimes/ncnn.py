"""ncnn: Tencent's runtime for phones and small boards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import UsageError
from roadworthy.core.files import scratch
from roadworthy.inference.runtimes.runtime import RUNTIMES, Run, Runtime, Source

PARAM, WEIGHTS = "model.param", "model.bin"


@RUNTIMES.register("ncnn")
class Ncnn(Runtime):
    """Reads a folder of its own: levels from 0 to 255 as floats in, planes first, one picture at a time."""

    title = "ncnn"
    extra = "ncnn"
    maker = "ncnn"
    packages = ("ncnn", "pnnx")
    own = ".ncnn"

    def convert(self, source: Source, to: Path) -> None:
        """By way of TorchScript and pnnx, weights in full precision."""
        import pnnx
        import torch

        class Planes(torch.nn.Module):
            """(1, 3, S, S) levels as floats."""

            def __init__(self, network: Any) -> None:
                super().__init__()
                self.network = network

            def forward(self, planes: torch.Tensor) -> Any:
                """The order that the network takes."""
                return self.network(planes.permute(0, 2, 3, 1))

        example = torch.zeros(1, 3, source.size, source.size)
        program = os.path.join(os.path.dirname(pnnx.__file__), "..", "bin", "pnnx")  # noqa: PTH118, PTH120
        with scratch() as folder:
            torch.jit.trace(Planes(source.network).eval(), example).save(str(folder / "model.pt"))
            shape = f"inputshape=[1,3,{source.size},{source.size}]"
            made = subprocess.run(
                [program, "model.pt", shape, "fp16=0"], cwd=folder, capture_output=True, check=False
            )
            if not (folder / "model.ncnn.bin").is_file():
                said = made.stderr.decode(errors="replace").strip()[-200:]
                raise UsageError(f"pnnx cannot convert this network for ncnn: {' '.join(said.split())}")
            to.mkdir(parents=True)
            (folder / "model.ncnn.param").replace(to / PARAM)
            (folder / "model.ncnn.bin").replace(to / WEIGHTS)

    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """A net that keeps full precision."""
        import ncnn

        net = ncnn.Net()
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        if threads:
            net.opt.num_threads = threads
        net.load_param(str(path / PARAM))
        net.load_model(str(path / WEIGHTS))

        def one(image: ByteArray) -> FloatArray:
            planes = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)
            with net.create_extractor() as extractor:
                # ncnn looks at the array without holding on to it: a copy while it is surely there.
                extractor.input("in0", ncnn.Mat(planes).clone())
                return np.array(extractor.extract("out0")[1])

        return lambda images: np.stack([one(image) for image in images])
