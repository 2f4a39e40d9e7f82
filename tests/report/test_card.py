"""The model card, from made-up manifests."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from roadworthy.core.document import Facts, Figure, Section, Table, Text
from roadworthy.report.card import card_sections, markdown
from roadworthy.report.html import render

MEASURED = {
    "n": 1234,
    "drawn": 0,
    "accuracy": 0.98361,
    "accuracy_ci95": [0.97, 0.99125],
    "accuracy_over": "signs",
    "balanced_accuracy": 0.95,
    "ece": 0.01234,
    "recall": {"stop": 0.875, "no-sign": 1.0},
    "accepted": 0.93,
    "accuracy_accepted": 0.999,
}
DRAWN = {**MEASURED, "n": 50, "drawn": 50, "accuracy": 0.5, "accepted": None, "accuracy_accepted": None}
PARITY = {
    "n": 70,
    "agreement": 0.99857,
    "largest_difference": 0.000123,
    "accuracy": 0.985,
    "accuracy_before": 0.986,
}
MANIFEST: dict[str, Any] = {
    "kind": "crop",
    "precision": "int8",
    "classes": ["stop", "give|way", "no-sign"],
    "codes": {"stop": ["206", "R1-1"]},
    "input": {"size": 48, "resize": "bicubic", "normalise": "per-image", "crop": "full"},
    "stride": 0,
    "temperature": 1.23456,
    "rejection": {"score": "probability", "threshold": 0.61239, "coverage": 0.99, "n": 4321},
    "metrics": {"gtsrb:, test": MEASURED, "rendered:au, test": DRAWN},
    "parity": {"fp32": {**PARITY, "agreement": 1.0}, "int8": PARITY},
    "provenance": {
        "trained": {"commit": "0123abc", "seed": 7},
        "exported": {"command": "a | b"},
        "packed": {},
    },
    "licence": "GTSRB: published for research",
}
DENSE = {**MANIFEST, "kind": "dense", "stride": 8, "precision": "fp32", "parity": {"fp32": PARITY}}
ANCHORS = ["model", "measured", "classes", "parity", "limits", "provenance"]


def sections(**changes: Any) -> dict[str, Section]:
    files: list[tuple[str, int, Mapping[str, Any]]] = [("x.onnx", 54321, {**MANIFEST, **changes})]
    return {section.anchor: section for section in card_sections(files)}


def facts(section: Section) -> dict[str, str]:
    return dict(next(block for block in section.blocks if isinstance(block, Facts)).items)


def table(section: Section) -> Table:
    return next(block for block in section.blocks if isinstance(block, Table))


def test_all_sections_are_there_in_order() -> None:
    found = card_sections([("x.onnx", 54321, MANIFEST), ("x-find.onnx", 65432, DENSE)])
    assert [section.anchor for section in found] == ANCHORS
    assert all(section.blocks for section in found)


def test_the_model_is_told_as_it_must_be_used() -> None:
    assert facts(sections()["model"]) == {
        "answers": "3 classes",
        "takes": "uint8 RGB, 48 x 48 pixels, resized bicubic",
        "normalised": "per-image, within the file",
        "precision": "int8",
        "temperature": "1.235",
        "sure": "an answer counts as sure where its probability is at least 0.6124, as 99 % of 4,321 "
        "validation pictures' are",
        "without colour": "not trained for: grey pictures are not accepted as signs that only colour "
        "tells apart",
        "data": "GTSRB: published for research",
    }
    other = facts(sections(rejection=None, licence="")["model"])
    assert other["sure"] == "every answer is given"
    trained = facts(sections(without_colour=True)["model"])["without colour"]
    assert trained == "trained for such pictures, too"
    assert other["data"] == "unknown"


def test_photographs_come_before_drawings_and_the_larger_set_first() -> None:
    sets = {"a": DRAWN, "b": {**MEASURED, "n": 5}, "c": MEASURED}
    found = sections(metrics=sets)
    assert [row[0] for row in table(found["measured"]).rows] == ["c", "b", "a (drawn)"]
    assert table(found["classes"]).columns == ("class", "codes", "c", "b", "a")


def test_files_are_told_apart() -> None:
    found = card_sections([("x.onnx", 54321, MANIFEST), ("x-find.onnx", 65432, DENSE)])
    assert table(found[0]).rows == (
        ("x.onnx", "54,321", "pictures of one sign", "int8"),
        ("x-find.onnx", "65,432", "all windows of 48 px in a picture, every 8 px, for a closer look", "fp32"),
    )


def test_what_was_measured_comes_with_n_and_interval() -> None:
    rows = table(sections()["measured"]).rows
    assert rows[0] == (
        "gtsrb:, test",
        "1,234",
        "98.36 %",
        "97.00 % to 99.12 %, signs",
        "95.00 %",
        "0.0123",
        "93.00 %",
        "99.90 %",
    )
    assert rows[1][:3] == ("rendered:au, test (drawn)", "50", "50.00 %")
    assert rows[1][6:] == ("–", "–")


def test_a_card_without_measurements_says_so() -> None:
    (block,) = sections(metrics={})["measured"].blocks
    assert block == Text(text="Nothing was measured.", tone="warning")
    assert table(sections(metrics={})["classes"]).columns == ("class", "codes")


def test_every_class_has_a_row_with_its_codes_and_recalls() -> None:
    found = table(sections()["classes"])
    assert found.columns == ("class", "codes", "gtsrb:, test", "rendered:au, test")
    assert found.rows == (
        ("stop", "206, R1-1", "87.50 %", "87.50 %"),
        ("give|way", "–", "–", "–"),
        ("no-sign", "–", "100.00 %", "100.00 %"),
    )
    assert not found.collapsed
    assert table(sections(classes=[f"class {i}" for i in range(13)])["classes"]).collapsed


def test_parity_is_told_for_every_file_and_precision() -> None:
    found = card_sections([("x.onnx", 54321, MANIFEST), ("x-find.onnx", 65432, DENSE)])
    rows = table(found[3]).rows
    assert [row[:2] for row in rows] == [("x.onnx", "fp32"), ("x.onnx", "int8"), ("x-find.onnx", "fp32")]
    assert rows[1][2:] == ("70", "99.86 %", "0.00012", "98.60 %", "98.50 %")


def test_the_limits_say_whether_it_knows_what_is_no_sign() -> None:
    with_it, without = sections()["limits"], sections(classes=["stop", "give-way"])["limits"]
    assert "no class for what is no sign" not in with_it.blocks[0].text  # type: ignore[union-attr]
    assert "no class for what is no sign" in without.blocks[0].text  # type: ignore[union-attr]
    assert [block.tone for block in with_it.blocks] == ["plain", "warning"]  # type: ignore[union-attr]


def test_provenance_names_the_stage_and_leaves_out_empty_ones() -> None:
    blocks = sections()["provenance"].blocks
    assert [block.items for block in blocks if isinstance(block, Facts)] == [
        (("trained: commit", "0123abc"), ("trained: seed", "7")),
        (("exported: command", "a | b"),),
    ]
    assert "provenance" not in sections(provenance={})


def columns(line: str) -> int:
    """Of a row in Markdown: bars that are not escaped, less one."""
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def test_markdown_escapes_bars_and_keeps_its_tables_whole() -> None:
    text = markdown("Model card: x", card_sections([("x.onnx", 54321, MANIFEST), ("y.onnx", 1, DENSE)]))
    assert text.startswith("# Model card: x\n\n## Model\n\n")
    assert re.findall(r"^## (.*)$", text, re.M) == [
        "Model",
        "Measured",
        "By class",
        "As the network it was made from",
        "Limits",
        "Provenance",
    ]
    assert "| give\\|way | – | – | – |" in text
    assert "| exported: command | a \\| b |" in text
    assert "| gtsrb:, test | 1,234 | 98.36 % | 97.00 % to 99.12 %, signs |" in text
    assert text.endswith("|\n")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        lines = block.splitlines()
        assert re.fullmatch(r"\|( -+:? \|)+", lines[1])
        assert len({columns(line) for line in lines}) == 1


def test_markdown_by_hand() -> None:
    section = Section(
        title="S",
        anchor="s",
        blocks=(
            Text(text="Words."),
            Facts(items=(("a", "1"),)),
            Table(caption="T", columns=("x", "y"), rows=(("one\ntwo", "3"),), align_right=(1,)),
        ),
    )
    assert markdown("Title", [section]) == (
        "# Title\n\n## S\n\nWords.\n\n|  |  |\n| --- | --- |\n| a | 1 |\n\n"
        "T:\n\n| x | y |\n| --- | ---: |\n| one two | 3 |\n"
    )


def test_what_has_no_form_in_markdown_is_refused() -> None:
    figure = Figure(name="f", svg="<svg/>", alt="a", caption="c")
    with pytest.raises(TypeError, match="Figure has no form in Markdown"):
        markdown("t", [Section(title="S", anchor="s", blocks=(figure,))])


def test_the_page_holds_the_same_and_is_harmless() -> None:
    pytest.importorskip("jinja2", reason="reports need roadworthy[report]")
    nasty = sections(classes=["<script>alert(1)</script>", "stop"])
    page = render("Model card: <x>", list(nasty.values()))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    for words in ("98.36 %", "97.00 % to 99.12 %, signs", "1,234", "54,321", "0123abc", "4,321"):
        assert words in page
    assert page.endswith("</html>\n")


def test_the_card_says_which_runtimes_it_was_checked_in() -> None:
    assert "runtimes" not in sections()
    checked = {
        "ncnn": {"run": True, "versions": {"ncnn": "1.0", "pnnx": "2"}, **PARITY},
        "coreml": {"run": False, "versions": {}},
    }
    (table,) = sections(runtimes=checked)["runtimes"].blocks
    assert isinstance(table, Table)
    assert table.rows == (
        ("ncnn", "ncnn 1.0, pnnx 2", "99.86 % of 70 answers", "0.00012"),
        ("coreml", "–", "not run where it was exported", "–"),
    )
