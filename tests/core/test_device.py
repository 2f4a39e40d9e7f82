import pytest
import torch

from roadworthy.core import device as runtime
from roadworthy.core.errors import ConfigError


def test_derived_seeds_differ_by_every_part_and_stay():
    seeds = {runtime.derive_seed(a, b) for a in range(20) for b in ("x", "y")}
    assert len(seeds) == 40
    assert runtime.derive_seed(1, 2) != runtime.derive_seed(12)


def test_generators_do_not_depend_on_what_ran_before():
    first = torch.rand(3, generator=runtime.generator("cpu", 7, "augment", 1))
    torch.rand(100)
    assert torch.equal(first, torch.rand(3, generator=runtime.generator("cpu", 7, "augment", 1)))
    assert not torch.equal(first, torch.rand(3, generator=runtime.generator("cpu", 7, "augment", 2)))


@pytest.mark.parametrize("instructions", [True, False])
def test_bf16_is_considered_only_where_the_hardware_has_it(monkeypatch, instructions):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
    assert runtime.may_use_bf16(torch.device("cpu")) is instructions
    assert not runtime.may_use_bf16(torch.device("meta"))


def test_a_device_that_is_not_there_is_refused():
    for name in ("cuda:99", "gpu"):
        with pytest.raises(ConfigError, match="is not available on this machine"):
            runtime.pick_device(name)


def test_threads_are_set_and_nonsense_is_refused():
    before = torch.get_num_threads()
    try:
        assert runtime.set_threads(1) == torch.get_num_threads() == 1
        assert runtime.set_threads(0) == 1
    finally:
        torch.set_num_threads(before)
    with pytest.raises(ConfigError, match=r"train\.threads is -1"):
        runtime.set_threads(-1)


def test_provenance_names_commit_versions_and_command():
    facts = runtime.provenance(device=torch.device("cpu"), autocast=None, seed=3, command="roadworthy train")
    assert facts["torch"] == torch.__version__
    assert facts["precision"] == "fp32"
    assert (facts["seed"], facts["command"]) == (3, "roadworthy train")
    assert all(value is not None for key, value in facts.items() if key != "dirty")


def test_peak_memory_is_that_of_a_process_with_torch():
    assert 50 < runtime.peak_rss_mb() < 100_000
