"""Where and how things run: device, precision, threads, seeds, provenance."""

from __future__ import annotations

import ctypes
import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch

from roadworthy.errors import ConfigError
from roadworthy.origin import origin


def pick_device(name: str = "auto") -> torch.device:
    """`auto` is CUDA, then MPS, then the CPU; any other name must exist here."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"train.device {name!r} is not to be had here; try auto or cpu") from error
    return device


def pick_autocast(precision: str, device: torch.device) -> torch.dtype | None:
    """The dtype to autocast to, or None for fp32. `auto` takes bf16 where this machine is quicker with it."""
    if precision == "fp32":
        return None
    if precision == "bf16" or _bf16_pays(device):
        return torch.bfloat16
    return None


@cache
def _bf16_pays(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Emulated bf16 is slower than fp32, so processors without the instructions need no trial.
    if device.type != "cpu" or not torch.cpu._is_avx512_bf16_supported():
        return False
    # Nor do the instructions settle it: with matrix tiles bf16 is twice as quick as fp32, on machines that
    # hide the tiles it takes nearly twice as long.  The margin keeps a near tie from being decided by noise.
    return convolution_seconds(torch.bfloat16) * 1.2 < convolution_seconds(torch.float32)


def convolution_seconds(dtype: torch.dtype, repeats: int = 6) -> float:
    """The best time of one typical convolution, forward and backward, on this CPU; about 10 ms each."""
    # Constant numbers: drawing some would move the caller's random state.
    kernel = torch.ones(64, 64, 3, 3, dtype=dtype).to(memory_format=torch.channels_last).requires_grad_()
    images = torch.ones(64, 64, 16, 16, dtype=dtype).to(memory_format=torch.channels_last).requires_grad_()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        torch.nn.functional.conv2d(images, kernel, padding=1).sum().backward()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def set_threads(threads: int) -> int:
    """Use `threads` threads for computing (0 leaves torch's choice); returns how many are used."""
    if threads < 0:
        raise ConfigError(f"train.threads is {threads}; use 0 for torch's choice or a positive number")
    if threads:
        torch.set_num_threads(threads)
    return torch.get_num_threads()


@contextmanager
def with_threads(threads: int) -> Iterator[None]:
    """Compute with that many threads for a while; 0 leaves things as they are."""
    before = torch.get_num_threads()
    set_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Ask glibc to keep freed blocks instead of giving each batch's buffers back to the system.

    Page faults on fresh buffers cost the input pipeline about a third of its time.  Elsewhere: nothing.
    """
    if sys.platform != "linux":
        return
    trim_threshold, mmap_threshold, large = -1, -3, 1 << 30  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(trim_threshold, large)
    mallopt(mmap_threshold, large)


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed that depends on every part; near inputs give unrelated seeds."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(device: torch.device | str, *parts: int | str) -> torch.Generator:
    """A generator seeded by `parts`; the same parts give the same numbers, whatever ran before."""
    return torch.Generator(device=device).manual_seed(derive_seed(*parts))


def peak_rss_mb() -> float | None:
    """The most memory that this process has held, in MB; None where the system does not count it."""
    try:
        import resource
    except ImportError:  # Windows has no such count
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def provenance(
    *, device: torch.device, autocast: torch.dtype | None, seed: int, command: str
) -> dict[str, Any]:
    """Where a result comes from: versions, commit, hardware, precision, seed, command, time."""
    return {
        **origin(command),
        "seed": seed,
        "device": str(device),
        "precision": "bf16 autocast" if autocast is torch.bfloat16 else "fp32",
        "threads": torch.get_num_threads(),
    }
