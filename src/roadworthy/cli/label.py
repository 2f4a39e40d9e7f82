"""`roadworthy label`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roadworthy.cli.described import Described, argument, option, setting
from roadworthy.cli.options import LabelsOption, command_line, examples
from roadworthy.cli.printing import print_line, print_prose, print_table, say
from roadworthy.core.errors import UsageError

verbs = typer.Typer()

_SHOWN = 15  # frames in the table; all are in looks.csv
_PLACE, _IMPORT = "workflows.label:label", "workflows.label_import:label_import"

WhatArgument = Annotated[str | None, argument(f"{_PLACE}.spec", metavar="SPEC|FILM|DIR")]
OutOption = Annotated[Path, setting(f"{_PLACE}.out", "--out", metavar="DIR")]
ToolOption = Annotated[str, option(f"{_PLACE}.tool", "--for", metavar="TOOL")]
ModelOption = Annotated[str | None, setting(f"{_PLACE}.model", "--model", metavar="MODEL")]
FinderOption = Annotated[str | None, setting(f"{_PLACE}.finder", "--finder", metavar="MODEL")]
SplitOption = Annotated[str, option(f"{_PLACE}.split", "--split", metavar="NAME")]
ThresholdOption = Annotated[float | None, setting(f"{_PLACE}.threshold", "--threshold", metavar="SCORE")]
SmallestOption = Annotated[float | None, setting(f"{_PLACE}.least_px", "--smallest", metavar="PX")]
EveryOption = Annotated[float, option(f"{_PLACE}.every_s", "--every", metavar="S")]
ImportOption = Annotated[str | None, setting(f"{_IMPORT}.file", "--import", metavar="FILE")]
TruthOption = Annotated[str | None, setting(f"{_IMPORT}.truth", "--truth", metavar="SPEC")]
DrawOption = Annotated[float, setting(f"{_IMPORT}.draw_s", "--draw-s", metavar="S")]
FixOption = Annotated[float, setting(f"{_IMPORT}.fix_s", "--fix-s", metavar="S")]
CheckOption = Annotated[float, setting(f"{_IMPORT}.check_s", "--check-s", metavar="S")]


@verbs.command(
    cls=Described,
    epilog=examples(
        "roadworthy label photographs --out labels --for yolo",
        "roadworthy label --import labels/yolo --out labels",
    ),
)
def label(
    *,
    what: WhatArgument = None,
    out: OutOption,
    tool: ToolOption,
    model: ModelOption = None,
    finder: FinderOption = None,
    split: SplitOption,
    labels: LabelsOption = None,
    threshold: ThresholdOption = None,
    smallest: SmallestOption = None,
    every: EveryOption,
    file: ImportOption = None,
    truth: TruthOption = None,
    draw_s: DrawOption = 10.0,
    fix_s: FixOption = 5.0,
    check_s: CheckOption = 1.0,
) -> None:
    """Label pictures or films with a model, for a person to correct.

    The frames most worth a look come first: unsure boxes, frames of one sign that are read differently,
    boxes near other labels, signs unlike those the model learned from.  With --import it takes the labels
    back and tells what a person changed, how good the labels were and how many hours they saved.
    """
    from roadworthy import api

    if file is not None:
        if what is not None:
            raise UsageError(f"--import takes labels back, so leave out {what}, or label it without --import")
        corrected = api.label_import(
            file,
            out,
            truth=truth,
            labels=labels or "names",
            draw_s=draw_s,
            fix_s=fix_s,
            check_s=check_s,
            command=command_line(),
        )
        print_table(["boxes", "n"], [[kind, n] for kind, n in corrected.counts.items()])
        print_prose(corrected.verdict)
        say(f"box by box in {out / 'changes.csv'}")
        return
    if what is None:
        raise UsageError(
            "nothing to label; give a folder of pictures, a film or SOURCE:PLACE, or --import FILE"
        )
    if truth is not None:
        raise UsageError("--truth has no effect without --import")
    from roadworthy.cli.progress import Counter

    with Counter("labelling") as counter:
        done = api.label(
            what,
            out,
            tool=tool,
            model=model,
            finder=finder,
            split=split,
            labels=labels or "names",
            threshold=threshold,
            least_px=smallest,
            every_s=every,
            command=command_line(),
            progress=counter,
        )
    rows = [[look.path, f"{look.worth:.2f}", "; ".join(look.reasons)] for look in done.looks[:_SHOWN]]
    print_table(["frame", "worth", "why"], rows, path="frame")
    print_prose(done.verdict)
    print_line(str(done.labels))
