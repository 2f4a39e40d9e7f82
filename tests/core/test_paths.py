"""A user's text becomes a path, or one line says why it cannot."""

from pathlib import Path

import pytest

from roadworthy.core.errors import UsageError
from roadworthy.core.paths import as_path


@pytest.mark.parametrize("text", [".", "a/b.png", "n" * 255, "ü" * 127, "data:x.png", "a\udcff.png"])
def test_what_a_file_system_takes(text: str) -> None:
    assert as_path(text) == Path(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n" * 256, "name of 256 bytes"),
        ("a/" + "ü" * 128 + "/b", "name of 256 bytes"),
        ("abcd/" * 1000, "has 5,000 bytes"),
        ("a\0b", "NUL character, which no path may$"),
        ("", "an empty name"),
        ("\ud800", "cannot be written"),
        ("data:image/png;base64,iVBORw0KGgo=", "is a data URI"),
        ("DATA:,x", "is a data URI"),
        ("data:text/plain;charset=utf-8;base64,AA" + "A" * 5000, "is a data URI"),
    ],
)
def test_what_none_takes_is_refused_in_one_short_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        as_path(text)
    assert len(str(raised.value)) < 220
    assert "\n" not in str(raised.value)
