"""From logits to the answer that is given, and when a closer look at the picture replaces it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from roadworthy.core.arrays import Box, ByteArray, FloatArray
from roadworthy.core.rejection import Rejection
from roadworthy.inference.answers import Row
from roadworthy.inference.confidence import answer, lacks_colour
from roadworthy.inference.network import Network
from roadworthy.signs.catalogue import NO_SIGN

UNSURE_BOX = "it may be no such sign"


class Found(NamedTuple):
    """One sign that was found: its box in pixels and the (C,) logits of the network for crops.

    score: how sure it is that the box shows a sign, in [0, 1]; None where no finder proposed it.
    """

    box: Box
    logits: FloatArray
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class AnswerRule:
    """How a network's logits become answers, the same in Python, on the command line and over HTTP.

    temperature: divides the logits before the softmax.  rejection: when an answer is not accepted.
    without_colour: whether the network was trained for pictures without colour, too.
    top: how many classes an answer names, the predicted one among them.
    sure: the least product of a box's score and the answer's confidence at which that is accepted.
    """

    classes: tuple[str, ...]
    temperature: float = 1.0
    rejection: Rejection | None = None
    without_colour: bool = False
    top: int = 3
    sure: float = 0.0

    @classmethod
    def of(cls, network: Network, top: int, *, sure: float = 0.0) -> AnswerRule:
        """A network's own rule."""
        return cls(
            classes=network.classes,
            temperature=network.temperature,
            rejection=network.rejection,
            without_colour=network.without_colour,
            top=top,
            sure=sure,
        )

    def lacks_colour(self, picture: ByteArray) -> bool:
        """Whether a whole picture has no colour though the network needs some."""
        return lacks_colour(picture, self.without_colour)

    def row(self, path: str, logits: FloatArray, *, colourless: bool) -> Row:
        """The answer to one picture, by its (C,) logits."""
        return answer(path, logits, self.classes, self.temperature, self.top, self.rejection, colourless)

    def found_rows(self, path: str, found: Sequence[Found], *, colourless: bool) -> list[Row]:
        """An answer with its box for every sign found in a picture."""
        return [self._found_row(path, one, colourless) for one in found]

    def _found_row(self, path: str, found: Found, colourless: bool) -> Row:
        row = self.row(path, found.logits, colourless=colourless)
        row = replace(row, box=found.box, found=found.score)
        if found.score is None or row.reason is not None or found.score * row.confidence >= self.sure:
            return row
        return replace(row, accepted=False, reason=UNSURE_BOX)

    def surer(self, row: Row, found: Sequence[Found], *, colourless: bool) -> Row:
        """The answer from the first sign that a closer look found; the row where it found none.

        Where neither is sure the surer of the two is told, but "no sign" never against what was found:
        sure or not, it is hardly ever right then (docs/results/packaged.md).
        """
        for again in self.found_rows(row.path, found[:1], colourless=colourless):
            first_is_surer = row.predicted != NO_SIGN and row.confidence > again.confidence
            return row if again.unsure and first_is_surer else again
        return row

    def after_closer_look(self, row: Row, look: Callable[[], Sequence[Found]], *, colourless: bool) -> Row:
        """A row that is sure as it is; one that is not, answered anew from what a closer look finds."""
        return self.surer(row, look(), colourless=colourless) if wants_closer_look(row) else row


def wants_closer_look(row: Row) -> bool:
    """Whether a first answer leaves so much open that signs are looked for in the whole picture."""
    return row.error is None and (row.unsure or row.predicted == NO_SIGN)


def shows_none(row: Row) -> bool:
    """Whether the answer is that there is no sign."""
    return row.error is None and row.predicted == NO_SIGN
