"""What a training tells those who watch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


class Callback:
    """Base class: override what you want to hear of. Callbacks cannot change the training."""

    def on_notice(self, text: str) -> None:
        """Something that whoever watches should know, in a sentence; also before the training begins."""

    def on_start(self, budget: str) -> None:
        """Training begins; its budget in words."""

    def on_step(self, step: int, loss: float, images_per_second: float, fraction_done: float) -> None:
        """One step of the optimiser is done."""

    def on_gradient_norm(self, step: int, norm: float) -> None:
        """The norm that the penalty took of this step's gradient; not called where it took none."""

    def on_epoch(self, row: Mapping[str, float]) -> None:
        """An epoch is done and validated; `row` is what history.csv gets."""

    def on_end(self) -> None:
        """Training is over, also when it ended with an error."""

    def on_close(self, folder: Path | None) -> None:
        """The run is over: its folder with all that was measured, or None where it ended with an error.

        Called once, after `on_end`, also where the training never began.
        """


def tell(callbacks: Sequence[Callback], *notices: str) -> None:
    """Say something to all who watch."""
    for text in notices:
        for callback in callbacks:
            callback.on_notice(text)
