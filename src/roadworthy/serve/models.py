"""The bundles that a service answers with, replaced together while it runs."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roadworthy.errors import UnknownNameError, UsageError
from roadworthy.serve.batching import Batcher
from roadworthy.serve.engine import Engine, load_engine, load_windows, packaged, refuse_misspelt
from roadworthy.serve.settings import ServiceConfig

PACKAGED = "packaged"  # what the bundle that comes along is called


@dataclass(frozen=True, kw_only=True)
class Served:
    """One bundle in service.

    windows: the network for all windows of a picture, where there is one.
    """

    name: str
    path: Path
    crops: Engine
    windows: Engine | None
    batcher: Batcher


Read = tuple[Path, Engine, Engine | None]
"""A bundle's file, its network, and that for all windows of a picture."""


class Models:
    """Bundles by name; to be used within one event loop."""

    def __init__(self, config: ServiceConfig) -> None:
        self._config = config
        self._served: dict[str, Served] = {}
        self._prepared: dict[str, Read] = {}
        self._retiring: dict[asyncio.Task[None], Batcher] = {}

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
        self._prepared = self._read()

    async def load(self) -> None:
        """Read all bundles anew, then serve these; where one is not in order, those in service stay.

        Raises BundleError or UsageError.  Requests that came before are answered by what they came to.
        """
        read, self._prepared = self._prepared or await asyncio.to_thread(self._read), {}
        before = self._served
        self._served = {
            name: Served(name=name, path=path, crops=crops, windows=windows, batcher=self._batcher(crops))
            for name, (path, crops, windows) in read.items()
        }
        for old in before.values():
            # A request that is still arriving may hold it.
            task = asyncio.create_task(self._retire(old.batcher))
            self._retiring[task] = old.batcher
            task.add_done_callback(self._retiring.pop)

    async def close(self) -> None:
        """Answer what waits, then stop."""
        retiring = dict(self._retiring)
        for task in retiring:
            task.cancel()
        for batcher in (*retiring.values(), *(served.batcher for served in self._served.values())):
            await batcher.close()

    def _read(self) -> dict[str, Read]:
        asked = self._config.models or (Path(PACKAGED),)
        paths = [_bundle(path) for path in asked]
        read = {}
        for name, path in zip(_names(paths), paths, strict=True):
            crops = load_engine(path, threads=self._config.threads)
            if crops.manifest.kind != "crop":
                raise UsageError(f"{path} is a bundle for finding signs; name the one that it belongs to")
            read[name] = (path, crops, self._windows(path))
        return read

    async def _retire(self, batcher: Batcher) -> None:
        await asyncio.sleep(self._config.body_timeout_s + self._config.answer_timeout_s)
        await batcher.close()

    def _windows(self, path: Path) -> Engine | None:
        return load_windows(path, threads=self._config.threads)

    def _batcher(self, engine: Engine) -> Batcher:
        return Batcher(
            engine.logits,
            size=self._config.batch,
            wait_s=self._config.wait_ms / 1000,
        )


def _bundle(path: Path) -> Path:
    """The file of that name, or the packaged bundle; UsageError with what would work where it is neither."""
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder; make a bundle of the run in it: roadworthy export {path} --to NAME.onnx"
        )
    if path.is_file():
        return path
    if str(path) == PACKAGED:
        return _packaged()
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
