"""Reports: stored results as plain sections, sections as one self-contained HTML page.  No torch."""

from roadworthy.report.html import render, write_report
from roadworthy.report.sections import run_sections, run_title

__all__ = ["render", "run_sections", "run_title", "write_report"]
