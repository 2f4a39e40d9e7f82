"""The report of drives held against their truth: the measures with their intervals, thresholds, and parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roadworthy.core.document import Block, Facts, Section, Table, Text
from roadworthy.core.words import interval, percent, plural
from roadworthy.report.figures.intervals import Interval, interval_chart
from roadworthy.report.html import render
from roadworthy.report.tables import in_words

_LONG_TABLE, _MOST_ROWS = 30, 500
_SHARES = {
    "event_kpi": "event KPI: found once, right and in time",
    "found": "found",
    "found_once": "found once",
    "right_class": "right class",
    "in_time": "right and in time",
    "limit_signs_before": "limits answered before passing",
    "plates_right": "plates right",
    "duplicates": "duplicates",
}
_OF_LIMITS = {
    "distance_kpi": "distance KPI: right limit",
    "time_kpi": "right limit, of the time",
    "answered": "any limit known",
    "dangerous_share": "dangerous limit",
}
_NUMBERS = {
    "dangerous_per_100_km": ("dangerous limits a 100 km", ""),
    "false_per_hour": ("false events an hour", ""),
    "false_sure_per_hour": ("false sure events an hour", ""),
    "answer_s_median": ("from passing to the answer, median", " s"),
    "answer_s_p95": ("from passing to the answer, 95 of 100", " s"),
    "confirmed_m_median": ("sure before the sign, median", " m"),
}
_ANSWER_S = 2.0
ISA = (
    "EU 2021/1958 asks of intelligent speed assistance: the right limit within 2.0 s of passing a sign in "
    "view for at least 1.0 s, for 90 % of the distance and 80 % on each kind of road. Measured here, it "
    "is no type approval."
)
Row = Sequence[Any]


def kpi_page(metrics: Mapping[str, Any], matched: Sequence[Row], provenance: Mapping[str, Any]) -> str:
    """The whole page.

    metrics: as metrics.json has them.  matched: the rows of matched.csv, the header first.
    Raises MissingExtraError without jinja2.
    """
    return render("Drives against their truth", kpi_sections(metrics, matched, provenance), kpi_lead(metrics))


def kpi_lead(metrics: Mapping[str, Any]) -> str:
    """What came out, in a sentence."""
    far = "" if metrics["km"] is None else f", {metrics['km']:,.1f} km"
    return (
        f"{plural(len(metrics['drives']), 'drive')}{far}, {metrics['hours']:.2f} h: event KPI "
        f"{percent(metrics['event_kpi'], 1)}, {_of(metrics)} KPI {percent(metrics['distance_kpi'], 1)}, "
        f"{plural(metrics['dangerous'], 'dangerous limit')}."
    )


def kpi_sections(
    metrics: Mapping[str, Any], matched: Sequence[Row], provenance: Mapping[str, Any]
) -> list[Section]:
    """The sections of the page; those with nothing to show are left out."""
    builders = (
        ("Result", "result", _result(metrics)),
        ("Measures", "measures", _measures(metrics)),
        ("Parts", "parts", _parts(metrics)),
        ("Kinds of sign", "kinds", _kinds(metrics)),
        ("What went wrong", "wrong", _wrong(matched)),
        ("Provenance", "provenance", [_facts({"data": metrics.get("data", ""), **provenance})]),
    )
    return [
        Section(title=title, anchor=anchor, blocks=tuple(blocks))
        for title, anchor, blocks in builders
        if blocks
    ]


def _of(metrics: Mapping[str, Any]) -> str:
    return "time" if metrics["distance_from"] == "time" else "distance"


def _result(metrics: Mapping[str, Any]) -> list[Block]:
    items = (
        ("event KPI", f"{percent(metrics['event_kpi'], 1)}\n{interval(metrics['event_kpi_ci95'], 1)}"),
        (
            f"{_of(metrics)} KPI",
            f"{percent(metrics['distance_kpi'], 1)}\n{interval(metrics['distance_kpi_ci95'], 1)}",
        ),
        ("dangerous limits", f"{metrics['dangerous']:,}\nsure, and above the true one"),
        ("false events", f"{metrics['false']:,}\nof them {metrics['false_sure']:,} sure"),
        ("signs", f"{metrics['true_events']:,}\n{metrics['asked']:,} of them asked for"),
    )
    blocks: list[Block] = [Facts(items=items, headline=len(items)), _isa(metrics), Text(text=ISA)]
    if _of(metrics) == "time":
        text = "No distance is known (no track.gpx, no speeds in drive.toml): shares are of the time."
        blocks.append(Text(text=text, tone="warning"))
    return blocks


def _isa(metrics: Mapping[str, Any]) -> Table:
    """The thresholds, each beside what was measured."""
    rows = [
        (one["name"], percent(one["value"], 1), f">= {percent(one['at_least'], 0)}", _met(one["met"]))
        for one in metrics["isa"]
    ]
    answer = metrics["answer_s_p95"]
    within = None if answer is None else answer <= _ANSWER_S
    rows.append(("answer after passing, 95 of 100", _number(answer, " s"), f"<= {_ANSWER_S} s", _met(within)))
    columns = ("what", "measured", "threshold", "")
    return Table(caption="The thresholds of ISA", columns=columns, rows=tuple(rows), align_right=(1, 2))


def _met(met: bool | None) -> str:
    return "not measured" if met is None else "met" if met else "missed"


def _measures(metrics: Mapping[str, Any]) -> list[Block]:
    unit = "s" if _of(metrics) == "time" else "m"
    rows = [_share_row(metrics, name, title, "") for name, title in _SHARES.items()]
    rows += [
        _share_row(metrics, name, title, " s" if name == "time_kpi" else f" {unit}")
        for name, title in _OF_LIMITS.items()
    ]
    for name, (title, of) in _NUMBERS.items():
        ends = metrics[f"{name}_ci95"]
        between = "–" if ends is None else f"{ends[0]:.2f} to {ends[1]:.2f}{of}"
        rows.append((title, _number(metrics[name], of), between, f"{metrics[f'{name}_n']:,.0f}"))
    table = Table(
        caption="All measures",
        columns=("measure", "value", "95 % interval", "of"),
        rows=tuple(rows),
        align_right=(1, 2, 3),
    )
    return [table, Text(text=f"Intervals are over {metrics['interval_over']}.")]


def _share_row(metrics: Mapping[str, Any], name: str, title: str, unit: str) -> tuple[str, ...]:
    of = f"{metrics[f'{name}_n']:,.0f}{unit}"
    return title, percent(metrics[name], 1), interval(metrics[f"{name}_ci95"], 1), of


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.2f}{unit}"


# Parts


def _parts(metrics: Mapping[str, Any]) -> list[Block]:
    parts = [
        (f"{name}: {word}", own)
        for name, words in metrics["by"].items()
        for word, own in words.items()
        if name != "kind"
    ]
    if not parts:
        return []
    table = Table(
        caption="By light, weather, road and speed",
        columns=("part", "signs", "event KPI", "95 %", f"{_of(metrics)} KPI", "95 %", "dangerous a 100 km"),
        rows=tuple(_part_row(name, own) for name, own in parts),
        align_right=(1, 2, 3, 4, 5, 6),
    )
    return [
        *_chart("distance_kpi", f"The {_of(metrics)} KPI of each part, with its 95 % interval", parts),
        *_chart("event_kpi", "The event KPI of each part, with its 95 % interval", parts),
        table,
    ]


def _part_row(name: str, own: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        name,
        f"{own['event_kpi_n']:,}",
        percent(own["event_kpi"], 1),
        interval(own["event_kpi_ci95"], 1),
        percent(own["distance_kpi"], 1),
        interval(own["distance_kpi_ci95"], 1),
        _number(own["dangerous_per_100_km"], ""),
    )


def _chart(measure: str, caption: str, parts: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Block]:
    rows = [
        Interval(name=name, value=own[measure], low=own[f"{measure}_ci95"][0], high=own[f"{measure}_ci95"][1])
        for name, own in parts
        if own[measure] is not None and own[f"{measure}_ci95"] is not None
    ]
    if rows:
        alt = "; ".join(f"{row.name} {percent(row.value, 1)}" for row in rows)
        yield interval_chart(name=measure, caption=caption, alt=alt, rows=rows)


def _kinds(metrics: Mapping[str, Any]) -> list[Block]:
    rows = tuple(
        (
            kind,
            f"{own['event_kpi_n']:,}",
            percent(own["event_kpi"], 1),
            interval(own["event_kpi_ci95"], 1),
            f"{own['false_per_hour_n']:,}",
        )
        for kind, own in metrics["by"].get("kind", {}).items()
    )
    if not rows:
        return []
    table = Table(
        caption="By kind of sign",
        columns=("kind", "signs", "event KPI", "95 %", "false"),
        rows=rows,
        align_right=(1, 2, 3, 4),
        collapsed=len(rows) > _LONG_TABLE,
    )
    return [table]


def _wrong(matched: Sequence[Row]) -> list[Block]:
    """Every event that is not right, as matched.csv tells them."""
    header, *rows = matched
    at = {name: header.index(name) for name in ("drive", "class", "passed_s", "what")}
    found = {name: header.index(name) for name in ("found_class", "found_passed_s")}
    wrong = [row for row in rows if row[at["what"]] != "right"]
    if not wrong:
        return [Text(text="Every sign was answered rightly and in time, and none was invented.", tone="good")]
    first = f": the first {_MOST_ROWS}" if len(wrong) > _MOST_ROWS else ""
    table = Table(
        caption=f"Every event that is not right{first}",
        columns=("drive", "what", "sign", "passed, s", "found", "at, s"),
        rows=tuple(
            tuple(str(row[place]) or "–" for place in _places(at, found)) for row in wrong[:_MOST_ROWS]
        ),
        align_right=(3, 5),
        collapsed=len(wrong) > _LONG_TABLE,
    )
    return [table]


def _places(at: Mapping[str, int], found: Mapping[str, int]) -> tuple[int, ...]:
    return at["drive"], at["what"], at["class"], at["passed_s"], found["found_class"], found["found_passed_s"]


def _facts(facts: Mapping[str, Any]) -> Facts:
    return Facts(items=tuple((name.replace("_", " "), in_words(value)) for name, value in facts.items()))
