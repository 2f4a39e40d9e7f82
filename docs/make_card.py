"""Write the packaged model's card again from what its bundles store: python docs/make_card.py."""

from __future__ import annotations

from pathlib import Path

from roadworthy.inference.bundle import finder_path
from roadworthy.inference.onnx import packaged
from roadworthy.workflows.export import write_card


def written(folder: Path | None = None) -> tuple[Path, Path]:
    """The card as Markdown and as a page, beside the bundles or in `folder`."""
    crop = packaged()
    if crop is None:
        raise SystemExit("this copy comes without a model; make one with: roadworthy export")
    return write_card((crop, finder_path(crop)), folder)


if __name__ == "__main__":
    for path in written():
        print(path)
