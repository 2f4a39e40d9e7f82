"""The page's files: those that lie beside this module, and those that follow from a bundle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from roadworthy.errors import UsageError
from roadworthy.export.bundle import Manifest
from roadworthy.results import make_folder
from roadworthy.serve.engine import load_engine

PAGE = Path(__file__).parent / "page"
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


def manifest_json(manifest: Manifest) -> str:
    """What the page must know of a bundle."""
    return json.dumps(asdict(manifest), ensure_ascii=False)


def write_static(bundle: Path, out: Path) -> list[Path]:
    """The page with a bundle, as a folder that any web server can give out, and that works offline.

    Raises UsageError where the page's runtime was not fetched: without a server it alone can answer.
    """
    files = page_files()
    if not any(name.endswith(".wasm") for name in files):
        raise UsageError(
            "the page's runtime is not here; fetch it with: make page (or python -m roadworthy.serve.vendor)"
        )
    engine = load_engine(bundle)
    written = []
    for name, content in _contents(files, bundle, engine.manifest):
        path = out / name
        make_folder(path.parent)
        path.write_bytes(content)
        written.append(path)
    return written


def _contents(files: dict[str, Path], bundle: Path, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    for name, file in files.items():
        yield name, file.read_bytes()
    yield "model/crop.onnx", bundle.read_bytes()
    yield "model/manifest.json", manifest_json(manifest).encode()
