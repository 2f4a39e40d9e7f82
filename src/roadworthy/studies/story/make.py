"""The story of a library of finished studies: every sentence about results follows from them."""

from __future__ import annotations

from roadworthy.core.document import Table
from roadworthy.report.story.chapters import Story
from roadworthy.report.study import THE_STUDY
from roadworthy.studies.claims import CLAIMED
from roadworthy.studies.story.domain import new_domain
from roadworthy.studies.story.paper import paper, reproduced
from roadworthy.studies.story.problem import built, data, problem
from roadworthy.studies.story.read import Library, command_of
from roadworthy.studies.story.training import augmentation, equal_time, mistakes

# Which study judges each claim.
JUDGED_BY = {
    "baseline": ("C1",),
    "augmentation": ("C2", "C3"),
    "profile": ("C4",),
    "equal-time": ("C5", "C6"),
    "mistakes": ("C7", "C8"),
    "domains": ("C9", "C10", "C11"),
    "gradient-norm-original": ("C12",),
    "gradient-norm-signs": ("C13", "C14"),
}


def make_story(library: Library) -> Story:
    """All questions in their order; what the library lacks is named as missing."""
    chapters = (
        problem(),
        data(library),
        built(library),
        augmentation(library),
        equal_time(library),
        mistakes(library),
        new_domain(library),
        paper(),
        reproduced(library),
    )
    return Story(
        title="Recognising road signs: the study, question by question",
        summary=(THE_STUDY, _from(library)),
        chapters=chapters,
        claims=claims(library),
    )


def _from(library: Library) -> str:
    runs = [run for one in library.values() for arm in one.tree["arms"] for run in arm["runs"]]
    quick = [name for name, one in library.items() if one.quick]
    said = f"Here are {len(runs):,} trainings of {len(library)} studies. "
    said += "Intervals are 95 %; what is not known is said to be missing."
    return said + (f" Quick looks, which settle nothing: {', '.join(quick)}." if quick else "")


def claims(library: Library) -> Table:
    """C1 to C14, those that were not judged too."""
    judged = {c["id"]: (c, one) for one in library.values() for c in one.tree["claims"]}
    rows = []
    for name, ids in JUDGED_BY.items():
        for id in ids:
            if id in judged:
                claim, one = judged[id]
                rows.append((id, claim["text"], claim["verdict"], claim["evidence"], command_of(one)))
            else:
                lacks = "not among these results"
                rows.append((id, CLAIMED[id], "missing", lacks, f"roadworthy study {name}"))
    return Table(
        caption="Each claim, what became of it, and by which trainings",
        columns=("", "claim", "verdict", "evidence", "command"),
        rows=tuple(rows),
    )
