"""What a person sees of a study while it runs."""

from __future__ import annotations

import sys
import time
from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from roadworthy.core.words import duration, percent, plural
from roadworthy.studies.plan import Job, JobStatus
from roadworthy.studies.results import StudyResult
from roadworthy.studies.watch import Watcher

if TYPE_CHECKING:
    from rich.table import Table


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

    def on_forecast(self, study: str) -> None:
        """Say what the wait is for."""
        self._say(f"{study}: planning, and trying how fast its networks train here")

    def on_plan(self, trainings: Mapping[str, int], seconds: float) -> None:
        """Say beforehand how long all of it takes."""
        if not any(trainings.values()):
            self._say("all trainings are done; nothing is trained")
            return
        studies = ", ".join(f"{name} {n}" for name, n in trainings.items())
        self._say(
            f"this will take about {duration(seconds)}: {plural(sum(trainings.values()), 'training')} to do "
            f"({studies})"
        )

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
