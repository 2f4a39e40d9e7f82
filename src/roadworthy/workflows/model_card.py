"""Model cards, written from what bundles store: beside an export, or again later."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.files import write_text
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.inference.bundle import read_bundle
from roadworthy.report.card import card_sections, markdown
from roadworthy.report.finder_card import finder_card_sections
from roadworthy.report.html import write_report

_FOLDERS = re.compile(r"""(?<![\w.~-])(?:[A-Za-z]:)?[/\\](?:[^\s/\\,:?@"']+[/\\])+(?=[^\s/\\,:?@"'])""")


def write_card(bundles: Sequence[Path], folder: Path | None = None) -> tuple[Path, Path]:
    """The model card of a finder, or of bundles, the one for crops first: as Markdown and as a page.

    folder: where to, if not beside the bundles.
    """
    first = bundles[0] if folder is None else folder / bundles[0].name
    title = f"Model card: {first.stem}"
    its = [
        (path.name, path.stat().st_size, _with_over(dataclasses.asdict(read_bundle(path).manifest)))
        for path in bundles
    ]
    sections = finder_card_sections(its) if its[0][2]["kind"] == "find" else card_sections(its)
    text, page = first.with_suffix(".md"), first.with_suffix(".html")
    write_text(markdown(title, sections), text)
    write_report(sections, title, page)
    return text, page


def _with_over(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest; in older ones it does not stand what their intervals take as independent."""
    for found in manifest["metrics"].values() if manifest["kind"] != "find" else ():
        pictures = wilson(round(found["accuracy"] * found["n"]), found["n"])
        over = "pictures" if np.allclose(found["accuracy_ci95"], pictures, atol=1e-9) else "signs"
        found.setdefault("accuracy_over", over)
    return manifest


def placeless(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts without the folders of this machine, which commands and data specs name."""
    return {key: _FOLDERS.sub("", value) if isinstance(value, str) else value for key, value in facts.items()}
