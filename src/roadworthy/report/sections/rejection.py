"""When not to answer: mistakes by the share answered."""

from __future__ import annotations

from roadworthy.core.document import Block, Text
from roadworthy.core.words import percent, plural
from roadworthy.report import figures
from roadworthy.report.sections.base import number_table, section
from roadworthy.report.sections.run import Run

FAR_FROM_CHOSEN = 0.05  # of coverage: more than the spread between sets of a thousand


@section("rejection", title="When not to answer", order=90)
def rejection(run: Run) -> list[Block]:
    """What the threshold accepts, and how many of the surest answers are wrong."""
    found = run.metrics.get("rejection")
    if not found:
        return []
    text = f"Pictures are put in order by the score '{found['score']}'. "
    tone = "plain"
    if found.get("threshold") is None:
        text += "No threshold was chosen: every answer is given."
    else:
        n = run.metrics["n"]
        text += (
            f"Answers below {found['threshold']:.4f} are not accepted, a threshold chosen to let through "
            f"{percent(found['chosen_for_coverage'], 1)} of {found['chosen_on']:,} validation pictures. "
            f"Here it accepts {percent(found['coverage'])} of {n:,}, of which "
            f"{percent(found['accuracy_accepted'])} are right: {plural(found['errors_accepted'], 'mistake')} "
            f"instead of {found['errors_accepted'] + found['errors_rejected']:,}."
        )
        if found["coverage"] < found["chosen_for_coverage"] - FAR_FROM_CHOSEN:
            text += " That is far fewer than on validation: these pictures are unlike those."
            tone = "warning"
    rows = [(percent(float(coverage), 0), percent(error, 3)) for coverage, error in found["error_at"].items()]
    coverage, risk = (tuple(found["curve"][name]) for name in ("coverage", "risk"))
    blocks: list[Block] = [Text(text=text, tone=tone)]
    if len(coverage) > 1:
        blocks.append(
            figures.line_chart(
                name="risk-coverage",
                caption="Mistakes among the answers given, when the surest are given first",
                alt=f"{text} With every answer given {percent(risk[-1])} are wrong.",
                lines=[figures.Line(name="wrong", xs=coverage, ys=risk)],
                x_label="share of pictures answered",
                percent=True,
                mark=None if found.get("threshold") is None else (found["coverage"], "threshold"),
            )
        )
    return [*blocks, number_table("Mistakes by share answered", ["answered", "wrong of these"], rows)]
