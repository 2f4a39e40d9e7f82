"""A few drawn signs, opened as the studies of speed open theirs."""

from pathlib import Path

import pytest

from roadworthy.config import Config, load_config
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import open_splits
from roadworthy.studies.plan import sections
from roadworthy.studies.questions.setups import STUDY_CNN


@pytest.fixture
def config(drawn_folder: Path) -> Config:
    settings = {
        **STUDY_CNN,
        "augment.policy": "study-flips",
        "data.spec": f"folder:{drawn_folder}",
        "data.classes": ("no-entry", "speed-50", "speed-60", "stop"),
        "input.size": 32,
        "train.batch_size": 8,
        "train.threads": 1,
        "train.precision": "fp32",
    }
    return load_config(None, (), **sections(settings))


@pytest.fixture
def data(config: Config) -> Dataset:
    return open_splits(config.data, config.input, with_test=False).train
