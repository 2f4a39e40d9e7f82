"""`roadworthy doctor`: what it says of this machine.  Works without torch, and says so."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import typer

from roadworthy import __version__
from roadworthy.cli.described import Described
from roadworthy.cli.options import FormatOption, TableFormat, examples
from roadworthy.cli.printing import print_facts, print_json, print_line
from roadworthy.core.extras import EXTRAS, missing
from roadworthy.core.waiting import wait_asleep, waiting

CORE = ("numpy", "pillow", "onnxruntime")
NOT_INSTALLED = "not installed"
Facts = list[tuple[str, str]]

verbs = typer.Typer()


@verbs.command(cls=Described, epilog=examples("roadworthy doctor"))
def doctor(
    format: FormatOption = TableFormat.table,
) -> None:
    """Show what is installed, what it runs on and where data are kept."""
    found = diagnose()
    if format is TableFormat.json:
        print_json({heading: dict(facts) for heading, facts in found.items()})
        return
    width = max(len(name) for facts in found.values() for name, _ in facts)
    for heading, facts in found.items():
        print_line(f"{heading}:")
        print_facts([(f"{name:<{width}}", value) for name, value in facts], indent="  ")
        lacking = [name.strip("[]") for name, value in facts if value.startswith(NOT_INSTALLED)]
        if lacking:
            print_line(f"  install one with: pip install 'roadworthy[{lacking[0]}]'")


def diagnose() -> dict[str, Facts]:
    """Facts under headings: versions, optional parts, computing, places."""
    return {
        "versions": [("roadworthy", __version__), ("python", _python()), *((p, _version(p)) for p in CORE)],
        "optional parts": [(f"[{extra}]", _extra(extra)) for extra in EXTRAS],
        "computing": [("processor", f"{os.cpu_count()} cores, {platform.machine()}"), *_computing()],
        "places": _places(),
    }


def _python() -> str:
    return f"{platform.python_version()} ({sys.executable}), {platform.system()} {platform.release()}"


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow to load, for one command

    try:
        return version(package)
    except PackageNotFoundError:
        return NOT_INSTALLED


def _extra(extra: str) -> str:
    lacks, own = missing(extra), list(EXTRAS[extra])
    if lacks == own:
        return NOT_INSTALLED
    if lacks:
        return f"{NOT_INSTALLED}: missing {', '.join(lacks)}"
    return ", ".join(f"{package} {_version(package)}" for package in own)


def _computing() -> Facts:
    if "torch" in missing("train"):
        return [("training", "not possible without torch")]
    wait_asleep()  # as a training does
    import torch

    from roadworthy.core.device import may_use_bf16, pick_device

    device = pick_device()
    gpu = "none"
    if torch.cuda.is_available():
        names = (torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        gpu = ", ".join(names)
    elif device.type == "mps":
        gpu = "Apple (MPS)"
    return [
        ("GPU", gpu),
        ("device", str(device)),
        ("precision", "fp32, or bf16 where it makes a network faster" if may_use_bf16(device) else "fp32"),
        ("threads", f"at most {torch.get_num_threads()}, waiting {waiting()}"),
    ]


def _places() -> Facts:
    import platformdirs

    from roadworthy.data.cache import default_cache_dir

    named = os.environ.get("ROADWORTHY_DATA")
    data = _place(Path(named)) if named else "not set"
    return [
        ("ROADWORTHY_DATA", data),
        ("data", _place(platformdirs.user_data_path("roadworthy", appauthor=False))),
        ("caches", _place(default_cache_dir())),
    ]


def _place(path: Path) -> str:
    return str(path) if path.is_dir() else f"{path} (does not exist)"
