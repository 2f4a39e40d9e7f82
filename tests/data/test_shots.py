"""A few labelled pictures of a set, and what they leave of it."""

from pathlib import Path

import pytest

from roadworthy.config import DataConfig
from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data.open import open_splits
from roadworthy.data.records import Record
from roadworthy.data.shots import Shots, apply_shots, parse_shots
from roadworthy.data.spec import read_records
from roadworthy.data.splits import split_records
from roadworthy.imaging.spec import InputSpec

RECORDS = [
    Record(path=f"{label}/{sign}_{frame}.png", label=label, group=f"{label}/{sign}")
    for label, signs in (("stop", 12), ("no-entry", 7))
    for sign in range(signs)
    for frame in range(3)
]


def test_one_picture_of_each_of_so_many_signs_is_taken():
    taken = apply_shots(RECORDS, Shots(take=5))
    assert len(taken) == 10
    assert len({record.group for record in taken}) == 10
    assert {(record.split, record.pinned) for record in taken} == {("train", True)}


def test_a_class_with_fewer_signs_gives_all_of_them_once():
    taken = apply_shots(RECORDS, Shots(take=20))
    assert sorted(record.group for record in taken) == sorted({record.group for record in RECORDS})


@pytest.mark.parametrize("draw", [0, 1])
def test_what_is_left_shares_no_sign_with_what_is_taken(draw: int):
    taken = {record.group for record in apply_shots(RECORDS, Shots(take=5, draw=draw))}
    left = apply_shots(RECORDS, Shots(leave=5, draw=draw))
    assert len(left) == 3 * (12 + 7 - 10)
    assert not taken & {record.group for record in left}
    assert all(not record.pinned for record in left)


def test_larger_draws_hold_the_smaller_and_other_draws_are_others():
    one, five = (set(apply_shots(RECORDS, Shots(take=n, draw=3))) for n in (1, 5))
    assert one < five
    assert five != set(apply_shots(RECORDS, Shots(take=5, draw=4)))
    assert five == set(apply_shots(RECORDS[::-1], Shots(take=5, draw=3)))


@pytest.mark.parametrize("draw", [0, 1, 2])
def test_several_draws_leave_the_same_signs_to_measure_on(draw: int):
    left = {record.group for record in apply_shots(RECORDS, Shots(leave=6))}
    taken = apply_shots(RECORDS, Shots(take=2, of=6, draw=draw))
    assert len(taken) == 4
    assert not left & {record.group for record in taken}
    assert (draw == 0) == (set(taken) == set(apply_shots(RECORDS, Shots(take=2, of=6))))


def test_test_pictures_are_never_taken_and_always_left():
    records = [
        Record(path="a.png", label="stop", split="test"),
        Record(path="b.png", label="stop", split="train"),
        Record(path="c.png", label="stop", split="train"),
    ]
    assert [record.path for record in apply_shots(records, Shots(take=5))] == ["b.png", "c.png"]
    assert [record.path for record in apply_shots(records, Shots(leave=5))] == ["a.png"]


def test_what_is_taken_is_trained_on_however_the_rest_is_cut():
    others = [
        Record(path=f"home/{i}.png", label=label, group=f"{label}-{i}", source=1)
        for label in ("stop", "no-entry")
        for i in range(40)
    ]
    taken = apply_shots(RECORDS, Shots(take=5))
    for split in ("auto", "0.5/0.2/0.3", "fold=1/4"):
        parts = split_records([*others, *taken], split)
        assert {record.split for record in parts["train"] if record.pinned} == {"train"}
        assert sum(record.pinned for record in parts["train"]) == 10
        assert not any(record.pinned for name in ("val", "test") for record in parts[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draw": "1"}, "exactly one of"),
        ({"take": "1", "leave": "1"}, "exactly one of"),
        ({"take": "5", "of": "4"}, "of=4 needs take=N"),
        ({"leave": "5", "of": "9"}, "of=9 needs take=N"),
        ({"take": "few"}, "take is 'few'"),
        ({"take": "0"}, "take is 0"),
        ({"leave": "-1"}, "leave is '-1'"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, str], message: str):
    with pytest.raises(ConfigError, match=message):
        parse_shots(options)


def test_leaving_nothing_is_an_error():
    with pytest.raises(DataError, match="leave=12 leaves no picture"):
        apply_shots(RECORDS, Shots(leave=12))


def test_other_settings_pass():
    assert parse_shots({"n": "3"}) == (None, {"n": "3"})
    assert parse_shots({"take": "2", "n": "3"}) == (Shots(take=2), {"n": "3"})


def test_a_spec_takes_and_leaves(drawn_folder: Path):
    whole = read_records(f"folder:{drawn_folder}")
    taken = read_records(f"folder:{drawn_folder}?take=1")
    assert len(taken) == len({record.label for record in whole})
    left = read_records(f"folder:{drawn_folder}?leave=1")
    assert {r.group for r in left} == {r.group for r in whole} - {r.group for r in taken}
    mixed = open_splits(
        DataConfig(spec=f"folder:{drawn_folder},folder:{drawn_folder}?take=1@0.5"), InputSpec(size=16)
    )
    plain = open_splits(DataConfig(spec=f"folder:{drawn_folder}"), InputSpec(size=16))
    assert len(mixed.train) == len(plain.train) + len(taken)
    assert len(mixed.test) == len(plain.test)


def test_a_subset_is_split_as_the_whole_and_keeps_the_test():
    records = [Record(path=f"{i}.png", label="stop", split="train" if i < 9 else "test") for i in range(12)]
    some = apply_shots(records, Shots(subset=4, draw=2))
    assert [record.split for record in some] == ["train"] * 4 + ["test"] * 3
    assert not any(record.pinned for record in some)
    assert {r.path for r in some[:4]} == {r.path for r in apply_shots(records, Shots(take=4, draw=2))}
