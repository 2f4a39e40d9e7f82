"""Where a training writes and speaks, as one of several processes or as the only one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from roadworthy.core.files import scratch
from roadworthy.train.callbacks import Callback, tell
from roadworthy.train.distributed import World, world
from roadworthy.workflows.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Site:
    """Which process this is, where it writes, and where the state to resume from lies."""

    processes: World
    folder: RunFolder
    shared: RunFolder
    callbacks: Sequence[Callback]

    def say(self, *notices: str) -> None:
        """Tell whoever watches."""
        tell(self.callbacks, *notices)


@contextmanager
def open_site(folder: Path, callbacks: Sequence[Callback]) -> Iterator[Site]:
    """All processes but the first write where nobody looks, and tell nobody."""
    shared = RunFolder(folder)
    with world() as processes:
        if processes.leads:
            yield Site(processes=processes, folder=shared, shared=shared, callbacks=callbacks)
            return
        with scratch() as place:
            own = RunFolder(place / "run")
            yield Site(processes=processes, folder=own, shared=shared, callbacks=())
