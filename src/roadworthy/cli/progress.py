"""Progress on stderr: a bar where a person watches, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from roadworthy.core.words import duration, percent
from roadworthy.train.callbacks import Callback

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 10.0
OF_AN_EPOCH = ("epoch", "train_loss", "val_loss", "val_accuracy")  # what fits a terminal of 80 columns


def training_progress(stream: TextIO | None = None) -> Callback:
    """The callback that fits where stderr leads."""
    stream = stream or sys.stderr
    return TrainingBar(stream) if stream.isatty() else TrainingLines(stream)


class TrainingBar(Callback):
    """A bar with loss, accuracy, images/s and the time left; a line for every epoch above it."""

    def __init__(self, stream: TextIO) -> None:
        # Rich takes a tenth of a second to import: not where nobody watches.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("accuracy {task.fields[accuracy]}"),
            TextColumn("{task.fields[rate]} images/s"),
            TimeRemainingColumn(),
            console=Console(file=stream),
        )
        self._task: TaskID | None = None

    def on_notice(self, text: str) -> None:
        """A line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False)

    def on_start(self, budget: str) -> None:
        """Show the bar, empty."""
        self._task = self._progress.add_task("training", total=1.0, loss="-", accuracy="-", rate="-")
        self._progress.start()

    def on_step(self, step: int, loss: float, images_per_second: float, fraction_done: float) -> None:
        """Move the bar."""
        if self._task is not None:
            rate = f"{images_per_second:,.0f}"
            self._progress.update(self._task, completed=fraction_done, loss=f"{loss:.4f}", rate=rate)

    def on_epoch(self, row: Mapping[str, float]) -> None:
        """Keep the epoch's figures in sight."""
        shown = {name: row[name] for name in OF_AN_EPOCH if name in row}
        self._progress.console.print(
            epoch_line(shown), markup=False, highlight=False, no_wrap=True, overflow="ellipsis"
        )
        accuracy = row.get("val_accuracy", row.get("accuracy"))
        if self._task is not None and accuracy is not None:
            self._progress.update(self._task, accuracy=percent(accuracy, 1))

    def on_end(self) -> None:
        """Give the terminal back."""
        self._progress.stop()


class TrainingLines(Callback):
    """One line for every epoch, and one now and then in between."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock, self._said = stream, clock, 0.0

    def on_notice(self, text: str) -> None:
        """A line of its own."""
        self._say(text)

    def on_start(self, budget: str) -> None:
        """Say what the budget is."""
        self._say(f"training for {budget}")

    def on_step(self, step: int, loss: float, images_per_second: float, fraction_done: float) -> None:
        """A sign of life in long epochs."""
        if self._clock() - self._said >= LINE_EVERY_S:
            self._say(f"step {step}  {fraction_done:.0%}  loss {loss:.4f}  {images_per_second:,.0f} images/s")

    def on_epoch(self, row: Mapping[str, float]) -> None:
        """The epoch's figures."""
        self._say(epoch_line(row))

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
        self._said = self._clock()


def epoch_line(row: Mapping[str, float]) -> str:
    """A row of history.csv in one line: counts whole, shares as percentages, the rest in four digits."""

    def show(name: str, value: float) -> str:
        if name.endswith("accuracy"):
            return percent(value)
        return f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"

    return "  ".join(f"{name} {show(name, value)}" for name, value in row.items())


class Counter(Callback):
    """`counter(done, total)` shows how far something has come; on a terminal only, gone when closed.

    As a callback it makes room for the training's own bar.
    """

    def __init__(self, what: str, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        stream = stream or sys.stderr
        self._what, self._shown = what, False
        self._progress: Progress | None = None
        if stream.isatty() and not quiet:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[count]}"),
                TimeRemainingColumn(),
                console=Console(file=stream),
                transient=True,
            )

    def __enter__(self) -> Counter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def on_notice(self, text: str) -> None:
        """Make room."""
        self.close()

    def on_start(self, budget: str) -> None:
        """Make room."""
        self.close()

    def close(self) -> None:
        """Take the bar away, if there is one."""
        if self._progress is not None and self._shown:
            self._progress.stop()
            self._shown = False

    def __call__(self, done: int, total: int | None = None) -> None:
        """`done` of `total` (None where nobody knows)."""
        self.in_words(done, total, f"{done:,} of {total:,}" if total else f"{done:,}")

    def in_words(self, done: float, total: float | None, count: str) -> None:
        """The same, with what stands beside the bar."""
        if self._progress is None:
            return
        if not self._shown:
            if not self._progress.task_ids:
                self._progress.add_task(self._what, total=None, count="")
            self._progress.start()
            self._shown = True
        self._progress.update(self._progress.task_ids[0], completed=done, total=total, count=count)

    def named(self, what: str, done: int, total: int) -> None:
        """The same, for one of several things, named as it comes."""
        self(done, total)
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], description=what)


class Watching:
    """`watching(done_s, length_s, frames_per_second)`: a bar with the time left, or a line now and then.

    Where it begins again the film is read a second time, to be drawn into.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._bar = self._stream.isatty()
        self._clock, self._said = clock, clock()
        self._latest_s: float | None = None
        self._begin("watching", "watched", 0.0)

    def __enter__(self) -> Watching:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._counter.close()

    def __call__(self, done_s: float, length_s: float | None, frames_per_second: float) -> None:
        """How far the film was watched, of how much (None where nobody knows), and how quickly."""
        if self._latest_s is None:  # a drive that is gone on with begins in the middle
            self._first_s = done_s
        elif done_s < self._latest_s:
            self._counter.close()
            self._begin("drawing", "drawn", done_s)
        self._latest_s = done_s
        far = f"{done_s:.0f} of {length_s:.0f} s" if length_s else f"{done_s:.0f} s"
        words = f"{far}, {frames_per_second:.1f} frames/s"
        if self._bar:
            self._counter.in_words(done_s, length_s, words)
        elif self._clock() - self._said >= LINE_EVERY_S:
            left = _time_left(done_s - self._first_s, length_s, done_s, self._clock() - self._began)
            print(f"{self._done} {words}{left}", file=self._stream, flush=True)
            self._said = self._clock()

    def _begin(self, what: str, done: str, first_s: float) -> None:
        self._counter, self._done = Counter(what, self._stream), done
        self._began, self._first_s = self._clock(), first_s
        self._latest_s = None


def _time_left(done: float, total: float | None, at: float, took_s: float) -> str:
    """How long the rest takes at the pace so far, for the end of a line; nothing where nobody knows."""
    if total is None or done <= 0:
        return ""
    return f", {duration(max(total - at, 0) * took_s / done)} left"
