"""Options are in step with what they set."""

from roadworthy.config import DataConfig


def test_labels_can_be_read_in_every_way_that_settings_know() -> None:
    from typing import get_args, get_type_hints

    from roadworthy.data.sources._labels import label_ways

    assert set(get_args(get_type_hints(DataConfig)["labels"])) == set(label_ways())
