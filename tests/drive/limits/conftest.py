from __future__ import annotations

import pytest

from roadworthy.core.extras import EXTRAS


@pytest.fixture(autouse=True)
def the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra `drive`, for as long as core.extras does not list it."""
    monkeypatch.setitem(EXTRAS, "drive", EXTRAS.get("drive", {}) | {"holidays": "holidays"})
