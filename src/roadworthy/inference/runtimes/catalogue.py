"""All runtimes, by name."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.core.extras import missing, require
from roadworthy.inference.runtimes import (  # noqa: F401 - each files itself
    coreml,
    hailo,
    litert,
    ncnn,
    onnxruntime,
    opencv,
    openvino,
    rknn,
    tensorrt,
    tract,
)
from roadworthy.inference.runtimes.runtime import RUNTIMES, Runtime

DEFAULT = "onnx"


def runtime_of(name: str) -> Runtime:
    """The runtime of that name.  Raises UnknownNameError."""
    return RUNTIMES.get(name)()


def runtimes_of(names: Sequence[str]) -> tuple[str, ...]:
    """Names as users give them, several joined by commas too, each once, all of them known."""
    found = dict.fromkeys(name.strip() for text in names for name in text.split(","))
    for name in found:
        RUNTIMES.get(name)
    return tuple(found)


def ready(name: str) -> Runtime:
    """The same, once all that runs it is installed; MissingExtraError names what is missing."""
    runtime = runtime_of(name)
    if runtime.extra:
        require(f"answering with {runtime.title}", runtime.extra)
    return runtime


def installed() -> tuple[str, ...]:
    """Names of those that this machine can run as it is, ONNX Runtime first."""
    found = [name for name in RUNTIMES if _at_hand(runtime_of(name))]
    return tuple(sorted(found, key=lambda name: (name != DEFAULT, name)))


def _at_hand(runtime: Runtime) -> bool:
    return runtime.runs_here() and not (runtime.extra and missing(runtime.extra))
