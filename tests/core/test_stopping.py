"""Signals that ask for an end."""

from __future__ import annotations

import signal
import threading

import pytest

from roadworthy.core.stopping import stop_asked


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_heard_and_the_second_interrupts(number) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stop_asked() as asked:  # noqa: PT012 - what comes between counts
        assert not asked()
        signal.raise_signal(number)
        assert asked()
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as for programs begun with nohup and &
    try:
        with stop_asked() as asked:
            signal.raise_signal(signal.SIGINT)
            assert not asked()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_hear_nothing_and_may_ask() -> None:
    said = []

    def ask() -> None:
        with stop_asked() as asked:
            said.append(asked())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert said == [False]
