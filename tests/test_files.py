import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roadworthy import files
from roadworthy.errors import UsageError
from roadworthy.files import (
    alone,
    as_file_name,
    folder_filling,
    folder_replacing,
    is_file_name,
    remove_leftovers,
    replacing,
    scratch,
    write_text,
)


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as aside:
            aside.write_text("ne")
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("raised", "number"), [(OSError(errno.ENOSPC, "full"), errno.ENOSPC), (OSError("3 requested"), errno.EIO)]
)
def test_a_write_that_fails_names_the_file_that_was_meant(
    tmp_path: Path, raised: OSError, number: int
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match=r"full|requested") as caught, replacing(path):
        raise raised
    assert (caught.value.errno, caught.value.filename) == (number, str(path))
    with pytest.raises(FileNotFoundError) as absent, replacing(tmp_path / "b.txt"):
        (tmp_path / "other").read_text()
    assert absent.value.filename == str(tmp_path / "other")
    with pytest.raises(FileNotFoundError) as nowhere:
        write_text("new", tmp_path / "nowhere" / "c.txt")
    assert nowhere.value.filename == str(tmp_path / "nowhere" / "c.txt")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]


def test_writers_at_once_do_not_share_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"

    def write(letter: str) -> None:
        for _ in range(50):
            with replacing(path) as aside, aside.open("w") as file:
                for _ in range(20):
                    file.write(letter * 100)
                    file.flush()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, "abcd"))
    text = path.read_text()
    assert len(text) == 2000
    assert len(set(text)) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="only there a process can be asked for")
def test_leftovers_of_dead_writers_are_removed_and_those_of_living_ones_kept(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from roadworthy.files import aside_name\n"
        "path = Path(sys.argv[1]) / aside_name(); path.write_text('half'); print(path, flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        aside = Path(writer.stdout.readline().strip())
        remove_leftovers(tmp_path)
        assert aside.exists()
        writer.kill()
    (tmp_path / "mine.tmp").touch()
    with replacing(tmp_path / "b.txt") as own:
        own.write_text("b")
    assert not aside.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.txt", "mine.tmp"]


def test_another_machines_files_are_left_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / ".rw-00000000-999999999-00000000.tmp"
    theirs.touch()
    remove_leftovers(tmp_path)
    assert theirs.exists()
    os.utime(theirs, (time.time() - files._STALE_S - 60,) * 2)
    remove_leftovers(tmp_path)
    assert not theirs.exists()


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with folder_replacing(path) as aside:
        (aside / "x").write_text("1")
        assert not path.exists()
    assert (path / "x").read_text() == "1"
    with folder_replacing(path) as aside:  # it was there first
        (aside / "x").write_text("2")
    assert (path / "x").read_text() == "1"
    with pytest.raises(IsADirectoryError), folder_replacing(tmp_path / "b"):
        tmp_path.read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_folder_is_filled_at_once_or_not_at_all(tmp_path: Path) -> None:

    def fail() -> None:
        with folder_filling(tmp_path) as aside:
            (aside / "stop").mkdir()
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fail()
    assert not list(tmp_path.iterdir())
    with folder_filling(tmp_path) as aside:
        (aside / "stop").mkdir()
        (aside / "stop" / "a.png").touch()
        assert [path.name[:4] for path in tmp_path.iterdir()] == [".rw-"]
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["stop", "stop/a.png"]


@pytest.mark.skipif(os.name != "posix", reason="only there a process can be asked for")
def test_folders_for_scratch_of_killed_processes_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path))
    program = "import os; from roadworthy.files import scratch\nwith scratch(): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(tmp_path)})
    assert len(list(tmp_path.iterdir())) == 1
    with scratch() as own:
        assert list(tmp_path.iterdir()) == [own]
        (own / "a").touch()
    assert not list(tmp_path.iterdir())


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        alone(tmp_path),
        pytest.raises(UsageError, match=f"another process is working on {tmp_path}"),
        alone(tmp_path),
    ):
        pass
    with alone(tmp_path):
        pass


@pytest.mark.parametrize("name", ["stop", "speed-60", "Fußgänger", "a b", "..x", "x" * 200])
def test_names_of_files(name: str) -> None:
    assert is_file_name(name)
    if not name.startswith("."):
        assert as_file_name(name) == name


NO_NAMES = ["", ".", "..", "../x", "a/b", "/x", "a\\b", "C:x", "a\0", "a\nb", "\x1b[2J", "x" * 201, "ß" * 101]


@pytest.mark.parametrize("name", NO_NAMES)
def test_names_that_are_none(name: str) -> None:
    assert not is_file_name(name)
    made = as_file_name(name)
    assert made not in ("", ".", "..")
    assert not set(made) & set("/\\\0\n\x1b:")
