"""Where the trainings of a study run: in this process, in a pool of processes, on a Ray cluster.

`carry_out` decides what runs next; an executor only starts jobs and tells which is over.
"""

from __future__ import annotations

import os
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from roadworthy.core.device import set_threads
from roadworthy.core.errors import ConfigError, RoadworthyError, TrainingError, UnknownNameError
from roadworthy.core.notes import DataWarning
from roadworthy.core.processes import end_with_parent
from roadworthy.core.ray import connect
from roadworthy.studies.jobs import perform
from roadworthy.studies.plan import Job, JobStatus

ATTEMPTS = 3  # at a training whose process dies; it resumes from what it has stored

Listener = Callable[[Job, JobStatus, str], None]
"""Called with a job, what happens to it, and why where it failed."""


class WorkerLost(Exception):
    """The process that carried out a job is gone."""


class Executor(ABC):
    """Starts jobs, `slots` at once, and tells which is over.

    threads: that each job computes with; 0 for torch's choice.
    """

    slots: int
    threads: int = 0

    @abstractmethod
    def submit(self, job: Job) -> Hashable:
        """Start a job; returns what it is known by."""

    @abstractmethod
    def first(self, handles: Sequence[Any]) -> tuple[Any, BaseException | None]:
        """Wait until one of the jobs is over: which, and its error if it had one (WorkerLost is one)."""

    def close(self) -> None:
        """Let go of the processes, after the last study; what still runs is ended."""
        return


def carry_out(jobs: Sequence[Job], executor: Executor, on_status: Listener) -> None:
    """Every job once, those that one starts from before it; a process that dies is replaced.

    A job that fails ends neither the others nor what they have done: TrainingError at the end names it.
    """
    waiting, running = list(jobs), dict[Hashable, Job]()
    failed: dict[Path, str] = {}
    attempts: Counter[Path] = Counter()

    def fail(job: Job, why: str) -> None:
        failed[job.folder] = why
        on_status(job, JobStatus.FAILED, why)

    while waiting or running:
        unfinished = {job.folder for job in [*waiting, *running.values()]}
        for job in [job for job in waiting if job.start not in unfinished]:
            if job.start in failed:
                waiting.remove(job)
                fail(job, f"it starts from {job.start}, which failed")
            elif len(running) < executor.slots:
                waiting.remove(job)
                attempts[job.folder] += 1
                on_status(job, JobStatus.STARTED, "")
                running[executor.submit(job)] = job
        if not running:
            continue
        handle, error = executor.first(list(running))
        job = running.pop(handle)
        if error is None:
            on_status(job, JobStatus.FINISHED, "")
        elif isinstance(error, WorkerLost) and attempts[job.folder] < ATTEMPTS:
            on_status(job, JobStatus.LOST, "")
            waiting.insert(0, job)
        elif isinstance(error, (WorkerLost, RoadworthyError)):
            fail(job, str(error))
        else:
            raise error
    if failed:
        folder, why = next(iter(failed.items()))
        raise TrainingError(
            f"{len(failed)} of {len(jobs)} trainings failed, the first in {folder}: {why}. "
            "The others are kept; the same command tries the failed ones again"
        )


class Here(Executor):
    """In this process, one after the other, with all threads."""

    slots = 1

    def submit(self, job: Job) -> Hashable:
        """Carry it out at once."""
        self._error: BaseException | None = None
        try:
            perform(job)
        except RoadworthyError as error:
            self._error = error
        return job.folder

    def first(self, handles: Sequence[Any]) -> tuple[Any, BaseException | None]:
        """The one that `submit` has just carried out."""
        return handles[0], self._error


class Pool(Executor):
    """In processes on this machine, which share its threads."""

    def __init__(self, processes: int) -> None:
        if processes < 1:
            raise ConfigError(f"--jobs is {processes}; use 1 or more")
        self.slots = processes
        self.threads = max(1, (os.cpu_count() or 1) // processes)
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, job: Job) -> Hashable:
        """Hand it to a process that is free."""
        if self._pool is None:
            self._pool = processes(self.slots, self.threads)
        try:
            return self._pool.submit(perform, job)
        except BrokenProcessPool:  # a process died since the last look at it
            self._pool = None
            return self.submit(job)

    def first(self, handles: Sequence[Future[None]]) -> tuple[Any, BaseException | None]:
        """With one process that dies the whole pool does: every job under way is lost, and tried again."""
        future = next(iter(wait(handles, return_when=FIRST_COMPLETED).done))
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            self._pool = None
            return future, WorkerLost("the process that trained it died; is there enough memory?")
        return future, error

    def close(self) -> None:
        """Ctrl-C reaches the processes too, so none of them is waited for."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def processes(number: int, threads: int) -> ProcessPoolExecutor:
    """So many, computing with so many threads each; they end with this process, however that ends."""
    return ProcessPoolExecutor(number, get_context("spawn"), _begin, (threads,))


def _begin(threads: int) -> None:
    warnings.simplefilter("ignore", DataWarning)  # who began it has said them as it opened the data
    set_threads(threads)
    end_with_parent()


class Cluster(Executor):
    """On a Ray cluster: the one that RAY_ADDRESS names, or one of this machine's cores."""

    def __init__(self, processes: int) -> None:
        if processes < 1:
            raise ConfigError(f"--jobs is {processes}; use 1 or more")
        self._ray = ray = connect("running on Ray")
        self.slots = processes
        cores = int(ray.cluster_resources().get("CPU", 1))
        self.threads = max(1, cores // processes)
        # Lost work is counted and tried again by `carry_out`, as for every executor.
        self._perform = ray.remote(num_cpus=self.threads, max_retries=0)(_perform_with_threads)

    def submit(self, job: Job) -> Hashable:
        """Hand it to the cluster; its folder must be one that all machines see."""
        handle: Hashable = self._perform.remote(job, self.threads)
        return handle

    def first(self, handles: Sequence[Any]) -> tuple[Any, BaseException | None]:
        """Errors come wrapped; a worker that is gone is told from one that reports an error."""
        (handle,), _ = self._ray.wait(list(handles), num_returns=1)
        try:
            self._ray.get(handle)
        except self._ray.exceptions.RayTaskError as error:
            return handle, error.cause
        except self._ray.exceptions.RayError as error:
            return handle, WorkerLost(f"the cluster lost it: {str(error).splitlines()[0]}")
        return handle, None

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()


def _perform_with_threads(job: Job, threads: int) -> None:
    set_threads(threads)
    perform(job)


def executor(on: str, processes: int) -> Executor:
    """Where trainings run.

    on: where they run: `local`, or `ray`, the cluster that RAY_ADDRESS names.
    processes: how many trainings run at once.
    """
    if on == "ray":
        return Cluster(processes)
    if on != "local":
        raise UnknownNameError("executor", on, ["local", "ray"])
    return Here() if processes == 1 else Pool(processes)
