"""A finder, wherever its weights are: the packaged one, a bundle, or a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.finding_rule import FindingRule
from roadworthy.core.paths import StrPath, as_path, refuse_foreign
from roadworthy.inference.boxes import Finding
from roadworthy.inference.onnx_finder import load_finder, packaged_finder


class Finder(Finding, Protocol):
    """A network that finds, with the scores from which its boxes count."""

    @property
    def rule(self) -> FindingRule:
        """From which score on a box is a sign, and from which an answer to it is accepted."""


def finder_file(path: StrPath | None) -> Path:
    """The place that a finder's name stands for: the packaged one without a name.

    Raises UsageError where none is named and none comes with this copy.
    """
    chosen = packaged_finder() if path is None else as_path(path)
    if chosen is None:
        raise UsageError(
            "this copy comes without a finder; train one (roadworthy train --model finder) and name it"
        )
    refuse_foreign(chosen)
    return chosen


def open_finder(path: StrPath | None = None, *, device: str = "cpu", threads: int = 0) -> Finder:
    """The finder of a bundle (.onnx), a run folder or a .safetensors file; without a path the packaged one.

    device: where weights in torch are put; bundles answer on the processor.  threads: as `load` takes them.
    """
    chosen = finder_file(path)
    if chosen.suffix.lower() == ".onnx":
        return load_finder(chosen, threads=threads)
    require("finding with a checkpoint", "train")
    from roadworthy.inference.torch_finder import load_weights

    return load_weights(chosen, device)
