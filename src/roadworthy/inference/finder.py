"""A finder, wherever its weights are: the packaged one, a bundle, or a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.finding_rule import FindingRule
from roadworthy.core.paths import StrPath, as_path, refuse_foreign
from roadworthy.inference.boxes import Finding
from roadworthy.inference.onnx import PACKAGED, refuse_misspelt
from roadworthy.inference.onnx_finder import load_finder, packaged_finder


class Finder(Finding, Protocol):
    """A network that finds, with the scores from which its boxes count."""

    @property
    def rule(self) -> FindingRule:
        """From which score on a box is a sign, and from which an answer to it is accepted."""


def finder_file(path: StrPath | None) -> Path:
    """The file that a finder's name stands for: a bundle's, or that of its weights.

    Without a name, or by the text `packaged`, it is the one that comes along.
    Raises UsageError where that is missing, or nothing is at the place named.
    """
    if isinstance(path, str):
        refuse_misspelt(path)
    chosen = packaged_finder() if path is None or is_packaged(path) else as_path(path)
    if chosen is None:
        raise UsageError(
            "this copy comes without a finder; train one (roadworthy train --model finder) and name it"
        )
    refuse_foreign(chosen)
    if not chosen.exists():
        raise UsageError(f"no finder at {chosen}; give a bundle (.onnx), a run folder or a .safetensors file")
    if chosen.suffix.lower() == ".onnx":
        return chosen
    require("finding with a checkpoint", "train")
    from roadworthy.train.checkpoint import find_checkpoint

    return find_checkpoint(chosen)


def is_packaged(path: StrPath | None) -> bool:
    """Whether a finder's name stands for the one that comes along; a Path is a place, whatever its name."""
    return path is None or (isinstance(path, str) and path == PACKAGED)


def open_finder(path: StrPath | None = None, *, device: str = "cpu", threads: int = 0) -> Finder:
    """The finder of a bundle (.onnx), a run folder or a .safetensors file; without, or `packaged`, ours.

    device: where weights in torch are put; bundles answer on the processor.  threads: as `load` takes them.
    """
    chosen = finder_file(path)
    if chosen.suffix.lower() == ".onnx":
        return load_finder(chosen, threads=threads)
    from roadworthy.inference.torch_finder import load_weights

    return load_weights(chosen, device)
