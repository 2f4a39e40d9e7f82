"""Signs found over HTTP: where the finder says, named by the reader, accepted where both are sure."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs roadworthy[serve]")
pytest.importorskip("httpx2", reason="asking it needs httpx2")

from starlette.testclient import TestClient

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import BundleError, UsageError
from roadworthy.core.finding_rule import FindingRule
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import Manifest, read_bundle, seal
from roadworthy.inference.onnx_finder import FinderEngine, packaged_finder
from roadworthy.serve import models
from roadworthy.serve.app import create_app
from roadworthy.serve.models import Models, finder_bundle
from roadworthy.serve.settings import ServiceConfig
from roadworthy.serve.static import write_static


def client_of(*served: Path, finder: Path | None = None, **settings: Any) -> TestClient:
    config = ServiceConfig(models=served, finder=finder, **settings)
    return TestClient(create_app(config), "http://localhost")


def street(height: int = 96, width: int = 160) -> ByteArray:
    """Two red squares, one of them paler, on black."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[32:64, 96:128] = 230, 0, 0
    frame[0:32, 32:64] = 120, 0, 0
    return frame


def png(frame: ByteArray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def client(bundle: Path, red_finder: Path) -> Iterator[TestClient]:
    with client_of(bundle, finder=red_finder) as opened:
        yield opened


def test_the_finder_that_comes_along_has_a_name(
    red_finder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roadworthy.serve.models.packaged_finder", lambda: red_finder)
    monkeypatch.chdir(tmp_path)
    assert finder_bundle(None) == finder_bundle(Path("packaged")) == red_finder
    (tmp_path / "packaged").write_bytes(b"a file of that name")
    assert finder_bundle(Path("packaged")) == Path("packaged")


def found(client: TestClient, picture: bytes, query: str = "") -> list[dict[str, Any]]:
    answer = client.post(f"/v1/predict?find=true{query}", content=picture)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["results"])


def test_a_box_is_accepted_where_finder_and_reader_are_sure(client: TestClient) -> None:
    sure, doubtful = found(client, png(street()))
    assert (sure["predicted"], sure["accepted"], sure["reason"]) == ("stop", True, None)
    assert sure["box"] == [96, 32, 128, 64]
    assert sure["found"] == pytest.approx(230 / 255, abs=1e-4)
    assert doubtful["box"] == [32, 0, 64, 32]
    assert doubtful["found"] == pytest.approx(120 / 255, abs=1e-4)
    assert (doubtful["accepted"], doubtful["reason"]) == (False, "it may be no such sign")
    assert doubtful["confidence"] > 0.9  # the reader alone would have been believed
    assert found(client, png(np.zeros((40, 50, 3), np.uint8))) == []


@pytest.mark.skipif(packaged_finder() is None, reason="this copy has no packaged finder")
def test_the_packaged_finder_and_reader_find_drawn_signs() -> None:
    torch = pytest.importorskip("torch", reason="streets are drawn with torch")
    from roadworthy.data.drawings import face_tiles
    from roadworthy.evaluate.detection import match
    from roadworthy.render.street import draw_street

    drawn = draw_street(
        face_tiles(("au",), 64), torch.Generator().manual_seed(4), width=480, height=320, most=2
    )
    with client_of() as client:
        results = found(client, png(drawn.image))
    matched = match([tuple(one["box"]) for one in results], drawn.boxes).found
    assert {own for own in matched if own is not None} == set(range(len(drawn.boxes)))
    for one, own in zip(results, matched, strict=True):
        assert own is None or one["predicted"] == drawn.signs[own]


def test_a_picture_that_cannot_be_read_keeps_none_of_the_others_back(client: TestClient) -> None:
    files = [("images", (name, data)) for name, data in (("a", b"bad"), ("b", png(street())))]
    results = client.post("/v1/predict?find=true", files=files).json()["results"]
    assert [(one["name"], one["error"] is None) for one in results] == [
        ("a", False),
        ("b", True),
        ("b", True),
    ]


def test_any_reader_finds_by_the_finder_of_the_service(
    bundle: Path, red_finder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "packaged_finder", lambda: None)
    for finder in (red_finder, None):
        with client_of(bundle, finder=finder) as client:
            (model,) = client.get("/v1/models").json()["models"]
            assert "no-sign" not in model["classes"]
            assert model["finds"] is (finder is not None)
            status = client.post("/v1/predict?find=true", content=png(street())).status_code
            assert status == (422 if finder is None else 200)
            assert client.get("/model/find.onnx").status_code == (404 if finder is None else 200)
            assert (json.loads(client.get("/model/manifest.json").text)["finder"] is None) is (finder is None)
    monkeypatch.setattr(models, "packaged_finder", lambda: red_finder)
    with client_of(bundle) as client:
        assert len(found(client, png(street()))) == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("find=true&smallest=3.9", "smallest must be a number of 4 or more; got 3.9"),
        ("find=true&smallest=inf", "smallest must be a number of 4 or more; got inf"),
        ("find=true&smallest=nan", "smallest must be a number of 4 or more; got nan"),
        ("smallest=8", "smallest is of signs that are found; add find=true"),
        ("find=true&box=1,1,9,9", "find looks at whole pictures"),
    ],
)
def test_what_makes_no_sense_is_refused(client: TestClient, query: str, words: str) -> None:
    answer = client.post(f"/v1/predict?{query}", content=png(street()))
    assert (answer.status_code, words in answer.json()["error"]) == (422, True), answer.text


def test_the_smallest_sign_decides_how_large_the_network_sees_a_picture(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[int, ...]] = []
    real = FinderEngine.cells

    def cells(self: FinderEngine, frame: ByteArray) -> Any:
        shown.append(frame.shape[:2])
        return real(self, frame)

    monkeypatch.setattr(FinderEngine, "cells", cells)
    for query in ("", "&smallest=5", "&smallest=20"):
        found(client, png(street()), query)
    assert [shape for shape in shown if max(shape) > 50] == [(96, 160), (192, 320), (64, 96)]
    shown.clear()
    found(client, png(np.zeros((2000, 3000, 3), np.uint8)), "&smallest=4")
    assert all(height * width < 14e6 for height, width in shown)  # seconds at most, whatever is asked


def test_a_reload_takes_another_finder_and_refuses_a_damaged_one(
    bundle: Path, red_finder: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.onnx"
    shutil.copy(red_finder, own)
    with client_of(bundle, finder=own) as client:
        held: Models = client.app.service.models  # type: ignore[attr-defined]
        before = held.get()
        client.post("/v1/reload")
        assert held.get() is before  # the file is what it was
        own.write_bytes(red_finder.read_bytes()[:-1])
        refused = client.post("/v1/reload")
        assert (refused.status_code, "nothing was changed" in refused.text) == (422, True)
        assert len(found(client, png(street()))) == 2
        sealed = read_bundle(red_finder)
        strict = Manifest(
            kind="find",
            classes=("sign",),
            input=InputSpec(size=352),
            stride=32,
            finding=FindingRule(threshold=0.8, sure=0.95),
        )
        own.write_bytes(seal(_without_metadata(sealed.network), strict))
        assert client.post("/v1/reload").status_code == 200
        (only,) = found(client, png(street()))
        assert only["accepted"] is False


def _without_metadata(network: bytes) -> bytes:
    import onnx

    model = onnx.load_from_string(network)
    del model.metadata_props[:]
    return bytes(model.SerializeToString())


def test_files_in_each_others_place_are_refused_at_the_start(
    bundle: Path, red_finder: Path, tmp_path: Path
) -> None:
    def prepare(**settings: Any) -> None:
        Models(ServiceConfig(**settings)).prepare()

    with pytest.raises(BundleError, match="reads signs and does not find them"):
        prepare(models=(bundle,), finder=bundle)
    with pytest.raises(UsageError, match="finds signs and does not read them; give it as the finder"):
        prepare(models=(red_finder,))
    with pytest.raises(UsageError, match=r"there is no file .*red\.onx; did you mean .*red\.onnx\?"):
        prepare(models=(bundle,), finder=red_finder.with_name("red.onx"))


def test_a_static_copy_brings_the_finder_along(
    bundle: Path, red_finder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roadworthy.serve.static.page_files", lambda: {"vendor/some.wasm": bundle})

    with pytest.raises(UsageError, match="is a folder; make a bundle of the run in it"):
        write_static(bundle, tmp_path / "none", tmp_path)
    assert not (tmp_path / "none").exists()

    def written() -> Any:
        return json.loads((tmp_path / "model" / "manifest.json").read_text())

    assert tmp_path / "model" / "find.onnx" in write_static(bundle, tmp_path, red_finder)
    assert (tmp_path / "model" / "find.onnx").read_bytes() == red_finder.read_bytes()
    assert written()["finder"]["sure"] == 0.6
    monkeypatch.setattr("roadworthy.serve.models.packaged_finder", lambda: None)
    assert tmp_path / "model" / "find.onnx" not in write_static(bundle, tmp_path)
    assert written()["finder"] is None
