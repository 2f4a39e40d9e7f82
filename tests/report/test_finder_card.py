"""A finder's model card, from a made-up manifest."""

from typing import Any

from roadworthy.core.document import Facts, Table
from roadworthy.report.card import markdown
from roadworthy.report.finder_card import finder_card_sections
from roadworthy.report.html import render

MANIFEST: dict[str, Any] = {
    "kind": "find",
    "precision": "int8",
    "stride": 32,
    "finding": {"threshold": 0.412, "false_per_frame": 0.1, "sure": 0.61, "sure_wrong": 0.01, "frames": 233},
    "licence": "open",
    "metrics": {
        "test frames of gtsdb:": {
            "ap50": 0.91234,
            "ap50_n": 361,
            "ap50_ci95": [0.88, 0.94],
            "recall": None,
            "recall_n": 0,
            "recall_ci95": None,
        }
    },
    "parity": {
        "int8": {
            "n": 200,
            "boxes": 1234,
            "agreement": 0.987,
            "largest_difference": 0.05,
            "largest_edge_difference_px": 1.5,
            "ap50": None,
            "ap50_before": 0.9,
        }
    },
    "provenance": {"trained": {"commit": "abc"}, "exported": {}},
}


def test_it_tells_from_which_score_on_a_box_counts_and_what_that_was_chosen_for() -> None:
    (facts,) = finder_card_sections([("find.onnx", 812_345, MANIFEST)])[0].blocks
    assert isinstance(facts, Facts)
    told = dict(facts.items)
    assert told["file"] == "find.onnx, 812,345 bytes"
    assert told["a sign from"] == (
        "a score of 0.412, chosen on 233 validation frames, for at most 0.1 false boxes in each"
    )
    assert (
        told["a sure answer from"] == "a score of 0.610, for at most 1.00 % of frames with one that is wrong"
    )


def test_thresholds_that_nothing_was_chosen_by_are_called_a_guess() -> None:
    rule = {**MANIFEST["finding"], "frames": 0}
    (facts,) = finder_card_sections([("find.onnx", 1, {**MANIFEST, "finding": rule})])[0].blocks
    assert isinstance(facts, Facts)
    assert dict(facts.items)["a sign from"].endswith("a guess, for there were no validation frames")


def test_what_was_measured_stands_with_its_n_and_interval_and_what_was_not_is_left_out() -> None:
    sections = {one.anchor: one for one in finder_card_sections([("find.onnx", 1, MANIFEST)])}
    (measured,), (parity,) = sections["measured"].blocks, sections["parity"].blocks
    assert isinstance(measured, Table)
    assert isinstance(parity, Table)
    assert measured.rows == (
        ("average precision at an overlap of 0.5", "91.23 %", "361", "88.00 % to 94.00 %"),
    )
    assert parity.rows == (("int8", "200", "1,234", "98.70 %", "0.05", "1.5", "90.00 %", "–"),)


def test_it_is_a_page_and_markdown() -> None:
    sections = finder_card_sections([("find.onnx", 1, MANIFEST)])
    assert "| trained: commit | abc |" in markdown("Model card: find", sections)
    assert "no safety component" in render("Model card: find", sections)
