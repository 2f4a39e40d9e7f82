"""What the service may be told, and what it refuses to be told."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from roadworthy.core.errors import ConfigError
from roadworthy.imaging.decode import MAX_PIXELS

LEAST_KEY = 16  # characters of an API key


@dataclass(frozen=True, kw_only=True)
class ServiceConfig:
    """Everything that defines a service.

    models: which .onnx models; the first answers requests that name none, and without any the packaged one.
    finder: which .onnx finds signs in pictures, for all models; without, the packaged one.
    host: which address to listen on; one that other machines can reach needs ROADWORTHY_API_KEY.
    port: which port to listen on; 0 takes any that is free.
    max_body_bytes, max_images, max_pixels: of a request, and of a picture.
    queue: how many pictures may be waiting or in work; beyond that requests are told to come back.
    batch, wait_ms: pictures answered together, and how long the first of them waits for others.
    body_timeout_s, answer_timeout_s: for a request to arrive, and to be answered.
    stop_timeout_s: for what was accepted to be answered once the service is told to stop.
    threads: how many threads one batch may use.
    decoders, finders: threads for small pictures, and for large ones and for finding signs.
    max_bytes_under_way: of bodies that have come and are not answered yet, in all.
    connections, connections_per_address: at once; where there is no room those go first that only wait.
    head_bytes, head_timeout_s: of a request's line and headers.
    write_timeout_s: for a client that has stopped reading its answer.
    drives, drives_per_address: watched at once over sockets, in all and of one address.
    max_frame_bytes, max_frame_pixels: of a drive's frame.
    frames_per_s: of a drive, on average; a client that sends more is cut off.
    drive_idle_s: without a message, after which a drive is ended.
    region: whose rules of the road hold for drives that name none, like `au-vic`.
    school_days: a table of school days that you know better, with the columns date and kind.
    hosts: another host name that clients may use for a service without a key.
    root_path: the path under which a proxy shows the service, like /signs.
    proxies: addresses of proxies to trust about who is asking, separated by commas; `*` trusts any.
    """

    models: tuple[Path, ...] = ()
    finder: Path | None = None
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
    stop_timeout_s: float = 10.0
    threads: int = 1
    decoders: int = 2
    finders: int = 1
    max_bytes_under_way: int = 256_000_000
    connections: int = 1000
    connections_per_address: int = 200
    head_bytes: int = 32_768
    head_timeout_s: float = 10.0
    write_timeout_s: float = 20.0
    drives: int = 16
    drives_per_address: int = 4
    max_frame_bytes: int = 4_000_000
    max_frame_pixels: int = 9_000_000
    frames_per_s: float = 60.0
    drive_idle_s: float = 60.0
    region: str = "default"
    school_days: Path | None = None
    hosts: tuple[str, ...] = ()
    root_path: str = ""
    proxies: str = ""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be positive")
        if self.wait_ms < 0:
            raise ConfigError(f"wait_ms is {self.wait_ms}; it must not be negative")
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"port is {self.port}; it must lie between 0 and 65,535")
        if self.max_body_bytes > self.max_bytes_under_way:
            raise ConfigError(
                f"max_body_bytes is {self.max_body_bytes:,} and max_bytes_under_way "
                f"{self.max_bytes_under_way:,}; a request that is allowed must fit"
            )
        if self.root_path and not re.fullmatch(r"(/[\w.~-]+)+", self.root_path):
            raise ConfigError(f"root_path is {self.root_path!r}; it must look like /signs, or be empty")
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


_POSITIVE = (
    *("max_body_bytes", "max_images", "max_pixels", "queue", "batch", "threads", "decoders", "finders"),
    *("max_bytes_under_way", "connections", "connections_per_address", "head_bytes"),
    *("drives", "drives_per_address", "max_frame_bytes", "max_frame_pixels", "frames_per_s", "drive_idle_s"),
    *("body_timeout_s", "answer_timeout_s", "stop_timeout_s", "head_timeout_s", "write_timeout_s"),
)


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
