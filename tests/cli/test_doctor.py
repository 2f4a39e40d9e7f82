"""`doctor` on the command line."""

import json

import pytest

import roadworthy
from roadworthy.cli import app as cli


def test_doctor_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["versions"]["roadworthy"] == roadworthy.__version__
    assert set(found) == {"versions", "optional parts", "computing", "places"}
