"""Long work that is asked to stop ends at the next good moment, and keeps what is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_asked() -> Iterator[Callable[[], bool]]:
    """Meanwhile Ctrl-C (SIGINT) and SIGTERM interrupt nothing; the function says whether one came.

    The second raises KeyboardInterrupt wherever the program is.  Only a process's main thread hears signals:
    in any other the function always says no.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def hear(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    # None is a handler that no Python program set, which cannot be put back.
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    mine = [each for each, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    for each in mine:
        signal.signal(each, hear)
    try:
        yield asked.is_set
    finally:
        for each in mine:
            signal.signal(each, before[each])
