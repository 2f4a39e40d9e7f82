"""Maps in three formats, and what is no map."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.drive.roads.reading import read_roads
from roadworthy.drive.roads.road import kmh_of

OSM = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6">
 <node id="1" lat="-37.80" lon="144.90"/>
 <node id="2" lat="-37.81" lon="144.91"/>
 <node id="3" lat="-37.82" lon="144.92"/>
 <way id="10"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/><tag k="maxspeed" v="50"/></way>
 <way id="11"><nd ref="2"/><nd ref="3"/><tag k="highway" v="primary"/><tag k="oneway" v="yes"/>
  <tag k="maxspeed" v="60 km/h"/></way>
 <way id="12"><nd ref="1"/><nd ref="3"/><tag k="highway" v="primary"/>
  <tag k="maxspeed:forward" v="80"/><tag k="maxspeed:backward" v="60"/></way>
 <way id="13"><nd ref="1"/><nd ref="2"/><tag k="highway" v="cycleway"/><tag k="maxspeed" v="20"/></way>
 <way id="14"><nd ref="1"/><nd ref="2"/><tag k="highway" v="motorway"/><tag k="maxspeed" v="none"/></way>
 <way id="15"><nd ref="1"/><nd ref="99"/><tag k="highway" v="tertiary"/><tag k="maxspeed" v="70"/></way>
 <way id="16"><nd ref="1"/><nd ref="2"/><tag k="highway" v="tertiary"/></way>
</osm>
"""


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        *(("60", 60), ("60 km/h", 60), ("60.0", 60), ("40 mph", 64), ("25mph", 40)),
        *(("none", None), ("AU:urban", None), ("", None), ("0", None), ("-5", None), ("300", None)),
        *(("60 knots", None), ("nan", None)),
    ],
)
def test_limits_as_maps_write_them(text: str, kmh: int | None) -> None:
    assert kmh_of(text) == kmh


@pytest.mark.parametrize("packed", [False, True])
def test_ways_of_openstreetmap(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "roads.osm"
    path.write_bytes(gzip.compress(OSM.encode()) if packed else OSM.encode())
    with pytest.warns(UserWarning, match="left out") as said:
        roads = {road.name: road for road in read_roads(path)}
    assert {name: (road.along, road.against) for name, road in roads.items()} == {
        "way/10": (50, 50),
        "way/11": (60, None),
        "way/12": (80, 60),
    }
    np.testing.assert_array_equal(roads["way/10"].line, [[-37.80, 144.90], [-37.81, 144.91]])
    texts = " ".join(str(one.message) for one in said)
    assert "1 road without places" in texts
    assert "1 road whose maxspeed is no number" in texts


def test_lines_and_places_of_geojson(tmp_path: Path) -> None:
    features = [
        _feature("LineString", [[144.9, -37.8], [144.91, -37.81]], Speed_Limit=80),
        _feature("MultiLineString", [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], maxspeed="60", oneway="yes", id=7),
        _feature("Point", [144.9, -37.8], limit=40, heading=370),
        _feature("Polygon", [[[0, 0], [1, 1], [1, 0], [0, 0]]], limit=40),
        _feature("LineString", [[0, 0], [1, 1]]),
    ]
    path = tmp_path / "roads.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    with pytest.warns(UserWarning, match="left out"):
        roads = read_roads(path)
    assert [(road.name, road.along, road.against, road.heading) for road in roads] == [
        ("feature/0", 80, 80, None),
        ("feature/7", 60, None, None),
        ("feature/7", 60, None, None),
        ("feature/2", 40, 40, 10.0),
    ]
    np.testing.assert_array_equal(roads[0].line[0], [-37.8, 144.9])  # latitude first, here


def _feature(kind: str, coordinates: object, **properties: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def test_a_table_by_position(tmp_path: Path) -> None:
    path = tmp_path / "limits.csv"
    path.write_text("name,lat,lon,limit,heading\nHume,-37.8,144.9,100,350\n,-37.9,144.9,60,\n")
    first, second = read_roads(path)
    assert (first.name, first.along, first.heading) == ("Hume", 100, 350)
    assert (second.name, second.along, second.heading) == ("line 3", 60, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no map: it begins with ''"),
        (b"\x89PNG\r\n", "is no map"),
        (b'{"type": "Feature"}', "no GeoJSON with features"),
        (b'{"features": [{"geometry": 5}]}', "cannot be read"),
        (b'{"features": []}', "no road with a limit"),
        (b'{"crs": {"name": "EPSG:28355"}, "features": []}', "EPSG:4326"),
        (b"<osm><node id='1'", "no OSM file that can be read"),
        (b"<!DOCTYPE osm><osm></osm>", "defines entities"),
        (b"\x00\x00\x00\x0d\x0a\x09OSMHeader", "osmium tags-filter"),
        (b"\x1f\x8b no gzip", "no OSM file that can be read"),
        (b"lat,lon,limit\n91,0,60\n", "line 2: 91, 0 is no latitude"),
        (b"lat,lon,limit\n1,0,fast\n", "line 2: limit is 'fast'"),
    ],
)
def test_what_is_no_map_is_said_in_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "map"
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(said)) as error:
        read_roads(path)
    assert "\n" not in str(error.value)


def test_a_map_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"give an \.osm file"):
        read_roads(tmp_path / "none.osm")
