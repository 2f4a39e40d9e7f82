"""What an engine costs while pictures come one by one, and what that takes from its speed, in one run.

    python benchmarks/idle.py [--bundle MODEL.onnx] [--rounds 5] [--seconds 3.2]

CPU       seconds of the processor, of all threads, at 30 pictures a second
latency   milliseconds from a crop to its logits at that pace
batches   crops a second in batches of 64, one after the other

`spinning` is ONNX Runtime's own default, threads that keep their cores busy while they wait; `default` is
what `Engine` does without being told.  They take turns, round by round, so that what else the machine does
meets them alike; medians over the rounds.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from roadworthy.core.arrays import ByteArray
from roadworthy.inference.bundle import INPUT, OUTPUT, Bundle, read_bundle
from roadworthy.inference.onnx import Engine, packaged

RATE = 30.0  # a camera's
BATCH, BATCHES_S = 64, 2.0
PAUSE_S = 0.2  # until an engine's threads are asleep, before the next one's turn
Answer = Callable[[ByteArray], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=packaged(), help="default: the packaged one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.2)
    asked = parser.parse_args()
    bundle = read_bundle(asked.bundle)
    engines: dict[str, Answer] = {
        "spinning": spinning(bundle),
        "default": Engine(bundle).logits,
        "one thread": Engine(bundle, threads=1).logits,
    }
    measured: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in engines}
    for _ in range(asked.rounds):
        for name, answer in engines.items():
            cpu, p50, p99 = paced(answer, bundle.manifest.input.size, asked.seconds)
            time.sleep(PAUSE_S)
            measured[name].append((cpu, p50, p99, in_batches(answer, bundle.manifest.input.size)))
            time.sleep(PAUSE_S)
    print(f"| engine | CPU s in {asked.seconds:g} s | p50 ms | p99 ms | crops/s in batches of {BATCH} |")
    print("|---|---|---|---|---|")
    for name, rows in measured.items():
        cpu, p50, p99, speed = np.median(rows, axis=0)
        print(f"| {name} | {cpu:.2f} | {p50:.2f} | {p99:.2f} | {speed:,.0f} |")


def spinning(bundle: Bundle) -> Answer:
    """The network as ONNX Runtime runs it by default, with as many threads as `Engine` takes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    session = onnxruntime.InferenceSession(bundle.network, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run([OUTPUT], {INPUT: images})[0]


def paced(answer: Answer, size: int, seconds: float) -> tuple[float, float, float]:
    """Seconds of the processor, and milliseconds at the median and the 99th percentile, at `RATE`."""
    images = np.random.default_rng(0).integers(256, size=(1, size, size, 3), dtype=np.uint8)
    for _ in range(5):
        answer(images)
    taken = []
    used, begun = time.process_time(), time.perf_counter()
    for number in range(round(seconds * RATE)):
        asked = time.perf_counter()
        answer(images)
        taken.append(1e3 * (time.perf_counter() - asked))
        time.sleep(max(0.0, begun + (number + 1) / RATE - time.perf_counter()))
    cpu = time.process_time() - used
    return cpu, float(np.median(taken)), float(np.quantile(taken, 0.99))


def in_batches(answer: Answer, size: int) -> float:
    """Crops a second, the crops being ready."""
    images = np.random.default_rng(0).integers(256, size=(BATCH, size, size, 3), dtype=np.uint8)
    answer(images)
    begun, batches = time.perf_counter(), 0
    while time.perf_counter() - begun < BATCHES_S:
        answer(images)
        batches += 1
    return batches * BATCH / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
