"""Studies by name: each is one definition in one file of this package."""

from __future__ import annotations

from importlib import import_module

from roadworthy.studies.plan import STUDIES as STUDIES

for _module in (
    "baseline",
    "augmentation",
    "profile",
    "equal_time",
    "crossval",
    "mistakes",
    "domains",
    "few_shot",
    "corruptions",
    "trust",
    "frames",
    "gradient_norm",
    "gradient_norm_original",
    "gradient_norm_signs",
):
    import_module(f"roadworthy.studies.questions.{_module}")
