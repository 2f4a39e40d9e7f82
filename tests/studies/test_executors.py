"""What runs when: order, failures, lost workers; and the same in real processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Hashable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from roadworthy.config import load_config
from roadworthy.core.errors import ConfigError, TrainingError
from roadworthy.core.notes import say
from roadworthy.studies.executors import (
    ATTEMPTS,
    Cluster,
    Executor,
    Here,
    Pool,
    WorkerLost,
    carry_out,
    processes,
)
from roadworthy.studies.finished import done
from roadworthy.studies.plan import Job


def job(name: str, start: str = "") -> Job:
    folder = Path("study") / name
    return Job(
        study="baseline",
        arm=name,
        seed=0,
        fold=0,
        folder=folder,
        config=load_config(),
        start=Path("study") / start if start else None,
    )


class Scripted(Executor):
    """Jobs end in the order of their submission, with the errors that the script has for them."""

    def __init__(self, slots: int = 1, errors: dict[str, list[BaseException]] | None = None) -> None:
        self.slots, self.errors = slots, errors or {}
        self.running: list[str] = []
        self.submitted: list[str] = []
        self.most = 0

    def submit(self, job: Job) -> Hashable:
        self.submitted.append(job.arm)
        self.running.append(job.arm)
        self.most = max(self.most, len(self.running))
        return job.arm

    def first(self, handles: Sequence[Any]) -> tuple[Any, BaseException | None]:
        assert sorted(handles) == sorted(self.running)
        name = self.running.pop(0)
        left = self.errors.get(name, [])
        return name, left.pop(0) if left else None


def follow(jobs: list[Job], executor: Executor) -> list[str]:
    told: list[str] = []
    try:
        carry_out(jobs, executor, lambda job, status, _: told.append(f"{job.arm} {status}"))
    except TrainingError as error:
        told.append(str(error))
    return told


def test_a_job_waits_for_the_one_that_it_starts_from() -> None:
    executor = Scripted(slots=3)
    follow([job("b", start="a"), job("a"), job("c")], executor)
    assert executor.submitted == ["a", "c", "b"]


def test_no_more_run_at_once_than_there_are_slots() -> None:
    executor = Scripted(slots=2)
    follow([job(name) for name in "abcde"], executor)
    assert executor.most == 2
    assert executor.submitted == list("abcde")


def test_a_failure_ends_what_starts_from_it_and_nothing_else() -> None:
    executor = Scripted(errors={"a": [ConfigError("no such thing")]})
    told = follow([job("a"), job("b", start="a"), job("c")], executor)
    assert executor.submitted == ["a", "c"]
    assert told[:-1] == ["a started", "a failed", "b failed", "c started", "c finished"]
    assert "2 of 3 trainings failed" in told[-1]
    assert "no such thing" in told[-1]


@pytest.mark.parametrize("deaths", [1, ATTEMPTS - 1, ATTEMPTS])
def test_a_lost_worker_is_replaced_a_few_times(deaths: int) -> None:
    executor = Scripted(errors={"a": [WorkerLost("died")] * deaths})
    told = follow([job("a"), job("b")], executor)
    assert executor.submitted.count("a") == min(deaths + 1, ATTEMPTS)
    assert executor.submitted.count("b") == 1
    assert ("a finished" in told) == (deaths < ATTEMPTS)


def test_bugs_come_through() -> None:
    with pytest.raises(ZeroDivisionError):
        follow([job("a")], Scripted(errors={"a": [ZeroDivisionError()]}))


def real(folder: Path, drawn_folder: Path, seed: int, epochs: int = 3) -> Job:
    return Job(
        study="baseline",
        arm="tiny",
        seed=seed,
        fold=0,
        folder=folder / f"seed-{seed}",
        config=load_config(
            data={"spec": f"folder:{drawn_folder}"},
            input={"size": 16},
            model={"width": 0.25, "depth": 1},
            augment={"policy": "none"},
            # Left to "auto", each process would try for itself which precision is quicker.
            train={"epochs": epochs, "batch_size": 16, "threads": 1, "precision": "fp32", "seed": seed},
        ),
        last=True,
        new={"again": f"folder:{drawn_folder}"},
    )


def weights(job: Job) -> bytes:
    return (job.folder / "checkpoints" / "last.safetensors").read_bytes()


@pytest.mark.slow
def test_a_pool_whose_process_is_killed_ends_as_this_process_does(tmp_path: Path, drawn_folder: Path) -> None:
    here = [real(tmp_path / "here", drawn_folder, seed) for seed in (0, 1)]
    carry_out(here, Here(), lambda *_: None)
    pooled = [real(tmp_path / "pool", drawn_folder, seed) for seed in (0, 1)]
    pool, told = Pool(2), list[str]()

    def kill_one() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (pooled[0].folder / "config.toml").exists():
            time.sleep(0.02)
        assert pool._pool is not None
        os.kill(next(iter(pool._pool._processes)), signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    with closing(pool):
        carry_out(pooled, pool, lambda job, status, _: told.append(status))
    killer.join()
    assert "lost" in told
    assert told.count("finished") == 2
    for one, other in zip(here, pooled, strict=True):
        assert done(other)
        assert weights(one) == weights(other)


OUTLIVED = """
import os, time
from roadworthy.studies.executors import processes

def work():
    print("at work", flush=True)
    time.sleep(120)

if __name__ == "__main__":
    processes(1, 1).submit(work).result()
"""


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "outlived.py"
    script.write_text(OUTLIVED, encoding="utf-8")
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"at work\n"
    process.kill()
    process.communicate(timeout=30)  # ends when nobody is left who could write


def test_workers_do_not_repeat_what_was_said_as_data_were_opened(capfd: pytest.CaptureFixture[str]) -> None:
    with processes(1, 1) as pool:
        pool.submit(say, "said before, by whoever began it").result()
    assert "said before" not in capfd.readouterr().err


def test_what_is_done_is_not_done_again(tmp_path: Path, drawn_folder: Path) -> None:
    tiny = real(tmp_path, drawn_folder, 0, epochs=1)
    carry_out([tiny], Here(), lambda *_: None)
    before = {path: path.stat().st_mtime_ns for path in tiny.folder.rglob("*") if path.is_file()}
    (tiny.folder / "again" / "metrics.json").unlink()
    assert not done(tiny)
    carry_out([tiny], Here(), lambda *_: None)
    after = {path: path.stat().st_mtime_ns for path in tiny.folder.rglob("*") if path.is_file()}
    assert {path for path in after if after[path] != before.get(path)} <= set(
        (tiny.folder / "again").iterdir()
    )


@pytest.mark.slow
def test_a_ray_worker_that_is_killed_loses_nothing(tmp_path: Path, drawn_folder: Path) -> None:
    ray = pytest.importorskip("ray", reason="roadworthy[cluster] is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    here = [real(tmp_path / "here", drawn_folder, seed) for seed in (0, 1)]
    carry_out(here, Here(), lambda *_: None)
    there = [real(tmp_path / "ray", drawn_folder, seed) for seed in (0, 1)]
    told = list[str]()

    def watch(job: Job, status: str, reason: str) -> None:
        told.append(status)
        if told == ["started", "started"]:
            threading.Thread(target=kill_one_worker, args=(there[0].folder,)).start()

    with closing(Cluster(2)) as cluster:
        carry_out(there, cluster, watch)
    assert "lost" in told
    assert told.count("finished") == 2
    for one, other in zip(here, there, strict=True):
        assert done(other)
        assert weights(one) == weights(other)


def kill_one_worker(folder: Path) -> None:
    """As soon as the training in `folder` has begun, the process that trains it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (folder / "config.toml").exists():
        time.sleep(0.01)
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with suppress(OSError):
                name = (process / "cmdline").read_bytes().replace(b"\0", b" ").strip()
                if name.startswith(b"ray::_perform"):
                    os.kill(int(process.name), signal.SIGKILL)
                    return
