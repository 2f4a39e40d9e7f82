"""What a study tells those who watch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roadworthy.studies.plan import Job, JobStatus
from roadworthy.studies.results import StudyResult


class Watcher:
    """Base class: override what you want to hear of.  Watchers cannot change a study."""

    def on_forecast(self, study: str) -> None:
        """Its trainings are about to be counted, and some of their steps tried to tell how long they take."""

    def on_plan(self, trainings: Mapping[str, int], seconds: float) -> None:
        """Before anything is trained: the trainings that each study still needs, and seconds for all."""

    def on_start(self, study: str, jobs: Sequence[Job], seconds: float) -> None:
        """A study begins: its trainings that are still to be done, and about how long they take, all told."""

    def on_job(self, job: Job, status: JobStatus, accuracy: float | None, reason: str = "") -> None:
        """What happened to a training.  accuracy: once it is finished.  reason: why it failed."""

    def on_end(self, result: StudyResult) -> None:
        """All of it is done and written."""
