"""What measuring drives prints: one table of all, one of its parts, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from roadworthy.cli.printing import print_line, print_prose, print_table
from roadworthy.core.words import interval, percent, plural

if TYPE_CHECKING:
    from roadworthy.drive.kpi.measures import DriveMetrics, Kpis
    from roadworthy.evaluate.detection.results import Measured

_SHARES = {
    "event_kpi": "event KPI",
    "found": "  found",
    "found_once": "  found once",
    "right_class": "  right class",
    "in_time": "  right and in time",
    "limit_signs_before": "limits before passing",
    "plates_right": "plates right",
    "duplicates": "duplicates",
}
_SECONDS = {"answer_s_median": "answer, median", "answer_s_p95": "answer, 95 of 100"}


def print_drive_metrics(metrics: DriveMetrics) -> None:
    """All measures of drives; `events` and `distance` are the event KPI and the distance KPI of a part."""
    print_prose(_heading(metrics))
    print_line("")
    print_table(["measure", "value", "95 %", "of", "ISA"], list(_rows(metrics)))
    print_line("")
    print_table(["part", "", "signs", "events", "distance", "95 %", "danger"], list(_parts(metrics)))
    if metrics.by["kind"]:
        print_line("")
        print_table(["sign", "signs", "events", "95 %", "false"], list(_kinds(metrics)))
    print_line("")
    print_prose(
        f"ISA (EU 2021/1958): right within 2.0 s of passing a sign in view for 1.0 s; {_roads(metrics)}"
    )
    if metrics.distance_from == "time":
        print_prose("no distance is known (no track.gpx, no speeds in drive.toml): shares are of the time")
    print_prose(f"intervals are over {metrics.interval_over}")


def _heading(metrics: DriveMetrics) -> str:
    far = "" if metrics.km is None else f", {metrics.km:,.1f} km (by {metrics.distance_from})"
    counts = f"{plural(metrics.true_events, 'sign')}, {plural(metrics.found_events, 'event')} found"
    return f"{plural(len(metrics.drives), 'drive')}{far}, {metrics.hours:.2f} h; {counts}"


def _rows(metrics: DriveMetrics) -> Iterator[list[str]]:
    own, by_time = metrics.all, metrics.distance_from == "time"
    for name, title in _SHARES.items():
        one: Measured = getattr(own, name)
        yield [title, percent(one.value), interval(one.ci95), f"{one.n:,}", ""]
    unit = "s" if by_time else "m"
    met = {threshold.name: threshold.met for threshold in metrics.isa}["distance, all"]
    asked = ">= 90 %" if met is None else f">= 90 %: {'met' if met else 'missed'}"
    for title, one, of, more in (
        ("time KPI" if by_time else "distance KPI", own.distance_kpi, unit, asked),
        ("  of the time", own.time_kpi, "s", ""),
        ("  any limit known", own.answered, unit, ""),
        ("  dangerous limit", own.dangerous_share, unit, ""),
    ):
        yield [title, percent(one.value), interval(one.ci95), f"{one.n:,} {of}", more]
    for title, one, what in (
        ("dangerous a 100 km", own.dangerous_per_100_km, metrics.dangerous),
        ("false events an hour", own.false_per_hour, metrics.false),
        ("  those accepted", own.false_sure_per_hour, metrics.false_sure),
    ):
        yield [title, *_number(one, ""), f"{what:,}", ""]
    for name, title in _SECONDS.items():
        one = getattr(own, name)
        yield [title, *_number(one, " s"), f"{one.n:,}", "<= 2.0 s"]
    one = own.confirmed_m_median
    yield ["sure before it, median", *_number(one, " m"), f"{one.n:,}", ""]


def _number(one: Measured, unit: str) -> tuple[str, str]:
    ends = "–" if one.ci95 is None else f"{one.ci95[0]:.2f} to {one.ci95[1]:.2f}{unit}"
    return "–" if one.value is None else f"{one.value:.2f}{unit}", ends


def _parts(metrics: DriveMetrics) -> Iterator[list[str]]:
    for name, parts in metrics.by.items():
        for word, own in parts.items() if name != "kind" else ():
            yield [name, word, f"{own.event_kpi.n:,}", percent(own.event_kpi.value, 1), *_of_limits(own)]


def _kinds(metrics: DriveMetrics) -> Iterator[list[str]]:
    for kind, own in metrics.by["kind"].items():
        one, false = own.event_kpi, own.false_per_hour
        yield [kind, f"{one.n:,}", percent(one.value, 1), interval(one.ci95, 1), f"{false.n:,}"]


def _of_limits(own: Kpis) -> tuple[str, str, str]:
    one, danger = own.distance_kpi, own.dangerous_per_100_km
    return percent(one.value, 1), interval(one.ci95, 1), str(danger.n) if danger.value is not None else "–"


def _roads(metrics: DriveMetrics) -> str:
    roads = [one for one in metrics.isa if one.name != "distance, all" and one.met is not None]
    short = [one.name.removeprefix("distance, ") for one in roads if not one.met]
    kept = f"missed on {', '.join(short)}" if short else "met" if roads else "not measured"
    return f">= 90 % of the distance, and >= 80 % on each kind of road: {kept}"
