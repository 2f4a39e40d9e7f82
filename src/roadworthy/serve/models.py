"""The bundles that a service answers with, replaced together while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import difflib
import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from roadworthy.core.errors import UnknownNameError, UsageError
from roadworthy.inference.bundle import read_bundle
from roadworthy.inference.onnx import PACKAGED, Engine, load_windows, packaged, refuse_misspelt
from roadworthy.inference.onnx_finder import FinderEngine, packaged_finder
from roadworthy.serve.batching import Batcher
from roadworthy.serve.settings import ServiceConfig


@dataclass(kw_only=True)
class Served:
    """One bundle in service.

    windows: the network for all windows of a picture, where there is one: for a closer look.
    finder: finds signs in pictures, for all bundles alike; None where the service has none.
    retired: another serves in its place; it goes with the last request that holds it.
    """

    name: str
    path: Path
    crops: Engine
    windows: Engine | None
    finder: FinderEngine | None
    batcher: Batcher
    users: int = 0  # requests that hold it
    retired: bool = False


Networks = tuple[Engine, Engine | None, FinderEngine | None]
"""For crops, for all windows of a picture, and what finds signs."""


class Models:
    """Bundles by name; to be used within one event loop."""

    def __init__(self, config: ServiceConfig) -> None:
        self._config = config
        self._served: dict[str, Served] = {}
        self._prepared: dict[str, tuple[Path, Networks]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def get(self, name: str | None = None) -> Served:
        """The bundle of that name; the first one without.  Raises UnknownNameError."""
        if name is None:
            return next(iter(self._served.values()))
        if name not in self._served:
            raise UnknownNameError("model", name, self._served)
        return self._served[name]

    def all(self) -> tuple[Served, ...]:
        """All of them, the one that answers by default first."""
        return tuple(self._served.values())

    def prepare(self) -> None:
        """Read all bundles now; the next `load` takes these into service.

        Raises BundleError or UsageError.
        """
        self._prepared = self._read({})

    @contextmanager
    def using(self, name: str | None = None) -> Iterator[Served]:
        """The same for as long as a request holds it: a reload meanwhile changes nothing for it."""
        served = self.get(name)
        served.users += 1
        try:
            yield served
        finally:
            served.users -= 1
            self._close_where_unused(served)

    async def load(self) -> None:
        """Read all bundles anew, then serve these; where one is not in order, those in service stay.

        Raises BundleError or UsageError.  Files that are what they were change nothing.
        """
        before = self._served
        read = self._prepared or await asyncio.to_thread(self._read, dict(before))
        self._prepared = {}
        self._served = {
            name: before[name]
            if name in before and _networks(before[name]) == networks
            else self._serve(name, path, *networks)
            for name, (path, networks) in read.items()
        }
        for name, old in before.items():
            if self._served.get(name) is not old:
                old.retired = True
                self._close_where_unused(old)
        del before
        await asyncio.to_thread(_return_memory)

    async def close(self) -> None:
        """Answer what waits, then stop."""
        await asyncio.gather(*self._closing, *(served.batcher.close() for served in self._served.values()))

    def _serve(
        self, name: str, path: Path, crops: Engine, windows: Engine | None, finder: FinderEngine | None
    ) -> Served:
        batcher = Batcher(crops.logits, size=self._config.batch, wait_s=self._config.wait_ms / 1000)
        return Served(name=name, path=path, crops=crops, windows=windows, finder=finder, batcher=batcher)

    def _close_where_unused(self, served: Served) -> None:
        if served.retired and not served.users:
            task = asyncio.ensure_future(served.batcher.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _read(self, before: Mapping[str, Served]) -> dict[str, tuple[Path, Networks]]:
        asked = self._config.models or (Path(PACKAGED),)
        paths = [_bundle(path) for path in asked]
        finder = self._finder(next((old.finder for old in before.values()), None))
        read: dict[str, tuple[Path, Networks]] = {}
        for name, path in zip(_names(paths), paths, strict=True):
            old = before.get(name)
            crops = self._engine(path, None if old is None else old.crops)
            if crops.manifest.kind != "crop":
                raise UsageError(f"{path} is a bundle for a closer look; name the one that it belongs to")
            windows = self._windows(path, crops, None if old is None else old.windows)
            read[name] = (path, (crops, windows, finder))
        return read

    def _engine(self, path: Path, old: Engine | None) -> Engine:
        """That of a file; the old one where the file is what it was, which costs no memory."""
        bundle = read_bundle(path)
        if old is not None and old.sha256 == bundle.sha256:
            return old
        if bundle.manifest.kind == "find":
            raise UsageError(f"{path} finds signs and does not read them; give it as the finder")
        return Engine(bundle, name=str(path), threads=self._config.threads)

    def _windows(self, path: Path, crops: Engine, old: Engine | None) -> Engine | None:
        return load_windows(path, crops, partial(self._engine, old=old))

    def _finder(self, old: FinderEngine | None) -> FinderEngine | None:
        """That of the settings, or the packaged one; the old one where its file is what it was."""
        path = finder_bundle(self._config.finder)
        if path is None:
            return None
        bundle = read_bundle(path)
        if old is not None and old.sha256 == bundle.sha256:
            return old
        return FinderEngine(bundle, name=str(path), threads=self._config.threads)


def _networks(served: Served) -> Networks:
    return served.crops, served.windows, served.finder


def _return_memory() -> None:
    """What freed engines leave in the C library's heap; kept there, it grew by half over 300 reloads."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def _bundle(path: Path) -> Path:
    """The file of that name, or the packaged bundle; UsageError with what would work where it is neither."""
    if str(path) == PACKAGED and not path.exists():
        return _packaged()
    return _there(path)


def finder_bundle(path: Path | None) -> Path | None:
    """The file of that name, or the packaged finder, by its name or without one; None where there is none.

    UsageError with what would work where nothing is at a place that is named.
    """
    if path is None or (str(path) == PACKAGED and not path.exists()):
        return packaged_finder()
    return _there(path)


def _there(path: Path) -> Path:
    """A bundle's file; UsageError with what would work where there is none."""
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder; make a bundle of the run in it: roadworthy export {path} --to NAME.onnx"
        )
    if path.exists():
        return path
    refuse_misspelt(path)
    there = sorted(other.name for other in path.parent.glob("*.onnx")) if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, there, n=1, cutoff=0.5)
    hint = f"did you mean {path.with_name(close[0])}?" if close else "name a bundle, or packaged"
    raise UsageError(f"there is no file {path}; {hint}")


def _packaged() -> Path:
    path = packaged()
    if path is None:
        raise UsageError(
            "no model given, and none comes with this copy; export one (roadworthy export) and name it"
        )
    return path


def _names(paths: Sequence[Path]) -> list[str]:
    """File names without suffix, PACKAGED for that bundle; numbered where two are alike."""
    names: list[str] = []
    for path in paths:
        stem = PACKAGED if path == packaged() else path.stem
        name, number = stem, 2
        while name in names:
            name, number = f"{stem}-{number}", number + 1
        names.append(name)
    return names
