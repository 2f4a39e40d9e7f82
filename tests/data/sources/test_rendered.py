from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import ConfigError, FaceError, UnknownNameError
from roadworthy.data.drawings import Drawings
from roadworthy.data.spec import read_records
from roadworthy.imaging.spec import InputSpec
from roadworthy.signs.catalogue import countries, faces, sign_classes


def test_a_recipe_to_train_on_brings_three_splits_and_every_class() -> None:
    records = read_records("rendered:au?n=700")
    drawn = {face.sign for face in faces(["au"])} | {"no-sign"}
    for split, recipe in (("train", "default"), ("val", "other-val"), ("test", "other-test")):
        part = [r for r in records if r.split == split]
        assert {r.label for r in part} == drawn
        assert {r.drawing.recipe for r in part if r.drawing} == {recipe}
    counts = Counter(r.label for r in records if r.split == "train")
    assert sum(counts.values()) == 700
    assert max(counts.values()) - min(counts.values()) <= 1


def test_pictures_can_be_asked_for_by_class() -> None:
    counts = Counter(r.label for r in read_records("rendered:au?per_class=3") if r.split == "train")
    assert set(counts.values()) == {3}


def test_some_signs_can_be_asked_for_and_are_drawn_as_ever() -> None:
    some = read_records("rendered:au?per_class=3&signs=no-sign+stop")
    assert {r.label for r in some} == {"stop", "no-sign"}
    every = read_records("rendered:au?per_class=3")
    assert some == [r for r in every if r.label in ("stop", "no-sign")]
    with pytest.raises(UnknownNameError, match=r"class of drawn signs 'stopp'.*did you mean 'stop'"):
        read_records("rendered:au?signs=stop+stopp")


def test_held_out_recipes_have_no_splits() -> None:
    records = read_records("rendered:de?recipe=other-test&n=50")
    assert len(records) == 50
    assert {r.split for r in records} == {""}


def test_held_out_pictures_do_not_depend_on_seed_or_settings() -> None:
    one, two = (
        [r for r in read_records(spec) if r.split != "train"]
        for spec in ("rendered:au?n=10&seed=1", "rendered:au?n=90&seed=2&without=rain&recipe=hard")
    )
    assert one == two


def test_countries_are_joined_by_meaning() -> None:
    both = {r.label for r in read_records("rendered:au+de?n=200&recipe=other-val")}
    assert both == {f.sign for f in faces(["au", "de"])} | {"no-sign"}
    assert both <= set(sign_classes())


def test_all_is_every_country() -> None:
    records = read_records("rendered:all?n=400&recipe=other-val")
    assert {r.label for r in records} == set(sign_classes())
    assert records[0].drawing
    assert records[0].drawing.countries == countries()


def test_groups_of_signs_are_drawn_alone_or_left_out(tmp_path: Path) -> None:
    rows = [
        f'[[face]]\nname = "my/{code}"\nclass = "other-sign"\ngroup = "{group}"\nwhere = "x"\naspect = 1.0\n'
        f'colours = ["red"]\n'
        for code, group in (("a", "parking"), ("b", "plate"))
    ]
    (tmp_path / "catalogue.toml").write_text("".join(rows))
    (tmp_path / "my").mkdir()
    for code, grey in (("a", 0), ("b", 255)):
        (tmp_path / "my" / f"{code}.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
            f'<path d="M0 0H9V9H0Z" fill="rgb({grey},{grey},{grey})"/></svg>'
        )

    def pictures(settings: str) -> list[float]:
        spec = f"rendered:my?faces={tmp_path}&signs=other-sign&per_class=6&recipe=plain{settings}"
        records = [r for r in read_records(spec) if r.split == "train"]
        images = np.zeros((len(records), 24, 24, 3), np.uint8)
        Drawings(records, images, InputSpec(size=24)).draw()
        return [float(image[8:16, 8:16].mean()) for image in images]

    both, parking, rest = pictures(""), pictures("&groups=parking"), pictures("&leave=parking")
    assert max(parking) < 60
    assert min(rest) > 120
    assert min(both) < 60 < 120 < max(both)
    with pytest.raises(UnknownNameError, match="group of signs 'fish'"):
        read_records("rendered:au?groups=fish")
    with pytest.raises(UnknownNameError, match="class of drawn signs 'other-sign'"):
        read_records(f"rendered:my?faces={tmp_path}&signs=other-sign&leave=parking+plate")


def test_pictures_without_distractors_are_drawn_as_ever() -> None:
    plain, with_things = (
        [r for r in read_records(f"rendered:au?signs=no-sign+stop&per_class=4{more}") if r.split == "train"]
        for more in ("", "&distractors=0.5")
    )
    assert [r.path for r in plain if "distractors" in r.path] == []
    assert all(r.drawing and r.drawing.distractors == 0.5 for r in with_things)
    assert all(
        r.drawing and not r.drawing.distractors
        for r in read_records("rendered:au?per_class=4&distractors=0.5")
        if r.split != "train"
    )


def test_each_drawing_is_a_sign_of_its_own() -> None:
    records = read_records("rendered:au?n=300")
    assert len({r.group for r in records}) == len({r.path for r in records}) == len(records)


def test_a_path_tells_all_that_a_drawing_is_drawn_from(tmp_path: Path) -> None:
    row = '[[face]]\nname="au/F1"\nclass="stop"\nwhere="Here."\naspect=1.0\ncolours=["black"]\n'
    (tmp_path / "catalogue.toml").write_text(row)
    own, photos = f"faces={tmp_path}", f"photos={tmp_path}"
    specs = ["au?", "de?", "au+de?", *(f"au?{s}&" for s in (own, photos, "seed=1", "recipe=hard"))]
    specs += [f"au?{s}&" for s in ("without=rain", "without=rain+glare", f"{own}&{photos}&without=rain")]
    found = {r.drawing: r.path for spec in specs for r in read_records(f"rendered:{spec}n=150")}
    assert len(set(found.values())) == len(found) > 1000
    # What users wrote down before the others were told stays as it was.
    assert "rendered:stop?countries=au&recipe=other-test&seed=0#3" in found.values()
    assert f"rendered:stop?countries=au&recipe=other-test&seed=0&{own}#3" in found.values()
    assert "rendered:stop?countries=au&recipe=default&seed=0&without=rain+glare#0" in found.values()


def test_without_a_place_it_is_australia() -> None:
    assert read_records("rendered:?n=5&recipe=plain") == read_records("rendered:au?n=5&recipe=plain")


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("rendered:xx", UnknownNameError, "Known: at, au"),
        ("rendered:+", ConfigError, "must name countries"),
        ("rendered:au,de", ConfigError, "joined by"),
        ("rendered:au+au", ConfigError, "each once"),
        ("rendered:au?n=0", ConfigError, "from 1"),
        ("rendered:au?n=5000001", ConfigError, "to 5,000,000"),
        ("rendered:au?per_class=1000000", ConfigError, "to 5"),
        (f"rendered:au?seed={'9' * 5000}", ConfigError, "to 9,"),
        ("rendered:au?n=many", ConfigError, "whole number"),
        ("rendered:au?n=5&per_class=2", ConfigError, "both n=5 and per_class=2"),
        ("rendered:au?seed=-1", ConfigError, "from 0"),
        ("rendered:au?colour=red", ConfigError, "no setting 'colour'"),
        ("rendered:au?per_clas=3", ConfigError, "did you mean 'per_class'"),
        ("rendered:au?faces=/nowhere", FaceError, "catalogue.toml"),
    ],
)
def test_bad_settings_are_refused(spec: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        read_records(spec)


def test_own_faces_that_no_country_asked_for_shows_are_refused(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(
        '[[face]]\nname="nz/F1"\nclass="stop"\nwhere="Here."\naspect=1.0\ncolours=["black"]\n'
    )
    assert read_records(f"rendered:au+nz?faces={tmp_path}&n=1&recipe=other-val")
    with pytest.raises(ConfigError, match=r"none of the faces in .*countries are: nz"):
        read_records(f"rendered:au?faces={tmp_path}")


def test_a_home_folder_is_meant_by_its_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(FaceError, match=str(tmp_path / "mine")):
        read_records("rendered:au?faces=~/mine")


def test_a_users_own_faces_join(tmp_path: Path) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>'
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "F1.svg").write_text(svg)
    row = '[[face]]\nname="mine/F1"\nclass="frogs"\nwhere="Here."\naspect=1.0\ncolours=["black"]\n'
    new = '[class.frogs]\nfamily="warning"\nmeaning="Frogs."\n'
    (tmp_path / "catalogue.toml").write_text(new + row)
    records = read_records(f"rendered:mine?faces={tmp_path}&n=4&recipe=other-val")
    assert {r.label for r in records} == {"frogs", "no-sign"}


def test_misframed_signs_are_for_training_alone_and_named_in_the_path() -> None:
    records = read_records("rendered:au?signs=no-sign&per_class=2&misframed=0.5")
    for record in records:
        assert record.drawing is not None
        assert record.drawing.misframed == (0.5 if record.split == "train" else 0.0)
        assert ("misframed=0.5" in record.path) == (record.split == "train")
    for wrong in ("2", "-0.1", "half", "nan"):
        with pytest.raises(ConfigError, match=rf"misframed='{wrong}'; it must be a share from 0 to 1"):
            read_records(f"rendered:au?misframed={wrong}")
