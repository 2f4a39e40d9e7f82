import numpy as np
import pytest

from roadworthy.drive.film.hdr import HLG, PQ, to_sdr


def pq(light):
    """The signal of light in cd/m2, by the inverse EOTF of ITU-R BT.2100-2."""
    y = (light / 10000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)


def grey(signal, transfer):
    levels = np.full((1, 1, 3), round(signal * 65535), np.uint16)
    red, green, blue = to_sdr(levels, transfer)[0, 0]
    assert abs(int(red) - int(green)) <= 1
    assert abs(int(blue) - int(green)) <= 1
    return int(green)


@pytest.mark.parametrize(
    ("light", "expected"), [(0, 0), (203, 255), (101.5, 191), (20.3, 98), (2030, 255), (10000, 255)]
)
def test_pq_shows_light_as_a_screen_of_gamma_2_4(light, expected):
    # 0.5 ** (1 / 2.4) * 255 = 191.0, 0.1 ** (1 / 2.4) * 255 = 97.7
    assert grey(pq(light), PQ) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(("signal", "expected"), [(0, 0), (0.75, 255), (1, 255), (0.5, 147)])
def test_hlg_by_hand(signal, expected):
    # 0.5: scene light 1 / 12, on the display 1000 * (1 / 12) ** 1.2 = 50.7, of 203: 0.2497 ** (1 / 2.4) * 255
    assert grey(signal, HLG) == pytest.approx(expected, abs=4)


def test_brighter_never_becomes_darker():
    for transfer in (PQ, HLG):
        shown = [grey(signal, transfer) for signal in np.linspace(0, 1, 60)]
        assert shown == sorted(shown)


def test_a_red_of_bt709_stays_that_red():
    # (1, 0, 0) of BT.709 is (0.6274, 0.0691, 0.0164) of BT.2020: ITU-R BT.2087-0.
    levels = np.array([[[pq(203 * part) * 65535 for part in (0.6274, 0.0691, 0.0164)]]]).astype(np.uint16)
    red, green, blue = to_sdr(levels, PQ)[0, 0]
    assert red >= 253
    assert max(green, blue) < 20
