"""Roadworthy: trains, stress-tests and ships road-sign classifiers.

The names below are the public API.  They load on first use, so that `import roadworthy` stays quick and
works without torch.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from roadworthy.core.moved import stand_in

__version__ = "0.1.0"

_PUBLIC = {
    "train": "roadworthy.api",
    "evaluate": "roadworthy.api",
    "predict": "roadworthy.api",
    "load": "roadworthy.api",
    "export": "roadworthy.api",
    "Classifier": "roadworthy.api",
    "score": "roadworthy.api",
    "audit": "roadworthy.api",
    "overview": "roadworthy.api",
    "preview": "roadworthy.api",
    "render": "roadworthy.api",
    "report": "roadworthy.api",
    "study": "roadworthy.api",
    "compare": "roadworthy.api",
    "Answers": "roadworthy.inference.answers",
    "Config": "roadworthy.config",
    "DataConfig": "roadworthy.config",
    "AugmentConfig": "roadworthy.config",
    "EvaluateConfig": "roadworthy.config",
    "load_config": "roadworthy.config",
    "InputSpec": "roadworthy.imaging.spec",
    "decode": "roadworthy.imaging.decode",
    "preprocess": "roadworthy.imaging.preprocess",
    "Predictions": "roadworthy.core.predictions",
    "Metrics": "roadworthy.evaluate.results",
    "ClassMetrics": "roadworthy.evaluate.results",
    "Rejection": "roadworthy.core.rejection",
    "Row": "roadworthy.inference.answers",
    "Run": "roadworthy.workflows.run_folder",
    "Comparison": "roadworthy.evaluate.results",
    "StudyResult": "roadworthy.studies.results",
    "Scored": "roadworthy.workflows.score",
    "Audit": "roadworthy.data.audit",
    "Overview": "roadworthy.data.overview",
    "Pairing": "roadworthy.evaluate.statistics.pairing",
    "Exported": "roadworthy.inference.bundle",
    "Manifest": "roadworthy.inference.bundle",
    "Ask": "roadworthy.studies.plan",  # StudyRequest, by the name that scripts know
    "StudyRequest": "roadworthy.studies.plan",
    "RoadworthyError": "roadworthy.core.errors",
}

__all__ = ["__version__", *sorted(_PUBLIC)]

_STAND_INS = stand_in()


def __getattr__(name: str) -> Any:
    if name in _STAND_INS:
        return _STAND_INS[name]
    if name not in _PUBLIC:
        raise AttributeError(f"module 'roadworthy' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])


class _Package(ModuleType):
    """Importing a subpackage binds its name here; `train` and `evaluate` stay the functions all the same."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
