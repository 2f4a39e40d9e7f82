"""Named entries: one definition in one file, found by name everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from roadworthy.core.errors import UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """A mapping from names to entries of one kind.

    kind: what an entry is, in the words of an error message ("optimizer", "data source").
    Registering a name twice raises ValueError; an unknown name raises UnknownNameError with a suggestion.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that files what it decorates under `name`."""

        def file(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return file

    def get(self, name: str) -> T:
        """The entry called `name`."""
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def summary(self, name: str) -> str:
        """First line of the entry's docstring, for `roadworthy list` and the docs."""
        return (self.get(name).__doc__ or "").strip().split("\n")[0]
