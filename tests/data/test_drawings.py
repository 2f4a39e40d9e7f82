from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray
from roadworthy.data.drawings import BLOCK, Drawings, _draw_block, _Tiles, _tiles, worded
from roadworthy.data.loader import BatchLoader
from roadworthy.data.open import load_pictures, open_splits
from roadworthy.data.records import Drawing
from roadworthy.data.spec import read_records
from roadworthy.imaging.spec import InputSpec
from roadworthy.render.camera import Camera
from roadworthy.render.recipes import RECIPES
from roadworthy.signs.catalogue import faces
from roadworthy.signs.draw import draw_tile

pytest.importorskip("resvg_py", reason="drawing needs roadworthy[signs]")

SPEC = InputSpec(size=24)
FOUR = ("speed-50", "speed-60", "stop", "no-entry")


def records(n: int = 8, spec: str = "rendered:au?recipe=plain&n=80000"):
    found = [r for r in read_records(spec) if r.label in FOUR and r.split in ("", "train")]
    return [r for r in found if r.drawing and r.drawing.number < n]


def drawn(chosen, spec: InputSpec = SPEC) -> ByteArray:
    return load_pictures(chosen, DataConfig(spec=""), spec).images


def test_a_picture_does_not_depend_on_what_is_drawn_with_it() -> None:
    every = records()
    whole = drawn(every)
    for chosen in ([3], [30, 1, 17], list(range(9, 20))):
        assert np.array_equal(drawn([every[i] for i in chosen]), whole[chosen])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{seed}.png")
    return str(folder)


# What may be asked of a block; two records that are one drawing ask for the same picture twice.
SOME = {
    "one": [0],
    "a half": range(1, BLOCK, 2),
    "the whole": range(BLOCK),
    "the whole backwards": range(BLOCK - 1, -1, -1),
    "a few twice": [255, 3, 17, 3],
    "the whole twice": [*range(BLOCK), *range(BLOCK)],
}


@pytest.mark.parametrize("backdrop", ["drawn", "photographed"])
@pytest.mark.parametrize(
    "kind",
    [{"sign": "stop"}, {"sign": "not-a-limit"}, {"sign": "no-sign"}, {"sign": "no-sign", "misframed": 0.3}],
)
@pytest.mark.parametrize("recipe", list(RECIPES))
def test_some_pictures_of_a_block_are_as_they_are_in_the_whole(
    recipe: str, kind: dict[str, Any], backdrop: str, photos: str
) -> None:
    block = Drawing(
        **kind,
        countries=("au",),
        recipe=recipe,
        seed=3,
        number=1,
        photos=photos if backdrop == "photographed" else "",
    )
    whole = _draw_block(block, 0, SPEC)
    assert len(whole) == BLOCK
    for asked in SOME.values():
        places = np.array(asked)
        apart = np.abs(_draw_block(block, 0, SPEC, places).astype(int) - whole[places])
        # Sums over other numbers of pictures may end in another last digit, which rounding lets show.
        assert apart.max() <= 1
        assert (apart > 0).mean() < 1e-4


def test_only_what_is_asked_for_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    expose = Camera.expose

    def counting(self: Camera, pictures: torch.Tensor, *rest: Any) -> torch.Tensor:
        made.append(len(pictures))
        return expose(self, pictures, *rest)

    monkeypatch.setattr(Camera, "expose", counting)
    told: list[tuple[int, int]] = []
    asked = [r for r in read_records("rendered:au?n=150&recipe=other-test") if r.label in ("stop", "no-sign")]
    load_pictures(asked, DataConfig(spec=""), SPEC, progress=lambda *counts: told.append(counts))
    assert (sum(made), len(made)) == (len(asked), 2)
    assert told[-1] == (len(asked), len(asked))


def test_faces_are_drawn_once_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        "roadworthy.data.drawings.draw_tile", lambda face, px: seen.append(face.sign) or draw_tile(face, px)
    )
    _tiles.cache_clear()
    drawn([r for r in records(1) if r.label == "stop"])
    assert "stop" in seen
    stops = sum(face.sign == "stop" for face in faces(["au"]))
    assert len(seen) <= stops + 1 < 20  # of two thousand: those of the class, and of one sign beside
    _tiles.cache_clear()


def test_seeds_recipes_and_numbers_make_other_pictures() -> None:
    every = records(2)
    assert len({picture.tobytes() for picture in drawn(every)}) == len(every)
    for change in ({"seed": 1}, {"recipe": "hard"}):
        other = [replace(r, drawing=replace(r.drawing, **change)) for r in every]
        assert (drawn(other) != drawn(every)).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize(
    ("split", "means"), [("val", [159.87, 76.69, 203.37]), ("test", [177.38, 150.00, 199.06])]
)
def test_the_fixed_splits_keep_their_pictures(
    split: str, means: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The camera is frozen in tests/signs/test_unseen.py; here are the seeds, blocks and framing around it.
    tile = torch.ones(1, 4, 64, 64)
    tile[:, 0] = torch.linspace(0, 1, 64)
    images = torch.cat([tile, tile.flip(3)]).mul(255).round().byte()
    tiles = _Tiles(images=images, rows={"stop": (0, 1), "give-way": (1, 2)})
    monkeypatch.setattr("roadworthy.data.drawings._tiles", lambda *_: tiles)
    every = read_records("rendered:au?n=9&seed=5")
    chosen = [r for r in every if (r.label, r.split) == ("stop", split)][:40]
    pictures = drawn(chosen, InputSpec(size=32))
    found = [pictures[0].mean(), pictures[39, :, :, 0].mean(), pictures[:, 16, 16].mean()]
    assert found == pytest.approx(means, abs=0.1)


def test_neighbours_are_of_other_classes_where_there_are_any() -> None:
    rows = {"stop": (0, 2), "give-way": (2, 3), "hump": (3, 7)}
    random = torch.Generator().manual_seed(0)
    tiles = _Tiles(images=torch.zeros(7, 4, 1, 1), rows=rows)
    assert tiles.of("hump", torch.arange(6)).tolist() == [3, 4, 5, 6, 3, 4]
    for sign, (first, end) in rows.items():
        others = set(range(7)) - set(range(first, end))
        assert set(tiles.of_others(sign, 200, random).tolist()) == others
    alone = _Tiles(images=torch.zeros(2, 4, 1, 1), rows={"stop": (0, 2)})
    assert set(alone.of_others("stop", 50, random).tolist()) == {0, 1}


def test_a_third_is_renewed_each_epoch_and_any_order_of_epochs_shows_the_same() -> None:
    every = records(800)
    images = np.zeros((len(every), 24, 24, 3), np.uint8)
    drawings = Drawings(every, images, SPEC)
    shown = []
    for epoch in range(4):
        drawings.draw(epoch)
        shown.append(images.copy())
    for before, after in pairwise(shown):
        changed = (before != after).any(axis=(1, 2, 3)).mean()
        assert 0.2 < changed < 0.5
    drawings.draw(1)
    assert np.array_equal(images, shown[1])
    assert (shown[0] != shown[3]).any(axis=(1, 2, 3)).all()


def test_cropping_to_the_box_makes_the_sign_fill_the_picture() -> None:
    # Red octagons, so red is a measure of how much of the picture the sign takes.
    stops = [r for r in records(40, "rendered:au?recipe=hard&n=80000") if r.label == "stop"]

    def red(images: ByteArray) -> float:
        pixels = images.astype(int)
        return float((pixels[..., 0] > pixels[..., 1:].max(axis=-1) + 30).mean())

    assert red(drawn(stops, InputSpec(size=24, crop="roi"))) > 1.5 * red(drawn(stops))


def test_training_sees_new_drawings_and_validation_the_same() -> None:
    data = DataConfig(spec="rendered:au?recipe=plain&n=600", classes=FOUR)
    splits = open_splits(data, SPEC)
    assert splits.report.dropped == {}
    assert splits.report.groups_from.endswith("drawn pictures, each a sign of its own")
    val = splits.val.images.copy()
    loader = BatchLoader(splits.train, 16, seed=0)
    first = splits.train.images.copy()
    list(loader.epoch(0))
    assert np.array_equal(splits.train.images, first)
    list(loader.epoch(2))
    assert (splits.train.images != first).any()
    assert np.array_equal(splits.val.images, val)


@pytest.mark.parametrize("sign", ["stop", "no-sign"])
def test_a_training_set_is_renewed_with_the_pictures_of_its_blocks(sign: str) -> None:
    data = DataConfig(spec=f"rendered:au?recipe=plain&per_class={BLOCK}", classes=("stop", "no-sign"))
    train = open_splits(data, SPEC, with_test=False).train
    mine = [(row, r.drawing) for row, r in enumerate(train.records) if r.drawing and r.label == sign]
    rows, numbers = [row for row, _ in mine], [drawing.number for _, drawing in mine]
    assert sorted(numbers) == list(range(BLOCK))
    assert numbers != sorted(numbers)  # 0, 1, 10, 100: in the order of their paths
    assert train.renew is not None
    for epoch in (1, 2, 3):
        train.renew(epoch)
        series = [_draw_block(replace(mine[0][1], number=0), shown, SPEC) for shown in range(epoch + 1)]
        assert any(np.array_equal(train.images[rows], whole[numbers]) for whole in series)


def test_photographs_are_tested_on_alone(tmp_path, drawn_folder) -> None:
    data = DataConfig(spec=f"folder:{drawn_folder},rendered:au?recipe=plain&n=600@0.5", classes=FOUR)
    splits = open_splits(data, SPEC)
    assert {r.source for r in splits.test.records} == {0}
    assert {r.source for r in splits.train.records} == {0, 1}
    assert {r.source for r in splits.val.records} == {0, 1}
    assert any("drawn test pictures: the test" in note for note in splits.report.notes)


def test_drawings_with_words_are_named_one_by_one(drawn_folder) -> None:
    drawn = read_records("rendered:au?signs=stop+crossroads+children+no-sign&per_class=60&recipe=other-val")
    found = worded(drawn)
    of = {
        sign: [bool(word) for word, record in zip(found, drawn, strict=True) if record.drawing.sign == sign]
        for sign in ("stop", "crossroads", "children", "no-sign")
    }
    assert all(of["stop"])
    assert not any(of["crossroads"] + of["no-sign"])
    # Some Australian boards say it in words beside the picture, others show the picture alone.
    assert any(of["children"])
    assert not all(of["children"])
    assert not worded(read_records(f"folder:{drawn_folder}")).any()
