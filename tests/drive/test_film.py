import sys
from datetime import UTC, datetime

import pytest
from tests.drive.film.conftest import encode, numbered

from roadworthy.core.errors import DataNotFoundError, MissingExtraError, UsageError
from roadworthy.drive.film import open_film

pytestmark = pytest.mark.filterwarnings("ignore::roadworthy.core.notes.DataWarning")


def test_what_is_given_counts_before_what_the_film_says(tmp_path):
    path = encode(tmp_path / "a.mp4", [numbered(0)], metadata={"creation_time": "2026-11-30T01:02:03Z"})
    at = datetime(2025, 1, 2, tzinfo=UTC)
    assert open_film(path, at=at).about().created == at
    assert open_film(str(path)).about().created == datetime(2026, 11, 30, 1, 2, 3, tzinfo=UTC)


def test_a_clock_that_was_never_set_says_nothing(tmp_path):
    path = encode(tmp_path / "a.mp4", [numbered(0)], metadata={"creation_time": "1970-01-01T00:00:00Z"})
    assert open_film(path).about().created is None


def test_apples_date_comes_before_the_other(tmp_path):
    dates = {
        "creation_time": "2026-11-30T01:02:03Z",
        "com.apple.quicktime.creationdate": "2026-11-29T12:00:00+1100",
    }
    about = open_film(encode(tmp_path / "a.mp4", [numbered(0)], metadata=dates)).about()
    assert about.created is not None
    assert about.created.isoformat() == "2026-11-29T12:00:00+11:00"


def test_settings_that_do_not_fit_are_refused(tmp_path):
    path = encode(tmp_path / "a.mp4", [numbered(0)])
    with pytest.raises(UsageError, match="without a time zone"):
        open_film(path, at=datetime(2026, 1, 1))
    with pytest.raises(UsageError, match="rate is given"):
        open_film(path, rate=30)
    with pytest.raises(UsageError, match="empty name"):
        open_film("")
    with pytest.raises(UsageError, match="films are not read over https://; download it"):
        open_film("https://host/film.mp4")
    with pytest.raises(DataNotFoundError, match="no film concat:a"):
        open_film("concat:a|b")


def test_without_pyav_the_extra_is_named(tmp_path, monkeypatch):
    path = encode(tmp_path / "a.mp4", [numbered(0)])
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"roadworthy\[drive\]"):
        open_film(path)
