"""The page of studies, from made-up results."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.core.document import Figure, Gallery, Table, Text
from roadworthy.core.errors import CheckpointError
from roadworthy.report.html import render
from roadworthy.report.study import THE_STUDY, answer, read_study, study_sections


def comparison(a: str, verdict: str, effect: float, **more: Any) -> dict[str, Any]:
    return {
        "a": a,
        "b": "none",
        "metric": "accuracy",
        "n": 100,
        "seeds": 3,
        "tracks": 10,
        "effect": effect,
        "ci95": [effect - 0.01, effect + 0.01],
        "p": 0.00001,
        "p_adjusted": 0.25,
        "verdict": verdict,
        "per_seed": [effect] * 3,
        "p_seeds": None,
        "ci95_tracks": None,
        "p_mcnemar": 0.5,
        "detectable": 0.004,
        **more,
    }


def arm(name: str, *accuracies: float, after: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "settings": {},
        "after": after,
        "budget": {"asked": "2 s", "used": []},
        "runs": [
            {
                "seed": seed,
                "fold": 0,
                "folder": "",
                "metrics": {"accuracy": accuracy, "n": 100},
                "new": {"belgium": {"accuracy": accuracy - 0.1, "n": 50}},
                "used": {"train_seconds": 2.0},
            }
            for seed, accuracy in enumerate(accuracies)
        ],
    }


@pytest.fixture
def results() -> dict[str, Any]:
    curve = {"name": "ours", "xs": [1, 2], "ys": [0.9, 0.95], "lows": [0.88, 0.94], "highs": [0.92, 0.96]}
    return {
        "version": 1,
        "study": "augmentation",
        "question": "Does <augmentation> help?",
        "answer": "",
        "arms": [arm("none", 0.9, 0.92), arm("ours", 0.95, 0.97), arm("on", 0.9, 0.9, after="none")],
        "domains": ["belgium"],
        "comparisons": [
            comparison("ours", "better", 0.05),
            comparison("on", "no difference shown", 0.0, ci95=None, detectable=None, tracks=100),
        ],
        "claims": [{"id": "C2", "text": "It drops.", "verdict": "refuted", "evidence": "It did not."}],
        "tables": [
            {"caption": "More", "columns": ["x"], "rows": [["1"]], "align_right": [0], "collapsed": False}
        ],
        "curves": [{"name": "c", "caption": "Over time.", "x_label": "s", "curves": [curve] * 5}],
        "galleries": [{"caption": "Wrong", "file": "wrong.npz", "captions": ["60 as 50", "stop as 50"]}],
        "provenance": {},
    }


def blocks(results: dict[str, Any], kind: type) -> list[Any]:
    (*_, full) = study_sections([results])
    return [block for block in full.blocks if isinstance(block, kind)]


def test_the_answer_follows_from_the_verdicts(results: dict[str, Any]) -> None:
    assert answer(results) == (
        "ours is better than none (+5.00 points, 95 % +4.00 to +6.00); "
        "1 of 2 comparisons shows no difference."
    )
    results["comparisons"] = results["comparisons"][1:]
    assert answer(results) == "None of 1 comparison shows a difference."
    results["comparisons"] = [comparison(f"arm {n}", "worse", -0.01 * n) for n in range(6)]
    assert answer(results).startswith("arm 5 is worse than none (-5.00 points")
    assert answer(results).endswith("-3.00 to -1.00); 2 smaller differences are shown below.")
    results["comparisons"] = []
    assert answer(results) == "ours reads 96.00 % correctly."
    assert answer({**results, "answer": "Yes."}) == "Yes."


def test_what_is_not_judged_says_why(results: dict[str, Any]) -> None:
    quick = "a quick look: smaller by 7.00 points (95 % -8.00 to -6.00)"
    results["comparisons"] = [
        comparison("fast", "not judged", -0.07, reason=quick),
        comparison("stuck", "not judged", -0.5, reason="at chance, which is 41 % here: stuck reads 40 %"),
        comparison("same", "no difference shown", 0.0),
    ]
    assert answer(results) == (
        "the accuracy of fast is smaller than that of none in this quick look (-7.00 points, 95 % -8.00 to "
        "-6.00); 1 of 3 comparisons shows no difference; 1 of 3 comparisons is not judged, the first for "
        "this: at chance, which is 41 % here: stuck reads 40 %."
    )
    _, table, *_ = blocks(results, Table)
    assert [row[-1] for row in table.rows] == [
        f"not judged: {quick}",
        "not judged: at chance, which is 41 % here: stuck reads 40 %",
        "no difference shown",
    ]
    chart = next(block for block in blocks(results, Figure) if "Difference" in block.caption)
    assert "stuck (not judged)" in chart.svg


def test_charts_keep_to_what_shares_can_be(results: dict[str, Any]) -> None:
    """A t interval from two seeds may be hundreds of points wide."""
    results["comparisons"] = [comparison("ours", "no difference shown", 0.2, ci95=[-2.6, 3.0])]
    curve = {**results["curves"][0]["curves"][0], "lows": [-0.9, 0.94], "highs": [2.7, 0.96]}
    results["curves"][0]["curves"] = [curve]
    for chart in blocks(results, Figure):
        ticks = [float(tick) for tick in re.findall(r">([+-]?[\d.]+)(?: %)?<", chart.svg)]
        assert max(ticks) == 100
        assert min(ticks) == (-100 if "Difference" in chart.caption else 0)


def test_signs_are_said_as_far_as_they_are_known(results: dict[str, Any]) -> None:
    results["comparisons"] = [
        comparison("ours", "better", 0.05, n=1830, tracks=61, frames_per_sign=30.0),
        comparison("on", "better", 0.05, n=1830, tracks=1830, frames_per_sign=None),
    ]
    *_, evidence, _ = blocks(results, Table)
    assert [row[3] for row in evidence.rows] == ["about 61", "not named"]
    said = " ".join(block.text for block in blocks(results, Text))
    assert "the worst case" in said
    assert "too narrow" in said


def test_the_summary_is_one_row_a_study(results: dict[str, Any]) -> None:
    summary, *_ = study_sections([results, {**results, "answer": "Yes."}])
    *introduced, table = summary.blocks
    assert [block.text for block in introduced if isinstance(block, Text)] == [THE_STUDY]
    assert isinstance(table, Table)
    assert [row[2:] for row in table.rows] == [
        (answer(results), "6 trainings, 2 seeds, 12.0 s of training"),
        ("Yes.", "6 trainings, 2 seeds, 12.0 s of training"),
    ]


def test_the_study_is_introduced_only_where_it_is_named(results: dict[str, Any]) -> None:
    plain = {**results, "claims": [], "question": "Which is better?", "answer": "Neither."}
    (table,) = study_sections([plain])[0].blocks
    assert isinstance(table, Table)
    introduced, _ = study_sections([{**plain, "question": "Was the study right?"}])[0].blocks
    assert introduced == Text(text=THE_STUDY)


def test_seconds_of_a_training_that_was_carried_on_count_once(results: dict[str, Any]) -> None:
    results["arms"].append({**arm("longer", 0.9, 0.9, after="none"), "extends": True})
    *_, table = study_sections([results])[0].blocks
    assert isinstance(table, Table)
    assert table.rows[0][3] == "8 trainings, 2 seeds, 12.0 s of training"


def test_every_figure_says_how_many_pictures_and_trainings(results: dict[str, Any]) -> None:
    arms, comparisons, evidence, more = blocks(results, Table)
    assert arms.columns == ("arm", "test, n = 100", "belgium, n = 50", "trainings", "asked", "used, mean")
    assert arms.rows[1][:4] == ("ours", "96.00 ± 1.41 %", "86.00 ± 1.41 %", "2")
    assert arms.rows[2][0] == "on (after none)"
    assert comparisons.rows[0][3:] == ("+5.00", "+4.00 to +6.00", "0.2500", "better")
    assert evidence.rows[0] == (
        "ours / none",
        "accuracy",
        "3",
        "10",
        "100",
        "< 0.0001",
        "–",
        "0.5000",
        "0.40",
    )
    assert comparisons.rows[1][4] == "–"
    assert more.rows == (("1",),)


def test_arms_that_were_measured_on_other_pictures_say_so(results: dict[str, Any]) -> None:
    run = results["arms"][1]["runs"][0]
    run["metrics"]["n"], run["new"] = 40, {}
    results["arms"][2]["runs"] = [{**one, "new": {}} for one in results["arms"][2]["runs"]]
    arms = next(block for block in study_sections([results])[-1].blocks if isinstance(block, Table))
    assert arms.columns[1:3] == ("test, n = 40 to 100", "belgium, n = 50")
    assert arms.rows[1][2] == "87.00 %"  # of the one training that was measured there
    assert arms.rows[2][2] == "–"


def test_the_page_is_whole_and_escaped(results: dict[str, Any]) -> None:
    page = render("Studies", study_sections([results]))
    assert "Does &lt;augmentation&gt; help?" in page
    assert "<augmentation>" not in page
    assert "refuted" in page
    assert "take every picture as independent" in page
    charts = blocks(results, Figure)
    assert [chart.name for chart in charts] == ["augmentation-accuracy-none", "c"]
    assert charts[1].svg.count("opacity:0.13") == 5  # a band for each line
    assert "ours ends at 95.00 %" in charts[1].alt


def test_legends_that_are_too_long_go_on_below(results: dict[str, Any]) -> None:
    long = dict(results["curves"][0]["curves"][0], name="a name that takes half of the width")
    results["curves"][0]["curves"] = [long] * 3
    one, three = 280, 280 + 2 * 18
    assert f'viewBox="0 0 440 {three}' in blocks(results, Figure)[1].svg
    results["curves"][0]["curves"] = [dict(long, name="a"), dict(long, name="b")]
    assert f'viewBox="0 0 440 {one}' in blocks(results, Figure)[1].svg


def test_pictures_come_from_their_own_file(results: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "wrong.npz", images=np.zeros((2, 4, 8, 3), np.uint8))
    (*_, full) = study_sections([results], [tmp_path])
    (gallery,) = [block for block in full.blocks if isinstance(block, Gallery)]
    assert [picture.caption for picture in gallery.pictures] == ["60 as 50", "stop as 50"]
    assert render("Studies", study_sections([results], [tmp_path])).count("data:image/png") == 2
    (tmp_path / "wrong.npz").write_bytes(b"no zip")
    with pytest.raises(CheckpointError, match=r"wrong\.npz cannot be read"):
        study_sections([results], [tmp_path])


def test_pictures_that_come_first_follow_the_question(results: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "wrong.npz", images=np.zeros((2, 4, 8, 3), np.uint8))
    results["galleries"] += [{**results["galleries"][0], "caption": "Beside home", "first": True}]
    (*_, full) = study_sections([results], [tmp_path])
    assert isinstance(full.blocks[0], Text)
    first, last = full.blocks[1], full.blocks[-1]
    assert isinstance(first, Gallery)
    assert isinstance(last, Gallery)
    assert (first.caption, last.caption) == ("Beside home", "Wrong")


def test_damaged_results_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"results\.json cannot be read"):
        read_study(tmp_path)
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"results\.json cannot be read"):
        read_study(tmp_path)
    (tmp_path / "results.json").write_text(json.dumps({"study": "x"}))
    with pytest.raises(CheckpointError, match="lacks question, answer, arms"):
        read_study(tmp_path)
