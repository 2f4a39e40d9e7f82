"""The folder of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from roadworthy.core.errors import UsageError
from roadworthy.evaluate.results import Metrics


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run: its folder and what it measured."""

    folder: Path
    metrics: Metrics


@contextmanager
def no_empty_folder(folder: Path) -> Iterator[None]:
    """What ends in an error leaves no folder behind that it made and put nothing into."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    except UsageError:
        for place in made:
            if not place.is_dir() or any(place.iterdir()):
                break
            place.rmdir()
        raise
