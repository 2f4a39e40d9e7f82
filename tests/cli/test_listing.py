"""`list` on the command line."""

import pytest

from roadworthy.cli import app as cli
from roadworthy.cli import listing
from roadworthy.models.catalogue import MODELS


def test_list_sums_up_and_says_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["list"]) == 0
    out, err = capsys.readouterr()
    rows = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert list(rows) == list(listing.LISTED)
    assert rows["models"].split()[1] == str(len(MODELS.names()))
    assert "compact" in rows["models"]
    assert err == "roadworthy list KIND explains each of them\n"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("sources", ["gtsrb"]),
        ("models", ["compact", "study-cnn"]),
        ("finders", ["finder"]),
        ("runtimes", ["ncnn", "onnx", "openvino"]),
        ("policies", ["default"]),
        ("mixes", ["cutmix"]),
        ("optimizers", ["muon"]),
        ("views", ["zooms"]),
        ("signs", ["keep-left"]),
    ],
)
def test_lists_come_from_the_registries(
    kind: str, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["list", kind]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert set(names) <= listed
