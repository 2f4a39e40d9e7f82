"""What stored trainings add up to, computed anew: without training, without pictures, without torch."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from roadworthy.core.errors import CheckpointError, RoadworthyError
from roadworthy.core.extras import require
from roadworthy.core.files import write_json
from roadworthy.core.paths import StrPath, as_path
from roadworthy.core.provenance import provenance_of
from roadworthy.core.words import plural
from roadworthy.studies.plan import Job, Plan, Study, StudyRequest, jobs, plan_of
from roadworthy.workflows.report import report as render

# What a study says beside arms and comparisons, with the words for each.
PARTS = {
    "answer": "answer",
    "claims": "claims",
    "tables": "tables",
    "curves": "charts",
    "bars": "bar charts",
    "galleries": "pictures",
}
MADE_ONCE = ("galleries",)  # from pictures and weights, as the trainings end


def report(folder: StrPath, *, quiet: bool = False) -> Path | None:
    """Write report.html from what a run, evaluation or study folder stores; no torch, no data needed.

    Comparisons, claims and verdicts of studies are computed anew from the answers and measurements of their
    trainings, where those are there; else shown as results.json has them.

    folder: a run, evaluation or study folder.
    quiet: return None instead of raising where the optional part for reports is not installed.
    """
    folder = as_path(folder)
    for place in (folder, *sorted(folder.glob("*"))):
        if (place / "plan.json").is_file():
            conclude_again(place)
    return render(folder, quiet=quiet)


def conclude_again(folder: Path) -> None:
    """Write results.json and results.csv of the study in that folder, from its finished trainings.

    Nothing where no seed has all of its trainings.  What takes pictures, weights or confidences that are not
    here is taken from results.json as it was, and a note says so.
    """
    require("computing a study's verdicts", "train", modules=("scipy",))
    from roadworthy.studies.conclude import conclude, write_runs
    from roadworthy.studies.questions.catalogue import STUDIES

    kept, stored = _read(folder / "results.json"), _read(folder / "plan.json")
    name = kept.get("study", folder.name)
    if name not in STUDIES:
        return
    plan = plan_of(stored["plan"])
    ask, done = _finished(name, plan, _asked({**kept.get("asked", {}), **stored["asked"]}), folder)
    if not done:
        return
    again = _Again(STUDIES.get(name))
    provenance = kept.get("provenance") or _read(done[0].folder / "provenance.json")
    result = conclude(name, ask, plan, done, folder, provenance, study=cast(Study, again))
    tree = result.to_dict()
    shown = [one for one in kept.get("galleries", ()) if (folder / one["file"]).is_file()]
    restored = {part: {**kept, "galleries": shown}.get(part) for part in again.lost}
    tree |= {part: value for part, value in restored.items() if value}
    without = [
        part for part in again.lost if not restored[part] and (kept.get(part) or part not in MADE_ONCE)
    ]
    tree["notes"] = _notes(tree, again.lost, without, len(done))
    write_json(tree, folder / "results.json")
    write_runs(result, folder / "results.csv")


def _notes(
    tree: Mapping[str, Any], lost: Mapping[str, str], without: Sequence[str], trainings: int
) -> list[str]:
    """What was computed anew, what was kept, and what is left out, in words."""
    origin = provenance_of("")
    whose = f"Roadworthy {origin['roadworthy']} ({origin['commit'][:12]})"
    there = [part for part in PARTS if tree.get(part)]
    anew = ["arms", "comparisons", *(PARTS[part] for part in there if part not in lost)]
    kept = [PARTS[part] for part in there if part in lost]
    notes = [
        f"Computed anew by {whose} from the stored answers and measurements of "
        f"{plural(trainings, 'training')}: {', '.join(anew)}."
    ]
    if kept:
        notes.append(
            f"Kept as it was when the trainings ended, since it takes pictures, weights or confidences: "
            f"{', '.join(kept)}."
        )
    notes += [f"Left out, and not kept: {PARTS[part]} ({lost[part]})." for part in without]
    return notes


def _read(path: Path) -> dict[str, Any]:
    """A JSON file; empty where there is none.  CheckpointError where it is damaged."""
    if not path.is_file():
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    return found


def _asked(tree: Mapping[str, Any]) -> StudyRequest:
    """What was asked for, as it comes back from JSON."""
    known = {field.name for field in dataclasses.fields(StudyRequest)}
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in tree.items() if key in known
    }
    return StudyRequest(**values)


def _finished(name: str, plan: Plan, ask: StudyRequest, folder: Path) -> tuple[StudyRequest, list[Job]]:
    """As many seeds as have all of their trainings, and those; none where there is no such seed."""
    from roadworthy.studies.finished import done

    found = [int(path.name.split("-")[1]) for path in folder.glob("runs/*/seed-*")]
    for seeds in range(max(found, default=-1) + 1, 0, -1):
        those = dataclasses.replace(ask, seeds=seeds)
        every = jobs(name, plan, those, folder)
        if every and all(map(done, every)):
            return those, every
    return ask, []


class _Again:
    """A study that leaves out what it cannot say without pictures, weights or confidences, and remembers."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self.lost: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._study, name)
        return self._tried(name, found) if name in PARTS else found

    def _tried(self, part: str, say: Callable[..., Any]) -> Callable[..., Any]:
        def said(*given: Any) -> Any:
            try:
                if part not in MADE_ONCE:
                    return say(*given)
                self.lost[part] = "made as the trainings end"
            except (RoadworthyError, ImportError, OSError, KeyError) as error:
                self.lost[part] = str(error)
            return "" if part == "answer" else ()

        return said
