"""Ray is asked for in one place, and what is wrong with it is said in one line; Ray itself is a stand-in."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from roadworthy.core import ray as cluster
from roadworthy.core.errors import MissingExtraError, UsageError


class Ray(SimpleNamespace):
    """What is used of it."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(asked=[], error=error)

    def is_initialized(self) -> bool:
        return bool(self.asked)

    def init(self, **asked: Any) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append(asked)


def test_it_connects_once_to_the_cluster_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = Ray()
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setenv("RAY_ADDRESS", "ray://there:1")
    assert cluster.connect("testing") is ray
    assert cluster.connect("testing") is ray
    assert [asked["address"] for asked in ray.asked] == ["ray://there:1"]


@pytest.mark.parametrize(
    ("address", "said"),
    [("ray://gone:1", "at RAY_ADDRESS=ray://gone:1: no route"), ("", "on this machine: no")],
)
def test_a_cluster_that_is_not_there_is_said(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", Ray(ConnectionError("no route\nand much more")))
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match=said) as caught:
        cluster.connect("testing")
    assert "much more" not in str(caught.value)


def test_without_ray_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"testing needs .* 'roadworthy\[cluster\]'"):
        cluster.connect("testing")
