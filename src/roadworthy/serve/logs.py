"""The service's log: one line for each event, JSON for programs or short text for a terminal.

JSON takes ten lines here; python-json-logger would need a subclass for lower-case levels, and be one
dependency more.
"""

from __future__ import annotations

import json
import logging
import math
import time
from typing import Any, TextIO

log = logging.getLogger("roadworthy.serve")
_USUAL = logging.makeLogRecord({}).__dict__.keys() | {"message", "asctime", "taskName", "color_message"}


def log_to(stream: TextIO, level: int) -> None:
    """Write the service's log, and uvicorn's warnings, to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainLines() if stream.isatty() else JsonLines())
    handler.addFilter(OnceASecond())
    # The service itself says when it starts and stops; of uvicorn's own lines only warnings are kept.
    for name, least in ((log.name, level), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(least)


class OnceASecond(logging.Filter):
    """Lets the same warning through once a second, and says how many were left out, so that none floods."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno < logging.WARNING:
            return True
        key, now = f"{record.name} {record.msg}"[:200], time.monotonic()
        written, left_out = self._last.get(key, (-math.inf, 0))
        if now - written < 1:
            self._last[key] = written, left_out + 1
            return False
        if len(self._last) > 1000:
            self._last.clear()
        self._last[key] = now, 0
        if left_out:
            record.alike_left_out = left_out
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level and message, then the caller's own fields."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **_extra_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class PlainLines(logging.Formatter):
    """One short line each, for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The time, then a request in a few words, or the message with the caller's own fields."""
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        lines = [f"{self.formatTime(record, '%H:%M:%S')}  {level}{_sentence(record)}"]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        return "\n".join(lines)


def _sentence(record: logging.LogRecord) -> str:
    extra = _extra_fields(record)
    if record.getMessage() == "request":
        return "{method:<4} {path}  {status}  {ms} ms".format(**extra)
    shown = {key: ", ".join(value) if isinstance(value, list) else value for key, value in extra.items()}
    return "; ".join([record.getMessage(), *(f"{key}: {value}" for key, value in shown.items())])


def _extra_fields(record: logging.LogRecord) -> dict[str, Any]:
    """The fields that the caller gave beside the message."""
    return {key: value for key, value in record.__dict__.items() if key not in _USUAL}
