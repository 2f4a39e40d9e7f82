from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import reduce
from itertools import pairwise
from pathlib import Path

import pynmea2
import pytest

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.drive.gps.nmea import fixes_of, read


def signed(text: str) -> str:
    return f"${text}*{reduce(lambda a, b: a ^ b, text.encode()):02X}"


RMC = "GPRMC,013000.50,A,3748.1230,S,14454.3210,E,32.4,275.5,020326,,,A"


def test_a_sentence_worked_by_hand() -> None:
    (fix,) = fixes_of([signed(RMC)])
    # 37 deg 48.123 min south; 32.4 knots of 1852 m an hour.
    assert (fix.lat, fix.lon) == pytest.approx((-37.80205, 144.90535))
    assert fix.time == datetime(2026, 3, 2, 1, 30, 0, 500_000, tzinfo=UTC)
    assert fix.speed == pytest.approx(16.668)
    assert (fix.course, fix.accuracy, fix.height) == (275.5, None, None)


def test_agrees_with_pynmea2() -> None:
    for text in (RMC, "GNRMC,235959,A,4807.038,N,01131.000,W,022.4,084.4,230394,003.1,W"):
        (ours,), theirs = fixes_of([signed(text)]), pynmea2.parse(signed(text))
        assert (ours.lat, ours.lon) == pytest.approx((theirs.latitude, theirs.longitude))
        assert ours.time == theirs.datetime


def test_years_before_gps_are_of_this_century() -> None:
    texts = [RMC.replace("020326", f"0203{year}") for year in ("79", "80", "69")]
    assert [fix.time.year for text in texts for fix in fixes_of([signed(text)]) if fix.time] == [
        2079,
        1980,
        2069,
    ]


def test_gga_adds_height_and_accuracy_and_only_with_a_fix() -> None:
    gga = "GPGGA,013000.50,3748.1230,S,14454.3210,E,1,08,1.2,31.5,M,-3.0,M,,"
    (fix,) = fixes_of([signed(gga), signed(RMC)])
    assert (fix.accuracy, fix.height) == (6.0, 31.5)
    (fix,) = fixes_of([signed(RMC), signed(gga.replace(",E,1,", ",E,0,"))])
    assert fix.accuracy is None


def test_what_is_no_fix_or_damaged_is_counted_and_left_out() -> None:
    refused: Counter[str] = Counter()
    lines = [
        signed(RMC.replace(",A,37", ",V,37")),
        signed("GPRMC,013001,V,,,,,,,020326,,,N"),
        signed(RMC.removesuffix("A") + "S"),  # a simulator's
        signed(RMC.replace("3748.1230", "0000.0000").replace("14454.3210", "00000.0000")),
        signed(RMC)[:-2] + "00",
        signed(RMC.replace("3748.1230", "3768.1230")),  # 68 minutes
        signed(RMC.replace("020326", "320326")),
        "$GPRMC,0130",
        "[1772415000123]" + signed(RMC),
        f"${RMC}",
        "\ufffd\ufffd",
    ]
    assert len(fixes_of(lines, refused)) == 2
    assert dict(refused) == {"no fix": 4, "a wrong checksum": 1, "a field that cannot be read": 3}


def test_a_date_that_turns_late_at_midnight_is_put_right() -> None:
    times = [("235959", "020326"), ("000000", "020326"), ("000001", "030326")]
    lines = [signed(RMC.replace("013000.50", clock).replace("020326", date)) for clock, date in times]
    seconds = [fix.time.timestamp() for fix in fixes_of(lines) if fix.time]
    assert [b - a for a, b in pairwise(seconds)] == [1, 1]


def test_a_file_without_positions_says_what_it_holds(tmp_path: Path) -> None:
    log = tmp_path / "a.nmea"
    log.write_text(signed(RMC.replace(",A,37", ",V,37")) + "\n")
    with pytest.raises(DataError, match=r"a\.nmea holds no position \(1 sentence with no fix\)"):
        read(log)
    log.write_text("\n".join([signed(RMC), signed(RMC)[:-2] + "00"]))
    with notes.hearing() as heard, notes.aloud(lambda note: None):
        assert len(read(log)) == 1
    assert heard == ["a.nmea: 1 sentence with a wrong checksum left out"]
