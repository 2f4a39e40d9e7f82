"""The packaged reader in every runtime that is installed: docs/results/runtimes.md's tables.

    python benchmarks/runtimes.py [--keep DIR] [--seconds 1] > tables.md

full precision   `roadworthy export packaged --for ...`, which holds each runtime to the network in torch
8 bits           the packaged bundle as it ships, held to its own answers in ONNX Runtime
p50, crops/s     one thread, crops ready; the machine's load is told with them
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from roadworthy import api
from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray
from roadworthy.core.extras import missing
from roadworthy.core.predictions import probabilities
from roadworthy.core.provenance import provenance_of
from roadworthy.data.open import open_dataset
from roadworthy.inference.bundle import Manifest, read_bundle
from roadworthy.inference.confidence import accepted
from roadworthy.inference.onnx import packaged
from roadworthy.inference.runtimes.catalogue import installed, runtime_of
from roadworthy.inference.runtimes.engine import open_run
from roadworthy.inference.runtimes.runtime import RUNTIMES
from roadworthy.workflows.extras import PACKAGED_HELD_TO

PICTURES, BATCH = 2000, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--keep", type=Path, help="where the exports are, or are left; else they go")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each speed is measured")
    asked = parser.parse_args()
    print(
        f"Commit {provenance_of('')['commit'][:8]}, {platform.platform()}, {os.cpu_count()} cores, ", end=""
    )
    print(f"load {os.getloadavg()[0]:.1f} when it began, Python {platform.python_version()}.\n")
    with tempfile.TemporaryDirectory() as place:
        bundle = (asked.keep or Path(place)) / "model.onnx"
        if not bundle.exists():
            api.export("packaged", bundle, runtimes=[name for name in RUNTIMES if can_be_made(name)])
        for line in (*full(bundle, asked.seconds), "", *eight_bits(asked.seconds)):
            print(line, flush=True)


def can_be_made(name: str) -> bool:
    """Whether all packages are there that export for it, and run it where it can be run here."""
    runtime = runtime_of(name)
    parts = [part for part in (runtime.maker, runtime.runs_here() and runtime.extra) if part]
    return not any(missing(part) for part in parts)


def full(bundle: Path, seconds: float) -> Iterator[str]:
    """A row for every runtime, in full precision."""
    manifest = read_bundle(bundle).manifest
    facts = manifest.parity["fp32"]
    yield "| full precision | MB | same answers | logits within | accepted alike | p50 ms | crops/s |"
    yield "|---|---|---|---|---|---|---|"
    own = (facts["agreement"], facts["largest_difference"], 1.0)
    yield row("onnx", bundle, own, seconds)
    for name, found in manifest.runtimes.items():
        if found["run"]:
            own = (found["agreement"], found["largest_difference"], found["accepted_alike"])
            yield row(name, bundle, own, seconds)
        else:
            size = f"{megabytes(runtime_of(name).file(bundle)):.2f}"
            yield f"| {titled(name)} | {size} | not run here | | | | |"


def row(name: str, bundle: Path, found: tuple[float, float, float], seconds: float) -> str:
    same, difference, alike = found
    size = megabytes(runtime_of(name).file(bundle))
    return (
        f"| {titled(name)} | {size:.2f} | {100 * same:.2f} % | {difference:.1g} | {100 * alike:.2f} % | "
        f"{speed(name, bundle, seconds)} |"
    )


def titled(name: str) -> str:
    runtime = runtime_of(name)
    return f"{runtime.title} {next(iter(runtime.versions().values()), '')}".strip()


def speed(name: str, bundle: Path, seconds: float) -> str:
    rows = api.bench(bundle, runtimes=[name], threads=[1], batches=[1, 64], seconds=seconds).rows
    return f"{rows[0].p50_ms:.2f} | {max(row.crops_per_s for row in rows):,.0f}"


def megabytes(path: Path) -> float:
    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files) / 1e6


def eight_bits(seconds: float) -> Iterator[str]:
    """A row for every runtime that reads the packaged bundle itself, beside ONNX Runtime."""
    bundle = packaged()
    assert bundle is not None
    manifest = read_bundle(bundle).manifest
    images = pictures(manifest)
    own = logits("onnx", bundle, manifest, images)
    before = probabilities(own, manifest.temperature)
    sure = accepted(own, manifest.temperature, manifest.rejection)
    yield "| 8 bits | same answers | confidences within | moved by 0.05 | accepted alike | p50 ms | crops/s |"
    yield "|---|---|---|---|---|---|---|"
    for name in installed():
        if runtime_of(name).own:
            continue
        found = logits(name, bundle, manifest, images)
        same = (found.argmax(axis=1) == own.argmax(axis=1)).mean()
        after = probabilities(found, manifest.temperature)
        apart = np.abs(before - after).max(axis=1)
        alike = np.mean(np.equal(accepted(found, manifest.temperature, manifest.rejection), sure))
        yield (
            f"| {titled(name)} | {100 * same:.2f} % | {apart.max():.2f} | "
            f"{100 * (apart > 0.05).mean():.1f} % | {100 * alike:.2f} % | {speed(name, bundle, seconds)} |"
        )


def pictures(manifest: Manifest) -> ByteArray:
    data = DataConfig(spec=PACKAGED_HELD_TO)
    found = open_dataset(data, manifest.input, manifest.classes, split="val", skip_unknown=True)[0]
    chosen = np.random.default_rng(0).permutation(len(found))[:PICTURES]
    return np.asarray(found.images)[chosen]


def logits(name: str, bundle: Path, manifest: Manifest, images: ByteArray) -> np.ndarray:
    run = open_run(runtime_of(name), bundle, manifest, 1)
    return np.concatenate([run(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])


if __name__ == "__main__":
    main()
