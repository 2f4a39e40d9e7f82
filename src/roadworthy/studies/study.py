"""Questions answered by trainings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.paths import as_path
from roadworthy.studies.results import StudyResult

if TYPE_CHECKING:
    from roadworthy.studies.executors import Executor
    from roadworthy.studies.plan import StudyRequest
    from roadworthy.studies.watch import Watcher
from roadworthy.core.paths import StrPath
from roadworthy.data.spec import extras_for
from roadworthy.workflows.report import report


def require_for_study(ask: StudyRequest, *, on: str = "local") -> None:
    """MissingExtraError where what a study takes is not installed; `on`: where its trainings run."""
    ray = ["cluster"] if on == "ray" else []
    require("a study", "train", *extras_for(ask.data, *ask.new.values()), *ray)


def study(
    names: Sequence[str],
    ask: StudyRequest,
    out: StrPath,
    *,
    executor: Executor | None = None,
    watcher: Watcher | None = None,
    command: str = "",
) -> list[StudyResult]:
    """Answer questions by trainings, each in a folder of `out`; without names all that `ask` suffices for.

    names: which studies; `roadworthy list studies` shows them all, and without names all that fit the data
        run.
    A study that was interrupted continues where it stopped.
    executor: closed in the end.
    Raises DataError, before anything is trained, where an input is not there or not fit, and TrainingError
    naming trainings that failed, after all others are done, those of other studies too.
    """
    require_for_study(ask)
    from roadworthy.config import load_config
    from roadworthy.core.device import pick_device, provenance
    from roadworthy.core.errors import TrainingError
    from roadworthy.studies.executors import Here
    from roadworthy.studies.inputs import open_inputs
    from roadworthy.studies.questions.catalogue import STUDIES
    from roadworthy.studies.runner import forecast, run_study
    from roadworthy.studies.watch import Watcher

    for name in names:
        lacks = STUDIES.get(name).lacks(ask)
        if lacks:
            raise UsageError(f"the study {name} needs {lacks}")
    out, names = as_path(out), names or tuple(name for name in STUDIES if not STUDIES.get(name).lacks(ask))
    watcher = watcher or Watcher()
    data = load_config(None, ask.settings, data={"spec": ask.data, "classes": ask.classes}).data
    open_inputs(data, ask.new.values(), ask.cifar)
    origin = provenance(device=pick_device(), autocast=None, seed=0, command=command)
    results, failed = [], []
    with closing(executor or Here()) as own:
        planned = {}
        for name in names:
            watcher.on_forecast(name)
            planned[name] = forecast(name, ask, out / name, own)
        watcher.on_plan(
            {name: len(prepared.to_do()) for name, prepared in planned.items()},
            sum(prepared.seconds for prepared in planned.values()),
        )
        for name, prepared in planned.items():
            try:
                results.append(run_study(prepared, own, watcher, origin))
            except TrainingError as error:
                failed.append(f"{name}: {error}")
            else:
                report(out, quiet=True)
    if failed:
        raise TrainingError("; ".join(failed))
    return results
