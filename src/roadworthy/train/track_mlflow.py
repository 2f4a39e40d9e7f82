"""A training as a run of MLflow: settings, curves, results and the small files of its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.train.callbacks import Callback
from roadworthy.train.tracked import FILES, Remembered, as_settings, results

EXPERIMENT = "roadworthy"


class MlflowRun(Callback):
    """Where MLFLOW_TRACKING_URI says, or as files in the run's folder, mlruns/.

    A training that is resumed goes on with the same run.
    folder: of the run.  settings: of the training, as nested values.  names: of curves, by their columns.
    Raises MissingExtraError without MLflow, UsageError where its server does not answer.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], names: Mapping[str, str]) -> None:
        require("train.mlflow", "mlflow")
        self._folder, self._settings, self._names = folder, settings, names
        self._client: Any = None
        self._run = ""

    def on_start(self, budget: str) -> None:
        """Begin the run, or go on with the one that the folder remembers."""
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient

        place = os.environ.get("MLFLOW_TRACKING_URI")
        if not place:
            # Its files are all that is needed here; it asks for a database unless told so.
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            place = (self._folder.resolve() / "mlruns").as_uri()
        memory = Remembered(self._folder)
        try:
            self._client = MlflowClient(tracking_uri=place)
            self._run = memory.get("mlflow") or self._begun()
            self._client.update_run(self._run, status="RUNNING")
        except MlflowException as error:
            said = " ".join(str(error).split())[:200]
            raise UsageError(
                f"MLflow cannot be used ({said}); see MLFLOW_TRACKING_URI, or leave out train.mlflow"
            ) from error
        memory.put("mlflow", self._run)

    def _begun(self) -> str:
        named = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        known = self._client.get_experiment_by_name(named)
        experiment = self._client.create_experiment(named) if known is None else known.experiment_id
        run: str = self._client.create_run(experiment, run_name=self._folder.name).info.run_id
        for name, value in as_settings(self._settings).items():
            self._client.log_param(run, name, value)
        return run

    def on_epoch(self, row: Mapping[str, float]) -> None:
        """Add a point to each curve."""
        for name, value in row.items():
            if name not in ("epoch", "step"):
                curve = _allowed(self._names.get(name, name))
                self._client.log_metric(self._run, curve, float(value), step=int(row["step"]))

    def on_close(self, folder: Path | None) -> None:
        """Add what was measured, and the files."""
        if self._client is None:
            return
        if folder is not None:
            for name, value in results(folder).items():
                self._client.log_metric(self._run, name, value)
            for name in FILES:
                if (folder / name).is_file():
                    self._client.log_artifact(self._run, str(folder / name))
        self._client.set_terminated(self._run, "FAILED" if folder is None else "FINISHED")


def _allowed(name: str) -> str:
    """A name without what MLflow's may not hold."""
    return "".join(c if c.isalnum() or c in "_-. /" else "" for c in name)
