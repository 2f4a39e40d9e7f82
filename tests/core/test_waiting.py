"""Threads wait asleep, unless the user wants otherwise or torch was there first."""

import os
import subprocess
import sys

import pytest

from roadworthy.core import waiting


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in waiting.SETTINGS:
        monkeypatch.delenv(name, raising=False)


def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)


def test_threads_are_asked_to_wait_asleep_before_torch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    without_torch(monkeypatch)
    assert waiting.waiting() == "spinning"
    waiting.wait_asleep()
    assert os.environ.pop("OMP_WAIT_POLICY") == "PASSIVE"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("OMP_WAIT_POLICY", "ACTIVE", "spinning"),
        ("OMP_WAIT_POLICY", "passive", "asleep"),
        ("GOMP_SPINCOUNT", "5000", "spinning"),
        ("GOMP_SPINCOUNT", "0", "asleep"),
        ("KMP_BLOCKTIME", "0", "asleep"),
    ],
)
def test_what_a_user_has_set_stays_and_is_nothing_to_warn_of(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_torch(monkeypatch)
    monkeypatch.setenv(name, value)
    before = dict(os.environ)
    waiting.wait_asleep()
    assert dict(os.environ) == before
    assert waiting.waiting() == expected
    assert waiting.warning() == ""


def test_with_torch_there_already_it_is_too_late_and_that_is_said() -> None:
    import torch  # noqa: F401

    waiting.wait_asleep()
    assert "OMP_WAIT_POLICY" not in os.environ
    assert "OMP_WAIT_POLICY=PASSIVE before Python starts" in waiting.warning()


@pytest.mark.parametrize(
    "program",
    [
        "from roadworthy.core.extras import require; require('a test', 'train')",
        "import roadworthy.studies.executors",  # what Ray's processes import first
        "from roadworthy.cli import doctor; doctor.diagnose()",
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="asks GNU's OpenMP")
def test_openmp_itself_has_heard_of_it(program: str) -> None:
    environment = {**os.environ, "OMP_DISPLAY_ENV": "VERBOSE"}
    # An operation that starts threads, so that OpenMP is there.
    line = f"{program}; import torch; torch.ones(1 << 20).sum()"
    ran = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, text=True, check=True, env=environment, timeout=120
    )
    assert "GOMP_SPINCOUNT = '0'" in ran.stderr
