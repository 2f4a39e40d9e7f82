"""Where and how things run: device, precision, threads, seeds, provenance."""

from __future__ import annotations

import ctypes
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from roadworthy.core.errors import ConfigError
from roadworthy.core.provenance import provenance_of
from roadworthy.core.waiting import wait_asleep

wait_asleep()  # processes that others start (Ray's) come here first

import torch  # noqa: E402

AUTOCAST = {"fp32": None, "bf16": torch.bfloat16}
"""What autocast is told for each value of train.precision but `auto`; None turns it off."""


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
        raise ConfigError(
            f"train.device {name!r} is not available on this machine; try auto or cpu"
        ) from error
    return device


def may_use_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bf16 itself; where it emulates it, it is slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())


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
        **provenance_of(command),
        "seed": seed,
        "device": str(device),
        "precision": "bf16 autocast" if autocast is torch.bfloat16 else "fp32",
        "threads": torch.get_num_threads(),
    }
