import pytest
from torch import nn

from roadworthy.config import ModelConfig
from roadworthy.core.errors import MissingExtraError
from roadworthy.imaging.spec import InputSpec
from roadworthy.models.catalogue import MODELS, build_model, count_parameters
from roadworthy.models.summary import describe, summarise

# Too slow at this size; tests/models/test_shared.py has them at a smaller one.
NAMES = [name for name in MODELS.names() if name not in {"wrn-28-10", "pyramidnet-272"}]


def test_counts_of_a_layer_worked_by_hand():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, bias=False), nn.Flatten(), nn.Linear(8 * 4 * 4, 5))
    conv, _, dense = summarise(model, 9)
    assert (conv.output, conv.parameters, conv.multiply_adds) == ((8, 4, 4), 8 * 27, 8 * 27 * 16)
    assert (dense.output, dense.parameters, dense.multiply_adds) == ((5,), 128 * 5 + 5, 128 * 5)


@pytest.mark.parametrize("name", NAMES)
def test_rows_add_up_to_the_network_and_leave_it_as_it_was(name):
    try:
        model = build_model(ModelConfig(name=name), 4, InputSpec(size=48)).train()
    except MissingExtraError as error:
        pytest.skip(str(error))
    buffers = {k: v.clone() for k, v in model.named_buffers()}
    rows = summarise(model, 48)
    assert sum(row.parameters for row in rows) == count_parameters(model)
    assert model.training
    assert all((buffers[k] == v).all() for k, v in model.named_buffers())


def test_study_cnn_total_is_in_the_text():
    text = describe(build_model(ModelConfig(name="study-cnn"), 4, InputSpec(size=64)), 64)
    assert "683,716" in text.splitlines()[-2]
