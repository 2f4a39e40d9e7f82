import dataclasses
import pickle

import pytest
import torch

from roadworthy.config import ModelConfig
from roadworthy.core.errors import CheckpointError
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import build_model
from roadworthy.train.checkpoint import Card, load_checkpoint, save_checkpoint, start_from

CARD = Card(
    model=ModelConfig(width=0.25, depth=1),
    classes=("stop", "speed-50"),
    input=InputSpec(size=32, resize="nearest"),
    temperature=1.5,
    facts={"epoch": 3},
    without_colour=True,
)


@pytest.fixture
def stored(tmp_path):
    torch.manual_seed(0)
    model = build_model(CARD.model, 2, CARD.input)
    path = tmp_path / "checkpoints" / "best.safetensors"
    path.parent.mkdir()
    save_checkpoint(model, CARD, path)
    return model, path


def test_weights_and_card_come_back_as_they_were(stored):
    model, path = stored
    for place in (path, path.parent.parent):
        loaded, card = load_checkpoint(place)
        assert card == CARD
        assert not loaded.training
        for a, b in zip(model.state_dict().values(), loaded.state_dict().values(), strict=True):
            assert torch.equal(a, b)


def test_nothing_is_left_beside_the_file(stored):
    assert [p.name for p in stored[1].parent.iterdir()] == ["best.safetensors"]


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "pickle", "foreign", "other network", "future"])
def test_damaged_and_foreign_files_are_refused_in_one_line(stored, tmp_path, damage):
    _, path = stored
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("these are no weights at all")
    elif damage == "pickle":
        path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    elif damage == "foreign":
        from safetensors.torch import save_file

        save_file({"w": torch.zeros(3)}, path)
    elif damage == "other network":
        other = build_model(ModelConfig(width=0.5, depth=1), 2, CARD.input)
        save_checkpoint(other, CARD, path)
    else:
        raw = path.read_bytes().replace(b'\\"format\\": 1', b'\\"format\\": 9')
        path.write_bytes(raw)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path)
    assert "best.safetensors" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_places_say_what_would_work(tmp_path):
    with pytest.raises(CheckpointError, match="a finished run folder does"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="no model at"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_a_start_takes_over_everything_but_the_classes_that_only_one_knows(stored):
    model, path = stored
    fresh = build_model(CARD.model, 3, CARD.input)
    own_head = fresh.head.weight.detach().clone()
    start_from(*load_checkpoint(path), fresh, ("give-way", "speed-50", "stop"))
    assert torch.equal(fresh.head.weight[2], model.head.weight[0])
    assert torch.equal(fresh.head.weight[1], model.head.weight[1])
    assert torch.equal(fresh.head.weight[0], own_head[0])
    for (name, a), b in zip(model.state_dict().items(), fresh.state_dict().values(), strict=True):
        assert name.startswith("head.") or torch.equal(a, b)


def test_further_blocks_begin_as_nothing(stored):
    model, path = stored
    grown = build_model(ModelConfig(width=0.25, depth=1, extra=2), 2, CARD.input)
    start_from(*load_checkpoint(path), grown, CARD.classes)
    pictures = torch.rand(3, 3, 32, 32)
    assert sum(p.numel() for p in grown.parameters()) > sum(p.numel() for p in model.parameters())
    assert torch.equal(grown.eval()(pictures), model.eval()(pictures))


def test_a_network_with_further_blocks_is_no_start_for_one_without(stored, tmp_path):
    grown = dataclasses.replace(CARD, model=ModelConfig(width=0.25, depth=1, extra=1))
    save_checkpoint(build_model(grown.model, 2, CARD.input), grown, tmp_path / "grown.safetensors")
    with pytest.raises(CheckpointError, match="the network to start from is another"):
        start_from(*load_checkpoint(tmp_path / "grown.safetensors"), stored[0], CARD.classes)


def test_a_start_from_another_network_is_refused_in_one_line(stored):
    other = build_model(ModelConfig(width=0.5, depth=1), 2, CARD.input)
    with pytest.raises(CheckpointError, match="the network to start from is another") as caught:
        start_from(*load_checkpoint(stored[1]), other, CARD.classes)
    assert "\n" not in str(caught.value)


def test_weights_that_do_not_say_so_were_not_trained_for_pictures_without_colour(stored):
    _, path = stored
    path.write_bytes(path.read_bytes().replace(b'\\"without_colour\\": true', b'\\"without_others\\": true'))
    assert load_checkpoint(path)[1].without_colour is False
