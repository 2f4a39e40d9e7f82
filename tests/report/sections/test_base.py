"""The sections of a run's report: a file each, found by being there."""

from pathlib import Path

import pytest

from roadworthy.report import sections as package
from roadworthy.report.sections.base import SECTIONS, in_order, section, shown_metrics

SHARED = {"base", "run"}


def test_every_file_is_one_section() -> None:
    files = {path.stem for path in Path(package.__file__).parent.glob("[!_]*.py")} - SHARED
    assert files == set(SECTIONS)
    homes = [SECTIONS.get(name).build.__module__.rpartition(".")[2] for name in SECTIONS]
    assert homes == SECTIONS.names()


def test_sections_have_a_place_and_a_title_each() -> None:
    entries = in_order()
    assert len({entry.order for entry in entries}) == len({entry.title for entry in entries}) == len(entries)
    assert [entry.anchor for entry in entries][:2] == ["result", "data"]
    assert entries[-1].anchor == "provenance"


def test_a_section_says_which_metrics_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SECTIONS, "_entries", dict(SECTIONS._entries))
    assert "accuracy" in shown_metrics()
    assert "planted" not in shown_metrics()
    section("planted", title="Planted", order=999, shows=("planted",))(lambda run: [])
    assert "planted" in shown_metrics()
    assert in_order()[-1].anchor == "planted"
