"""The page's files: those that lie beside this module, and those that follow from a bundle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import PIL

from roadworthy.core.errors import UsageError
from roadworthy.core.files import make_folder, replacing
from roadworthy.core.finding_rule import FindingRule
from roadworthy.drive.limits.regions import region_named, region_names
from roadworthy.imaging import colour
from roadworthy.imaging.resizing import REACH
from roadworthy.inference import boxes, found
from roadworthy.inference import detect as find
from roadworthy.inference.answer_rule import UNSURE_BOX
from roadworthy.inference.bundle import Manifest
from roadworthy.inference.onnx import Engine, load_engine, load_windows
from roadworthy.inference.onnx_finder import FinderEngine, load_finder
from roadworthy.serve.models import finder_bundle
from roadworthy.signs.catalogue import (
    NO_SIGN,
    faces,
    kind_and_value,
    plain_face,
    sign_classes,
    told_by_colour,
)

PAGE = Path(__file__).parent / "page"
HOME = "au"  # whose form of a sign the page shows first
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".wasm": "application/wasm",
    ".png": "image/png",
    ".json": "application/json",
    ".onnx": "application/octet-stream",
}


def page_files() -> dict[str, Path]:
    """The page's own files by the path that a browser asks for."""
    return {
        file.relative_to(PAGE).as_posix(): file
        for file in sorted(PAGE.rglob("*"))
        if file.is_file() and file.suffix in TYPES
    }


def model_json(
    crops: Manifest,
    windows: Manifest | None,
    finding: FindingRule | None = None,
    *,
    region: str = "default",
) -> str:
    """What the page must know to answer as the server does: the bundle's manifest, and by what rules.

    windows: of the bundle for a closer look, where there is one.  finding: the finder's rule, where there is
    a finder.  region: of drives, until another is chosen.
    The page has no number of its own that an answer rests on, and knows no sign.
    """
    told = asdict(crops) | {
        "windows": None if windows is None else asdict(windows),
        "finder": None if finding is None else asdict(finding),
        "rules": {
            "find": find.constants(),
            "boxes": boxes.constants() | found.constants(),
            "unsure_box": UNSURE_BOX,
            "colour": colour.constants(),
            "reach": REACH,
            # Since Pillow 13 it shrinks a tall picture's columns first, which rounds otherwise.
            "tall_columns_first": int(PIL.__version__.partition(".")[0]) >= 13,
            "no_sign": NO_SIGN,
        },
        "countries": countries(),
        "region": region,
        "regions": {name: region_named(name).name for name in region_names()},
        "signs": {name: _sign(name) for name in crops.classes},
    }
    return json.dumps(told, ensure_ascii=False)


def countries() -> list[str]:
    """The countries in whose form the page shows signs, HOME first."""
    return sorted({face.country for face in faces()}, key=lambda country: (country != HOME, country))


def _sign(name: str) -> dict[str, Any]:
    """What the page says of a class: what only colour tells it from, what it means, its codes."""
    known = sign_classes().get(name)
    forms = {country: plain_face(name, [country]) for country in countries()}
    kind, value = kind_and_value(name)
    return {
        "kind": kind,
        "value": value,
        "by_colour": told_by_colour(name),
        "meaning": known.meaning if known else "",
        "faces": {country: face.code for country, face in forms.items() if face is not None},
    }


def write_static(bundle: Path, out: Path, finder: Path | None = None) -> list[Path]:
    """The page with a bundle, as a folder that any web server can give out, and that works offline.

    A NAME-find.onnx beside the bundle comes along.  finder: what finds signs; the packaged one without.
    Raises UsageError where the page's runtime was not fetched: without a server it alone can answer.
    """
    files = page_files()
    if not any(name.endswith(".wasm") for name in files):
        raise UsageError(
            "the page's runtime is not here; fetch it with: make page (or python -m roadworthy.serve.vendor)"
        )
    written = []
    crops, finder = load_engine(bundle), finder_bundle(finder)
    finding = None if finder is None else load_finder(finder)
    for name, content in _contents(files, crops, load_windows(bundle, crops), finding):
        path = out / name
        make_folder(path.parent)
        with replacing(path) as aside:
            aside.write_bytes(content)
        written.append(path)
    return written


def _contents(
    files: dict[str, Path], crops: Engine, windows: Engine | None, finder: FinderEngine | None
) -> Iterator[tuple[str, bytes]]:
    for name, file in files.items():
        yield name, file.read_bytes()
    yield "model/crop.onnx", crops.network
    if windows is not None:
        yield "model/crop-find.onnx", windows.network
    if finder is not None:
        yield "model/find.onnx", finder.network
    told = model_json(crops.manifest, windows.manifest if windows else None, finder.rule if finder else None)
    yield "model/manifest.json", told.encode()
