"""Where the run came from: command, commit, machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from roadworthy.core.document import Block, Facts, Text
from roadworthy.core.words import duration, plural
from roadworthy.report.sections.base import section
from roadworthy.report.sections.run import StoredRun
from roadworthy.report.tables import in_words

NAMES = {"train_seconds": "training time", "peak_rss_mb": "most memory used"}


@section("provenance", title="Provenance", order=120)
def provenance(run: StoredRun) -> list[Block]:
    """Command, commit, machine, threads and precision."""
    blocks: list[Block] = []
    if run.provenance.get("dirty"):
        blocks.append(Text(text="The checkout had changes that its commit does not hold.", tone="warning"))
    facts = {name: _fact(name, value) for name, value in run.provenance.items() if name != "pace"}
    if pace := run.provenance.get("pace"):
        facts |= _pace(pace)
    return [
        *blocks,
        Facts(items=tuple((NAMES.get(name, name.replace("_", " ")), value) for name, value in facts.items())),
    ]


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


def _fact(name: str, value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    words: Mapping[str, Callable[[Any], str]] = {
        "seed": str,
        "train_seconds": duration,
        "peak_rss_mb": lambda megabytes: f"{megabytes:,.0f} MB",
    }
    return words.get(name, in_words)(value)
