"""The service, and its page for offline use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from roadworthy.core.extras import require
from roadworthy.core.paths import as_path

if TYPE_CHECKING:
    from roadworthy.serve.settings import ServiceConfig
from roadworthy.core.paths import StrPath
from roadworthy.inference.classifier import model_path


def serve(config: ServiceConfig) -> None:
    """Answer over HTTP until told to stop (SIGTERM or Ctrl-C); what was accepted is answered first.

    Raises UsageError where a bundle or the place to listen at cannot be had.
    """
    require("the service", "serve")
    from roadworthy.serve.server import serve as run

    run(config)


def write_page(
    out: StrPath, models: Sequence[StrPath] | None = None, *, finder: Path | None = None
) -> list[Path]:
    """The page with a bundle (the first of `models`, or the packaged one) as a folder for offline use.

    out: write the page with its model to this folder, for any web server, and do not start the service.
    finder: which .onnx finds signs in pictures; without, the packaged one.
    """
    from roadworthy.serve.static import write_static

    return write_static(model_path(next(iter(models or ()), None)), as_path(out), finder)


def bundle_file(model: StrPath) -> Path:
    """The bundle that a model's name stands for."""
    return model_path(model)
