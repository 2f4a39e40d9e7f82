"""Reports: stored results as plain sections, sections as one self-contained HTML page.  No torch."""

from roadworthy.report.card import card_sections, markdown
from roadworthy.report.html import render, write_report
from roadworthy.report.sections import run_sections, run_title
from roadworthy.report.study import read_study, study_sections

__all__ = [
    "card_sections",
    "markdown",
    "read_study",
    "render",
    "run_sections",
    "run_title",
    "study_sections",
    "write_report",
]
