"""One training by two processes: the steps of one with twice the batch, and going on after a stop."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from roadworthy import api
from roadworthy.config import load_config
from roadworthy.train.distributed import Shared, World

SETTINGS = {
    "input.size": 24,
    "model.name": '"study-cnn"',
    "model.dropout": 0.0,
    "augment.policy": '"none"',
    "optim.lr": 0.05,
    "optim.l2": 1e-3,
    "train.epochs": 3,
    "train.threads": 1,
    "train.ema": 0.9,
    "train.precision": '"fp32"',
}
STOPPED = """
import sys
from pathlib import Path
from roadworthy import api
from roadworthy.config import load_config
from roadworthy.train.callbacks import Callback

class Stop(Callback):
    def on_epoch(self, row):
        raise KeyboardInterrupt

api.train(load_config(None, sys.argv[3:], data={"spec": sys.argv[1]}), Path(sys.argv[2]), callbacks=[Stop()])
"""


def settings(batch_size: int) -> list[str]:
    return [f"{name}={value}" for name, value in {**SETTINGS, "train.batch_size": batch_size}.items()]


def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def train_by_two(spec: str, out: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    own = [part for setting in settings(8) for part in ("--set", setting)]
    return torchrun("-m", "roadworthy", "train", "--data", spec, *own, "--out", str(out), *flags)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoints" / "last.safetensors")


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_and_go_on_after_a_stop(
    drawn_folder: Path, tmp_path: Path
) -> None:
    spec = f"folder:{drawn_folder}"
    api.train(load_config(None, settings(16), data={"spec": spec}), tmp_path / "one")
    by_two = train_by_two(spec, tmp_path / "two")
    assert by_two.returncode == 0, by_two.stderr
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=2e-4, rtol=0)
    assert by_two.stdout.count("accuracy") == 1  # the second process says nothing
    assert (tmp_path / "two" / "report.html").is_file()

    script = tmp_path / "stopped.py"
    script.write_text(STOPPED)
    stopped = torchrun(str(script), spec, str(tmp_path / "stopped"), *settings(8))
    assert stopped.returncode != 0
    assert not (tmp_path / "stopped" / "metrics.json").exists()
    resumed = torchrun("-m", "roadworthy", "train", "--out", str(tmp_path / "stopped"), "--resume")
    assert resumed.returncode == 0, resumed.stderr
    for name, value in weights(tmp_path / "stopped").items():
        assert torch.equal(value, two[name])


def test_each_process_draws_its_part_and_together_they_draw_all() -> None:
    class Loader:
        batch_size = 5

        def __len__(self) -> int:
            return 1

        def epoch(self, epoch: int, start: int = 0):
            yield torch.arange(5)[:, None], torch.arange(5)

    parts = [next(iter(Shared(Loader(), World(rank, 2)).epoch(0))) for rank in (0, 1)]
    assert [part[1].tolist() for part in parts] == [[0, 2, 4], [1, 3]]
    assert torch.equal(parts[1][0][:, 0], parts[1][1])
