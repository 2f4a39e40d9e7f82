"""The bundles that a service answers with, replaced together while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roadworthy.errors import UnknownNameError, UsageError
from roadworthy.serve.batching import Batcher
from roadworthy.serve.engine import Engine, load_engine, load_windows, packaged
from roadworthy.serve.settings import ServiceConfig


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


class Models:
    """Bundles by name; to be used within one event loop."""

    def __init__(self, config: ServiceConfig) -> None:
        self._config = config
        self._served: dict[str, Served] = {}
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

    async def load(self) -> None:
        """Read all bundles anew, then serve these; where one is not in order, those in service stay.

        Raises BundleError or UsageError.  Requests that came before are answered by what they came to.
        """
        read = await asyncio.to_thread(self._read)
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

    def _read(self) -> dict[str, tuple[Path, Engine, Engine | None]]:
        paths = self._config.models or _packaged()
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


def _packaged() -> tuple[Path, ...]:
    path = packaged()
    if path is None:
        raise UsageError(
            "no model given, and none comes with this copy; export one (roadworthy export) and name it"
        )
    return (path,)


def _names(paths: Sequence[Path]) -> list[str]:
    """File names without suffix, numbered where two are alike."""
    names: list[str] = []
    for path in paths:
        name, number = path.stem, 2
        while name in names:
            name, number = f"{path.stem}-{number}", number + 1
        names.append(name)
    return names
