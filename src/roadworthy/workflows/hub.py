"""A bundle as a folder that Hugging Face's hub takes: model card with metadata, files, classes by number."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from roadworthy.core.errors import UsageError
from roadworthy.core.files import folder_replacing, write_json, write_text
from roadworthy.core.paths import StrPath, as_path
from roadworthy.inference.bundle import Manifest, read_bundle, windows_path
from roadworthy.inference.classifier import model_path
from roadworthy.workflows.model_card import write_card

TASKS = {
    "crop": ("image-classification", "Image Classification"),
    "find": ("object-detection", "Object Detection"),
}
_NAMES = {"accuracy": "accuracy", "ap50": "map"}
_USE = """
## Use

```sh
pip install roadworthy
hf download USER/{name} --local-dir {name}
roadworthy predict {name}/{file} photo.jpg
```
"""


def hub_folder(model: StrPath | None, out: StrPath, *, licence: str = "other") -> Path:
    """Write the folder for a bundle; nothing is sent.  `hf upload USER/NAME DIR` sends it.

    model: an exported bundle (.onnx), or `packaged`.
    out: the folder to make; it must not be there yet, or be empty.
    licence: what the hub calls the licence, like apache-2.0; `other` leaves it to what the card says of the
        data that were trained on.
    Raises UsageError where `out` holds something, BundleError for what is no bundle.
    """
    path, out = model_path(model), as_path(out)
    if path.suffix.lower() != ".onnx":
        raise UsageError(f"{path} is no bundle; export it first: roadworthy export {path} --to model.onnx")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there already; name a folder that is empty or yet to be made")
    manifest = read_bundle(path).manifest
    if manifest.kind not in TASKS:
        raise UsageError(f"{path} is for a closer look, and belongs to another bundle; give that one")
    files = [path, *([windows_path(path)] if windows_path(path).is_file() else [])]
    if out.exists():
        out.rmdir()
    with folder_replacing(out) as folder:
        for file in files:
            shutil.copyfile(file, folder / file.name)
        text, page = write_card(tuple(folder / file.name for file in files))
        head = yaml.safe_dump(metadata(manifest, out.name, licence), sort_keys=False, allow_unicode=True)
        use = _USE.format(name=out.name, file=path.name)
        write_text(f"---\n{head}---\n\n{text.read_text(encoding='utf-8')}{use}", folder / "README.md")
        text.unlink()
        page.unlink()
        write_json(_config(manifest, path.name), folder / "config.json")
    return out


def metadata(manifest: Manifest, name: str, licence: str) -> dict[str, Any]:
    """The head of a model card, by the hub's rules: what it is, its licence, and what was measured."""
    task, title = TASKS[manifest.kind]
    results = [
        {
            "task": {"type": task, "name": title},
            "dataset": {"type": "other", "name": on},
            "metrics": [
                {"type": kind, "value": round(float(measured[name]), 4), "name": name}
                for name, kind in _NAMES.items()
                if name in measured
            ],
        }
        for on, measured in manifest.metrics.items()
    ]
    results = [result for result in results if result["metrics"]]
    found: dict[str, Any] = {
        "license": licence,
        **({"license_name": "see-model-card"} if licence == "other" else {}),
        "library_name": "roadworthy",
        "pipeline_tag": task,
        "tags": ["traffic-signs", "road-signs", "onnx", *(["int8"] if manifest.precision == "int8" else [])],
    }
    return {**found, **({"model-index": [{"name": name, "results": results}]} if results else {})}


def _config(manifest: Manifest, file: str) -> Mapping[str, Any]:
    """config.json: the classes by number, as the hub's libraries look for them, and how pictures go in."""
    spec = manifest.input
    return {
        "library_name": "roadworthy",
        "file": file,
        "task": "find" if manifest.kind == "find" else "read",
        "id2label": {str(number): name for number, name in enumerate(manifest.classes)},
        "label2id": {name: number for number, name in enumerate(manifest.classes)},
        "image_size": spec.size,
        "resize": spec.resize,
        "temperature": manifest.temperature,
    }
