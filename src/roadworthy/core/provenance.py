"""Where a result comes from, as far as that is known without torch."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from roadworthy import __version__

PACKAGES = ("torch", "onnxruntime", "numpy", "pillow")


def provenance_of(command: str) -> dict[str, Any]:
    """Versions, commit, command, time and hardware."""
    commit, dirty = _commit()
    return {
        "roadworthy": __version__,
        "commit": commit,
        "dirty": dirty,
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> tuple[str, bool | None]:
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        run = subprocess.run(
            ["git", *arguments], cwd=here, capture_output=True, text=True, timeout=10, check=True
        )
        return run.stdout.strip()

    try:
        # An installed copy inside somebody else's repository must not claim that repository's commit.
        git("ls-files", "--error-unmatch", "provenance.py")
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain"))
    except (OSError, subprocess.SubprocessError):
        return f"release {__version__}", None


def cpu_name() -> str:
    """The processor's model, as the system names it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


_OF_SPEED = {"cpu": "processor", "device": "device", "threads": "threads", "precision": "precision"}


def machines_apart(origins: Iterable[Mapping[str, Any]]) -> str:
    """What of machine, threads or precision differs between results, so that their seconds say nothing.

    origins: of each result its provenance, as it was stored.  Empty where all are alike.
    """
    every = list(origins)
    said = []
    for name, words in _OF_SPEED.items():
        values = list(dict.fromkeys(str(origin.get(name, "unknown")) for origin in every))
        if len(values) > 1:
            said.append(f"{words} {' and '.join(values)}")
    return ", ".join(said)
