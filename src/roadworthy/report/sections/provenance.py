"""Where the run came from: command, commit, machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.core.document import Block, Facts, Text
from roadworthy.core.words import plural
from roadworthy.report.sections.base import section
from roadworthy.report.sections.run import Run


@section("provenance", title="Provenance", order=120)
def provenance(run: Run) -> list[Block]:
    """Command, commit, machine, threads and precision."""
    blocks: list[Block] = []
    if run.provenance.get("dirty"):
        blocks.append(Text(text="The checkout had changes that its commit does not hold.", tone="warning"))
    facts = {name: _fact(value) for name, value in run.provenance.items() if name != "pace"}
    if pace := run.provenance.get("pace"):
        facts |= _pace(pace)
    return [*blocks, Facts(items=tuple((name.replace("_", " "), value) for name, value in facts.items()))]


def _pace(pace: Mapping[str, Any]) -> dict[str, str]:
    """How threads and precision were chosen, and the trial behind it."""
    chosen = {
        "measured": "by a trial just before",
        "kept": "by an earlier trial on this machine",
        "given": "as asked",
    }
    busy = ", beside other work" if pace.get("busy") else ""
    tried = [
        f"{plural(one['threads'], 'thread')} {one['precision']} {one['step_s']:.3g} s "
        f"(forward {one['forward_s']:.3g}, backward {one['backward_s']:.3g})"
        for one in pace.get("trials") or []
    ]
    facts = {
        "threads and precision": f"{chosen[pace['source']]}{busy}",
        "threads wait": str(pace["waiting"]),
    }
    batch = f"a step of {pace.get('batch', 0):,} pictures"
    return facts | ({batch: "; ".join(tried)} if tried else {})


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "–" if value is None else str(value)
