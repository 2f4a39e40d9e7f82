"""A training as a run of Weights & Biases: settings, curves, results and the small files of its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.train.callbacks import Callback
from roadworthy.train.tracked import FILES, Remembered, as_settings, results

PROJECT = "roadworthy"


class WandbRun(Callback):
    """With WANDB_API_KEY (or WANDB_MODE=online) sent as it goes; else offline, in the run's folder, wandb/.

    What is offline `wandb sync RUN/wandb/offline-run-*` sends later.  folder: of the run.  settings: of the
    training, as nested values.  names: of curves, by their columns.
    Raises MissingExtraError without wandb, UsageError where it cannot begin.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], names: Mapping[str, str]) -> None:
        require("train.wandb", "wandb")
        self._folder, self._settings, self._names = folder, settings, names
        self._run: Any = None

    def on_start(self, budget: str) -> None:
        """Begin the run, or go on with the one that the folder remembers."""
        import wandb

        mode = os.environ.get("WANDB_MODE") or ("online" if os.environ.get("WANDB_API_KEY") else "offline")
        memory = Remembered(self._folder)
        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                name=self._folder.name,
                id=memory.get("wandb") or None,
                resume="allow",
                dir=str(self._folder),
                mode=mode,
                config=as_settings(self._settings),
                # Nothing of the machine or the code around is sent, and the terminal stays ours.
                settings=wandb.Settings(
                    silent=True, console="off", disable_git=True, save_code=False, x_disable_stats=True
                ),
            )
        except wandb.errors.Error as error:
            said = " ".join(str(error).split())[:200]
            raise UsageError(
                f"Weights & Biases cannot begin a run ({said}); set WANDB_MODE=offline, or leave out "
                "train.wandb"
            ) from error
        memory.put("wandb", self._run.id)

    def on_epoch(self, row: Mapping[str, float]) -> None:
        """Add a point to each curve."""
        curves = {self._names.get(n, n): float(v) for n, v in row.items() if n not in ("epoch", "step")}
        self._run.log(curves, step=int(row["step"]))

    def on_close(self, folder: Path | None) -> None:
        """Add what was measured, and the files."""
        if self._run is None:
            return
        if folder is not None:
            import wandb

            self._run.summary.update(results(folder))
            files = wandb.Artifact(f"run-{self._run.id}", type="run")
            for name in FILES:
                if (folder / name).is_file():
                    files.add_file(str(folder / name))
            self._run.log_artifact(files)
        self._run.finish(exit_code=1 if folder is None else 0)
