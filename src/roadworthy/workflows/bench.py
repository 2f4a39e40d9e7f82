"""How fast a bundle answers on this machine, by runtime, threads and batch, and which to take."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.errors import RoadworthyError, UsageError
from roadworthy.core.notes import say
from roadworthy.core.paths import StrPath
from roadworthy.data.open import open_dataset
from roadworthy.inference.bundle import Manifest, read_bundle
from roadworthy.inference.classifier import model_path
from roadworthy.inference.onnx import MOST_THREADS
from roadworthy.inference.runtimes.catalogue import DEFAULT, installed, ready, runtime_of, runtimes_of
from roadworthy.inference.runtimes.engine import open_run
from roadworthy.inference.runtimes.runtime import Run

COMPARED = 64  # pictures whose answers are compared
SAME = 0.995  # least share of them with ONNX Runtime's answer, for what is recommended
ALIKE = 1.1  # times as slow: not worth another runtime, or more threads
WARM_UP = 3  # batches
BATCHES = (1, 8, 64)


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One runtime with so many threads on batches of so many pictures.

    p50_ms, p99_ms: of a batch.  crops_per_s: pictures.  same: share of answers that are ONNX Runtime's.
    checked: whether the export was held to the trained network in this runtime.
    """

    runtime: str
    threads: int
    batch: int
    p50_ms: float
    p99_ms: float
    crops_per_s: float
    same: float
    checked: bool


@dataclass(frozen=True, kw_only=True)
class Benched:
    """What was measured, and which runtime and threads to take; None where only batches were."""

    rows: tuple[Timed, ...]
    recommended: Timed | None


def bench(
    model: StrPath | None = None,
    *,
    runtimes: Sequence[str] = (),
    threads: Sequence[int] = (),
    batches: Sequence[int] = (),
    seconds: float = 0.5,
    data: DataConfig | None = None,
) -> Benched:
    """Time a reader's bundle in all runtimes that are installed, crops being ready.

    model: a bundle (.onnx), or packaged, which is the default.
    runtimes: which runtimes to time; by default all that are installed and whose files are there.
    threads: how many threads one answer may use; by default 1 and all cores.
    batches: how many pictures are answered at once; by default 1, 8 and 64.
    seconds: how long each row is measured.
    data: pictures on which answers are compared with those of ONNX Runtime; by default drawn noise.
    Raises UsageError on a finder's bundle, MissingExtraError where a runtime named is not installed.
    """
    path = model_path(model)
    if path.suffix.lower() != ".onnx":
        raise UsageError(f"{path} is no bundle; export it first (roadworthy export), then time the .onnx")
    manifest = read_bundle(path).manifest
    if manifest.kind != "crop":
        raise UsageError(f"{path} does not read pictures of one sign; name the bundle that does")
    threads = tuple(threads) or tuple(sorted({1, os.cpu_count() or 1}))
    batches = tuple(batches) or BATCHES
    _check_counts(threads, batches, seconds)
    pictures = _pictures(manifest, data)
    own = open_run(ready(DEFAULT), path, manifest, 1)(pictures)
    rows = []
    for name in runtimes_of(runtimes) or _at_hand(path):
        try:
            rows += list(_timed(name, path, manifest, threads, batches, seconds, pictures, own))
        except RoadworthyError as error:
            if runtimes:
                raise
            say(f"{name} is left out: {error}")
    return Benched(rows=tuple(rows), recommended=recommended(rows))


def recommended(rows: Sequence[Timed]) -> Timed | None:
    """The quickest for one picture; ONNX Runtime, and fewer threads, where that costs less than a tenth."""
    single = [row for row in rows if row.batch == 1 and row.same >= SAME]
    if not single:
        return None
    quickest = min(row.p50_ms for row in single)
    near = [row for row in single if row.p50_ms <= ALIKE * quickest]
    return min(near, key=lambda row: (row.runtime != DEFAULT, not row.checked, row.threads, row.p50_ms))


def _check_counts(threads: Sequence[int], batches: Sequence[int], seconds: float) -> None:
    for what, counts, most in (("threads", threads, MOST_THREADS), ("batches", batches, 4096)):
        for count in counts:
            if not 1 <= count <= most:
                raise UsageError(f"{what} has {count:,}; give whole numbers from 1 to {most:,}, like 1,4")
    if not 0 < seconds <= 600:
        raise UsageError(f"seconds is {seconds:g}; give more than 0 and at most 600")


def _at_hand(path: Path) -> tuple[str, ...]:
    return tuple(name for name in installed() if runtime_of(name).file(path).exists())


def _pictures(manifest: Manifest, data: DataConfig | None) -> ByteArray:
    """(N, S, S, 3): the first of a set, or smooth noise."""
    size = manifest.input.size
    if data is not None:
        found = open_dataset(data, manifest.input, manifest.classes, split="val", skip_unknown=True)[0]
        return np.asarray(found.images[:COMPARED])
    rng = np.random.default_rng(0)
    coarse = rng.integers(256, size=(COMPARED, 6, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(each).resize((size, size))) for each in coarse])


def _timed(
    name: str,
    path: Path,
    manifest: Manifest,
    threads: Sequence[int],
    batches: Sequence[int],
    seconds: float,
    pictures: ByteArray,
    own: FloatArray,
) -> Iterator[Timed]:
    runtime = ready(name)
    for count in threads:
        run = open_run(runtime, path, manifest, count)
        same = float((run(pictures).argmax(axis=1) == own.argmax(axis=1)).mean())
        for batch in batches:
            images = np.resize(pictures, (batch, *pictures.shape[1:]))
            taken = 1e3 * np.array(_seconds(run, images, seconds))
            yield Timed(
                runtime=name,
                threads=count,
                batch=batch,
                p50_ms=float(np.median(taken)),
                p99_ms=float(np.quantile(taken, 0.99)),
                crops_per_s=1e3 * batch * len(taken) / float(taken.sum()),
                same=same,
                checked=name == DEFAULT or bool(manifest.runtimes.get(name, {}).get("run")),
            )


def _seconds(run: Run, images: ByteArray, seconds: float) -> list[float]:
    """How long each batch took."""
    for _ in range(WARM_UP):
        run(images)
    taken: list[float] = []
    while sum(taken) < seconds:
        begun = time.perf_counter()
        run(images)
        taken.append(time.perf_counter() - begun)
    return taken
