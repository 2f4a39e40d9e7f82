"""What a runtime is, and where those that are known are found by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.registry import Registry

Run = Callable[[ByteArray], FloatArray]
"""(B, S, S, 3) uint8 RGB -> (B, C) logits; of a finder (1, H, W, 3) -> (1, N, 5) boxes and scores."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a runtime's own files are made from: the network in full precision.

    network: (B, S, S, 3) uint8 -> (B, C) logits, as a module of torch.  size: S.
    """

    network: Any
    size: int


class Runtime(ABC):
    """How a runtime is called, what it takes, and how it opens an exported network.

    title: its name as its makers write it.  extra, maker: the optional parts that run it, and that make its
    files.  packages: whose versions are told.  own: ending of the file or folder beside the bundle that it
    reads; empty where it reads the bundle itself.  finds: whether it takes frames of any size.
    note: where it cannot be run on every machine, what to do on the one where it can.
    """

    title: ClassVar[str]
    extra: ClassVar[str] = ""
    maker: ClassVar[str] = ""
    packages: ClassVar[tuple[str, ...]] = ()
    own: ClassVar[str] = ""
    finds: ClassVar[bool] = False
    note: ClassVar[str] = ""

    def runs_here(self) -> bool:
        """Whether this machine, with all packages installed, can run it."""
        return True

    def convert(self, source: Source, to: Path) -> None:
        """Write its own file or folder, where it has one."""
        raise NotImplementedError(f"{self.title} reads the bundle")

    @abstractmethod
    def open(self, path: Path, *, precision: str, threads: int) -> Run:
        """A network that answers.

        path: its own file, or the bundle.  precision: `fp32` or `int8`.  threads: 0 leaves it to the runtime.
        """

    def file(self, bundle: Path) -> Path:
        """The file or folder that it reads: its own beside the bundle, or the bundle."""
        return bundle.with_suffix(self.own) if self.own else bundle

    def versions(self) -> dict[str, str]:
        """Of its packages, those that are installed."""
        found = {}
        for package in self.packages:
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                continue
        return found


RUNTIMES: Registry[type[Runtime]] = Registry("runtime")
