"""The report on a finished run or evaluation folder: one file a section, each registered under its anchor."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from roadworthy.core.document import Block, Section
from roadworthy.core.errors import CheckpointError
from roadworthy.report.finder_words import finder_verdict
from roadworthy.report.sections.base import RunSection, in_order
from roadworthy.report.sections.run import FinderRun, Run, read_run
from roadworthy.report.verdict import verdict

for _module in pkgutil.iter_modules(__path__):  # a new file in this folder is a new section
    import_module(f"{__name__}.{_module.name}")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A report's title, the sentence that it begins with, its sections, and the metrics that it is about."""

    title: str
    lead: str
    sections: list[Section]
    metrics: Mapping[str, Any]


def run_page(folder: Path) -> Page:
    """The report on a finished run, or on what `roadworthy evaluate --out` wrote.

    Raises CheckpointError naming the file that is missing or damaged.
    """
    run = read_run(Path(folder))
    lead = finder_verdict(run.metrics) if isinstance(run, FinderRun) else verdict(run.metrics)
    return Page(title=_title(run), lead=lead, sections=_sections(run), metrics=run.metrics)


def run_title(folder: Path) -> str:
    """What a report on this folder is called."""
    return _title(read_run(Path(folder)))


def run_sections(folder: Path) -> list[Section]:
    """The sections of the report on a folder (`run_page` tells which)."""
    return _sections(read_run(Path(folder)))


def _title(run: Run | FinderRun) -> str:
    unnamed = "A finder" if isinstance(run, FinderRun) else "A model"
    model = run.config.model.name if run.config else unnamed
    return f"{model} on {run.data['spec']}"


def _sections(run: Run | FinderRun) -> list[Section]:
    built = [(entry, _blocks(entry, run)) for entry in in_order(finder=isinstance(run, FinderRun))]
    return [
        Section(title=entry.title, anchor=entry.anchor, blocks=tuple(blocks))
        for entry, blocks in built
        if blocks
    ]


def _blocks(entry: RunSection, run: Run | FinderRun) -> list[Block]:
    try:
        return entry.build(run)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CheckpointError(
            f"{run.path}: what is stored for the report's section {entry.title!r} does not fit "
            f"({type(error).__name__}: {error}); evaluate the model again to write it again"
        ) from error
