from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import stat
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from roadworthy.data.fetch import ARCHIVES, Archive, fetch
from roadworthy.data.spec import read_records
from roadworthy.errors import DownloadError, UnknownNameError

HEADER = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"


def pack(members: dict[str, bytes], link: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in members.items():
            packed.writestr(name, data)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            packed.writestr(info, "/etc/passwd")
    return buffer.getvalue()


PICTURE = b"P6 1 1 255\n\0\0\0"
TRAIN = pack(
    {
        "GTSRB/Final_Training/Images/00014/00000_00000.ppm": PICTURE,
        "GTSRB/Final_Training/Images/00014/GT-00014.csv": (
            HEADER + "00000_00000.ppm;9;9;1;1;7;7;14\n"
        ).encode(),
        "GTSRB/Readme.txt": bytes(range(256)) * 1500,  # large enough to be broken off in several places
    }
)
TEST = pack({"GTSRB/Final_Test/Images/00000.ppm": PICTURE})
TRUTH = pack({"GT-final_test.csv": (HEADER + "00000.ppm;9;9;1;1;7;7;17\n").encode()})


class Server:
    """A web server on this machine whose manners each test chooses."""

    def __init__(self) -> None:
        self.files = {"/train.zip": TRAIN, "/test.zip": TEST, "/truth.zip": TRUTH}
        self.requests: list[tuple[str, str | None, str | None]] = []  # path, Range, If-Range
        self.cuts: list[int] = []  # break each of the next answers off after so many bytes
        self.statuses: list[int] = []  # give these answers first
        self.ranges = True
        self.etag: str | None = '"one"'
        self.declared: Callable[[int], int | None] = lambda n: n
        self.hang_s = 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        self.requests.append((handler.path, wanted, condition))
        if self.statuses:
            handler.send_error(self.statuses.pop(0))
            return
        if handler.path not in self.files:
            handler.send_error(404)
            return
        time.sleep(self.hang_s)
        body = self.files[handler.path]
        start = 0
        if self.ranges and wanted and (condition is None or condition == self.etag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        declared = self.declared(len(body) - start)
        if declared is not None:
            handler.send_header("Content-Length", str(declared))
        if self.etag:
            handler.send_header("ETag", self.etag)
        handler.end_headers()
        data = body[start:]
        with contextlib.suppress(ConnectionError):  # the other side may have seen enough
            handler.wfile.write(data[: self.cuts.pop(0)] if self.cuts else data)

    def archive(self, name: str, data: bytes, md5: str = "") -> Archive:
        url = f"http://127.0.0.1:{self.http.server_port}/{name}"
        return Archive(url=url, size=len(data), md5=md5 or hashlib.md5(data).hexdigest())

    def all(self) -> dict[str, list[Archive]]:
        names = {"train.zip": TRAIN, "test.zip": TEST, "truth.zip": TRUTH}
        return {"gtsrb": [self.archive(name, data) for name, data in names.items()]}

    def one(self, data: bytes = TRAIN, md5: str = "") -> dict[str, list[Archive]]:
        return {"gtsrb": [self.archive("train.zip", data, md5)]}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def get(archives: dict[str, list[Archive]], dest: Path, timeout_s: float = 5.0) -> Path:
    return fetch("gtsrb", dest, archives=archives, timeout_s=timeout_s, pause_s=0.001)


def part(dest: Path) -> Path:
    return dest / "train.zip.part"


def test_leaves_a_tree_that_the_source_reads(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    dest = fetch("gtsrb", tmp_path / "a/b", archives=server.all(), progress=lambda *step: seen.append(step))
    assert [(r.label, r.split, r.group) for r in read_records(f"gtsrb:{dest}")] == [
        ("stop", "train", "00014_00000"),
        ("no-entry", "test", ""),
    ]
    assert sorted(p.name for p in dest.iterdir()) == [".lock", "GT-final_test.csv", "GTSRB", "fetched.json"]
    assert ("train.zip", len(TRAIN), len(TRAIN)) in seen
    assert ("unpacking train.zip", 3, 3) in seen
    assert all(0 < done <= of for _, done, of in seen)


def test_a_second_call_does_nothing(server: Server, tmp_path: Path) -> None:
    get(server.all(), tmp_path)
    before = len(server.requests)
    get(server.all(), tmp_path)
    assert len(server.requests) == before == 3


def test_what_was_removed_is_fetched_again(server: Server, tmp_path: Path) -> None:
    get(server.all(), tmp_path)
    shutil.rmtree(tmp_path / "GTSRB/Final_Test")
    get(server.all(), tmp_path)
    assert [path for path, _, _ in server.requests[3:]] == ["/test.zip"]
    assert len(read_records(f"gtsrb:{tmp_path}")) == 2


def test_goes_on_after_breaks(server: Server, tmp_path: Path) -> None:
    server.cuts = [1_000, 70_000, 1]
    get(server.one(), tmp_path)
    assert server.requests == [
        ("/train.zip", None, None),
        ("/train.zip", "bytes=1000-", '"one"'),
        ("/train.zip", "bytes=71000-", '"one"'),
        ("/train.zip", "bytes=71001-", '"one"'),
    ]
    assert (tmp_path / "GTSRB/Readme.txt").stat().st_size == 256 * 1500


def test_goes_on_with_the_next_call(server: Server, tmp_path: Path) -> None:
    server.cuts = [5_000, *[0] * 5]
    with pytest.raises(
        DownloadError, match=r"got 5,000 of [\d,]+ bytes, which are kept: run the same command"
    ):
        get(server.one(), tmp_path)
    assert part(tmp_path).stat().st_size == 5_000
    get(server.one(), tmp_path)
    assert server.requests[-1] == ("/train.zip", "bytes=5000-", '"one"')
    assert not part(tmp_path).exists()


def test_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cuts = False, [1_000, 2_000]
    get(server.one(), tmp_path)
    assert (tmp_path / "GTSRB/Readme.txt").exists()


def test_breaks_at_varying_places_do_not_go_on_for_ever(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cuts = False, [2_000, 1_000] * 50
    with pytest.raises(DownloadError, match="broke off"):
        get(server.one(), tmp_path)
    assert len(server.requests) < 10


def test_a_file_that_changed_is_started_afresh(server: Server, tmp_path: Path) -> None:
    part(tmp_path).write_bytes(b"old" * 500)
    part(tmp_path).with_name("train.zip.part.etag").write_text('"zero"')
    get(server.one(), tmp_path)
    assert server.requests == [("/train.zip", "bytes=1500-", '"zero"')]


def test_a_wrong_beginning_without_a_validator(server: Server, tmp_path: Path) -> None:
    server.etag = None
    part(tmp_path).write_bytes(b"old" * 500)
    get(server.one(), tmp_path)
    assert [wanted for _, wanted, _ in server.requests] == ["bytes=1500-", None]


def test_a_wrong_file_of_the_right_size(server: Server, tmp_path: Path) -> None:
    expected = "0" * 32
    with pytest.raises(DownloadError, match=f"MD5 {expected} expected, got {hashlib.md5(TRAIN).hexdigest()}"):
        get(server.one(md5=expected), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("declared", [lambda n: 99, lambda n: n + 7])
def test_another_size_is_refused_and_the_partial_kept(
    server: Server, tmp_path: Path, declared: Callable[[int], int]
) -> None:
    part(tmp_path).write_bytes(TRAIN[:1_000])
    server.declared, server.ranges = declared, False
    with pytest.raises(DownloadError, match=rf"{len(TRAIN):,} bytes expected, the server offers"):
        get(server.one(), tmp_path)
    assert part(tmp_path).read_bytes() == TRAIN[:1_000]


def test_too_much_without_a_declared_size(server: Server, tmp_path: Path) -> None:
    server.declared = lambda n: None
    server.files["/train.zip"] = TRAIN + b"more"
    with pytest.raises(
        DownloadError, match=rf"{len(TRAIN):,} bytes expected, got {len(TRAIN) + 1:,} or more"
    ):
        get(server.one(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [".lock"]


def test_no_declared_size_is_fine(server: Server, tmp_path: Path) -> None:
    server.declared = lambda n: None
    server.cuts = [1_234]
    get(server.one(), tmp_path)
    assert (tmp_path / "GTSRB/Readme.txt").exists()


def test_not_found_is_said_at_once(server: Server, tmp_path: Path) -> None:
    archives = {"gtsrb": [server.archive("none.zip", TRAIN)]}
    with pytest.raises(DownloadError, match=r"none\.zip: the server answered 404"):
        get(archives, tmp_path)
    assert len(server.requests) == 1


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.statuses = [503, 429, 416]
    get(server.one(), tmp_path)
    assert len(server.requests) == 4


def test_a_server_that_hangs(server: Server, tmp_path: Path) -> None:
    server.hang_s = 0.5
    with pytest.raises(DownloadError, match="timed out"):
        get(server.one(), tmp_path, timeout_s=0.03)


def test_nobody_listens(server: Server, tmp_path: Path) -> None:
    archives = server.one()
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(DownloadError, match="refused"):
        get(archives, tmp_path)


@pytest.mark.parametrize("free", [1_000, len(TRAIN) + 1_000])
def test_too_little_space(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(DownloadError, match="MB are free"):
        get(server.one(), tmp_path)
    assert server.requests == []


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "C:/evil.txt", "link"])
def test_nothing_is_unpacked_elsewhere(server: Server, tmp_path: Path, name: str) -> None:
    data = pack({"good.txt": b"x"}, link="link") if name == "link" else pack({"good.txt": b"x", name: b"x"})
    server.files["/train.zip"] = data
    dest = tmp_path / "in"
    with pytest.raises(DownloadError, match="nothing of it was unpacked"):
        get(server.one(data), dest)
    assert [p.name for p in tmp_path.rglob("*.txt")] == []


def test_an_archive_that_is_none(server: Server, tmp_path: Path) -> None:
    server.files["/train.zip"] = b"no zip"
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        get(server.one(b"no zip"), tmp_path)


def test_leftovers_of_a_crash_are_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "train.zip.unpacking/GTSRB").mkdir(parents=True)
    (tmp_path / "train.zip.unpacking/GTSRB/half").write_bytes(b"x")
    (tmp_path / "GTSRB").mkdir()
    (tmp_path / "GTSRB/Readme.txt").write_bytes(b"half")
    (tmp_path / "fetched.json").write_text("{")
    part(tmp_path).write_bytes(TRAIN)
    get(server.one(), tmp_path)
    assert server.requests == []
    assert not (tmp_path / "GTSRB/half").exists()
    assert (tmp_path / "GTSRB/Readme.txt").stat().st_size == 256 * 1500


def test_unknown_set_and_a_place_that_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'gtsrb'"):
        fetch("gtsr", tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DownloadError, match="cannot write to"):
        fetch("gtsrb", tmp_path / "file")


def test_the_archives_are_the_final_ones() -> None:
    assert [(a.name, a.size) for a in ARCHIVES["gtsrb"]] == [
        ("GTSRB_Final_Training_Images.zip", 276_294_756),
        ("GTSRB_Final_Test_Images.zip", 88_978_620),
        ("GTSRB_Final_Test_GT.zip", 99_620),
    ]


def test_an_archive_left_after_it_was_unpacked_is_removed(server: Server, tmp_path: Path) -> None:
    get(server.one(), tmp_path)
    part(tmp_path).write_bytes(TRAIN)  # killed before it was removed
    get(server.one(), tmp_path)
    assert not part(tmp_path).exists()
    assert len(server.requests) == 1
