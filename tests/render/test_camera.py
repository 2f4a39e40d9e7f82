from __future__ import annotations

import pytest
import torch
from torch import Tensor

from roadworthy.core.errors import ShapeError, UnknownNameError
from roadworthy.render.backdrops import Clutter, Photograph, Solid
from roadworthy.render.camera import Camera, among
from roadworthy.render.effects import (
    EFFECTS,
    Effect,
    Random,
    batch,
    effect_name,
)
from roadworthy.render.lens import Bloom, Demosaic
from roadworthy.render.light import Retroreflection
from roadworthy.render.no_sign import no_sign
from roadworthy.render.pose import Crop, CutOff, OffCentre, Perspective, Rotation, Squeeze
from roadworthy.render.recipes import RECIPES, Recipe
from roadworthy.render.street import confetti

SIZE = 32
TRAINED = ("plain", "default", "hard")
# As strong as the recipe that uses it most strongly has it.
STRONGEST: dict[str, Effect] = {}
for _recipe in (*(RECIPES.get(_name)() for _name in RECIPES), confetti.SIGN):
    for _effect in _recipe:
        _key = effect_name(_effect)
        if _key not in STRONGEST or _effect.amount > STRONGEST[_key].amount:
            STRONGEST[_key] = _effect


def discs(count: int, side: int = 64) -> Tensor:
    """Red discs with a white bar, clear around."""
    place = (torch.arange(side) + 0.5) / side * 2 - 1
    inside = (place[:, None] ** 2 + place**2 <= 1).float()
    bar = ((place.abs() < 0.2)[:, None] & (place.abs() < 0.7)).float()
    face = torch.stack([0.8 + 0.2 * bar, 0.05 + 0.95 * bar, 0.1 + 0.9 * bar, torch.ones(side, side)]) * inside
    return face.expand(count, -1, -1, -1).clone()


def squares(count: int, width: float = 1.0, side: int = 64) -> Tensor:
    """White rectangles as high as the tile and `width` of it wide."""
    face = torch.zeros(count, 4, side, side)
    margin = round(side * (1 - width) / 2)
    face[..., margin : side - margin] = 1.0
    return face


def photographs(count: int = 5) -> Tensor:
    return torch.randint(
        0, 256, (count, 3, 40, 56), dtype=torch.uint8, generator=torch.Generator().manual_seed(3)
    )


def shoot(
    recipe: str | Recipe, faces: Tensor, seed: int = 0, size: int = SIZE, without: tuple[str, ...] = ()
) -> tuple[Tensor, Tensor]:
    camera = Camera(recipe, size, without)
    return camera(faces, torch.Generator().manual_seed(seed), discs(len(faces)), photographs())


@pytest.mark.parametrize("name", RECIPES.names())
def test_every_recipe_gives_pictures_and_boxes(name: str) -> None:
    faces = discs(40)
    kept = faces.clone()
    pictures, boxes = shoot(name, faces)
    assert pictures.shape == (40, 3, SIZE, SIZE)
    assert pictures.dtype == torch.float32
    assert pictures.isfinite().all()
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert pictures.std(dim=(1, 2, 3)).median() > 0.03  # pictures of something
    assert boxes.shape == (40, 4)
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert torch.equal(faces, kept)
    assert RECIPES.summary(name).endswith(".")


@pytest.mark.parametrize("name", RECIPES.names())
def test_same_seed_same_pictures_whatever_the_number_of_threads(name: str) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one, boxes = shoot(name, discs(24))
        torch.set_num_threads(2)
        two, again = shoot(name, discs(24))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(boxes, again)
    assert torch.allclose(one, two, atol=1e-5)
    other, _ = shoot(name, discs(24), seed=1)
    assert (one - other).abs().mean() > 0.02


@pytest.mark.parametrize("name", EFFECTS.names())
def test_every_effect_changes_pictures_within_range_and_can_be_left_out(name: str) -> None:
    kind = EFFECTS.get(name)
    always = kind(STRONGEST[name].amount, 1.0)
    before = [effect for effect in (Solid(), Crop(2.0)) if effect_name(effect) != name]
    plain, plain_boxes = shoot((*before, always), discs(16), without=(name,))
    changed, _ = shoot((*before, always), discs(16))
    assert (changed - plain).abs().flatten(1).amax(1).gt(0.01).sum() >= 6
    assert changed.isfinite().all()
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert (changed - plain).abs().mean() < 0.6
    for idle in (kind(0.0, 1.0), kind(always.amount, 0.0)):
        same, boxes = shoot((*before, idle), discs(16))
        assert torch.equal(same, plain)
        assert torch.equal(boxes, plain_boxes)


def test_leaving_an_effect_out_changes_only_the_pictures_that_it_met() -> None:
    share = next(e.probability for e in RECIPES.get("default")() if isinstance(e, Clutter))
    whole, boxes = shoot("default", discs(200))
    less, same = shoot("default", discs(200), without=("clutter",))
    assert torch.equal(boxes, same)
    differ = (whole != less).flatten(1).any(dim=1).float().mean()
    # A few are hidden: under a photograph, or by exposures that leave nothing.
    assert 0.2 < differ < share + 0.1


def test_every_effect_has_a_recipe_and_the_fixed_ones_have_their_own() -> None:
    assert set(STRONGEST) == set(EFFECTS.names())
    used = {name: {effect_name(effect) for effect in RECIPES.get(name)()} for name in RECIPES}
    trained = set().union(*(used[name] for name in TRAINED))
    own_val, own_test = used["other-val"] - trained, used["other-test"] - trained
    assert own_val == {name for name in EFFECTS if name.startswith("val-")}
    assert own_test == {name for name in EFFECTS if name.startswith("test-")}
    for name in ("other-val", "other-test"):
        # No ground, framing, noise or JPEG that a model could know from training.
        assert not used[name] & {"solid", "clutter", "crop", "sensor-noise", "focus-blur", "exposure", "jpeg"}


def test_recipes_differ_and_the_harder_ones_stray_further() -> None:
    pictures = {name: shoot(name, discs(64))[0] for name in RECIPES}
    names = list(pictures)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            assert (pictures[name] - pictures[other]).abs().mean() > 0.05
    spread = {name: pictures[name].mean(dim=(1, 2, 3)).std() for name in TRAINED}
    assert spread["plain"] < spread["default"]
    widths = {name: (box[:, 2] - box[:, 0]) for name in TRAINED for box in [shoot(name, discs(200))[1]]}
    assert widths["plain"].min() > 0.75
    assert widths["hard"].mean() < widths["default"].mean() < widths["plain"].mean()
    assert widths["hard"].min() < 0.36


@pytest.mark.parametrize("width", [1.0, 0.5])
@pytest.mark.parametrize("side", [64, 96])
def test_the_box_holds_the_sign(width: float, side: int) -> None:
    recipe = (Perspective(0.2), Rotation(15), Squeeze(0.2), Crop(1.5), OffCentre(0.1), CutOff(0.3, 0.2))
    pictures, boxes = Camera(recipe, 48)(squares(60, width, side), torch.Generator().manual_seed(0))
    for picture, box in zip(pictures, boxes, strict=True):
        rows, columns = (picture[0] > 0.55).nonzero().unbind(1)
        seen = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        assert (seen - box * 48).abs().max() < 1.6


def test_a_tight_sign_fills_the_picture_and_a_clear_face_leaves_the_ground() -> None:
    pictures, boxes = Camera((), 32)(squares(2), torch.Generator())
    assert boxes.tolist() == [[0.0, 0.0, 1.0, 1.0]] * 2
    assert pictures.min() > 0.999
    pictures, _ = Camera((), 32)(torch.zeros(2, 4, 64, 64), torch.Generator())
    assert torch.equal(pictures, torch.full_like(pictures, 0.5))


def test_half_clear_faces_let_half_of_the_ground_through() -> None:
    faces = squares(1)
    faces[:, 3] = 0.52
    picture, _ = Camera((), 32)(faces, torch.Generator())
    assert picture.mean().item() == pytest.approx(0.52 + 0.48 * 0.5, abs=1e-4)


def test_thin_strokes_keep_their_weight_when_they_shrink() -> None:
    faces = squares(1, side=96)
    faces[:, :3] = 0.0
    faces[:, :3, :, ::8] = 1.0  # one line in eight
    picture, boxes = Camera((Crop(2.0),), 48)(faces.expand(20, -1, -1, -1), torch.Generator().manual_seed(0))
    small = (boxes[:, 2] < 0.75).nonzero()[0, 0]
    x1, y1, x2, y2 = (boxes[small] * 48).round().int().tolist()
    inside = picture[small, :, y1 + 2 : y2 - 2, x1 + 2 : x2 - 2]
    assert inside.mean().item() == pytest.approx(1 / 8, abs=0.02)


def test_retroreflection_makes_the_sign_brighter_than_what_is_around_it() -> None:
    def ratio(without: tuple[str, ...]) -> Tensor:
        pictures, boxes = shoot((Crop(2.0), Retroreflection(0.95)), squares(16), without=without)
        rows = [
            (picture[:, 14:18, 14:18].mean() / picture[:, 0, :2].mean())
            for picture, box in zip(pictures, boxes, strict=True)
            if box[0] > 0.1 and box[1] > 0.1
        ]
        return torch.stack(rows)

    day, night = ratio(("retroreflection",)), ratio(())
    assert len(day) >= 2
    assert (night > 2 * day).all()


def test_bloom_thins_dark_strokes_on_white_and_reaches_white() -> None:
    face = torch.ones(64, 4, 64, 64)
    face[:, :3, :, 29:35] = 0.1
    before, _ = shoot((Solid(), Crop(0.0)), face, size=64)
    after, _ = shoot((Solid(), Crop(0.0), Bloom(1.5)), face, size=64)
    dark = [(pictures < 0.5).float().mean() for pictures in (before, after)]
    assert 0 < dark[1] < dark[0]
    assert after.amax() == 1.0


def test_demosaicing_colours_the_edges_of_a_black_and_white_sign() -> None:
    chroma = [
        (pictures.amax(1) - pictures.amin(1)).mean()
        for pictures, _ in (
            shoot(recipe, squares(16, 0.5))
            for recipe in ((Solid(0.0), Crop(0.0)), (Solid(0.0), Crop(0.0), Demosaic()))
        )
    ]
    assert chroma[0] < 1e-6 < 0.01 < chroma[1]


def test_cut_off_signs_reach_the_border() -> None:
    _, boxes = shoot((Crop(1.0), CutOff(0.3)), discs(50))
    at_border = (boxes[:, :2] == 0) | (boxes[:, 2:] == 1)
    assert at_border.any(dim=1).all()


def test_photographs_and_neighbours_show_only_where_they_are_given() -> None:
    recipe = (Photograph(1.0), Crop(1.0))
    camera = Camera(recipe, SIZE)
    bare, _ = camera(discs(4), torch.Generator().manual_seed(0))
    assert torch.equal(bare[:, :, 0, 0], torch.full((4, 3), 0.5))
    blue = torch.zeros(2, 3, 90, 64)
    blue[:, 2] = 1.0
    before, _ = camera(discs(4), torch.Generator().manual_seed(0), photographs=blue)
    assert torch.allclose(before[:, :, 0, 0], torch.tensor([0.0, 0.0, 1.0]).expand(4, 3), atol=1e-5)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="shadow"):
        Camera("default", 32, without=["shadows"])
    with pytest.raises(UnknownNameError, match="default"):
        Camera("defalt", 32)
    with pytest.raises(ShapeError, match="B, 4, S, S"):
        shoot("plain", torch.zeros(2, 3, 64, 64))
    with pytest.raises(ShapeError, match="neighbours"):
        Camera("plain", 32)(discs(2), torch.Generator(), neighbours=discs(3))


@pytest.mark.parametrize("side", [33, 64, 96, 200])
def test_any_even_or_odd_face_will_do(side: int) -> None:
    pictures, boxes = Camera("hard", SIZE)(
        discs(8, side), torch.Generator().manual_seed(0), neighbours=discs(8, side)
    )
    assert pictures.isfinite().all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_one_picture_and_none() -> None:
    assert shoot("hard", discs(1))[0].shape == (1, 3, SIZE, SIZE)
    pictures, boxes = Camera("default", SIZE)(discs(0), torch.Generator())
    assert pictures.shape == (0, 3, SIZE, SIZE)
    assert boxes.shape == (0, 4)


def test_descriptions_leave_out_what_is_left_out() -> None:
    lines = Camera("plain", 32, without=["gradient"]).describe()
    assert "solid: 1, every picture" in lines
    assert not any(line.startswith("gradient") for line in lines)
    for name in EFFECTS:
        assert EFFECTS.summary(name).endswith("."), name


def test_no_sign_pictures_are_varied_and_repeat_from_their_seed() -> None:
    def make(seed: int, faces: Tensor | None = None) -> Tensor:
        return no_sign(Camera("default", SIZE), 60, torch.Generator().manual_seed(seed), faces, photographs())

    one, two = make(0, discs(3)), make(0, discs(3))
    assert torch.equal(one, two)
    assert one.shape == (60, 3, SIZE, SIZE)
    assert one.min() >= 0
    assert one.max() <= 1
    assert (one - make(1, discs(3))).abs().mean() > 0.05
    changed = (one != make(0)).flatten(1).any(dim=1)
    assert 4 <= changed.sum() <= 30  # corners and backs, a quarter of the pictures


def test_no_sign_leaves_out_what_its_camera_leaves_out() -> None:
    def make(without: tuple[str, ...]) -> Tensor:
        return no_sign(Camera("default", SIZE, without), 60, torch.Generator().manual_seed(0), discs(3))

    changed = (make(()) != make(("sky",))).flatten(1).any(dim=1).float().mean()
    assert 0.1 < changed < 0.8  # those with a sky, and no others: all else keeps its random numbers


def test_no_sign_shows_at_most_a_fifth_of_a_sign() -> None:
    from roadworthy.render.effects import premultiplied
    from roadworthy.render.no_sign import _corners

    # Faces whose middle is white and whose outer fifths are black.
    faces = squares(1)
    faces[:, :3] = 0.0
    faces[:, :3, 13:51, 13:51] = 1.0
    cpu = torch.device("cpu")
    pictures = _corners(torch.full((200, 3, SIZE, SIZE), 0.5), premultiplied(faces), Random(1, cpu, cpu))
    assert (pictures < 0.1).flatten(1).any(dim=1).float().mean() > 0.9
    assert pictures.max() < 0.75


def test_misframed_signs_take_their_share_and_change_nothing_else() -> None:
    def make(share: float) -> Tensor:
        return no_sign(
            Camera("plain", SIZE), 400, torch.Generator().manual_seed(0), discs(3), misframed=share
        )

    none, half = make(0.0), make(0.5)
    changed = (none != half).flatten(1).any(dim=1).float().mean()
    assert 0.4 < changed < 0.58  # of half of them a few show too little to tell
    assert torch.equal(none, no_sign(Camera("plain", SIZE), 400, torch.Generator().manual_seed(0), discs(3)))
    with pytest.raises(ValueError, match="need faces"):
        no_sign(Camera("plain", SIZE), 4, torch.Generator().manual_seed(0), misframed=0.5)


def test_misframed_signs_are_too_small_too_near_or_half_outside() -> None:
    from roadworthy.render.effects import premultiplied
    from roadworthy.render.no_sign import _misframed

    cpu = torch.device("cpu")
    ground = torch.zeros(600, 3, SIZE, SIZE)
    white = (_misframed(ground, premultiplied(squares(1)), Random(2, cpu, cpu)) > 0.5)[:, 0].float()
    share = white.mean(dim=(1, 2))
    small, near = share < 0.06, share > 0.99
    assert 0.25 < small.float().mean() < 0.42
    assert 0.25 < near.float().mean() < 0.42
    beside = white[~small & ~near]
    across = torch.minimum(beside.amax(dim=1).sum(dim=1), beside.amax(dim=2).sum(dim=1)) / SIZE
    assert across.max() < 0.7  # 0.45 of a sign of at most 1.4 pictures


def test_signs_stand_before_the_pictures_that_are_given() -> None:
    before = torch.rand(6, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(4))
    kept = before.clone()
    camera = Camera((confetti.Standing(2.0),), SIZE)
    pictures, boxes = camera(squares(6), torch.Generator().manual_seed(0), before=before)
    assert torch.equal(before, kept)
    assert torch.allclose(boxes, torch.tensor([0.25, 0.25, 0.75, 0.75]).expand(6, 4), atol=0.02)
    quarter = SIZE // 4
    assert torch.equal(pictures[:, :, : quarter - 1], before[:, :, : quarter - 1])
    assert (pictures[:, :, quarter + 1 : -quarter - 1, quarter + 1 : -quarter - 1] > 0.99).all()


def test_random_numbers_of_some_pictures_are_those_of_the_whole() -> None:
    cpu = torch.device("cpu")
    pictures, rows = torch.zeros(7, 3, 4, 4), torch.tensor([5, 0])
    whole = Random(3, cpu, cpu)
    some = Random(3, cpu, cpu).only(rows, 7)
    assert torch.equal(some.uniform(batch(pictures[rows]), 2), whole.uniform(7, 2)[rows])
    assert torch.equal(some.normal(2, batch(pictures[rows])), whole.normal(2, 7)[:, rows])
    with pytest.raises(ValueError, match=r"\(2, 3\).*batch"):
        some.uniform(2, 3)


@pytest.mark.parametrize("rows", [[5], [3, 0, 3], [*range(6)], [*range(5, -1, -1)], [*range(6), *range(6)]])
def test_pictures_may_be_asked_for_in_any_order_and_more_than_once(rows: list[int]) -> None:
    camera, some = Camera("hard", SIZE), torch.tensor(rows)

    def things(rows: Tensor | None = None) -> Tensor:
        random = torch.Generator().manual_seed(1)
        return no_sign(camera, 6, random, discs(3), photographs(), misframed=0.5, rows=rows)

    def signs(rows: Tensor | None = None) -> Tensor:
        beside = discs(6 if rows is None else len(rows))
        return camera(discs(6), torch.Generator().manual_seed(1), beside, photographs(), rows=rows)[0]

    for make in (things, signs):
        assert torch.allclose(make(some), make()[some], atol=1e-3)


def test_where_chosen_rows_stand_among_all_that_are_chosen() -> None:
    chosen = torch.tensor([True, False, True, True])
    places, of = among(chosen, torch.tensor([3, 1, 0]))
    assert (places.tolist(), of) == ([2, 0], 3)


def test_an_effect_of_ones_own_needs_no_entry() -> None:
    class Mine(Solid):
        pass

    assert effect_name(Mine(0.5)) == "Mine"
    pictures, _ = Camera((Mine(0.5),), SIZE)(discs(2), torch.Generator().manual_seed(0))
    assert len(pictures) == 2
