"""What a person should know though nothing failed: said once, and kept by whoever reports on the work.

In Python a note is a warning of the kind DataWarning, which a notebook shows and `warnings` can silence; the
command line prints it to stderr (`aloud`), and reports take it in (`hearing`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class DataWarning(UserWarning):
    """How data were read, where that could have been meant otherwise, or what of them was left out."""


_heard: ContextVar[tuple[list[str], ...]] = ContextVar("heard", default=())
_tell: ContextVar[Callable[[str], None] | None] = ContextVar("tell", default=None)


def say(note: str) -> None:
    """Tell whoever listens; `note` is one line."""
    for notes in _heard.get():
        if note not in notes:
            notes.append(note)
    tell = _tell.get()
    if tell is None:
        warnings.warn(note, DataWarning, stacklevel=2)
    else:
        tell(note)


@contextmanager
def hearing() -> Iterator[list[str]]:
    """The notes that are said meanwhile, each once, in order."""
    notes: list[str] = []
    token = _heard.set((*_heard.get(), notes))
    try:
        yield notes
    finally:
        _heard.reset(token)


@contextmanager
def aloud(tell: Callable[[str], None]) -> Iterator[None]:
    """Meanwhile each note goes to `tell` once, instead of becoming a warning."""
    passed_on: set[str] = set()

    def once(note: str) -> None:
        if note not in passed_on:
            passed_on.add(note)
            tell(note)

    token = _tell.set(once)
    try:
        yield
    finally:
        _tell.reset(token)


def some(names: Iterable[str], most: int = 8) -> str:
    """Names for a note: the first few, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
