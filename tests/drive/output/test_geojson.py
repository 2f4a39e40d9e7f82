import json
import math
import struct

import pytest
from tests.drive.output.conftest import METRES_A_DEGREE, SPEED, event, track, way_m

from roadworthy.drive.events.tables import COLUMNS
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import Track
from roadworthy.drive.limits.events import read_plates
from roadworthy.drive.output.geojson import signs_geojson, track_geojson


def read_as_maps_do(text: str) -> list[dict]:
    """The features, held to RFC 7946: types, positions as longitude and latitude in range, no crs."""
    tree = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert tree["type"] == "FeatureCollection"
    assert "crs" not in tree
    assert isinstance(tree["features"], list)
    for feature in tree["features"]:
        assert feature["type"] == "Feature"
        assert isinstance(feature["properties"], dict)
        assert not any(isinstance(value, list | dict) for value in feature["properties"].values())
        shape = feature["geometry"]
        points = {"Point": lambda c: [c], "LineString": list}[shape["type"]](shape["coordinates"])
        assert shape["type"] == "Point" or len(points) >= 2
        for position in points:
            assert len(position) == 2
            assert -180 <= position[0] <= 180
            assert -90 <= position[1] <= 90
            assert all(len(repr(degrees).partition(".")[2]) <= 7 for degrees in position)
    return tree["features"]


def test_a_sign_by_hand():
    made = event(
        1,
        sign="speed-60",
        lat=-37.81361234567,
        lon=144.96305555555,
        error_m=3.26,
        plates=read_plates("school-days; for 300 m"),
    )
    (feature,) = read_as_maps_do(signs_geojson([made]))
    assert feature["id"] == "e0001"
    assert feature["geometry"] == {"type": "Point", "coordinates": [144.9630556, -37.8136123]}
    properties = feature["properties"]
    assert tuple(properties) == COLUMNS
    assert properties["error_m"] == 3.3
    assert properties["plates"] == "school-days; for 300 m"
    assert (properties["class"], properties["kind"], properties["value"]) == ("speed-60", "speed", 60)
    assert properties["box"] == "300 200 340 250"


def test_signs_without_a_place_are_counted_and_left_out():
    away = [
        event(2, lat=None, lon=None),
        event(3, lat=math.nan, lon=145.0),
        event(4, lat=0.0, lon=0.0),
        event(5, lat=145.0, lon=-37.0),
    ]
    text = signs_geojson([event(1), *away])
    assert [feature["id"] for feature in read_as_maps_do(text)] == ["e0001"]
    assert json.loads(text)["events_without_place"] == 4


def test_what_is_no_number_is_no_json_and_becomes_null():
    (feature,) = read_as_maps_do(signs_geojson([event(1, error_m=math.inf)]))
    assert feature["properties"]["error_m"] is None


def test_nothing_is_an_empty_collection():
    for text in (signs_geojson([]), track_geojson(None)):
        assert json.loads(text)["datum"].startswith("WGS84")
        assert read_as_maps_do(text) == []


def test_a_track_is_a_line_for_each_part_without_a_gap():
    features = read_as_maps_do(track_geojson(track(60, (20, 31))))
    spans = [(f["properties"]["from_s"], f["properties"]["to_s"]) for f in features]
    assert spans == [(0, 20), (31, 60)]
    assert [len(f["geometry"]["coordinates"]) for f in features] == [21, 30]
    assert features[1]["properties"]["seconds"].split()[:2] == ["31.0", "32.0"]
    assert features[0]["geometry"]["coordinates"][0] == [145.0, -37.0]
    _, lat = features[0]["geometry"]["coordinates"][20]
    assert lat == pytest.approx(-37 + 20 * SPEED / METRES_A_DEGREE, abs=1e-7)
    assert features[0]["properties"]["metres"] == pytest.approx(way_m(20), rel=0.001)


def test_a_lone_fix_is_no_line_and_is_counted():
    alone = Track(
        fixes=tuple(
            Fix(lat=-37 + s / 1e4, lon=145.0, film_s=float(s), after_break=s == 2) for s in (0, 1, 2, 20, 21)
        ),
        placed=True,
    )
    text = track_geojson(alone)
    assert [f["properties"]["part"] for f in read_as_maps_do(text)] == [1, 2]
    assert json.loads(text)["fixes_left_out"] == 1


def test_lines_do_not_cross_the_180th_meridian():
    fixes = [
        Fix(lat=-17.0, lon=lon, film_s=float(s))
        for s, lon in enumerate((179.998, 179.999, -179.999, -179.998))
    ]
    features = read_as_maps_do(track_geojson(Track(fixes=tuple(fixes), placed=True)))
    assert [[lon for lon, _ in f["geometry"]["coordinates"]] for f in features] == [
        [179.998, 179.999],
        [-179.999, -179.998],
    ]


def read_as_qgis_does(path):
    """(column, values) of a file, its positions and what GDAL, by which QGIS reads, says of it."""
    raw = pytest.importorskip("pyogrio.raw", reason="pyogrio, of the developers' extra, is not installed")
    meta, _, shapes, values = raw.read(path)
    columns = dict(zip(meta["fields"].tolist(), [column.tolist() for column in values], strict=True))
    # Well-known binary of a point: the order of bytes, its type, x, y.
    points = [struct.unpack("<dd", shape[5:21]) for shape in shapes if meta["geometry_type"] == "Point"]
    return meta, columns, points


def test_gdal_reads_signs_as_points_in_wgs84(tmp_path):
    away = event(9, lat=None, lon=None)
    made = [
        event(1, lat=-37.81361234567, lon=144.96305555555, plates=read_plates("for 300 m")),
        event(2),
        away,
    ]
    (tmp_path / "signs.geojson").write_text(signs_geojson(made))
    meta, columns, points = read_as_qgis_does(tmp_path / "signs.geojson")
    assert (meta["crs"], meta["geometry_type"]) == ("EPSG:4326", "Point")
    assert points[0] == (144.9630556, -37.8136123)
    assert len(points) == 2
    assert set(COLUMNS) <= set(columns)
    assert columns["class"] == [one.sign for one in made[:2]]
    assert columns["passed_s"] == [5.0, 10.0]
    assert columns["plates"] == ["for 300 m", ""]


def test_gdal_reads_the_track_as_lines(tmp_path):
    (tmp_path / "track.geojson").write_text(track_geojson(track(60, (20, 31))))
    meta, columns, _ = read_as_qgis_does(tmp_path / "track.geojson")
    assert (meta["crs"], meta["geometry_type"]) == ("EPSG:4326", "LineString")
    assert columns["part"] == [1, 2]
