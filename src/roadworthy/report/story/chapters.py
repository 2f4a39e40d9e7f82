"""A story: one page that goes through questions in their order, for a reader with ten minutes.

Pure: html.py makes the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roadworthy.core.document import Block, Figure, Gallery, Table


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One question and its answer.

    answer: two plain sentences, what was found and how it was asked.
    shown: at least one picture (Figure or Gallery), tables beside it.
    measured: figures with their intervals, each in a sentence.
    commands: what makes them.  missing: studies that would say more and are not among the results.
    """

    number: str
    question: str
    answer: tuple[str, str]
    shown: tuple[Block, ...]
    measured: tuple[str, ...]
    commands: tuple[str, ...]
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not any(isinstance(block, Figure | Gallery) for block in self.shown):
            raise ValueError(f"question {self.number} has no picture; give it a Figure or a Gallery")


@dataclass(frozen=True, kw_only=True)
class Story:
    """Chapters in their order, and one table of claims.

    summary: the first sentences of the page.
    """

    title: str
    summary: tuple[str, ...]
    chapters: tuple[Chapter, ...]
    claims: Table


@dataclass(frozen=True, kw_only=True)
class Told:
    """The page that was written, and what was left out, a line each."""

    file: Path
    notes: tuple[str, ...]
