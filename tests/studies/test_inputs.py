"""What is wrong with a study's inputs is said before anything is trained."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from roadworthy import api
from roadworthy.config import DataConfig
from roadworthy.core.errors import DataError
from roadworthy.studies.inputs import open_inputs
from roadworthy.studies.plan import StudyRequest


@pytest.fixture
def data(drawn_folder: Path) -> DataConfig:
    classes = tuple(sorted(path.name for path in (drawn_folder / "train").iterdir()))
    return DataConfig(spec=f"folder:{drawn_folder}", classes=classes)


def test_good_inputs_are_opened(data: DataConfig, drawn_folder: Path) -> None:
    open_inputs(data, [f"folder:{drawn_folder / 'test'}"], "")


@pytest.mark.parametrize(
    ("changes", "new", "cifar", "words"),
    [
        ({"spec": "folder:nowhere"}, [], "", "--data folder:nowhere: "),
        ({"classes": ("stop", "merge")}, [], "", "--data .*class 'merge' is not in the data"),
        ({}, ["folder:nowhere"], "", "--new folder:nowhere: "),
        ({}, [], "cifar10:nowhere.tar.xz", "--cifar cifar10:nowhere.tar.xz: "),
    ],
)
def test_each_is_named_with_its_option(
    data: DataConfig, changes: dict[str, Any], new: list[str], cifar: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        open_inputs(dataclasses.replace(data, **changes), new, cifar)


def test_a_domain_without_a_class_that_is_learnt_is_refused(data: DataConfig, tmp_path: Path) -> None:
    (tmp_path / "merge").mkdir()
    shutil.copy(next(Path(data.spec.partition(":")[2]).rglob("*.png")), tmp_path / "merge")
    with pytest.raises(DataError, match=r"--new .*no picture has a label that the model knows"):
        open_inputs(data, [f"folder:{tmp_path}"], "")


def test_data_without_a_test_are_refused_before_the_first_training(
    data: DataConfig, drawn_folder: Path, tmp_path: Path
) -> None:
    place = tmp_path / "data"
    shutil.copytree(drawn_folder, place)
    shutil.move(place / "test", place / "val")
    other = dataclasses.replace(data, spec=f"folder:{place}")
    ask = StudyRequest(data=other.spec, classes=data.classes)
    with pytest.raises(DataError, match="measures on a test split, and there is only train and val"):
        api.study(["baseline"], ask, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*/runs"))
    open_inputs(dataclasses.replace(other, split="0.6/0.2/0.2"), [], "")
    shutil.move(place / "val", place / "test")
    shutil.rmtree(place / "train" / data.classes[0])
    with pytest.raises(DataError, match="no training pictures of"):
        open_inputs(other, [], "")
