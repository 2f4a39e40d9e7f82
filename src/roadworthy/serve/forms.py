"""The files and fields of a multipart form, in time that grows with its bytes and no faster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header

_HEAD_BYTES = 8192  # of one part
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class FormError(ValueError):
    """A form that cannot be read; the message says what is wrong with it."""


class TooManyPartsError(FormError):
    """More parts than are taken."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a form; `filename` is None where it is a field and no file."""

    name: str
    filename: str | None
    data: bytes


def read_form(content_type: str, body: bytes, most_parts: int) -> list[Part]:
    """The parts of a form that has arrived whole, in their order.

    Names are read as UTF-8, and no other character set is taken: some decoders take time that grows with
    the square of a name's length.  Raises FormError.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise FormError(f"its type is {content_type[:80]!r}, not multipart/form-data")
    if options.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
        raise FormError("its character set is not UTF-8, the only one that is taken")
    boundary = options.get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise FormError("its type names no boundary")
    return [_part(piece) for piece in _pieces(body, b"--" + boundary, most_parts)]


def _pieces(body: bytes, delimiter: bytes, most: int) -> Iterator[bytes]:
    """What stands between the delimiters, each with a head and a body."""
    # One more than allowed tells too many from enough; splitting stops there.
    _, *pieces = (b"\r\n" + body).split(b"\r\n" + delimiter, most + 2)
    if not pieces:
        raise FormError("its boundary does not occur in it")
    for number, piece in enumerate(pieces):
        if piece.startswith(b"--"):
            return
        if number >= most:
            raise TooManyPartsError(f"it has more than {most} parts")
        first, end_of_line, rest = piece.partition(b"\r\n")
        if not end_of_line or first.strip(b" \t"):
            raise FormError("a boundary in it is not followed by the end of the line")
        yield rest
    raise FormError("it breaks off before its last boundary")


def _part(piece: bytes) -> Part:
    # Without any header the blank line is the first.
    end = piece.find(b"\r\n\r\n", 0, _HEAD_BYTES) if not piece.startswith(b"\r\n") else -1
    if end < 0:
        raise FormError(f"a part of it has no headers, or more than {_HEAD_BYTES:,} bytes of them")
    for line in piece[:end].split(b"\r\n"):
        header, _, value = line.partition(b":")
        if header.strip().lower() == b"content-disposition":
            return _named(value, piece[end + 4 :])
    raise FormError("a part of it has no Content-Disposition")


def _named(disposition: bytes, data: bytes) -> Part:
    kind, options = parse_options_header(disposition.strip())
    if kind != b"form-data" or b"name" not in options:
        raise FormError("a part of it is not called form-data, or has no name")
    filename = options.get(b"filename")
    return Part(
        name=_text(options[b"name"]), filename=None if filename is None else _text(filename), data=data
    )


def _text(name: bytes) -> str:
    # Not worth losing a request over: names are only repeated in the answer.
    return name.decode("utf-8", "replace")
