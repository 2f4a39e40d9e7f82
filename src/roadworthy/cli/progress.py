"""Progress on stderr: a bar where a person watches, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from roadworthy.core.words import duration, percent
from roadworthy.studies.plan import Job, JobStatus
from roadworthy.studies.results import StudyResult
from roadworthy.studies.watch import Watcher
from roadworthy.train.callbacks import Callback

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.table import Table

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
        if self._progress is None:
            return
        if not self._shown:
            if not self._progress.task_ids:
                self._progress.add_task(self._what, total=None, count="")
            self._progress.start()
            self._shown = True
        count = f"{done:,} of {total:,}" if total else f"{done:,}"
        self._progress.update(self._progress.task_ids[0], completed=done, total=total, count=count)

    def named(self, what: str, done: int, total: int) -> None:
        """The same, for one of several things, named as it comes."""
        self(done, total)
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], description=what)


def study_progress(stream: TextIO | None = None) -> Watcher:
    """The watcher that fits where stderr leads."""
    stream = stream or sys.stderr
    return StudyTable(stream) if stream.isatty() else StudyLines(stream)


def _in_words(status: JobStatus, reason: str) -> str:
    return f"{status}: {reason}" if reason else status


class StudyLines(Watcher):
    """One line for each training that ends, with the time that is left."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._done = self._total = 0
        self._started = self._expected = 0.0

    def on_plan(self, trainings: Mapping[str, int], seconds: float) -> None:
        """Say beforehand how long all of it takes."""
        studies = ", ".join(f"{name} {n}" for name, n in trainings.items())
        self._say(f"trainings to do: {studies}; about {duration(seconds)}")

    def on_start(self, study: str, jobs: Sequence[Job], seconds: float) -> None:
        """Say how long this one takes."""
        self._done, self._total, self._started, self._expected = 0, len(jobs), self._clock(), seconds
        self._say(f"{study}: {len(jobs)} trainings, about {duration(seconds)}")

    def on_job(self, job: Job, status: JobStatus, accuracy: float | None, reason: str = "") -> None:
        """What became of one."""
        if status == JobStatus.STARTED:
            return
        self._done += status != JobStatus.LOST
        fold = f" fold {job.fold}" if job.fold else ""
        figure = "" if accuracy is None else f"  accuracy {percent(accuracy)}"
        happened = _in_words(status, reason)
        self._say(
            f"{self._done}/{self._total}  {job.arm}  seed {job.seed}{fold}  {happened}{figure}  "
            f"{duration(self.seconds_left())} left"
        )

    def seconds_left(self) -> float:
        """From the estimate at first, from what the trainings took as they end."""
        taken = self._clock() - self._started
        each = taken / self._done if self._done else max(self._expected - taken, 0.0) / max(1, self._total)
        return (self._total - self._done) * each

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class StudyTable(StudyLines):
    """A table of the arms that fills as trainings end."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(stream, clock)
        self._live = Live(console=Console(file=stream))
        self._study = ""
        self._arms: dict[str, list[float]] = {}
        self._state: dict[str, str] = {}
        self._wanted: Tally[str] = Tally()

    def on_start(self, study: str, jobs: Sequence[Job], seconds: float) -> None:
        """Show the table, empty."""
        super().on_start(study, jobs, seconds)
        self._study, self._wanted = study, Tally(job.arm for job in jobs)
        self._arms = {arm: [] for arm in self._wanted}
        self._state = dict.fromkeys(self._wanted, "")
        self._live.start()
        self._live.update(self._table())

    def on_job(self, job: Job, status: JobStatus, accuracy: float | None, reason: str = "") -> None:
        """Fill in what came out."""
        self._done += status not in (JobStatus.STARTED, JobStatus.LOST)
        if accuracy is not None:
            self._arms[job.arm].append(accuracy)
        over = status == JobStatus.FINISHED
        self._state[job.arm] = "" if over else f"seed {job.seed} {_in_words(status, reason)}"
        self._live.update(self._table())

    def on_end(self, result: StudyResult) -> None:
        """Give the terminal back."""
        self._live.stop()

    def _table(self) -> Table:
        from rich.table import Table

        left = f"about {duration(self.seconds_left())} left"
        table = Table(title=f"{self._study}: {self._done} of {self._total} trainings, {left}")
        for column in ("arm", "trainings", "mean accuracy", ""):
            table.add_column(column, justify="right" if column in ("trainings", "mean accuracy") else "left")
        for arm, values in self._arms.items():
            mean = percent(sum(values) / len(values)) if values else ""
            table.add_row(arm, f"{len(values)} of {self._wanted[arm]}", mean, self._state[arm])
        return table
