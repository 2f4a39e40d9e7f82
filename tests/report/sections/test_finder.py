"""The report on a finder, from a made-up run folder."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.evaluate.detection.conftest import frame, random_frames
from tests.report.test_report import NASTY, Page

from roadworthy.config import EvaluateConfig
from roadworthy.core.document import Block, Facts, Figure, Gallery, Table, Text
from roadworthy.core.errors import CheckpointError
from roadworthy.core.finder_predictions import FinderPredictions, FrameResult
from roadworthy.evaluate.detection.metrics import compute_finder_metrics
from roadworthy.report.html import render
from roadworthy.report.sections import finder as package
from roadworthy.report.sections import run_page
from roadworthy.report.sections.base import FINDER_SECTIONS, OF_BOTH, in_order, shown_metrics
from roadworthy.workflows.run_folder import RunFolder

CONFIG = EvaluateConfig(bootstrap=40)


def write(folder: Path, predictions: FinderPredictions, **extra: Any) -> Path:
    """An evaluation folder of a finder."""
    metrics = compute_finder_metrics(predictions, split="test", config=CONFIG, extra=extra)
    home = RunFolder(folder)
    home.write_provenance({"command": "roadworthy evaluate finder.onnx"})
    home.write_data({"spec": "gtsdb:", "notes": ["3 frames have no box."]})
    picture = np.random.default_rng(0).integers(0, 255, (450, 450, 3)).astype(np.uint8)
    home.write_finder_results(metrics, predictions, CONFIG.danger, lambda path: picture)
    return folder


def perfect() -> FinderPredictions:
    said = {"predicted": ("stop",), "confidence": np.ones(1), "labels": ("stop",)}
    frames = [frame(str(i), [(0, 0, 20, 20, 0.9)], wanted=[(0, 0, 20, 20)], **said) for i in range(5)]
    return FinderPredictions(frames=tuple(frames), threshold=0.5)


def nasty() -> FinderPredictions:
    found = random_frames(3, 30, read=True)
    first = replace(found.frames[0], path=NASTY)
    names = tuple("<b>own</b>" for _ in first.labels)
    return FinderPredictions(frames=(replace(first, labels=names), *found.frames[1:]), threshold=0.4)


CASES = {
    "read": lambda: replace(random_frames(3, 30, read=True), threshold=0.4),
    "alone": lambda: random_frames(3, 30),
    "nasty": nasty,
    "perfect": perfect,
    "nothing": lambda: FinderPredictions(frames=(FrameResult(path="a"), FrameResult(path="b"))),
    "no signs": lambda: FinderPredictions(frames=(frame("a", [(0, 0, 9, 9, 0.5)]),)),
    "no boxes": lambda: FinderPredictions(frames=(frame("a", wanted=[(0, 0, 9, 9)]),)),
}


@pytest.fixture(scope="module", params=CASES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("run"), CASES[request.param]())


def blocks(folder: Path, anchor: str) -> tuple[Block, ...]:
    return next(section.blocks for section in run_page(folder).sections if section.anchor == anchor)


def test_every_file_is_one_section() -> None:
    files = {path.stem for path in Path(package.__file__).parent.glob("[!_]*.py")}
    assert files == set(FINDER_SECTIONS)
    homes = [FINDER_SECTIONS.get(name).build.__module__.rpartition(".")[2] for name in FINDER_SECTIONS]
    assert homes == FINDER_SECTIONS.names()


def test_sections_have_a_place_and_a_title_each_and_some_are_a_readers_too() -> None:
    entries = in_order(finder=True)
    assert len({one.order for one in entries}) == len({one.title for one in entries}) == len(entries)
    assert {one.anchor for one in entries} >= {*OF_BOTH, *FINDER_SECTIONS}
    assert entries[0].anchor == "result"
    assert entries[-1].anchor == "provenance"
    assert "ap50" in shown_metrics(finder=True)
    assert "ap50" not in shown_metrics()


def test_the_page_is_whole_and_harmless(folder: Path) -> None:
    page = run_page(folder)
    text = render(page.title, page.sections, page.lead)
    found = Page(text)
    assert all(image["alt"] for image in found.all("img"))
    assert all(svg["aria-label"] for svg in found.all("svg"))
    assert len(found.all("caption")) == len(found.all("table"))
    assert "<script" not in text
    assert "<b>" not in text
    assert "nan" not in "".join(one.svg for s in page.sections for one in s.blocks if isinstance(one, Figure))
    assert page.lead in text.replace("\u00a0", " ").replace("&#39;", "'")
    assert render(page.title, page.sections, page.lead) == text


def test_figures_stand_alone_and_come_with_tables(folder: Path) -> None:
    for section in run_page(folder).sections:
        drawn = [one for one in section.blocks if isinstance(one, Figure)]
        for one in drawn:
            assert ET.fromstring(one.svg).attrib["aria-label"] == one.alt
        assert not drawn or any(isinstance(one, Table) for one in section.blocks)


def test_numbers_shown_are_the_stored_ones(tmp_path: Path) -> None:
    where = write(tmp_path, CASES["read"](), parameters=1234)
    stored = json.loads((where / "metrics.json").read_text())
    facts = next(one for one in blocks(where, "result") if isinstance(one, Facts))
    assert dict(facts.items)["AP50"].startswith(
        f"{stored['ap50']:.3f}\n95 %: {stored['ap50_ci95'][0]:.3g} to "
    )
    (table,) = [one for one in blocks(where, "response") if isinstance(one, Table)]
    assert [row[0] for row in table.rows] == [
        *("0.02", "0.05", "0.1", "0.5"),
        f"{stored['false_per_frame']:.3g}, the model's own",
    ]
    for row, point in zip(table.rows, stored["recall_at"], strict=False):
        assert row[1] == ("–" if point["threshold"] is None else f"{point['threshold']:.4g}")
        assert row[2] == f"{point['false']} in 30"
        assert row[3].startswith(f"{100 * point['recall']:.1f} (")
    sizes = next(one for one in blocks(where, "sizes") if isinstance(one, Table))
    assert sum(int(row[1]) for row in sizes.rows[2:]) == stored["signs"]
    assert "1,234" in str(blocks(where, "model"))


def test_pictures_are_of_what_they_say(tmp_path: Path) -> None:
    predictions = CASES["read"]()
    where = write(tmp_path, predictions)
    stored = json.loads((where / "metrics.json").read_text())
    missed, false, wrong = (
        next(one for one in blocks(where, name) if isinstance(one, Gallery)).pictures
        for name in ("misses", "false_alarms", "wrong")
    )
    assert len(missed) == min(24, round((1 - stored["recall"]) * stored["signs"]))
    sides = [max(map(int, one.caption.split(" px")[0].split(" × "))) for one in missed]
    assert sides == sorted(sides, reverse=True)
    scores = [float(one.title.split()[0]) for one in false]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 40
    assert len(wrong) == min(24, stored["sure_wrong"])
    misread = [one for one in wrong if one.caption.startswith("is ")]
    assert misread
    assert all(one.caption.split("\n")[0] != f"is {one.title[:-1]}" for one in misread)


def test_all_found_and_nothing_wrong_is_said(tmp_path: Path) -> None:
    where = write(tmp_path, perfect())
    for name, said in {
        "misses": "None: all 5 signs are found.",
        "false_alarms": "None in 5 frames.",
        "wrong": "None of 5 sure boxes is wrong: at 95 % fewer than 0.74 a frame.",
    }.items():
        (text,) = blocks(where, name)
        assert isinstance(text, Text)
        assert (text.text, text.tone) == (said, "good")


def test_a_finder_alone_has_no_sections_on_reading(tmp_path: Path) -> None:
    anchors = [section.anchor for section in run_page(write(tmp_path, CASES["alone"]())).sections]
    assert not {"wrong", "classes"} & set(anchors)


def test_doubts_stand_beneath_the_figures(tmp_path: Path) -> None:
    where = write(tmp_path, CASES["read"](), trained_on=3, warnings=[{"name": "w", "text": "Few frames."}])
    said = [one.text for one in blocks(where, "result") if isinstance(one, Text) and one.tone == "warning"]
    assert "Few frames." in said
    plain = [one.text for one in blocks(where, "result") if isinstance(one, Text) and one.tone == "plain"]
    assert plain[-1] == "3 frames have no box."
    assert "3 frames of these were trained on: the figures flatter the model." in said


def test_without_pictures_it_is_still_a_report_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    where = write(tmp_path, CASES["read"]())
    (where / "pictures.npz").unlink()
    assert not any(isinstance(one, Gallery) for section in run_page(where).sections for one in section.blocks)
    (where / "predictions.npz").write_bytes(b"no")
    with pytest.raises(CheckpointError, match=r"predictions\.npz is damaged"):
        run_page(where)
