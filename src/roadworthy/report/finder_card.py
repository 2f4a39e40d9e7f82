"""The model card of an exported finder, as sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.core.document import Block, Facts, Section, Table, Text
from roadworthy.core.words import percent
from roadworthy.report.card import UNCERTIFIED, Its, other_runtimes, provenance

MEASURED = {
    "ap50": "average precision at an overlap of 0.5",
    "recall": "signs found at the threshold",
    "precision": "boxes that are signs",
    "found_and_read": "signs found and read right by the packaged reader",
    "frames_with_sure_wrong": "frames with an answer that is sure and wrong",
}
"""Of a run's metrics.json, what its card tells, each with its n and interval."""
MEASURED |= {f"{name}_{part}": "" for name in tuple(MEASURED) for part in ("n", "ci95")}


def finder_card_sections(files: Sequence[Its]) -> list[Section]:
    """What a user should know before relying on an exported finder."""
    name, size, manifest = files[0]
    builders = (
        ("Model", "model", _model(name, size, manifest)),
        ("Measured", "measured", _measured(manifest)),
        ("As the network it was made from", "parity", _parity(manifest)),
        ("In other runtimes", "runtimes", other_runtimes(manifest)),
        ("Limits", "limits", _limits()),
        ("Provenance", "provenance", provenance(manifest)),
    )
    return [
        Section(title=title, anchor=anchor, blocks=tuple(blocks))
        for title, anchor, blocks in builders
        if blocks
    ]


def _model(name: str, size: int, manifest: Mapping[str, Any]) -> list[Block]:
    rule, stride = manifest["finding"], manifest["stride"]
    chosen = (
        f"chosen on {rule['frames']:,} validation frames, for at most {rule['false_per_frame']:g} false "
        "boxes in each"
    )
    wrong = f"for at most {percent(rule['sure_wrong'])} of frames with one that is wrong"
    if not rule["frames"]:
        chosen = wrong = "a guess, for there were no validation frames"
    return [
        Facts(
            items=(
                ("finds", "road signs in whole frames; which they are a reader says"),
                ("file", f"{name}, {size:,} bytes"),
                ("takes", f"uint8 RGB, 1 x H x W x 3; H and W multiples of {stride}"),
                ("gives", "1 x N x 5: x1, y1, x2, y2 in pixels and a score, overlapping boxes among them"),
                ("a sign from", f"a score of {rule['threshold']:.3f}, {chosen}"),
                ("a sure answer from", f"a score of {rule['sure']:.3f}, {wrong}"),
                ("precision", manifest["precision"]),
                ("data", manifest["licence"] or "unknown"),
            )
        )
    ]


def _measured(manifest: Mapping[str, Any]) -> list[Block]:
    """What the network was measured to find in full precision, before its export."""
    return [
        Table(
            caption=f"In full precision, {name}",
            columns=("figure", "value", "n", "95 % interval"),
            rows=tuple(
                (label, percent(found[key]), f"{found[f'{key}_n']:,}", _interval(found[f"{key}_ci95"]))
                for key, label in MEASURED.items()
                if label and found.get(key) is not None
            ),
            align_right=(1, 2),
        )
        for name, found in manifest["metrics"].items()
    ]


def _interval(ends: Sequence[float] | None) -> str:
    return "–" if ends is None else f"{percent(ends[0])} to {percent(ends[1])}"


def _parity(manifest: Mapping[str, Any]) -> list[Block]:
    rows = [
        (
            precision,
            f"{found['n']:,}",
            f"{found['boxes']:,}",
            percent(found["agreement"]),
            f"{found['largest_difference']:.2g}",
            f"{found['largest_edge_difference_px']:.2g}",
            "–" if found["ap50_before"] is None else percent(found["ap50_before"]),
            "–" if found["ap50"] is None else percent(found["ap50"]),
        )
        for precision, found in manifest["parity"].items()
    ]
    columns = (
        *("in", "frames", "boxes", "found by both", "largest difference of a score", "of an edge, px"),
        *("AP50 before", "AP50 now"),
    )
    return [
        Table(
            caption="Against the trained network on validation frames; full precision is always checked",
            columns=columns,
            rows=tuple(rows),
            align_right=tuple(range(1, len(columns))),
        )
    ]


def _limits() -> list[Block]:
    return [
        Text(
            text="It finds what looks like a road sign, and misses some: small, far, turned away and hidden "
            "ones first. Figures hold for frames like those measured on: other cameras, countries, weather "
            "and nights may be found worse. Signs that a reader has no class for are found too."
        ),
        UNCERTIFIED,
    ]
