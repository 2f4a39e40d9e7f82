"""How fast a bundle answers, beside the alternatives that a user has, in one run on one machine.

    python benchmarks/serving.py [--bundle MODEL.onnx] [--run RUN] [--frames 2000] [--skip install]

latency      one thread: a crop of 60 px out of a 1280 x 720 frame in memory, resized, classified, singly
throughput   one thread: batches of 64 crops that are ready
folder       two cores: JPEG files of 64 px decoded and classified by api.predict
start        a new process: `roadworthy predict` to its first answer
install      `pip install roadworthy` without extras into a new environment: seconds and megabytes

Alternatives, where they are installed: the same network in eager torch and under torch.compile (--run, the
folder that the bundle was exported from), OpenVINO on the same file, and the study's own network in Keras
(tensorflow-cpu), called as a model and by `predict`.  Speed alone is compared.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy import api
from roadworthy.core.arrays import ByteArray
from roadworthy.imaging.preprocess import crop_resize, normalise
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import read_bundle
from roadworthy.inference.inputs import expand_inputs
from roadworthy.inference.onnx import Engine, packaged
from roadworthy.inference.stream import predict_files

FRAME, BOX = (720, 1280, 3), (600.0, 300.0, 660.0, 360.0)
BATCH = 64
WARM_UP = 50
Answer = Callable[[ByteArray], object]
"""(B, S, S, 3) uint8 -> logits."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=packaged(), help="default: the packaged one")
    parser.add_argument("--run", type=Path, help="the run that it was exported from, for torch")
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument(
        "--skip", nargs="*", default=(), choices=("folder", "start", "install", "alternatives")
    )
    asked = parser.parse_args()
    bundle = read_bundle(asked.bundle)
    spec = of_a_box(bundle.manifest.input)
    answers: dict[str, tuple[Answer, InputSpec]] = {
        f"this bundle, {bundle.manifest.precision}": (Engine(bundle, threads=1).logits, spec)
    }
    if "alternatives" not in asked.skip:
        answers |= alternatives(asked.bundle, asked.run, spec)
    print("| one thread | p50 ms | p99 ms | crops/s in batches of 64 |\n|---|---|---|---|")
    for name, (answer, own) in answers.items():
        p50, p99 = latency(answer, own, asked.frames)
        print(f"| {name} | {p50:.2f} | {p99:.2f} | {throughput(answer, own):,.0f} |", flush=True)
    print("\n| what | measured |\n|---|---|")
    if "folder" not in asked.skip:
        print(
            f"| JPEG files of 64 px, decoded and classified | {folder(asked.bundle):,.0f} files/s |",
            flush=True,
        )
    if "start" not in asked.skip:
        print(
            f"| `roadworthy predict` to its first answer, median of 11 | {start(asked.bundle):.2f} s |",
            flush=True,
        )
    if "install" not in asked.skip:
        seconds, megabytes = install()
        print(f"| install without extras | {seconds:.0f} s, {megabytes:,.0f} MB |")


def of_a_box(spec: InputSpec) -> InputSpec:
    """How a network's crops are cut out of frames."""
    return InputSpec(size=spec.size, resize=spec.resize, crop="margin=0.1")


def latency(answer: Answer, spec: InputSpec, frames: int) -> tuple[float, float]:
    """Milliseconds from a frame in memory to its answer: median and 99th percentile."""
    taken = 1e3 * np.array(one_by_one(answer, spec, WARM_UP + frames)[WARM_UP:])
    return float(np.median(taken)), float(np.quantile(taken, 0.99))


def one_by_one(answer: Answer, spec: InputSpec, times: int) -> list[float]:
    """Seconds from a frame in memory to the answer for a crop of it, each time."""
    frame = np.random.default_rng(0).integers(256, size=FRAME, dtype=np.uint8)
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        answer(crop_resize(frame, spec, BOX)[None])
        taken.append(time.perf_counter() - begun)
    return taken


def batch_of_crops(spec: InputSpec) -> ByteArray:
    return np.random.default_rng(0).integers(256, size=(BATCH, spec.size, spec.size, 3), dtype=np.uint8)


def throughput(answer: Answer, spec: InputSpec, seconds: float = 5.0) -> float:
    """Crops a second in batches, the crops being ready."""
    images = batch_of_crops(spec)
    for _ in range(3):
        answer(images)
    begun, batches = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        answer(images)
        batches += 1
    return batches * BATCH / (time.perf_counter() - begun)


def alternatives(bundle: Path, run: Path | None, spec: InputSpec) -> dict[str, tuple[Answer, InputSpec]]:
    """What else could answer, by name; what is not installed is said on stderr."""
    found: dict[str, tuple[Answer, InputSpec]] = {}
    for make in (_torch, _openvino, _keras):
        try:
            found |= make(bundle, run, spec)
        except ImportError as error:
            print(f"left out: {error}", file=sys.stderr)
    return found


def _torch(bundle: Path, run: Path | None, spec: InputSpec) -> dict[str, tuple[Answer, InputSpec]]:
    import torch

    from roadworthy.train.checkpoint import load_checkpoint

    if run is None:
        return {}
    torch.set_num_threads(1)
    model, card = load_checkpoint(run)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def answer_with(network: Callable[[torch.Tensor], torch.Tensor]) -> Answer:
        def answer(images: ByteArray) -> object:
            with torch.inference_mode():
                return network(torch.from_numpy(normalise(images, card.input)))

        return answer

    compiled = torch.compile(model)
    return {
        "torch, eager, fp32": (answer_with(model), spec),
        "torch.compile, fp32": (answer_with(compiled), spec),
    }


def _openvino(bundle: Path, run: Path | None, spec: InputSpec) -> dict[str, tuple[Answer, InputSpec]]:
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(bundle), "CPU", {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    )
    return {"OpenVINO, the same file": (lambda images: compiled(images)[0], spec)}


def _keras(bundle: Path, run: Path | None, spec: InputSpec) -> dict[str, tuple[Answer, InputSpec]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    layers = tf.keras.layers
    model = tf.keras.Sequential([tf.keras.Input((64, 64, 3)), layers.Rescaling(1 / 255)])
    for width in (32, 64, 128):
        model.add(layers.Conv2D(width, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(4)):
        model.add(layer)
    own = InputSpec(size=64, resize="nearest", crop="margin=0.1")
    return {
        "Keras, the study's network, called": (lambda images: model(images, training=False).numpy(), own),
        "Keras, the study's network, predict": (lambda images: model.predict(images, verbose=0), own),
    }


def folder(bundle: Path, files: int = 4000) -> float:
    """Files a second through api.predict, the best of three."""
    rng, model = np.random.default_rng(0), api.load(bundle)
    with tempfile.TemporaryDirectory() as place:
        for number in range(files):
            smooth = Image.fromarray(rng.integers(256, size=(8, 8, 3), dtype=np.uint8)).resize((64, 64))
            buffer = io.BytesIO()
            smooth.save(buffer, "JPEG", quality=90)
            (Path(place) / f"{number:05d}.jpg").write_bytes(buffer.getvalue())
        best = 0.0
        for _ in range(3):
            begun = time.perf_counter()
            # The first look alone: noise is never sure, and would be looked at more closely.
            rows = sum(
                1 for _ in predict_files(expand_inputs([place]), model.logits, model.spec, model.classes)
            )
            best = max(best, rows / (time.perf_counter() - begun))
    return best


def start(bundle: Path, times: int = 11) -> float:
    """Seconds that a new process takes for one picture, the median."""
    with tempfile.TemporaryDirectory() as place:
        picture = Path(place) / "sign.png"
        Image.new("RGB", (64, 64), (200, 30, 30)).save(picture)
        taken = []
        for _ in range(times):
            begun = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "roadworthy", "predict", str(bundle), str(picture)],
                check=True,
                capture_output=True,
            )
            taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


def install() -> tuple[float, float]:
    """Seconds and megabytes of an installation without extras, from this checkout and the usual index."""
    with tempfile.TemporaryDirectory() as place:
        venv.create(place, with_pip=True)
        before = _megabytes(Path(place))
        begun = time.perf_counter()
        here = Path(__file__).resolve().parent.parent
        subprocess.run(
            [Path(place) / "bin" / "python", "-m", "pip", "install", "--quiet", str(here)],
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - begun, _megabytes(Path(place)) - before


def _megabytes(place: Path) -> float:
    return sum(file.lstat().st_size for file in place.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
