import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.config import Config, OptimConfig, config_from_dict, config_to_dict, load_config, write_config
from roadworthy.core.errors import ConfigError


def test_later_wins_file_then_flags_then_settings(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[train]\nepochs = 5\nseed = 1\nbatch_size = 7\n[model]\nname = 'study-cnn'\n")
    config = load_config(file, ["train.seed=3"], train={"epochs": 6, "seed": 2})
    assert (config.train.batch_size, config.train.epochs, config.train.seed) == (7, 6, 3)
    assert config.model.name == "study-cnn"


def test_a_written_config_reads_back_the_same(tmp_path: Path) -> None:
    config = load_config(settings=["data.classes=['stop', 'no-entry']", "train.minutes=0.5", "optim.lr=0.01"])
    write_config(config, tmp_path / "config.toml")
    assert load_config(tmp_path / "config.toml") == config


def test_the_defaults_survive_the_round_trip() -> None:
    assert config_from_dict(config_to_dict(Config())) == Config()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.epoch=3", "setting train.epoch does not exist; did you mean train.epochs"),
        ("trian.epochs=3", "setting trian does not exist; did you mean train"),
        ("train=3", "setting train is a section; got 3"),
        ("train.epochs=three", "setting train.epochs.*got 'three'"),
        ("train.balance=often", "setting train.balance.*'none', 'sampler' or 'weights'.*got 'often'"),
        ("evaluate.danger.othr=1", "did you mean evaluate.danger.other"),
        ("train.epochs", "write it as section.name=value"),
        ("=3", "write it as section.name=value"),
        ("input.size=7", "input.size is 7"),
        ("input.crop=margin", "crop is 'margin'"),
        ("evaluate.bootstrap=0", "evaluate.bootstrap is 0"),
        ("train.batch_size=0", "train.batch_size is 0; it must be a number from 1 up"),
        ("optim.lr=nan", "optim.lr is nan"),
        ("optim.lr=inf", "optim.lr is inf"),
        ("optim.momentum=1.0", "optim.momentum is 1.0; it must be between 0 and 0.9999"),
        ("evaluate.danger.other=-1", "evaluate.danger.other is -1"),
        ("augment.mix=mixpu", "setting augment.mix.*'none', 'mixup' or 'cutmix'"),
        ("augment={mix='cutmix', consistency=12}", "augment.mix=cutmix and augment.consistency=12 cannot go"),
        ("augment.consistency=-1", "augment.consistency is -1"),
        ("train.swa_fraction=0.5", "train.swa_fraction has no effect without train.average=swa"),
        ("train={average='swa', swa_fraction=0}", "train.swa_fraction is 0.0; it must be between 0.01 and 1"),
        ("train={average='swa', ema=0.9}", "train.ema=0.9 has no effect with train.average=swa"),
        ("train={average='swa', patience=3}", "which train.patience=3 may never reach"),
        ("evaluate.views=zoom", "setting evaluate.views.*'plain', 'shifts' or 'zooms'"),
        ("augment.mix_alpha=0.5", "augment.mix_alpha has no effect without augment.mix"),
        ("augment={mix='mixup', mix_alpha=0}", "augment.mix_alpha is 0.0; it must be between 0.01 and 100"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        load_config(settings=[setting])
    assert "\n" not in str(raised.value)


def test_a_file_that_is_none_or_no_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("[train\n")
    with pytest.raises(ConfigError, match="is no TOML"):
        load_config(bad)


def test_bare_words_and_paths_are_strings() -> None:
    config = load_config(settings=["data.spec=gtsrb:G:/My Drive/x", "model.name=compact"])
    assert config.data.spec == "gtsrb:G:/My Drive/x"


@settings(max_examples=30, deadline=None)
@given(
    lr=st.floats(min_value=0, max_value=1e3),
    momentum=st.floats(0, 0.99),
    decay=st.floats(min_value=0, max_value=1),
)
def test_numbers_survive_toml(
    tmp_path_factory: pytest.TempPathFactory, lr: float, momentum: float, decay: float
) -> None:
    config = Config(optim=OptimConfig(lr=lr, momentum=momentum, weight_decay=decay))
    path = tmp_path_factory.getbasetemp() / "numbers.toml"
    write_config(config, path)
    assert load_config(path) == config


def test_configs_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().train.epochs = 3  # type: ignore[misc]
