"""The report of drives against their truth, from what metrics.json holds."""

from __future__ import annotations

from typing import Any

from roadworthy.core.document import Figure, Table, Text
from roadworthy.report.drive.kpi import kpi_lead, kpi_sections

NAMES = (
    *("event_kpi", "found", "found_once", "right_class", "in_time", "limit_signs_before", "plates_right"),
    *("duplicates", "distance_kpi", "time_kpi", "answered", "dangerous_share", "dangerous_per_100_km"),
    *("false_per_hour", "false_sure_per_hour", "answer_s_median", "answer_s_p95", "confirmed_m_median"),
)
HEADER = ("drive", "event", "class", "passed_s", "what", "found", "found_class", "found_passed_s")


def figures(value: float | None = 0.9) -> dict[str, Any]:
    ends = None if value is None else [value - 0.1, value + 0.05]
    return {
        key: what
        for name in NAMES
        for key, what in {name: value, f"{name}_n": 20, f"{name}_ci95": ends}.items()
    }


def metrics(**more: Any) -> dict[str, Any]:
    isa = [{"name": "distance, all", "value": 0.85, "at_least": 0.9, "met": False}]
    return {
        **figures(),
        "drives": ["a", "b"],
        "km": 12.5,
        "hours": 0.25,
        "distance_from": "gps",
        "interval_over": "drives",
        "true_events": 25,
        "asked": 20,
        "dangerous": 1,
        "false": 3,
        "false_sure": 2,
        "isa": isa,
        "by": {"light": {"day": figures(), "night": figures(None)}, "kind": {"speed": figures(0.8)}},
        **more,
    }


def blocks(kind: Any, rows: list[tuple[Any, ...]], **more: Any) -> list[Any]:
    sections = kpi_sections(metrics(**more), [HEADER, *rows], {})
    return [block for section in sections for block in section.blocks if isinstance(block, kind)]


def test_thresholds_stand_beside_what_was_measured() -> None:
    isa = blocks(Table, [])[0]
    assert isa.rows == (
        ("distance, all", "85.0 %", ">= 90 %", "missed"),
        ("answer after passing, 95 of 100", "0.90 s", "<= 2.0 s", "met"),
    )


def test_a_part_that_was_not_measured_is_in_the_table_and_not_drawn() -> None:
    parts = next(table for table in blocks(Table, []) if table.caption.startswith("By light"))
    assert [row[0] for row in parts.rows] == ["light: day", "light: night"]
    assert parts.rows[0][2:4] == ("90.0 %", "80.0 to 95.0 %")
    charts = blocks(Figure, [])
    assert [chart.name for chart in charts] == ["distance_kpi", "event_kpi"]
    assert "night" not in charts[0].svg


def test_what_went_wrong_is_told_and_what_is_right_is_not() -> None:
    right = ("a", "e0001", "stop", 5.0, "right", "e0001", "stop", 5.1)
    false = ("a", "", "", "", "false", "e0002", "stop", 9.0)
    table = blocks(Table, [right, false])[-1]
    assert table.rows == (("a", "false", "–", "–", "stop", "9.0"),)
    assert any("none was invented" in text.text for text in blocks(Text, [right]))


def test_without_distances_the_shares_are_of_the_time() -> None:
    assert "time KPI 90.0 %" in kpi_lead(metrics(distance_from="time", km=None))
    assert any("No distance is known" in text.text for text in blocks(Text, [], distance_from="time"))
