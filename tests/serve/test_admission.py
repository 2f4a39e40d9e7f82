"""No more pictures under way than allowed, and those who come too many are told when to come back."""

from __future__ import annotations

import pytest

from roadworthy.serve import admission as module
from roadworthy.serve.admission import AdmissionControl, NoRoomError


def test_a_request_is_taken_whole_or_not_at_all() -> None:
    room = AdmissionControl(4)
    with room.take(3):
        with pytest.raises(NoRoomError, match="3 pictures are waiting; try again in 1 s"), room.take(2):
            pass
        assert room.under_way == 3
        with room.take(1), pytest.raises(NoRoomError):
            room.check()
    assert room.under_way == 0
    room.check(4)


def test_room_is_given_back_where_an_answer_fails() -> None:
    room = AdmissionControl(1)
    with pytest.raises(ZeroDivisionError), room.take(1):
        raise ZeroDivisionError
    room.check()


def test_it_says_how_long_what_is_under_way_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    room = AdmissionControl(100)
    for _ in range(100):  # ten a second
        now += 0.1
        with room.take(1):
            pass
    with room.take(50), pytest.raises(NoRoomError, match="50 pictures are waiting; try again in 5 s"):
        room.check(51)
