"""Documented paths that have moved: the old ones still work, and warn where the new ones are."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from types import ModuleType
from typing import Any

# Old path below the package, and the modules in which its names are now; the first that has one gives it.
MOVED = {
    "cli.main": ("cli.app",),
    "colour": ("imaging.colour",),
    "errors": ("core.errors",),
    "inputs": ("core.arrays", "imaging.decode", "imaging.preprocess", "imaging.spec"),
    "notes": ("core.notes",),
    "results": (
        "core.predictions",
        "core.rejection",
        "core.accuracy",
        "core.document",
        "core.arrays",
        "core.files",
        "evaluate.results",
        "inference.answers",
        "studies.results",
        "workflows.run_folder",
    ),
    "scores": ("inference.confidence", "inference.answer_rule", "core.predictions"),
}


class _Moved(ModuleType):
    """Stands in for a module that is no more."""

    def __init__(self, old: str) -> None:
        super().__init__(f"roadworthy.{old}", f"Moved to {', '.join(MOVED[old])}.")
        self._old = old

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by the import system, not by anybody
            raise AttributeError(name)
        return moved(self._old, name)


def moved(old: str, name: str) -> Any:
    """What `roadworthy.<old>` called `name`, with a DeprecationWarning for whoever asked."""
    for place in MOVED[old]:
        module = import_module(f"roadworthy.{place}")
        if hasattr(module, name):
            new = f"roadworthy.{place}.{name}"
            asked = f"roadworthy.{old.removesuffix(f'.{name}')}.{name}"
            warnings.warn(f"{asked} has moved to {new}", DeprecationWarning, stacklevel=3)
            return getattr(module, name)
    raise AttributeError(f"module 'roadworthy.{old}' has no attribute {name!r}")


def stand_in() -> dict[str, ModuleType]:
    """Make modules that are no more importable by their old names, none of the new ones yet imported."""
    stand_ins = {old: _Moved(old) for old in MOVED if "." not in old}
    sys.modules.update({f"roadworthy.{old}": module for old, module in stand_ins.items()})
    return dict(stand_ins)
