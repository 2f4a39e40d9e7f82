"""A film: slides in their order, how long each stands, and what is said meanwhile.

Pure: html.py makes the page, video.py the moving pictures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from roadworthy.core.document import Figure, Gallery, Table

LIMIT_S = 290.0  # under five minutes, with room to spare
WORDS_PER_SECOND = 150 / 60
PAUSE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Slide:
    """A title, few words, a figure, pictures or a small table, and what is said meanwhile.

    narration: sentences, the most important first.
    """

    title: str
    points: tuple[str, ...]
    narration: tuple[str, ...]
    block: Figure | Table | Gallery | None = None

    @property
    def caption(self) -> str:
        """All that is said."""
        return " ".join(self.narration)

    @property
    def seconds(self) -> float:
        """How long it stands: what saying it takes, and a pause."""
        return round(spoken_words(self.caption) / WORDS_PER_SECOND + PAUSE_S, 1)


@dataclass(frozen=True, kw_only=True)
class Film:
    """Slides in their order."""

    title: str
    slides: tuple[Slide, ...]

    @property
    def seconds(self) -> float:
        """How long all of it takes."""
        return sum(slide.seconds for slide in self.slides)


@dataclass(frozen=True, kw_only=True)
class Presented:
    """What was written of a film, how long it takes, and what was left out, a line each."""

    files: tuple[Path, ...]
    seconds: float
    notes: tuple[str, ...]


def spoken_words(text: str) -> int:
    """Words as they are said: of a number each digit counts, its point and its sign.

    `plain reads 91.5 %` has 7: plain, reads, nine, one, point, five, percent.
    """
    numbers = re.findall(r"[+\-−]?\d[\d.,]*", text)
    said: int = sum(sum(c.isdigit() or c in "+-−" for c in n) + ("." in n.rstrip(".,")) for n in numbers)
    rest = re.sub(r"[+\-−]?\d[\d.,]*", " ", text)
    return said + sum(any(c.isalpha() or c == "%" for c in word) for word in rest.split())


def subtitles(film: Film) -> str:
    """The narration as WebVTT, a cue for each sentence."""
    cues = []
    for start, slide in zip(starts(film), film.slides, strict=True):
        words = [spoken_words(sentence) for sentence in slide.narration]
        ends = [start + slide.seconds * done / sum(words) for done in accumulate(words)]
        for begin, end, sentence in zip((start, *ends), ends, slide.narration, strict=False):
            text = sentence.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            cues.append(f"{_clock(begin)} --> {_clock(end)}\n{text}\n")
    return "WEBVTT\n\n" + "\n".join(cues)


def starts(film: Film) -> list[float]:
    """When each slide begins, in seconds."""
    return list(accumulate((slide.seconds for slide in film.slides[:-1]), initial=0.0))


def _clock(seconds: float) -> str:
    ms = round(1000 * seconds)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def shortened(slides: Sequence[Slide]) -> tuple[Slide, ...]:
    """The slides within LIMIT_S: the longest lose their last, least important, sentences.

    Raises ValueError where a sentence for each is too much.
    """
    kept = list(slides)
    while sum(slide.seconds for slide in kept) >= LIMIT_S:
        longest = max(
            (i for i, slide in enumerate(kept) if len(slide.narration) > 1),
            key=lambda i: kept[i].seconds,
            default=None,
        )
        if longest is None:
            needed = sum(slide.seconds for slide in kept)
            raise ValueError(f"one sentence a slide takes {needed:.0f} s; a film has {LIMIT_S:.0f} s")
        kept[longest] = replace(kept[longest], narration=kept[longest].narration[:-1])
    return tuple(kept)
