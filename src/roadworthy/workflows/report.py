"""report.html and report.txt anew from what a folder stores."""

from __future__ import annotations

from pathlib import Path

from roadworthy.core.extras import missing, require
from roadworthy.core.paths import StrPath, as_path


def report(folder: StrPath, *, quiet: bool = False) -> Path | None:
    """Write report.html from what a run, evaluation or study folder stores; no torch, no data needed.

    Of a run or an evaluation report.txt is written too.
    folder: a run, evaluation or study folder.
    quiet: return None instead of raising where the optional part for reports is not installed.
    """
    from roadworthy.report.html import write_report
    from roadworthy.report.sections import run_page
    from roadworthy.report.study import read_study, study_sections
    from roadworthy.workflows.run_folder import RunFolder

    folder = as_path(folder)
    path = folder / "report.html"
    if quiet and missing("report"):
        return None
    require("a report", "report")
    studies = [place for place in (folder, *sorted(folder.glob("*"))) if (place / "results.json").is_file()]
    if studies:
        sections = study_sections([read_study(place) for place in studies], studies)
        write_report(sections, "Roadworthy: studies", path)
    else:
        page = run_page(folder)
        write_report(page.sections, page.title, path, lead=page.lead)
        RunFolder(folder).write_text(page.metrics)
    return path
