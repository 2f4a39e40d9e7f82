import platform
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from roadworthy import __version__
from roadworthy.core import provenance


def test_it_names_versions_commit_command_and_time() -> None:
    facts = provenance.provenance_of("roadworthy export x")
    assert facts["command"] == "roadworthy export x"
    assert (facts["roadworthy"], facts["numpy"]) == (__version__, np.__version__)
    assert facts["python"] == platform.python_version()
    assert facts["cpu"]
    assert facts["cores"] >= 1
    age = datetime.now(UTC) - datetime.fromisoformat(facts["started"])
    assert timedelta() <= age < timedelta(minutes=1)


def test_a_part_that_is_not_installed_is_said_so() -> None:
    assert provenance._version("no-such-part-of-roadworthy") == "not installed"


def test_a_working_copy_names_its_commit_and_whether_it_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"rev-parse": "0123abc\n", "status": " M src/roadworthy/core/provenance.py\n"}

    def git(command: list[str], **rest: object) -> subprocess.CompletedProcess[str]:
        assert command[0] == "git"
        return subprocess.CompletedProcess(command, 0, said.get(command[1], ""), "")

    monkeypatch.setattr(subprocess, "run", git)
    assert provenance._commit() == ("0123abc", True)
    said["status"] = ""
    assert provenance._commit() == ("0123abc", False)


def test_an_installed_copy_claims_no_foreign_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_git(*args: object, **kwargs: object) -> None:
        raise subprocess.CalledProcessError(1, "git")

    monkeypatch.setattr(subprocess, "run", no_git)
    assert provenance._commit() == (f"release {__version__}", None)


def test_a_copy_within_somebody_elses_repository_claims_no_commit_of_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (
        ["git", "init", "--quiet"],
        ["git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(command, cwd=tmp_path, check=True, timeout=30)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30
    )
    assert re.fullmatch(r"[0-9a-f]{40,}", head.stdout.strip())
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    assert provenance._commit() == (f"release {__version__}", None)


def test_it_needs_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from roadworthy.core.provenance import provenance_of; assert provenance_of('x')['command'] == 'x'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_results_of_different_machines_are_told_apart() -> None:
    one = {"cpu": "A", "threads": 2, "precision": "fp32", "device": "cpu"}
    assert provenance.machines_apart([one, dict(one)]) == ""
    assert provenance.machines_apart([one, {**one, "cpu": "B", "precision": "bf16 autocast"}]) == (
        "processor A and B, precision fp32 and bf16 autocast"
    )
