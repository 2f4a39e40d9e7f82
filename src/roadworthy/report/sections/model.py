"""The network: its size and its layers."""

from __future__ import annotations

from roadworthy.core.document import Block, Facts, Listing
from roadworthy.report.sections.base import section
from roadworthy.report.sections.run import StoredRun


@section("model", title="Model", order=110)
def model(run: StoredRun) -> list[Block]:
    """Parameters, architecture, input, and the layers as listed."""
    facts = [("parameters", f"{run.metrics['parameters']:,}")] if run.metrics.get("parameters") else []
    if run.config is not None:
        size = run.config.input.size
        facts += [("architecture", run.config.model.name), ("input", f"{size} × {size} px, RGB")]
    # model.txt ends with a row of totals, multiply-adds last.
    totals = [line.split() for line in run.model.splitlines() if line.startswith("total")]
    facts += [("multiply-adds per picture", row[-1]) for row in totals[-1:]]
    blocks: list[Block] = [Facts(items=tuple(facts))] if facts else []
    if run.model:
        blocks.append(Listing(caption="Layers, shapes, parameters, multiply-adds", text=run.model))
    return blocks
