"""What a study tells those who watch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roadworthy.studies.plan import Job
from roadworthy.studies.results import StudyResult


class Watcher:
    """Base class: override what you want to hear of.  Watchers cannot change a study."""

    def on_plan(self, trainings: Mapping[str, int], seconds: float) -> None:
        """Before anything is trained: the trainings that each study still needs, and seconds for all."""

    def on_start(self, study: str, jobs: Sequence[Job], seconds: float) -> None:
        """A study begins: its trainings that are still to be done, and about how long they take, all told."""

    def on_job(self, job: Job, what: str, accuracy: float | None) -> None:
        """A training was `started`, `finished` (with its accuracy), `lost`, or `failed: why`."""

    def on_end(self, result: StudyResult) -> None:
        """All of it is done and written."""
