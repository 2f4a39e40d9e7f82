"""Which files are served, and what is said of a name that is none."""

from pathlib import Path

import pytest

from roadworthy.errors import UsageError
from roadworthy.serve.engine import packaged
from roadworthy.serve.models import Models, _bundle
from roadworthy.serve.settings import ServiceConfig


def test_a_name_that_is_no_bundle_is_refused_with_what_would_be(tmp_path: Path) -> None:
    bundle = tmp_path / "small.onnx"
    bundle.touch()
    assert _bundle(bundle) == bundle
    with pytest.raises(UsageError, match=r"there is no file .*smal\.onnx; did you mean .*small\.onnx\?"):
        _bundle(tmp_path / "smal.onnx")
    with pytest.raises(UsageError, match=r"there is no file .*other; name a bundle, or packaged"):
        _bundle(tmp_path / "none" / "other")
    with pytest.raises(UsageError, match=r"is a folder; make a bundle of the run in it: roadworthy export"):
        _bundle(tmp_path)


def test_packaged_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _bundle(Path("packaged")) == packaged()


def test_what_is_wrong_is_found_before_anything_is_served(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        Models(ServiceConfig(models=(tmp_path / "none.onnx",))).prepare()
