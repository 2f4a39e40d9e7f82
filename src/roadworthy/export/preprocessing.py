"""Code that prepares pictures where Roadworthy is not: in C, JavaScript and Python, as its own does."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import PIL

from roadworthy.core.errors import UsageError
from roadworthy.core.files import write_text
from roadworthy.imaging.spec import InputSpec

LANGUAGES = ("c", "js", "py")
_TRUE = {"c": "1", "js": "true", "py": "True"}
_FALSE = {"c": "0", "js": "false", "py": "False"}


def code(spec: InputSpec, language: str) -> str:
    """The source of `preprocess`, from a picture of a sign to what a bundle takes.

    Normalisation is in the network; what is left is to resize, and each runtime's own way gives other pixels.
    Raises UsageError for a rule other than bilinear.
    """
    if spec.resize != "bilinear":
        raise UsageError(f"code to prepare pictures is written for bilinear alone, not for {spec.resize}")
    source = pkgutil.get_data("roadworthy.export", f"code/preprocess.{language}.txt")
    assert source is not None
    tall = (_TRUE if int(PIL.__version__.split(".")[0]) >= 13 else _FALSE)[language]
    return source.decode().replace("@SIZE@", str(spec.size)).replace("@TALL@", tall)


def write_code(spec: InputSpec, bundle: Path) -> tuple[Path, ...]:
    """NAME_preprocess.c, .js and .py beside NAME.onnx."""
    written = []
    for language in LANGUAGES:
        path = bundle.with_name(f"{bundle.stem}_preprocess.{language}")
        write_text(code(spec, language), path)
        written.append(path)
    return tuple(written)
