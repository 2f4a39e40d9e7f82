from pathlib import Path

import pytest

from roadworthy.core.errors import DataNotFoundError
from roadworthy.drive.gps import fixes


def test_places_and_what_is_none() -> None:
    assert fixes.is_place(-90, 180)
    assert not any(
        fixes.is_place(*place)
        for place in ((0, 0), (90.1, 0), (0, -180.1), (float("nan"), 1), (1, float("inf")))
    )


def test_texts_are_read_with_their_damage(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf$GP\xff")
    assert fixes.read_text(tmp_path / "a") == "$GP\ufffd"
    with pytest.raises(DataNotFoundError, match="no file"):
        fixes.read_text(tmp_path / "b")


def test_a_format_is_filed_once() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        fixes.track_format("gpx", recognises=lambda start: False)(lambda path: [])
