import pytest

from roadworthy.errors import LabelError
from roadworthy.signs.catalogue import (
    families,
    family_of,
    kind_and_value,
    mirror_indices,
    name_from_gtsrb_id,
    resolve_label,
    sign_classes,
)

STUDY = {2: "speed-50", 3: "speed-60", 14: "stop", 17: "no-entry"}


def test_gtsrb_numbers_are_0_to_42_each_once() -> None:
    assert sorted(c.gtsrb for c in sign_classes().values() if c.gtsrb is not None) == list(range(43))


@pytest.mark.parametrize(("number", "name"), STUDY.items())
def test_the_studys_classes(number: int, name: str) -> None:
    assert name_from_gtsrb_id(number) == name_from_gtsrb_id(f"{number:05d}") == name


@pytest.mark.parametrize("bad", [43, -1, "x", ""])
def test_other_numbers_are_errors(bad: int | str) -> None:
    with pytest.raises(LabelError, match="0 to 42"):
        name_from_gtsrb_id(bad)


def test_every_class_has_a_known_family_and_a_meaning() -> None:
    for sign in sign_classes().values():
        assert sign.family in families(), sign
        assert sign.meaning.endswith("."), sign


def test_mirroring_twice_comes_back_to_the_same_class() -> None:
    classes = sign_classes()
    for sign in classes.values():
        if sign.mirror is not None:
            assert classes[sign.mirror].mirror == sign.name


def test_nothing_with_digits_or_words_has_a_mirror() -> None:
    for name in ("stop", "no-entry", *(n for n in sign_classes() if "speed" in n)):
        assert sign_classes()[name].mirror is None, name


def test_a_mirror_outside_the_task_is_none() -> None:
    assert mirror_indices(["keep-left", "stop", "keep-right"]) == [2, -1, 0]
    assert mirror_indices(["keep-left", "mine"]) == [-1, -1]


def test_codes_belong_to_one_class_and_any_case_finds_them() -> None:
    codes = [code.upper() for c in sign_classes().values() for code in c.codes]
    assert len(codes) == len(set(codes))
    assert resolve_label("R1-1") == resolve_label("r1-1") == "stop"
    assert resolve_label("stop") == "stop"
    assert resolve_label("my-own") == "my-own"


@pytest.mark.parametrize(
    ("name", "kind", "value", "family"),
    [
        ("speed-50", "speed", 50, "speed-limit"),
        ("speed-110", "speed", 110, "speed-limit"),
        ("end-speed-80", "end-speed", 80, "end-of-limit"),
        ("stop", "stop", None, "stop-and-priority"),
        ("speed-", "speed-", None, "other"),
        ("mine-7", "mine-7", None, "other"),
    ],
)
def test_the_two_levels_of_an_answer(name: str, kind: str, value: int | None, family: str) -> None:
    assert kind_and_value(name) == (kind, value)
    assert family_of(name) == family
