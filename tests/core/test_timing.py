"""Time by stage: own time, nesting, errors, other threads, and nothing when nobody asks."""

import threading
import time
from contextlib import suppress

import pytest

from roadworthy.core.timing import StageTimer, each, stage


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_each_stage_is_charged_with_its_own_time(clock: Clock) -> None:
    with StageTimer() as stages, stage("outer"):
        clock.now += 1
        for _ in range(2):
            with stage("inner"):
                clock.now += 3
        clock.now += 2
    assert dict(stages.seconds) == {"outer": 3, "inner": 6}
    assert dict(stages.calls) == {"outer": 1, "inner": 2}


def test_an_error_closes_its_stages(clock: Clock) -> None:
    with StageTimer() as stages:
        with suppress(KeyError), stage("a"), stage("b"):
            clock.now += 1
            raise KeyError
        with stage("c"):
            clock.now += 1
    assert dict(stages.seconds) == {"a": 0, "b": 1, "c": 1}


def test_waiting_for_items_is_charged_and_what_is_done_with_them_is_not(clock: Clock) -> None:
    def slow():
        for item in "xy":
            clock.now += 5
            yield item

    with StageTimer() as stages:
        seen = []
        for item in each("waiting", slow()):
            seen.append(item)
            clock.now += 1
    assert seen == ["x", "y"]
    assert stages.seconds["waiting"] == 10


def test_nothing_is_timed_when_nobody_asks_and_in_other_threads() -> None:
    with stage("before"):
        pass
    with StageTimer() as stages:
        thread = threading.Thread(target=lambda: stage("elsewhere").__enter__())
        thread.start()
        thread.join()
    with stage("after"):
        pass
    assert not stages.seconds


def test_work_that_is_only_queued_is_waited_for() -> None:
    calls = []
    with StageTimer(synchronise=lambda: calls.append(1)), stage("a"):
        pass
    assert len(calls) == 2


def test_two_cannot_time_at_once_and_the_first_goes_on() -> None:
    with StageTimer() as first:
        with pytest.raises(RuntimeError, match="already"), StageTimer():
            pass
        with stage("a"):
            pass
    assert first.calls["a"] == 1
