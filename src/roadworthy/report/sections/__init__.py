"""The report on a finished run or evaluation folder: one file a section, each registered under its anchor."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

from roadworthy.core.document import Block, Section
from roadworthy.core.errors import CheckpointError
from roadworthy.report.sections.base import RunSection, in_order
from roadworthy.report.sections.run import Run, read_run

for _module in pkgutil.iter_modules(__path__):  # a new file in this folder is a new section
    import_module(f"{__name__}.{_module.name}")


def run_title(folder: Path) -> str:
    """What a report on this folder is called."""
    run = read_run(Path(folder))
    model = run.config.model.name if run.config else "A model"
    return f"{model} on {run.data['spec']}"


def run_sections(folder: Path) -> list[Section]:
    """The sections of the report on a finished run, or on what `roadworthy evaluate --out` wrote.

    Raises CheckpointError naming the file that is missing or damaged.
    """
    run = read_run(Path(folder))
    built = [(entry, _blocks(entry, run)) for entry in in_order()]
    return [
        Section(title=entry.title, anchor=entry.anchor, blocks=tuple(blocks))
        for entry, blocks in built
        if blocks
    ]


def _blocks(entry: RunSection, run: Run) -> list[Block]:
    try:
        return entry.build(run)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise CheckpointError(
            f"{run.path}: what is stored for the report's section {entry.title!r} does not fit "
            f"({type(error).__name__}: {error}); evaluate the model again to write it again"
        ) from error
