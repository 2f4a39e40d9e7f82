"""What a penalty changes beside its own plain training: 60s, matrices, pictures, the course of its norm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roadworthy.core.document import Cell, Column, DataTable
from roadworthy.studies.questions.arm_tables import confusions_of, mean_counts, overlaid, place_name
from roadworthy.studies.questions.domain_pictures import before_and_after
from roadworthy.studies.questions.gradient_norm_arms import PENALTY, PLAIN
from roadworthy.studies.results import ArmResult, Curves, Stored, StudyResult

SIXTY = "speed-60"
SHOWN = 2  # pairs with matrices and pictures
DRAWN_FIRST = ("study-cnn, photographs, equal epochs: ", "compact, photographs, equal time: ")


def without_and_with(result: StudyResult) -> list[tuple[ArmResult, ArmResult]]:
    """Plain training and the same with the penalty, in each setting that has both."""
    known = {arm.name: arm for arm in result.arms}
    return [
        (known[plain], arm)
        for name, arm in known.items()
        if name == PENALTY or name.endswith(f": {PENALTY}")
        for plain in [name.removesuffix(PENALTY) + PLAIN]
        if plain in known
    ]


def _drawn(result: StudyResult) -> list[tuple[ArmResult, ArmResult]]:
    """Those whose matrices and pictures are shown: what claims speak of first."""
    pairs = without_and_with(result)
    return sorted(pairs, key=lambda pair: not pair[0].name.startswith(DRAWN_FIRST))[:SHOWN]


def sixties(result: StudyResult, folder: Path) -> DataTable:
    """How many 60s are read correctly without and with the penalty, wherever there are any."""
    rows: list[tuple[Cell, ...]] = []
    for plain, penalty in without_and_with(result):
        for domain in ("", *result.domains):
            found = [mean_counts(arm, folder, domain) for arm in (plain, penalty)]
            if SIXTY not in found[0][0]:
                continue
            row = found[0][0].index(SIXTY)
            n = float(found[0][1][row].sum())
            if n:
                shares = [float(counts[row, row]) / n for _, counts in found]
                rows.append((penalty.name, place_name(domain), n, *shares, shares[1] - shares[0]))
    return DataTable(
        caption=f"Recall of {SIXTY} without and with the penalty; means over trainings",
        columns=(
            Column("arm"),
            Column("on"),
            Column("pictures", "count"),
            Column("without", "share", 1),
            Column("with", "share", 1),
            Column("points", "points", 1),
        ),
        rows=tuple(rows),
    )


def matrices(result: StudyResult, folder: Path) -> list[DataTable]:
    """Confusion matrices without and with the penalty, on the test and in every other domain."""
    return [
        matrix
        for pair in _drawn(result)
        for domain in ("", *result.domains)
        for arm in pair
        for matrix in confusions_of(arm, folder, domain)
    ]


def galleries(result: StudyResult, folder: Path) -> list[Stored]:
    """Pictures that only one of the two reads correctly."""
    return [
        stored
        for i, (plain, penalty) in enumerate(_drawn(result))
        for j, domain in enumerate(("", *result.domains))
        for stored in before_and_after(plain, penalty, folder, domain, f"changed-{i}-{j}.npz")
    ]


def norms(result: StudyResult, folder: Path, arms: Sequence[str]) -> list[Curves]:
    """The norm that is penalised, over epochs; nothing where no training recorded it."""
    return overlaid(
        result,
        folder,
        arms,
        column="gradient_norm",
        name=f"{result.study}-norm",
        caption="Gradient norm that is penalised, mean over the steps of each epoch and over trainings",
        log=True,
    )
