"""Worker processes that do not outlive the process that they work for.  No torch."""

from __future__ import annotations

import os
import threading
from multiprocessing import parent_process


def end_with_parent() -> None:
    """From now on this process ends when its multiprocessing parent does, however that ends.

    For the initialiser of a pool: what outlived its parent would hold memory, and write into folders that
    the next call believes to be its own.
    """
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
