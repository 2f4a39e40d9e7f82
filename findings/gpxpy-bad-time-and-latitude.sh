#!/bin/sh
# gpxpy reads what is no time as no time, and what is no latitude as one, without a word; and the speed of
# GPX 1.0, written directly in a point of GPX 1.1 as many loggers do, is there only if it is told the version.
#
# Seen with gpxpy 1.6.2, CPython 3.11, Linux x86-64.  One track of four points is parsed.  What it printed:
#   2026-03-02T01:00:00Z   lat -37.8  time 2026-03-02 01:00:00+00:00
#   2026-03-02T25:00:00Z   lat -37.8  time None
#   yesterday              lat -37.8  time None
#   2026-03-02T01:00:03Z   lat 99.0   time 2026-03-02 01:00:03+00:00
#   speed, as GPX 1.1: None; the same text as GPX 1.0: 12.5
#
# Fails where that changes.  Needs python3 with venv, and a package index.
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/try.py" <<'PYTHON'
import gpxpy

TIMES = ("2026-03-02T01:00:00Z", "2026-03-02T25:00:00Z", "yesterday", "2026-03-02T01:00:03Z")
LATITUDES = (-37.8, -37.8, -37.8, 99.0)
points = "".join(
    f'<trkpt lat="{lat}" lon="145"><time>{time}</time><speed>12.5</speed></trkpt>'
    for time, lat in zip(TIMES, LATITUDES)
)
text = (
    '<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1">'
    f"<trk><trkseg>{points}</trkseg></trk></gpx>"
)
read = gpxpy.parse(text).tracks[0].segments[0].points
for said, point in zip(TIMES, read):
    print(f"{said:<22} lat {point.latitude:<6} time {point.time}")
older = gpxpy.parse(text, version="1.0").tracks[0].segments[0].points
print(f"speed, as GPX 1.1: {read[0].speed}; the same text as GPX 1.0: {older[0].speed}")
assert [point.time is None for point in read] == [False, True, True, False], "times are read otherwise now"
assert read[3].latitude == 99.0, "latitudes are checked now"
assert (read[0].speed, older[0].speed) == (None, 12.5), "the speed is read otherwise now"
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet gpxpy==1.6.2
"$place/venv/bin/python" "$place/try.py"
