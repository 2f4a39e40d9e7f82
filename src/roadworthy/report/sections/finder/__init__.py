"""The sections of a finder's report: one file a section, each registered under its anchor."""

from __future__ import annotations

import pkgutil
from importlib import import_module

for _module in pkgutil.iter_modules(__path__):  # a new file in this folder is a new section
    import_module(f"{__name__}.{_module.name}")
