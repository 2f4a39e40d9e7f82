"""From a trained finder to the bundle that ships, held to the boxes of the network that it comes from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from roadworthy.config import DataConfig, load_config
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.device import derive_seed
from roadworthy.core.errors import DataError, UsageError
from roadworthy.core.files import make_folder
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.core.progress import Progress
from roadworthy.data.open_frames import FrameSet, open_frames, open_split
from roadworthy.evaluate.detection.free_response import Sweep, average_precision
from roadworthy.evaluate.detection.tally import tally
from roadworthy.export.box_parity import BoxParity, box_parity, check_full_boxes, check_quantised_boxes
from roadworthy.export.graph import Frames, to_onnx
from roadworthy.export.quantise import quantise
from roadworthy.inference.boxes import MULTIPLE, Finding, padded
from roadworthy.inference.bundle import Exported, Manifest, parse_bundle, seal, write_bundles
from roadworthy.inference.onnx_finder import FinderEngine
from roadworthy.inference.torch_finder import FinderWeights
from roadworthy.report.finder_card import MEASURED
from roadworthy.train.checkpoint import Card, find_checkpoint
from roadworthy.workflows.find_frames import results
from roadworthy.workflows.model_card import placeless, write_card
from roadworthy.workflows.runtime_check import checked_finders

FRAMES = 200  # of validation, that the export is held to
MATTERS = 0.1  # score from which a box must stay
RANGES = 24  # of them, whose activations 8 bits are spread over
SHOWN_PX = 736, 1280  # of those, from their middles


def ship_finder(
    network: torch.nn.Module,
    card: Card,
    manifest: Manifest,
    model: Path,
    to: Path,
    *,
    precision: str,
    data: DataConfig | None,
    runtimes: Sequence[str] = (),
    progress: Progress | None,
) -> Exported:
    """Write a finder's network as a bundle, held to it on frames that it was not trained on.

    manifest: of any bundle of this network, without what only a finder has.
    """
    held = _some(_validation(model, data, progress))
    eager = FinderWeights(network)
    before = results(eager, held)
    manifest = dataclasses.replace(
        manifest, kind="find", stride=MULTIPLE, rejection=None, finding=card.finding, precision="fp32"
    )
    graph = to_onnx(Frames(network), card.input.size, form="frames")
    found = _parity(before, results(_engine(graph, manifest), held))
    check_full_boxes(found)
    facts: dict[str, Any] = {"fp32": found.facts()}
    if precision == "int8":
        graph = quantise(graph, _ranges(held), whole_heads=True)
        manifest = dataclasses.replace(manifest, precision="int8")
        found = _parity(before, results(_engine(graph, manifest), held))
        check_quantised_boxes(found)
        facts["int8"] = found.facts()
    checked = checked_finders(
        runtimes, graph, manifest, lambda finder: _parity(before, results(finder, held)), to.name
    )
    manifest = dataclasses.replace(manifest, parity=facts, metrics=_measured(model), runtimes=checked.facts)
    make_folder(to.parent)
    write_bundles({to: (graph, manifest)})
    return Exported(files=(to, *write_card((to,))), manifest=manifest, notes=checked.notes)


def _measured(model: Path) -> dict[str, dict[str, Any]]:
    """What the run was measured to find, in full precision; nothing for a checkpoint alone."""
    home = find_checkpoint(model).resolve().parent.parent
    if not (home / "metrics.json").is_file():
        return {}
    found = json.loads((home / "metrics.json").read_text(encoding="utf-8"))
    kept = {name: found[name] for name in MEASURED if name in found}
    measured = placeless({"spec": load_config(home / "config.toml").data.spec})["spec"]
    return {f"{found['split']} frames of {measured}": kept}


def _validation(model: Path, data: DataConfig | None, progress: Progress | None) -> FrameSet:
    if data is not None:
        return open_split(data, "val", progress=progress)
    home = find_checkpoint(model).resolve().parent.parent
    if not (home / "config.toml").is_file():
        raise UsageError(
            "a checkpoint without its run folder does not say which frames to check the export on; give "
            "some that it was not trained on with --data"
        )
    held = open_frames(load_config(home / "config.toml").data, with_test=False, progress=progress).val
    if not held.frames:
        raise DataError("the run set no frames aside for validation to check the export on; give --data")
    return held


def _some(held: FrameSet) -> FrameSet:
    """At most FRAMES of them, the same each time."""
    order = np.random.default_rng(derive_seed(0, "export")).permutation(len(held.frames))[:FRAMES]
    return held.subset(sorted(order.tolist()))


def _engine(graph: bytes, manifest: Manifest) -> Finding:
    return FinderEngine(parse_bundle(seal(graph, manifest), "the export"))


def _parity(before: Any, after: Any) -> BoxParity:
    # Of a finder that is sure of nothing all that it says is compared.
    least = MATTERS if any((one.scores >= MATTERS).any() for one in before) else 0.0
    cells, own = _cells(before, least), _cells(after, least)
    return box_parity(cells, own, ap50_before=_ap50(before), ap50=_ap50(after))


def _cells(found: Any, least: float) -> list[FloatArray]:
    """Boxes from a score up, with their scores."""
    return [np.column_stack([one.boxes, one.scores])[one.scores >= least] for one in found]


def _ap50(found: Any) -> float | None:
    curve = Sweep(tally(FinderPredictions(frames=found))).curve()
    return average_precision(curve) if curve.signs else None


def _ranges(held: FrameSet) -> list[ByteArray]:
    """Frames as the network takes them, whose activations show the ranges; from the middle of large ones."""
    shown = []
    for index in range(min(RANGES, len(held.frames))):
        frame = held.pixels.frame(index)
        top, left = (
            max(0, (extent - most) // 2) for extent, most in zip(frame.shape, SHOWN_PX, strict=False)
        )
        shown.append(padded(frame[top : top + SHOWN_PX[0], left : left + SHOWN_PX[1]])[None])
    return shown
