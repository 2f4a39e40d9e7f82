"""What every tracker is told of a training: its settings, results and files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.core.files import write_json

FILES = ("config.toml", "metrics.json", "history.csv", "model.txt", "report.html")
_MEMORY = "tracking.json"


def as_settings(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str | int | float | bool]:
    """Nested settings by their dotted names; None is left out, several values are one text."""
    found: dict[str, str | int | float | bool] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= as_settings(value, f"{prefix}{name}.")
        elif isinstance(value, (list, tuple)):
            found[f"{prefix}{name}"] = ",".join(map(str, value))
        elif value is not None:
            found[f"{prefix}{name}"] = value
    return found


def results(folder: Path) -> dict[str, float]:
    """The numbers of a run's metrics.json, named after the split that they are of."""
    tree = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return {
        f"{tree['split']}_{name}": float(value)
        for name, value in tree.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


class Remembered:
    """Which runs of trackers a run folder is, so that a training resumed goes on with them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _MEMORY

    def get(self, tracker: str) -> str:
        """The run's name with a tracker; empty for none."""
        if not self._path.is_file():
            return ""
        return str(json.loads(self._path.read_text(encoding="utf-8")).get(tracker, ""))

    def put(self, tracker: str, run: str) -> None:
        """Keep it."""
        known = json.loads(self._path.read_text(encoding="utf-8")) if self._path.is_file() else {}
        write_json({**known, tracker: run}, self._path)
