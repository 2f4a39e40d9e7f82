"""Why 8 bits do or do not make the finder faster here: its convolutions in both precisions, by size.

    python benchmarks/finding_int8.py [--rounds 20]

The packaged finder and its 8-bit form, heads left whole, as `roadworthy export --precision int8` makes
it, on one thread and validation frames of GTSDB cut to 1,280 x 736; times by ONNX Runtime's own profile.
Needs ROADWORTHY_DATA.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime

from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray
from roadworthy.data.open_frames import open_split
from roadworthy.export.quantise import quantise
from roadworthy.inference.bundle import INPUT
from roadworthy.inference.onnx_finder import packaged_finder

HEIGHT, WIDTH, FRAMES = 736, 1280, 6
CONVOLUTIONS = ("Conv", "FusedConv", "QLinearConv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    path = packaged_finder()
    assert path is not None
    val = open_split(DataConfig(spec="gtsdb:"), "val")
    frames = [np.ascontiguousarray(val.pixels.frame(i)[:HEIGHT, :WIDTH])[None] for i in range(FRAMES)]
    whole = path.read_bytes()
    networks = {"fp32": whole, "int8": quantise(whole, frames, whole_heads=True)}
    with TemporaryDirectory() as folder:
        spent = profiled(networks, frames, asked.rounds, Path(folder))
    print("| convolutions that make | number | fp32 ms | int8 ms |\n|---|---|---|---|")
    full, eight = spent["fp32"], spent["int8"]
    for shape, times in full.convolutions.items():
        print(f"| {shape} | {len(times)} | {sum(times):.2f} | {sum(eight.convolutions[shape]):.2f} |")
    print(f"| all convolutions | | {_all(full):.1f} | {_all(eight):.1f} |")
    print(f"| all else | | {full.rest:.1f} | {eight.rest:.1f} |")


def _all(spent: Spent) -> float:
    return sum(map(sum, spent.convolutions.values()))


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Milliseconds of one run: the convolutions by the size of what they make, and all else."""

    convolutions: Mapping[str, Sequence[float]]
    rest: float


def profiled(
    networks: Mapping[str, bytes], frames: Sequence[ByteArray], rounds: int, folder: Path
) -> dict[str, Spent]:
    """By precision: medians over the rounds."""
    sessions = {}
    for name, network in networks.items():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        options.enable_profiling, options.profile_file_prefix = True, str(folder / name)
        sessions[name] = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    for turn in range(rounds):  # in turns, so that a slower minute meets both
        for session in sessions.values():
            session.run(None, {INPUT: frames[turn % len(frames)]})
    return {name: _read(Path(session.end_profiling())) for name, session in sessions.items()}


def _read(profile: Path) -> Spent:
    times: dict[str, list[float]] = defaultdict(list)
    shapes: dict[str, Sequence[int]] = {}
    kinds: dict[str, str] = {}
    for event in json.loads(profile.read_text(encoding="utf-8")):
        if event.get("cat") == "Node" and event["name"].endswith("kernel_time"):
            node = event["name"]
            times[node].append(event["dur"] / 1000)
            kinds[node] = event["args"]["op_name"]
            shapes[node] = next(iter(event["args"]["output_type_shape"][0].values()))
    convolutions: dict[str, list[float]] = defaultdict(list)
    for node, spent in times.items():
        if kinds[node] in CONVOLUTIONS:
            # Sorted: in 8 bits the channels come last.
            convolutions[" x ".join(map(str, sorted(shapes[node][1:])))].append(median(spent))
    rest = sum(median(spent) for node, spent in times.items() if kinds[node] not in CONVOLUTIONS)
    return Spent(convolutions=convolutions, rest=rest)


if __name__ == "__main__":
    main()
