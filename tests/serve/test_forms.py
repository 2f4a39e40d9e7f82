import time

import pytest

from roadworthy.serve.forms import FormError, TooManyPartsError, read_form

TYPE = "multipart/form-data; boundary=XX"


def form(*parts: bytes, end: bytes = b"--XX--\r\n") -> bytes:
    return b"".join(b"--XX\r\n" + part + b"\r\n" for part in parts) + end


def file(name: str, data: bytes) -> bytes:
    head = f'Content-Disposition: form-data; name="images"; filename="{name}"\r\nContent-Type: image/png'
    return head.encode() + b"\r\n\r\n" + data


def test_files_and_fields_in_their_order() -> None:
    boxes = b'content-disposition: form-data; name="boxes"\r\n\r\n[null]'
    parts = read_form(TYPE, form(file("straße.png", b"\x00\r\n--X\r\n"), boxes, file("b", b"")), 3)
    assert [(p.name, p.filename, p.data) for p in parts] == [
        ("images", "straße.png", b"\x00\r\n--X\r\n"),
        ("boxes", None, b"[null]"),
        ("images", "b", b""),
    ]


def test_what_stands_before_and_after_the_parts_is_passed_over() -> None:
    body = b"This is a form.\r\n" + form(file("a", b"1")) + b"and that was it"
    assert [p.data for p in read_form('multipart/form-data; boundary="XX"', body, 1)] == [b"1"]
    padded = form(file("a", b"1")).replace(b"--XX\r\n", b"--XX \t\r\n")
    assert [p.data for p in read_form(TYPE, padded, 1)] == [b"1"]
    assert read_form(TYPE, b"--XX--", 1) == []


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("image/png", b"", "not multipart/form-data"),
        ("multipart/form-data", b"", "names no boundary"),
        ("multipart/form-data; boundary=" + "x" * 71, b"", "names no boundary"),
        (TYPE + "; charset=utf-7", form(file("a", b"1")), "not UTF-8"),
        (TYPE, b"nothing of the kind", "does not occur"),
        (TYPE, form(file("a", b"1"), end=b""), "breaks off"),
        (TYPE, form(b"no headers"), "no headers"),
        (TYPE, form(b"\r\nno headers"), "no headers"),
        (TYPE, form(b"X: " + b"y" * 9000 + b"\r\n\r\n"), "8,192 bytes"),
        (TYPE, form(b"X: y\r\n\r\n1"), "no Content-Disposition"),
        (TYPE, form(b"Content-Disposition: attachment; name=x\r\n\r\n1"), "not called form-data"),
        (TYPE, form(b"Content-Disposition: form-data\r\n\r\n1"), "has no name"),
        (TYPE, b"--XXY\r\n\r\n--XX--", "not followed by the end"),
    ],
)
def test_what_cannot_be_read_is_said(content_type: str, body: bytes, said: str) -> None:
    with pytest.raises(FormError, match=said):
        read_form(content_type, body, 4)


def test_only_so_many_parts() -> None:
    assert len(read_form(TYPE, form(*[file("a", b"1")] * 4), 4)) == 4
    for many in (5, 6, 500):
        with pytest.raises(TooManyPartsError, match="more than 4 parts"):
            read_form(TYPE, form(*[file("a", b"1")] * many), 4)


@pytest.mark.parametrize("filler", [b"\r\n", b"\r\n--X", b"--XY", b"\r\n--XX\r\n"])
def test_time_grows_with_the_bytes_and_no_faster(filler: bytes) -> None:
    def seconds(megabytes: int) -> float:
        body = filler * (megabytes * 1_000_000 // len(filler))
        best = float("inf")
        for _ in range(3):
            begun = time.perf_counter()
            with pytest.raises(FormError):
                read_form(TYPE, body, 64)
            best = min(best, time.perf_counter() - begun)
        return best

    assert seconds(8) < 0.5  # a parser that goes byte by byte takes longer for line ends alone
