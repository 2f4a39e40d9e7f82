from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError
from roadworthy.data.sources.cifar10 import read
from roadworthy.data.spec import read_records

CLASSES = ("airplane", "automobile")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADWORTHY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def folder(root: Path) -> Path:
    for split, n in (("train", 3), ("test", 2)):
        for number in range(n):
            for label in CLASSES:
                path = root / "cifar10" / split / label / f"{number:04d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (32, 32), (number, 0, 0)).save(path)
    return root / "cifar10"


def packed(root: Path, inner: Path, name: str = "cifar10.tar.xz") -> Path:
    with tarfile.open(root / name, "w:xz" if name.endswith("xz") else "w:gz") as archive:
        archive.add(inner, inner.name)
    return root / name


def summary(place: Path) -> list[tuple[str, str, str]]:
    return sorted((r.split, r.label, Path(r.path).stem) for r in read(place, {}, "names"))


def test_an_archive_reads_as_its_folder(tmp_path: Path, cache: Path) -> None:
    inner = folder(tmp_path)
    assert len(summary(inner)) == 10
    assert summary(packed(tmp_path, inner)) == summary(inner) == summary(tmp_path / "cifar10")
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*.png")}
    assert summary(tmp_path / "cifar10.tar.xz") == summary(inner)  # from the cache
    assert before == {path: path.stat().st_mtime_ns for path in cache.rglob("*.png")}


def test_it_is_found_where_data_usually_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORTHY_DATA", str(tmp_path))
    with pytest.raises(DataNotFoundError, match=str(tmp_path / "cifar10")):
        read_records("cifar10:")
    source = folder(tmp_path / "elsewhere")
    packed(tmp_path, source)
    assert len(read_records("cifar10:")) == 10


def batches(root: Path) -> Path:
    place = root / "cifar-10-batches-bin"
    place.mkdir()
    (place / "batches.meta.txt").write_text("\n".join(CLASSES) + "\n\n")
    rng = np.random.default_rng(0)
    for name in [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]:
        records = rng.integers(256, size=(2, 3073), dtype=np.uint8)
        records[:, 0] = [1, 0]
        (place / f"{name}.bin").write_bytes(records.tobytes())
    return place


def test_the_official_binary_version_is_read_to_the_pixel(tmp_path: Path) -> None:
    place = batches(tmp_path)
    records = read(packed(tmp_path, place, "cifar-10-binary.tar.gz"), {}, "names")
    assert len(records) == 12
    assert sum(record.split == "test" for record in records) == 2
    stored = np.frombuffer((place / "data_batch_2.bin").read_bytes(), np.uint8).reshape(2, 3073)
    path = next(r.path for r in records if r.split == "train" and Path(r.path).stem == "00003")
    assert Path(path).parent.name == "airplane"
    image = np.asarray(Image.open(path))
    assert (image[4, 5] == stored[1, 1:].reshape(3, 32, 32)[:, 4, 5]).all()


def test_what_is_damaged_or_foreign_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.xz"
    broken.write_bytes(packed(tmp_path, folder(tmp_path)).read_bytes()[:200])
    with pytest.raises(DataError, match="not a complete tar archive"):
        read(broken, {}, "names")
    place = batches(tmp_path)
    (place / "test_batch.bin").write_bytes(b"\0" * 100)
    with pytest.raises(DataError, match=r"test_batch.bin is incomplete: 100 bytes"):
        read(place, {}, "names")
    (place / "test_batch.bin").unlink()
    with pytest.raises(DataError, match="is CIFAR-10 complete"):
        read(place, {}, "names")
    pickled = tmp_path / "python" / "cifar-10-batches-py"
    pickled.mkdir(parents=True)
    (pickled / "data_batch_1").write_bytes(b"x")
    with pytest.raises(DataError, match="pickles could run code"):
        read(tmp_path / "python", {}, "names")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is it CIFAR-10"):
        read(tmp_path / "empty", {}, "names")
    with pytest.raises(DataNotFoundError, match="nothing at"):
        read(tmp_path / "nowhere", {}, "names")
    with pytest.raises(ConfigError, match="no setting 'n'"):
        read(tmp_path / "empty", {"n": "3"}, "names")


def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "evil.png"
    Image.new("RGB", (32, 32)).save(outside)
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as archive:
        archive.add(outside, "../../evil.png")
    with pytest.raises(DataError, match="not a complete tar archive"):
        read(tmp_path / "evil.tar.gz", {}, "names")
