from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError, UnknownNameError
from roadworthy.drive.limits.calendar import STATES, zone_named
from roadworthy.drive.limits.regions import FOLDER, read_region, region_named, region_names


@pytest.mark.parametrize("name", region_names())
def test_every_region_is_whole_and_names_its_sources(name: str) -> None:
    region = region_named(name)
    assert all(source.strip() for source in region.sources.values())
    assert region.time_zone is None or zone_named(region.time_zone)
    assert region.school.days in (None, *STATES)


def test_all_states_and_territories_are_there() -> None:
    assert {f"au-{state.lower()}" for state in STATES} | {"au", "de", "nz", "default"} == set(region_names())
    assert region_named("au-nt").defaults == {"open": 110}
    assert region_named("au-wa").defaults["open"] == 110
    assert region_named("de").defaults["motorway"] is None
    assert region_named("default").defaults == {}


def test_a_region_that_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'au-vic'"):
        region_named("au-vik")
    text = (FOLDER / "nz.toml").read_text(encoding="utf-8")
    for old, new, reason in (
        ('speed = "unknown"', 'speed = "perhaps"', "perhaps"),
        ("built-up = 50", "village = 50", "village"),
        ("name =", "title =", "lacks 'name'"),
        ('area = "unknown"\nshared', "shared", "area"),
        ("[ends]", "[ends", "is no region"),
    ):
        assert old in text
        (tmp_path / "xx.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(ConfigError, match=reason):
            read_region(tmp_path / "xx.toml")
