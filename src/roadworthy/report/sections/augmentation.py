"""Augmented samples, and how they came about."""

from __future__ import annotations

from roadworthy.core.document import Block, Table, Text
from roadworthy.report.sections.base import labelled_gallery, section
from roadworthy.report.sections.run import Run

AUGMENTED = 24  # pictures shown


@section("augmentation", title="Augmented samples", order=30)
def augmentation(run: Run) -> list[Block]:
    """The augmentation policy, its steps, and pictures that went through it."""
    gallery = labelled_gallery(run, "augmented", "Training pictures after augmentation", AUGMENTED)
    if not run.augment and not gallery:
        return []
    blocks: list[Block] = []
    if run.config is not None:
        policy = run.config.augment
        further = f"; then {policy.mix}" if policy.mix != "none" else ""
        if policy.consistency:
            further = f"; answers to AugMix mixtures of them held alike, weight {policy.consistency:g}"
        text = f"Policy {policy.policy}, strength {policy.strength:g}{further}; only training pictures."
        blocks.append(Text(text=text))
    if run.augment:
        rows = [(str(i), line) for i, line in enumerate(run.augment, start=1)]
        table = Table(
            caption="Steps, in order", columns=("step", "what it does"), rows=tuple(rows), collapsed=True
        )
        blocks.append(table)
    return [*blocks, *gallery]
