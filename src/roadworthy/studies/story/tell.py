"""The story of a folder's studies, written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import make_folder, write_text
from roadworthy.core.paths import StrPath, as_path

if TYPE_CHECKING:
    from roadworthy.report.story.chapters import Told


def tell(folder: StrPath, out: StrPath) -> Told:
    """The studies whose results lie under `folder` as one page, the file `out`; nothing is trained.

    Goes through the questions of the study in their order; what `folder` does not hold is named as missing.
    Raises UsageError where there are no results at all.
    """
    # Not where this module is imported, which `predict` does too.
    from roadworthy.report.html import render_story
    from roadworthy.report.story.chapters import Told
    from roadworthy.studies.story.make import JUDGED_BY, make_story
    from roadworthy.studies.story.read import read_library

    require("a story", "report", "train")
    folder, out = as_path(folder), as_path(out)
    library = read_library(folder)
    if not library:
        raise UsageError(
            f"{folder} holds no results of studies; get some with: roadworthy study --data gtsrb: --quick "
            f"--out {folder}, or name their folder with --out"
        )
    page = render_story(make_story(library))
    make_folder(out.parent)
    write_text(page, out)
    notes = tuple(
        f"{name} has no results under {folder}: missing" for name in JUDGED_BY if name not in library
    )
    return Told(file=out, notes=notes)
