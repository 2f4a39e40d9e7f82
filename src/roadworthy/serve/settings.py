"""What the service may be told, and what it refuses to be told."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from roadworthy.errors import ConfigError
from roadworthy.inputs import MAX_PIXELS

LEAST_KEY = 16  # characters of an API key


@dataclass(frozen=True, kw_only=True)
class ServiceConfig:
    """Everything that defines a service.

    models: bundles; the first answers where a request names none.  Without, the packaged one.
    host, port: where it listens; anything but this machine itself needs an api_key.
    max_body_bytes, max_images, max_pixels: of a request, and of a picture.
    queue: pictures that may be under way; beyond it requests are told to come back.
    batch, wait_ms: pictures answered together, and how long the first of them waits for others.
    body_timeout_s, answer_timeout_s: for a request to arrive, and to be answered.
    threads: that one batch may use.  decoders: threads that decode.
    """

    models: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str = ""
    max_body_bytes: int = 32_000_000
    max_images: int = 64
    max_pixels: int = MAX_PIXELS
    queue: int = 256
    batch: int = 32
    wait_ms: float = 2.0
    body_timeout_s: float = 15.0
    answer_timeout_s: float = 30.0
    threads: int = 1
    decoders: int = 2

    def __post_init__(self) -> None:
        whole = ("max_body_bytes", "max_images", "max_pixels", "queue", "batch", "threads", "decoders")
        for name in (*whole, "body_timeout_s", "answer_timeout_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be positive")
        if self.wait_ms < 0:
            raise ConfigError(f"wait_ms is {self.wait_ms}; it must not be negative")
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"port is {self.port}; it must lie between 0 and 65,535")
        if self.max_images > self.queue:
            raise ConfigError(
                f"max_images is {self.max_images} and queue {self.queue}; a request that is allowed must fit"
            )
        if self.api_key and len(self.api_key) < LEAST_KEY:
            raise ConfigError(f"the API key has {len(self.api_key)} characters; it needs {LEAST_KEY} or more")
        if not self.api_key and not is_loopback(self.host):
            raise ConfigError(
                f"host is {self.host}, which others can reach; that takes an API key: set ROADWORTHY_API_KEY"
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
