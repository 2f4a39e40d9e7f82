from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.core.errors import LabelError, UnknownNameError
from roadworthy.data.records import Record
from roadworthy.data.task import restrict, select

LABELS = ["zebra", "stop", "no-entry", "speed-50", "stop", "advert", "speed-60"]
RECORDS = [Record(path=f"{i}.png", label=label) for i, label in enumerate(LABELS)]


def test_all_in_catalogue_order_then_own() -> None:
    task = select(RECORDS)
    assert task.classes == ("speed-50", "speed-60", "stop", "no-entry", "advert", "zebra")
    assert task.own == ("advert", "zebra")
    assert task.dropped == {}
    assert task.records == tuple(RECORDS)


def test_names_and_codes() -> None:
    with pytest.raises(LabelError, match="'R1-1' is not in the data"):
        select(RECORDS, ("no-entry", "R1-1"))
    task = select(RECORDS, ("no-entry", "R1-1", "zebra", "stop"), labels="au")
    assert task.classes == ("stop", "no-entry", "zebra")
    assert task.dropped == {"advert": 1, "speed-50": 1, "speed-60": 1}
    assert task.own == ("zebra",)
    assert [r.path for r in task.records] == ["0.png", "1.png", "2.png", "4.png"]


def test_filters_before_it_groups() -> None:
    task = select(RECORDS, ("speed-60", "speed-50", "stop", "zebra"), "family")
    assert task.classes == ("stop-and-priority", "speed-limit", "other")
    assert [r.label for r in task.records] == [
        "other",
        "stop-and-priority",
        "speed-limit",
        "stop-and-priority",
        "speed-limit",
    ]
    assert task.dropped == {"advert": 1, "no-entry": 1}
    assert task.own == ("zebra",)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zebr", "did you mean 'zebra'"),
        ("STOP", "did you mean 'stop'"),
        ("Zebra", "did you mean 'zebra'"),
        ("no entry", "did you mean 'no-entry'"),
        ("give-way", "The data have: advert, no-entry"),
        ("all", "not in the data"),
    ],
)
def test_classes_that_the_data_lack(name: str, words: str) -> None:
    with pytest.raises(LabelError, match=words):
        select(RECORDS, ("stop", name))


def test_no_records_and_wrong_grouping() -> None:
    assert select([]).classes == ()
    with pytest.raises(LabelError, match="The data have: nothing"):
        select([], ("stop",))
    with pytest.raises(UnknownNameError, match="grouping 'families'"):
        select(RECORDS, ("all",), "families")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(LABELS)), st.sampled_from(["none", "family"]))
def test_nothing_is_lost(labels: list[str], group_by: str) -> None:
    records = [Record(path=str(i), label=label) for i, label in enumerate(labels)]
    task = select(records, ("all",), group_by)
    assert [r.path for r in task.records] == [r.path for r in records]
    assert {r.label for r in task.records} == set(task.classes)
    assert len(set(task.classes)) == len(task.classes)


def test_restrict() -> None:
    model = ("stop", "no-entry", "give-way")
    with pytest.raises(LabelError, match=r"4 pictures .*advert \(1\), speed-50 \(1\).*--skip-unknown"):
        restrict(RECORDS, model, skip_unknown=False)
    kept, unknown = restrict(RECORDS, model, skip_unknown=True)
    assert [r.label for r in kept] == ["stop", "no-entry", "stop"]
    assert unknown == {"advert": 1, "speed-50": 1, "speed-60": 1, "zebra": 1}
    assert restrict(kept, model, skip_unknown=False) == (kept, {})


def test_nothing_left() -> None:
    with pytest.raises(LabelError, match="the model knows give-way"):
        restrict(RECORDS, ("give-way",), skip_unknown=True)
    with pytest.raises(LabelError, match="no pictures"):
        restrict([], ("give-way",), skip_unknown=False)


def test_names_are_compared_in_one_form() -> None:
    composed, decomposed = (unicodedata.normalize(form, "Fußgänger") for form in ("NFC", "NFD"))
    records = [Record(path="a.png", label=composed)]
    assert select(records, (decomposed,)).classes == (composed,)
    # A model that was trained on a Mac may have kept the other form.
    kept, unknown = restrict(records, (decomposed, "stop"), skip_unknown=False)
    assert ([r.label for r in kept], unknown) == ([decomposed], {})
