"""Write the packaged models' cards again from what their bundles store: python docs/make_card.py."""

from __future__ import annotations

from pathlib import Path

from roadworthy.inference.bundle import windows_path
from roadworthy.inference.onnx import packaged
from roadworthy.inference.onnx_finder import packaged_finder
from roadworthy.workflows.model_card import write_card


def written(folder: Path | None = None) -> tuple[Path, ...]:
    """The reader's card and the finder's, as Markdown and as pages, beside the bundles or in `folder`."""
    crop = packaged()
    if crop is None:
        raise SystemExit("this copy comes without a model; make one with: roadworthy export")
    finder = packaged_finder()
    finders = () if finder is None else write_card((finder,), folder)
    return (*write_card((crop, windows_path(crop)), folder), *finders)


if __name__ == "__main__":
    for path in written():
        print(path)
