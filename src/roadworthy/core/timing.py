"""Where the time goes: named stages, timed where somebody asks and free where nobody does.

Code marks what it does with `with stage("backward"):`.  That costs next to nothing until a `StageTimer` is
entered; then each stage is charged with its own time, less that of the stages within it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")

_IDLE: AbstractContextManager[None] = nullcontext()
_active: StageTimer | None = None


def stage(name: str) -> AbstractContextManager[None]:
    """Charge what is done within to `name`, if anybody asks."""
    if _active is None or threading.get_ident() != _active.thread:
        return _IDLE
    return _Stage(_active, name)


def each(name: str, items: Iterable[T]) -> Iterator[T]:
    """The items, the waiting for each charged to `name`."""
    source = iter(items)
    while True:
        with stage(name):
            try:
                item = next(source)
            except StopIteration:
                return
        yield item


class StageTimer:
    """Times every stage of its own thread while it is entered.

    seconds, calls: by stage.  synchronise: called before each reading of the clock, for work that is only
    queued (a GPU's).
    """

    def __init__(self, synchronise: Callable[[], None] | None = None) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self.thread = threading.get_ident()
        self._synchronise = synchronise
        self._open: list[list[float]] = []  # start, and seconds of the stages within, of each open stage
        self._names: list[str] = []

    def begin(self, name: str) -> None:
        """Open a stage."""
        self._names.append(name)
        self._open.append([self._now(), 0.0])

    def end(self) -> None:
        """Close the stage that was opened last."""
        name, (start, within) = self._names.pop(), self._open.pop()
        taken = self._now() - start
        self.seconds[name] += taken - within
        self.calls[name] += 1
        if self._open:
            self._open[-1][1] += taken

    def within(self, name: str) -> bool:
        """Whether a stage of this name is open."""
        return name in self._names

    def __enter__(self) -> StageTimer:
        global _active
        if _active is not None:
            raise RuntimeError("stages are being timed already")
        _active = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _active
        _active = None

    def _now(self) -> float:
        if self._synchronise is not None:
            self._synchronise()
        return time.perf_counter()


class _Stage(AbstractContextManager[None]):
    def __init__(self, stages: StageTimer, name: str) -> None:
        self._stages, self._name = stages, name

    def __enter__(self) -> None:
        self._stages.begin(self._name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stages.end()
