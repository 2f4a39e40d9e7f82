"""What a service may be told."""

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.serve.settings import ServiceConfig, is_loopback


def test_only_this_machine_without_a_key() -> None:
    assert ServiceConfig().host == "127.0.0.1"
    for host in ("0.0.0.0", "192.168.0.7", "::", "example.org"):
        with pytest.raises(ConfigError, match="takes an API key: set ROADWORTHY_API_KEY"):
            ServiceConfig(host=host)
        assert ServiceConfig(host=host, api_key="k" * 16).host == host
    with pytest.raises(ConfigError, match="has 5 characters; it needs 16"):
        ServiceConfig(host="0.0.0.0", api_key="short")


def test_loopback_by_name_and_number() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "localhost.example.org", "")))


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("batch", 0, "batch is 0; it must be positive"),
        ("queue", -1, "queue is -1"),
        ("body_timeout_s", 0, "body_timeout_s is 0"),
        ("wait_ms", -1, "wait_ms is -1"),
        ("port", 70_000, "port is 70000"),
        ("max_images", 1000, "a request that is allowed must fit"),
    ],
)
def test_values_that_make_no_sense_are_refused(setting: str, value: float, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ServiceConfig(**{setting: value})
