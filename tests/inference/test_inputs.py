import os
from pathlib import Path

import pytest
from PIL import Image

from roadworthy.core.errors import DataError, DataNotFoundError, UsageError
from roadworthy.core.notes import hearing
from roadworthy.inference.inputs import expand_inputs


def picture(path, grey=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (10, 10), grey).save(path)
    return path


def names(paths, root):
    return [str(path.relative_to(root)) for path in paths]


def test_folders_are_walked_in_order(tmp_path):
    for name in ("b/2.png", "b/10.png", "a.PNG", "c/d/e.webp", "b/.hidden.png", ".cache/x.png"):
        picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    expected = ["a.PNG", "b/10.png", "b/2.png", "c/d/e.webp"]
    assert names(expand_inputs([str(tmp_path)]), tmp_path) == [str(Path(name)) for name in expected]


def test_files_folders_and_globs_in_the_order_given(tmp_path):
    for name in ("z/1.png", "a/1.png", "a/2.jpg", "a/3.png"):
        picture(tmp_path / name)
    inputs = [str(tmp_path / "a/2.jpg"), str(tmp_path / "z"), str(tmp_path / "a/*.png"), str(tmp_path / "?")]
    found = [str(Path(name).as_posix()) for name in names(expand_inputs(inputs), tmp_path)]
    assert found == ["a/2.jpg", "z/1.png", "a/1.png", "a/3.png", "a/1.png", "a/2.jpg", "a/3.png", "z/1.png"]


def test_a_name_with_brackets_is_meant_literally(tmp_path):
    odd = picture(tmp_path / "sign [1].png")
    picture(tmp_path / "sign 1.png")
    assert list(expand_inputs([str(odd)])) == [odd]


@pytest.mark.parametrize("name", ["nothing.png", "*.png", "empty"])
def test_an_input_that_names_nothing_is_refused_at_once(tmp_path, name):
    (tmp_path / "empty").mkdir()
    good = picture(tmp_path / "good.jpg")
    with pytest.raises(DataNotFoundError, match="no picture at"):
        expand_inputs([str(good), str(tmp_path / name)])


def test_links_to_folders_are_not_followed(tmp_path):
    picture(tmp_path / "a" / "1.png")
    try:
        (tmp_path / "a" / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    except OSError as error:
        pytest.skip(f"no symbolic links here: {error}")
    assert len(list(expand_inputs([str(tmp_path)]))) == 1


def test_what_a_folder_holds_beside_pictures_is_counted(tmp_path):
    for name in ("a/1.png", "a/2.jfif", "b/3.avif", "b/4.heic"):
        picture(tmp_path / "x.png").rename((tmp_path / name).parent.mkdir(exist_ok=True) or tmp_path / name)
    for name in ("a/1.svg", "b/2.SVG", "b/README", "b/Thumbs.db", "b/.DS_Store"):
        (tmp_path / name).write_text("no picture")
    with hearing() as notes:
        found = names(expand_inputs([str(tmp_path), str(tmp_path / "a/1.png")]), tmp_path)
    assert found == ["a/1.png", "a/2.jfif", "b/3.avif", "b/4.heic", "a/1.png"]
    assert notes == [f"{tmp_path}: 3 files that are no pictures are left out: .svg (2), no suffix (1)"]


def test_a_folder_without_pictures_says_what_it_holds(tmp_path):
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(DataNotFoundError, match=r"1 file that is no picture is left out: \.pdf \(1\)"):
        expand_inputs([str(tmp_path)])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
def test_a_list_is_read_as_editors_and_shells_write_it(tmp_path, encoding):
    path = picture(tmp_path / "größe.png")
    start = b"\xff\xfe" if encoding == "utf-16-le-bom" else b""
    text = f"{path}\r\n\r\n{path}\r\n".encode(encoding.removesuffix("-bom"))
    (tmp_path / "list.txt").write_bytes(start + text)
    assert list(expand_inputs([f"@{tmp_path / 'list.txt'}"])) == [path, path]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a.png\n\0b.png\n", "list.txt, line 2: .*NUL"),
        (b"", "list.txt is empty"),
        (b"\n \n", "list.txt is empty"),
        ("a.png".encode("utf-16-le"), "line 1: .*NUL.*UTF-16"),
        (b"\xff\xfea", "no whole UTF-16"),
        (b"n" * 300, "line 1: .*300 bytes"),
        (b"data:image/png;base64,AAAA", "line 1: .*data URI"),
    ],
)
def test_a_list_that_names_no_paths_is_refused_in_one_line(tmp_path, content, words):
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataError, match=words):
        list(expand_inputs([f"@{tmp_path / 'list.txt'}"]))


@pytest.mark.parametrize(
    ("given", "words"), [("n" * 300, "300 bytes"), ("a\0", "NUL"), ("data:image/png;base64,AAAA", "data URI")]
)
def test_an_input_that_is_no_path_is_refused_in_one_line(given, words):
    with pytest.raises(UsageError, match=words):
        expand_inputs([given])


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links")
def test_links_in_circles_are_not_followed_and_nothing_comes_twice(tmp_path):
    for place in ("a/1.png", "a/b/2.png", "a/b/c/3.png", ".hidden/4.png"):
        picture(tmp_path / "x.png").rename((tmp_path / place).parent.mkdir(parents=True) or tmp_path / place)
    (tmp_path / "a/b/up").symlink_to(tmp_path)
    (tmp_path / "a/again").symlink_to(tmp_path / "a")
    every = ["a/1.png", "a/b/2.png", "a/b/c/3.png"]
    assert names(expand_inputs([f"{tmp_path}/**"]), tmp_path) == every
    assert names(expand_inputs([f"{tmp_path}/**/*.png"]), tmp_path) == every
    assert names(expand_inputs([f"{tmp_path}/a/**/c"]), tmp_path) == every[2:]
    assert names(expand_inputs([f"{tmp_path}/*/**/?.png"]), tmp_path) == every
    assert names(expand_inputs([f"{tmp_path}/a/**/b/*.png"]), tmp_path) == every[1:2]
