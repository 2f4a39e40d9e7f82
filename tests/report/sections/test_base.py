"""The sections of a run's report: a file each, found by being there."""

from pathlib import Path

import pytest

from roadworthy.report import sections as package
from roadworthy.report.sections.base import (
    SECTIONS,
    in_order,
    section,
    shown_metrics,
    with_drawings_named,
)

SHARED = {"base", "run"}


def test_every_file_is_one_section() -> None:
    files = {path.stem for path in Path(package.__file__).parent.glob("[!_]*.py")} - SHARED
    assert files == set(SECTIONS)
    homes = [SECTIONS.get(name).build.__module__.rpartition(".")[2] for name in SECTIONS]
    assert homes == SECTIONS.names()


def test_sections_have_a_place_and_a_title_each() -> None:
    entries = in_order()
    assert len({entry.order for entry in entries}) == len({entry.title for entry in entries}) == len(entries)
    assert [entry.anchor for entry in entries][:3] == ["result", "change", "data"]
    assert entries[-1].anchor == "provenance"


def test_a_section_says_which_metrics_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SECTIONS, "_entries", dict(SECTIONS._entries))
    assert "accuracy" in shown_metrics()
    assert "planted" not in shown_metrics()
    section("planted", title="Planted", order=999, shows=("planted",))(lambda run: [])
    assert "planted" in shown_metrics()
    assert in_order()[-1].anchor == "planted"


def test_drawings_are_named_in_words_wherever_they_stand() -> None:
    drawing = "rendered:no-entry?countries=au+de&recipe=default&seed=0#67"
    assert with_drawings_named(drawing) == "drawn no-entry, number 67"
    assert with_drawings_named(f"2 alike, first: {drawing} and {drawing}") == (
        "2 alike, first: drawn no-entry, number 67 and drawn no-entry, number 67"
    )
    for other in ("Test/00001.png", "rendered:au?n=20", "a#1.png"):
        assert with_drawings_named(other) == other
