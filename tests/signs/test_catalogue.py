from pathlib import Path

import pytest

from roadworthy.core.errors import FaceError, LabelError
from roadworthy.signs.catalogue import (
    FOLDER,
    NO_SIGN,
    catalogue,
    codes_of,
    countries,
    faces,
    families,
    family_of,
    is_sign,
    kind_and_value,
    mirror_indices,
    name_from_gtsrb_id,
    plain_face,
    resolve_label,
    sign_classes,
    told_by_colour,
)

STUDY = {2: "speed-50", 3: "speed-60", 14: "stop", 17: "no-entry"}


def test_gtsrb_numbers_are_0_to_42_each_once() -> None:
    assert sorted(c.gtsrb for c in sign_classes().values() if c.gtsrb is not None) == list(range(43))


@pytest.mark.parametrize(("number", "name"), STUDY.items())
def test_the_studys_classes(number: int, name: str) -> None:
    assert name_from_gtsrb_id(number) == name_from_gtsrb_id(f"{number:05d}") == name


@pytest.mark.parametrize("bad", [43, -1, "x", ""])
def test_other_numbers_are_errors(bad: int | str) -> None:
    with pytest.raises(LabelError, match="0 to 42"):
        name_from_gtsrb_id(bad)


def test_every_class_has_a_known_family_and_a_meaning() -> None:
    for sign in sign_classes().values():
        assert sign.family in families(), sign
        assert sign.meaning.endswith("."), sign


def test_mirroring_twice_comes_back_to_the_same_class() -> None:
    classes = sign_classes()
    for sign in classes.values():
        if sign.mirror is not None:
            assert classes[sign.mirror].mirror == sign.name


def test_nothing_with_digits_or_words_has_a_mirror() -> None:
    for name in ("stop", "no-entry", *(n for n in sign_classes() if "speed" in n)):
        assert sign_classes()[name].mirror is None, name


def test_a_mirror_outside_the_task_is_none() -> None:
    assert mirror_indices(["keep-left", "stop", "keep-right"]) == [2, -1, 0]
    assert mirror_indices(["keep-left", "mine"]) == [-1, -1]


def test_signs_are_told_from_objects_by_name() -> None:
    for name in (*sign_classes(), *families(), "speed-135"):
        assert is_sign(name) == (name != "other"), name
    for name in ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"):
        assert not is_sign(name)


def test_codes_are_unique_and_any_case_finds_their_class() -> None:
    names = [face.name.upper() for face in faces()]
    assert len(names) == len(set(names))
    assert resolve_label("R1-1", "au") == resolve_label("r1-1", "au") == "stop"
    assert resolve_label("R4-1-50", "au") == resolve_label("274-50", "de") == "speed-50"
    assert resolve_label("stop") == resolve_label("stop", "de") == "stop"
    assert resolve_label("my-own") == "my-own"


def test_a_code_is_none_without_its_country() -> None:
    assert resolve_label("R1-1") == resolve_label("R1-1", "de") == "R1-1"
    assert codes_of("R3-1") == {"au": "pedestrian-crossing", "us": "no-right-turn", **codes_of("R3-1")}
    assert codes_of("stop") == {}


def test_every_face_has_its_class_file_and_place() -> None:
    for face in faces():
        assert face.sign in sign_classes(), face.name
        assert face.file.is_file(), face.name
        assert face.where, face.name
        assert face.country in countries()
        assert face.file.is_relative_to(FOLDER / "faces" / face.country), face.name


def test_every_class_but_the_background_has_a_face() -> None:
    drawn = {face.sign for face in faces()}
    assert set(sign_classes()) - drawn == {NO_SIGN}


def test_both_countries_draw_what_they_are_said_to() -> None:
    german = {f.sign for f in faces(["de"])}
    assert {c.name for c in sign_classes().values() if c.gtsrb is not None} <= german
    australian = {f.sign for f in faces(["au"])}
    assert {"stop", "no-entry", "speed-40", "speed-110", "wrong-way", "not-a-limit", "hump"} <= australian
    assert "speed-120" not in australian


def test_the_face_that_stands_for_a_class_is_of_the_first_country_and_no_variant() -> None:
    def name(sign: str, *countries: str) -> str | None:
        face = plain_face(sign, countries)
        return face and face.name

    assert name("stop", "au", "de") == name("stop", "xx", "au") == "au/R1-1"
    assert name("stop", "de", "au") == "de/206"
    assert name("priority-road", "au", "de") == "de/306"
    assert name("speed-50", "au") == "au/R4-1-50"
    assert name("priority-road", "au") is name(NO_SIGN, "au", "de") is name("mine", "au") is None
    for sign in sign_classes():
        for country in ("au", "de"):
            codes = [face.code for face in faces([country]) if face.sign == sign]
            assert not any(codes[0].startswith(f"{code}-") for code in codes[1:]), codes


def test_every_limit_has_its_end() -> None:
    numbers: dict[str, set[int | None]] = {"speed": set(), "end-speed": set()}
    for kind, value in map(kind_and_value, sign_classes()):
        if kind in numbers:
            numbers[kind].add(value)
    assert numbers["speed"] == numbers["end-speed"] >= {10, 25, 50, 120, 130}


def test_numbers_make_faces_of_one_file() -> None:
    rings = [f for f in faces(["au"]) if f.code.startswith("R4-1-") and f.number in (50, 60)]
    assert {(f.sign, f.number) for f in rings} == {("speed-50", 50), ("speed-60", 60)}
    assert len({f.file for f in rings if f.code in ("R4-1-50", "R4-1-60")}) == 1


ROW = '[[face]]\nname = "my/a"\nclass = "stop"\nwhere = "x"\naspect = 1.0\ncolours = ["red"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[face", "not valid TOML"),
        (ROW.replace('class = "stop"\n', ""), "must have name, class"),
        (ROW.replace("stop", "stopp"), "'stopp', which does not exist"),
        (ROW.replace("my/a", "a"), "COUNTRY/CODE"),
        (ROW.replace("red", "mauve"), "mauve"),
        (ROW.replace("aspect", "aspekt"), "aspekt"),
        (ROW + ROW, "two entries"),
        (ROW.replace("my/a", "au/R1-1"), "exists already"),
        ('[class.x]\nfamily = "nonsense"\nmeaning = "X."\n', "nonsense"),
        ('[class.x]\nmeaning = "X."\n', "family"),
        ('[class.x]\nfamily = "warning"\nmeaning = 5\n', "meaning 5"),
        ("[class]\nx = 5\n", "[class.NAME]"),
        ('class = "x"\n', "[class.NAME]"),
        ('[class.stop]\nfamily = "warning"\nmeaning = "X."\n', "stop exists already"),
        ('[class."../x"]\nfamily = "warning"\nmeaning = "X."\n', "'../x' may have only letters"),
        ('[class."a,b"]\nfamily = "warning"\nmeaning = "X."\n', "'a,b' may have only letters"),
        (ROW.replace("[[face]]", "[face]"), "[[face]]"),
        ('face = ["my/a"]\n', "[[face]]"),
        (ROW.replace('"my/a"', "5"), "name = 5; it must be a text"),
        (ROW.replace("1.0", '"wide"'), "aspect = 'wide'; it must be a number"),
        (ROW.replace('["red"]', '"red"'), "colours = 'red'; it must be a list"),
        (ROW.replace('["red"]', "[[1]]"), "[[1]]"),
        (ROW + "numbers = 5\n", "numbers = 5; it must be a list"),
        (ROW + 'numbers = ["x"]\n', "['x']; they must be whole"),
        (ROW + "texts = [5]\n", "[5]; they must be texts"),
        (ROW + 'texts = ["/"]\n', "['/']; they must be texts"),
        (ROW + 'group = "fish"\n', "the group 'fish'; known: board"),
        (ROW.replace("stop", "other-sign"), "needs a group"),
        (ROW + "size = 3\n", "may have file, zone, group, numbers, texts, and nothing else"),
        (ROW + 'file = "../../secret.svg"\n', "must lie in"),
        (ROW + 'file = "/etc/passwd"\n', "must lie in"),
        (ROW.replace("stop", "no-sign"), "no-sign, which cannot have faces"),
    ],
)
def test_a_users_catalogue_is_checked_row_by_row(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "catalogue.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FaceError) as caught:
        catalogue(tmp_path)
    assert words in str(caught.value)
    assert "catalogue.toml" in str(caught.value)


def test_a_catalogue_written_in_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(ROW, encoding="utf-8-sig")
    assert "my/a" in catalogue(tmp_path).faces


def test_a_users_classes_and_faces_join_ours(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text('[class.frogs]\nfamily = "warning"\nmeaning = "Frogs."\n' + ROW)
    whole = catalogue(tmp_path)
    assert {"stop", "frogs"} <= whole.classes.keys()
    assert whole.faces["my/a"].file == tmp_path / "my" / "a.svg"
    assert "my/a" not in catalogue().faces


@pytest.mark.parametrize(
    ("name", "kind", "value", "family"),
    [
        ("speed-50", "speed", 50, "speed-limit"),
        ("speed-110", "speed", 110, "speed-limit"),
        ("end-speed-80", "end-speed", 80, "end-of-limit"),
        ("stop", "stop", None, "stop-and-priority"),
        ("speed-", "speed-", None, "other"),
        ("mine-7", "mine-7", None, "other"),
    ],
)
def test_the_two_levels_of_an_answer(name: str, kind: str, value: int | None, family: str) -> None:
    assert kind_and_value(name) == (kind, value)
    assert family_of(name) == family


def test_limits_and_their_ends_are_told_by_colour_whatever_their_number() -> None:
    for name in ("speed-50", "speed-35", "end-speed-110", "end-all-limits"):
        assert told_by_colour(name)
    assert "end-speed" in told_by_colour("speed-60")
    assert "speed" in told_by_colour("end-speed-60")
    assert told_by_colour("stop") == told_by_colour("bend-left") == told_by_colour("frogs") == ()


def test_what_only_colour_tells_apart_is_so_in_both_directions_and_exists() -> None:
    known = {kind_and_value(name)[0] for name in sign_classes()}
    kinds = {kind for group in catalogue().by_colour for kind in group}
    assert kinds <= known
    for kind in kinds:
        for other in told_by_colour(kind):
            assert kind in told_by_colour(other)


def test_whatever_has_an_end_is_told_from_it_by_colour() -> None:
    zones = {"end-road-works", "end-school-zone", "end-divided-road"}  # boards with words, or diamonds
    ends = {kind_and_value(name)[0] for name in sign_classes() if name.startswith("end-")}
    assert ends - zones == {
        "end-speed",
        "end-all-limits",
        "end-no-overtaking",
        "end-no-overtaking-trucks",
    }
    for end in ends - zones - {"end-all-limits"}:
        assert end.removeprefix("end-") in told_by_colour(end)
