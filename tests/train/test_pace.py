"""Threads and precision: chosen from whole steps, robust to load, and then kept."""

import itertools
import json
from pathlib import Path

import pytest
import torch

from roadworthy.config import Config, load_config
from roadworthy.core.device import with_threads
from roadworthy.data.cache import default_cache_dir
from roadworthy.train import pace
from roadworthy.train.pace import Trial, choose, settle_pace

CPU = torch.device("cpu")


def config(**train: object) -> Config:
    return load_config(
        input={"size": 16}, model={"width": 0.25, "depth": 1}, train={"batch_size": 8, **train}
    )


def trial(threads: int, step_s: float, precision: str = "fp32") -> Trial:
    return Trial(threads=threads, precision=precision, forward_s=0, backward_s=0, step_s=step_s)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORTHY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(pace, "may_use_bf16", lambda device: False)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[int, str], list[float]]:
    """What steps take, instead of taking it: by threads and precision, over and over."""
    given: dict[tuple[int, str], list[float]] = {}
    number = itertools.count()

    def step(self: object, threads: int, precision: str) -> tuple[float, float, float]:
        values = given[threads, precision]
        value = values[next(number) // 2 % len(values)]  # candidates come in pairs
        return value / 4, value / 2, value

    monkeypatch.setattr(pace._Network, "step", step)
    return given


@pytest.mark.parametrize(
    ("one", "two", "busy", "threads"),
    [
        (1.0, 0.6, False, 2),
        (1.0, 0.99, False, 1),  # a tie goes to fewer
        (1.0, 1.3, False, 1),
        (1.0, 1.05, True, 2),  # beside other work two that sleep cost little, and gain when it ends
        (1.0, 9.0, True, 1),
    ],
)
def test_threads_are_the_fewest_that_are_as_quick(one: float, two: float, busy: bool, threads: int) -> None:
    assert choose([trial(1, one), trial(2, two)], busy=busy).threads == threads


@pytest.mark.parametrize(
    ("fp32", "bf16", "precision"), [(2.0, 1.0, "bf16"), (1.1, 1.0, "fp32"), (1.0, 2.0, "fp32")]
)
def test_bf16_is_taken_only_where_it_is_clearly_quicker(fp32: float, bf16: float, precision: str) -> None:
    assert choose([trial(2, fp32), trial(2, bf16, "bf16")], busy=False).precision == precision


def test_a_quick_forward_pass_does_not_outweigh_a_slow_backward_pass() -> None:
    # Measured on a processor with matrix tiles.
    full = Trial(threads=2, precision="fp32", forward_s=0.15, backward_s=0.28, step_s=0.44)
    half = Trial(threads=2, precision="bf16", forward_s=0.09, backward_s=0.95, step_s=1.05)
    assert choose([full, half], busy=False) is full


def test_what_slows_a_machine_for_a_while_does_not_decide(
    seconds: dict[tuple[int, str], list[float]],
) -> None:
    seconds[1, "fp32"] = [0.02]
    seconds[2, "fp32"] = [0.5, 0.01, 0.5, 0.5]
    with with_threads(2):
        found = settle_pace(config(), CPU)
    assert (found.threads, found.source) == (2, "measured")
    assert [(t.threads, t.step_s) for t in found.trials] == [(1, 0.02), (2, 0.01)]


def test_the_same_training_gets_the_same_answer_whatever_the_machine_does_now(
    seconds: dict[tuple[int, str], list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "may_use_bf16", lambda device: True)
    seconds |= {(1, "fp32"): [0.04], (2, "fp32"): [0.02], (2, "bf16"): [0.01], (1, "bf16"): [0.04]}
    said: list[str] = []
    with with_threads(2):
        first = settle_pace(config(), CPU, say=said.append)
        seconds |= {(1, "fp32"): [0.001], (2, "bf16"): [9.0]}
        again = settle_pace(config(seed=3, epochs=7), CPU, say=said.append)
        other = settle_pace(config(batch_size=16), CPU)
    assert (first.threads, first.precision) == (again.threads, again.precision) == (2, "bf16")
    assert (again.source, again.trials) == ("kept", first.trials)
    assert (other.threads, other.source) == (1, "measured")
    assert len(said) == 1


def test_a_damaged_or_unwritable_cache_is_no_error(
    seconds: dict[tuple[int, str], list[float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds |= {(1, "fp32"): [0.01], (2, "fp32"): [0.02]}
    with with_threads(2):
        settle_pace(config(), CPU)
        (file,) = (default_cache_dir() / "pace").iterdir()
        assert json.loads(file.read_text())["about"]["batch_size"] == 8
        file.write_text('{"pace": {"trials": 3}}')
        assert settle_pace(config(), CPU).source == "measured"
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("ROADWORTHY_CACHE", str(tmp_path / "file"))
        assert settle_pace(config(), CPU).source == "measured"


def test_nothing_is_tried_where_there_is_nothing_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace._Network, "step", None)
    with with_threads(2):
        assert settle_pace(config(threads=1), CPU).threads == 1
        assert settle_pace(config(threads=0), CPU).threads == 2
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        assert settle_pace(config(), CPU).threads == 2
    with with_threads(1):
        monkeypatch.delenv("OMP_NUM_THREADS")
        assert settle_pace(config(), CPU).threads == 1


def test_counts_double_up_to_what_there_is() -> None:
    assert [pace._counts(n) for n in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


def test_a_slow_network_is_tried_with_fewer_pictures(
    seconds: dict[tuple[int, str], list[float]],
) -> None:
    seconds |= {(1, "fp32"): [4 * pace.SLOW_S], (2, "fp32"): [2 * pace.SLOW_S]}
    with with_threads(2):
        assert settle_pace(config(batch_size=32), CPU).batch == 8


def test_a_real_trial_leaves_no_trace() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    with with_threads(2):
        found = settle_pace(config(), CPU)
        assert torch.get_num_threads() == 2
    assert torch.equal(torch.rand(3), expected)
    assert all(0 < t.forward_s + t.backward_s <= 1.001 * t.step_s + 1 for t in found.trials)
    assert {t.threads for t in found.trials} == {1, 2}
