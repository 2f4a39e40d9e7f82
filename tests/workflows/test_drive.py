"""A drawn film watched from end to end: events, limits, interruptions, and what is refused."""

from __future__ import annotations

import csv
import json
import shutil
import signal as signals
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.core.errors import ConfigError, DataError, UnknownNameError, UsageError
from roadworthy.core.files import alone
from roadworthy.core.notes import DataWarning
from roadworthy.drive.film import open_film, write_film
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.journal import views
from roadworthy.drive.look import View
from roadworthy.drive.output.result import DriveResult
from roadworthy.drive.seen import Seen
from roadworthy.signs.catalogue import faces
from roadworthy.signs.draw import draw_tile
from roadworthy.workflows import drive as workflow

av = pytest.importorskip("av")

WIDTH, HEIGHT, FPS, FOCAL, SPEED = 640, 360, 10.0, 500.0, 12.0


def frames(seconds: float = 4.5) -> Iterator[tuple[float, np.ndarray]]:
    """A limit of 60 on the left, passed after 3 s, and a stop sign on the right, after 4 s."""
    face = {sign: next(f for f in faces(("au",), None) if f.sign == sign) for sign in ("speed-60", "stop")}
    tiles = {sign: Image.fromarray(draw_tile(its, 128)) for sign, its in face.items()}
    random = np.random.default_rng(0)
    sky = np.linspace(215, 165, HEIGHT // 2)[:, None].repeat(WIDTH, 1)
    road = np.linspace(95, 125, HEIGHT - HEIGHT // 2)[:, None].repeat(WIDTH, 1)
    ground = np.concatenate([sky, road])[..., None] * [0.95, 1.0, 1.05]
    ground = Image.fromarray((ground + random.normal(0, 6, ground.shape)).clip(0, 255).astype(np.uint8))
    for index in range(round(seconds * FPS)):
        picture = ground.copy()
        for sign, right, passed_s in (("stop", 3.0, 4.0), ("speed-60", -3.0, 3.0)):
            depth = SPEED * (passed_s - index / FPS)
            if depth < 3:
                continue
            size = round(FOCAL * 0.9 / depth)
            x, y = WIDTH / 2 + FOCAL * right / depth, HEIGHT / 2 - FOCAL * 1.0 / depth
            small = tiles[sign].resize((size, size), Image.Resampling.BOX if size < 128 else None)
            picture.paste(small, (round(x - size / 2), round(y - size / 2)), small)
        yield index / FPS, np.asarray(picture)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with write_film(path, FPS) as writer:
        for time_s, image in frames():
            writer.write(image, time_s)
    return path


@pytest.fixture(scope="module")
def driven(film, tmp_path_factory):
    return watch(film, tmp_path_factory.mktemp("out") / "first", region="au-vic")


@dataclass(frozen=True)
class Driven:
    out: Path
    result: DriveResult


def watch(film: Path, out: Path, **settings: Any) -> Driven:
    return Driven(out, api.drive(film, out, **settings))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_sign_is_one_event_with_its_time_and_side(driven) -> None:
    events = {row["class"]: row for row in rows(driven.out / "events.csv")}
    assert [row["class"] for row in rows(driven.out / "events.csv")] == ["speed-60", "stop"]
    assert float(events["speed-60"]["passed_s"]) == pytest.approx(3.0, abs=0.35)
    assert float(events["stop"]["passed_s"]) == pytest.approx(4.0, abs=0.35)
    assert (events["speed-60"]["side"], events["stop"]["side"]) == ("left", "right")
    assert [row["accepted"] for row in events.values()] == ["yes", "yes"]


def test_the_limit_holds_from_its_sign_on(driven) -> None:
    limits = rows(driven.out / "limits.csv")
    assert [(row["limit"], row["state"]) for row in limits][-1] == ("60", "limit")
    assert limits[0]["limit"] == ""
    assert float(limits[-1]["from_s"]) == pytest.approx(3.0, abs=0.35)
    assert float(limits[-1]["to_s"]) == pytest.approx(4.5, abs=0.11)
    assert all(a["to_s"] == b["from_s"] for a, b in pairwise(limits))


def test_corrections_and_a_map_answer_where_no_sign_does(film, driven, tmp_path) -> None:
    """On a drive that was watched already, and is only understood anew."""
    out = tmp_path / "out"
    shutil.copytree(driven.out, out)
    (tmp_path / "known.csv").write_text("from_s,limit,event\n1.0,80,seen by eye\n")
    limits = rows(watch(film, out, resume=True, corrections=tmp_path / "known.csv").out / "limits.csv")
    assert [(row["limit"], row["state"]) for row in limits[-2:]] == [("80", "corrected"), ("60", "limit")]
    assert limits[-2]["event"] == "seen by eye"

    began = datetime.fromisoformat("2026-07-01T00:00:00+00:00")
    (tmp_path / "track.gpx").write_text(_straight_north(began))
    (tmp_path / "map.csv").write_text("name,lat,lon,limit\nHigh Street,-37.79990,144.9,70\n")
    asked = {"gps": tmp_path / "track.gpx", "road_map": tmp_path / "map.csv", "at": began}
    limits = rows(watch(film, out, resume=True, **asked).out / "limits.csv")
    assert ("70", "map", "map:High Street") in [
        (row["limit"], row["state"], row["event"]) for row in limits if float(row["from_s"]) < 2.5
    ]
    assert (limits[-1]["limit"], limits[-1]["state"]) == ("60", "limit")  # the camera comes first


def _straight_north(began: datetime) -> str:
    points = "".join(
        f'<trkpt lat="{-37.8 + SPEED * second / 111_195:.7f}" lon="144.9">'
        f"<time>{(began + timedelta(seconds=second)).isoformat()}</time></trkpt>"
        for second in range(7)
    )
    return f'<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{points}</trkseg></trk></gpx>'


def test_what_else_is_known_is_read_before_the_film_is_watched(film, tmp_path) -> None:
    (tmp_path / "bad.csv").write_text("from_s,limit\n1.0,fast\n")
    with pytest.raises(DataError, match="line 2: limit is 'fast'"):
        watch(film, tmp_path / "out", corrections=tmp_path / "bad.csv")
    with pytest.raises(UsageError, match="give --gps"):
        watch(film, tmp_path / "out", road_map=tmp_path / "bad.csv")
    with pytest.raises(DataError, match="no column 'date'"):
        watch(film, tmp_path / "out", school_days=tmp_path / "bad.csv")
    assert not (tmp_path / "out").exists()


def test_where_it_came_from_is_told(driven, film) -> None:
    origin = json.loads((driven.out / "provenance.json").read_text())
    assert origin["film"]["film"] == str(film)
    assert (origin["frames"], origin["frames_lost"], origin["interrupted"]) == (45, 0, False)
    assert origin["region"] == "au-vic"
    lines = (driven.out / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["class"] for line in lines] == ["speed-60", "stop"]
    assert set(driven.result.crops) == {event.event for event in driven.result.events}
    assert all(crop[:2] == b"\xff\xd8" for crop in driven.result.crops.values())


@pytest.mark.parametrize("cut", [1, 11, 28, 44])
def test_a_drive_that_was_killed_goes_on_to_the_same_events(driven, film, tmp_path, cut, monkeypatch) -> None:
    looked = []

    def killed(self, shot):
        if len(looked) == cut:
            raise MemoryError  # as good as a kill: nothing is written after it
        looked.append(shot.index)
        return look(self, shot)

    look = workflow.Looker.look
    monkeypatch.setattr(workflow.Looker, "look", killed)
    with pytest.raises(MemoryError):
        api.drive(film, tmp_path / "out", region="au-vic")
    assert not (tmp_path / "out" / "events.csv").exists()
    journal = tmp_path / "out" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-7])
    monkeypatch.setattr(workflow.Looker, "look", look)
    again = watch(film, tmp_path / "out", region="au-vic", resume=True)
    assert again.result.frames == 45
    for name in ("events.csv", "limits.csv"):
        assert (again.out / name).read_bytes() == (driven.out / name).read_bytes()
    assert set(again.result.crops) == set(driven.result.crops)


def test_a_process_that_is_killed_loses_no_frame_that_it_looked_at(film, driven, tmp_path) -> None:
    out = tmp_path / "out"
    journal, command = out / "journal.jsonl", ["drive", str(film), "--out", str(out), "--region", "au-vic"]
    process = subprocess.Popen([sys.executable, "-m", "roadworthy", *command], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not journal.is_file() or journal.read_bytes().count(b"\n") < 13:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.wait()
    kept = len(list(views(journal)))
    assert kept >= 12
    again = watch(film, out, region="au-vic", resume=True)
    assert again.result.looked == 45 - kept
    for name in ("events.csv", "limits.csv", "signs.geojson", "coco.json"):
        assert (out / name).read_bytes() == (driven.out / name).read_bytes()


@pytest.mark.parametrize("signal", [signals.SIGINT, signals.SIGTERM])
def test_an_interrupt_keeps_what_was_seen(film, tmp_path, monkeypatch, signal) -> None:
    def interrupted(self, shot):
        if shot.time_s > 3.35:
            signals.raise_signal(signal)
        return look(self, shot)

    look = workflow.Looker.look
    monkeypatch.setattr(workflow.Looker, "look", interrupted)
    result = api.drive(film, tmp_path / "out")
    assert result.interrupted
    assert "speed-60" in [event.sign for event in result.events]
    assert result.limits[-1].to_s == pytest.approx(3.5, abs=0.01)


def test_the_film_is_written_with_what_was_seen(film, tmp_path) -> None:
    driven = watch(film, tmp_path / "out", video=True, region="au-vic")
    with open_film(driven.out / "annotated.mp4") as shown, open_film(film) as plain:
        pairs = list(zip(shown, plain, strict=True))
    assert len(pairs) == 45
    a, b = pairs[22]
    seen = next(one for one in driven.result.trails["e0001"].seen if one.frame == 22)
    x1, y1, x2, _ = (round(edge) for edge in seen.box)
    edge = np.abs(a.image[y1 - 2 : y1 + 3, x1:x2].astype(int) - b.image[y1 - 2 : y1 + 3, x1:x2]).mean()
    assert edge > 20


def test_everything_is_written(driven) -> None:
    names = {path.name for path in driven.out.iterdir()}
    assert {"events.csv", "events.jsonl", "limits.csv", "signs.geojson", "coco.json", "report.html"} <= names
    assert "speed-60" in (driven.out / "report.html").read_text()


def test_every_second_frame_sees_the_same_signs(film, tmp_path) -> None:
    result = api.drive(film, tmp_path / "out", every=2)
    assert result.frames == 23
    assert sorted(event.sign for event in result.events) == ["speed-60", "stop"]


def test_a_track_says_where_signs_stand(film, tmp_path) -> None:
    # Northwards at 12 m/s along 145 degrees east; a degree of latitude is some 111 km.
    points = "".join(
        f'<trkpt lat="{-37.8 + 12 * second / 110990:.7f}" lon="145.0">'
        f"<time>2026-11-30T00:00:{second:02d}Z</time></trkpt>"
        for second in range(8)
    )
    gpx = tmp_path / "track.gpx"
    gpx.write_text(
        '<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
        f"{points}</trkseg></trk></gpx>"
    )
    stamped = tmp_path / "stamped.mp4"
    stamped.write_bytes(film.read_bytes())
    result = api.drive(
        stamped, tmp_path / "out", gps=gpx, at=datetime.fromisoformat("2026-11-30T00:00:00+00:00")
    )
    by_sign = {event.sign: event for event in result.events}
    limit = by_sign["speed-60"]
    assert limit.lat == pytest.approx(-37.8 + 36 / 110990, abs=6 / 110990)
    assert limit.lon is not None
    assert limit.lon < 145.0


def test_a_track_that_cannot_be_set_on_the_film_is_left_out(film, tmp_path) -> None:
    gpx = tmp_path / "another.gpx"
    gpx.write_text(
        '<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
        '<trkpt lat="-37.8" lon="145"><time>2020-01-01T00:00:00Z</time></trkpt>'
        '<trkpt lat="-37.8001" lon="145"><time>2020-01-01T00:00:01Z</time></trkpt></trkseg></trk></gpx>'
    )
    driven = watch(film, tmp_path / "out", gps=gpx)
    assert driven.result.track is None
    assert any("places and distances are left out" in note for note in driven.result.notes)
    assert all(event.lat is None for event in driven.result.events)


def test_a_blank_film_invents_nothing(tmp_path) -> None:
    path = tmp_path / "blank.mp4"
    with write_film(path, FPS) as writer:
        for index in range(20):
            writer.write(np.full((HEIGHT, WIDTH, 3), 90 + index, np.uint8), index / FPS)
    result = api.drive(path, tmp_path / "out", region="au-vic")
    assert result.events == ()
    assert [row.state for row in result.limits] == ["unknown"]


class Quick:
    """Looks at frames without networks: each shows a sign that comes nearer, in the left half."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.begun: list[int] = []

    def begin_after(self, shot: Shot, view: View) -> None:
        self.begun.append(shot.index)

    def look(self, shot: Shot) -> View:
        side = 8 + shot.index
        box = (20.0, 20.0, 20.0 + side, 20.0 + side)
        logits = np.zeros(len(api.load().classes), np.float32)
        logits[api.load().classes.index("speed-60")] = 9
        seen = Seen(frame=shot.index, time_s=shot.time_s, box=box, logits=logits, score=0.9)
        return View(frame=shot.index, time_s=shot.time_s, signs=(seen,), lost=shot.lost)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> type[Quick]:
    monkeypatch.setattr(workflow, "Looker", Quick)
    return Quick


@pytest.fixture
def folder(tmp_path) -> Path:
    """Frames by number, two of which cannot be decoded."""
    path = tmp_path / "frames"
    path.mkdir()
    for number in range(20):
        Image.new("RGB", (96, 64), (40, 80, 10 * number)).save(path / f"{number:03d}.png")
    for number in (4, 12):
        (path / f"{number:03d}.png").write_bytes(b"torn")
    return path


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("cut", [1, 3, 5, 7])
def test_what_was_lost_is_counted_once_however_often_a_drive_is_killed(
    quick, folder, tmp_path, monkeypatch, cut, every
) -> None:
    def killed(self, shot):
        if len(looked) == cut:
            raise MemoryError
        looked.append(shot.index)
        return look(self, shot)

    whole = api.drive(folder, tmp_path / "whole", rate=10.0, every=every)
    look, looked = quick.look, []
    monkeypatch.setattr(quick, "look", killed)
    with pytest.raises(MemoryError):
        api.drive(folder, tmp_path / "out", rate=10.0, every=every)
    monkeypatch.setattr(quick, "look", look)
    again = api.drive(folder, tmp_path / "out", rate=10.0, every=every, resume=True)
    assert (whole.lost, again.lost) == (2, 2)
    assert again.frames == whole.frames == (18 if every == 1 else 8)
    assert again.looked == again.frames - cut
    assert again.crops.keys() == whole.crops.keys() == {"e0001"}


def test_a_journal_that_is_damaged_in_the_middle_costs_time_alone(quick, folder, tmp_path) -> None:
    whole, out = api.drive(folder, tmp_path / "whole", rate=10.0), tmp_path / "out"
    api.drive(folder, out, rate=10.0)
    journal = bytearray((out / "journal.jsonl").read_bytes())
    journal[len(journal) // 2] ^= 1
    (out / "journal.jsonl").write_bytes(journal)
    again = api.drive(folder, out, rate=10.0, resume=True)
    assert 5 < again.looked < 15
    assert again.events == whole.events
    assert any("damaged after" in note for note in again.notes)


def test_another_film_of_the_same_name_is_not_gone_on_with(quick, folder, film, tmp_path) -> None:
    api.drive(folder, tmp_path / "out", rate=10.0)
    with pytest.raises(DataError, match=r"another settings \(rate 10\.0, now 20\.0\)"):
        api.drive(folder, tmp_path / "out", rate=20.0, resume=True)
    (folder / "020.png").write_bytes((folder / "001.png").read_bytes())
    with pytest.raises(DataError, match=r"another film \(files 20, now 21\)"):
        api.drive(folder, tmp_path / "out", rate=10.0, resume=True)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(film.read_bytes())
    api.drive(copy, tmp_path / "film")
    # As long, and another: the name of what wrote it.
    copy.write_bytes(film.read_bytes().replace(b"Lavf", b"LAVF"))
    with pytest.raises(DataError, match=r"another film \(begins "):
        api.drive(copy, tmp_path / "film", resume=True)


def test_a_folder_that_may_not_be_looked_into_is_said(quick, folder, tmp_path, monkeypatch) -> None:
    def denied(self: Path, **_: Any) -> bool:
        if self.name == "shut":
            raise PermissionError(13, "Permission denied", str(self))
        return exists(self)

    exists = Path.exists
    monkeypatch.setattr(Path, "exists", denied)
    with pytest.raises(UsageError, match=r"shut cannot be read \(Permission denied\); name another"):
        api.drive(folder, tmp_path / "shut", rate=10.0)
    with pytest.raises(DataError, match="shut cannot be read: Permission denied"):
        api.drive(tmp_path / "shut", tmp_path / "out")


def test_two_drives_at_once_do_not_share_a_folder(quick, folder, tmp_path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with alone(out), pytest.raises(UsageError, match="another process is working on"):
        api.drive(folder, out, rate=10.0)
    api.drive(folder, out, rate=10.0)
    with alone(out), pytest.raises(UsageError, match="another process is working on"):
        api.drive(folder, out, rate=10.0, resume=True)


def test_a_track_that_cannot_be_read_is_told_before_hours_of_watching(quick, film, tmp_path) -> None:
    (tmp_path / "empty.gpx").write_text("")
    with pytest.raises(DataError, match="it is empty"):
        api.drive(film, tmp_path / "out", gps=tmp_path / "empty.gpx")
    with pytest.raises(DataError, match=r"film\.mp4 holds no position: .* give the track as GPX"):
        api.drive(film, tmp_path / "out", gps="auto")
    with pytest.raises(UsageError, match="smallest sign is asked to be -3 px"):
        api.drive(film, tmp_path / "out", least_px=-3)
    assert not (tmp_path / "out").exists()


def test_a_track_that_belongs_nowhere_in_the_film_is_left_out(quick, film, tmp_path) -> None:
    gpx = tmp_path / "track.gpx"
    points = "".join(
        f'<trkpt lat="{-37.8 + second / 9000:.5f}" lon="145">'
        f"<time>2026-11-20T00:00:{second:02d}Z</time></trkpt>"
        for second in range(8)
    )
    gpx.write_text(
        f'<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{points}'
        "</trkseg></trk></gpx>"
    )
    at = datetime.fromisoformat("2026-11-30T00:00:00+00:00")
    result = api.drive(film, tmp_path / "out", gps=gpx, at=at)
    assert result.track is None
    assert {event.lat for event in result.events} == {None}
    assert not (tmp_path / "out" / "track.geojson").exists()
    assert any("do not overlap" in note for note in result.notes)
    assert any("places and distances are left out" in note for note in result.notes)


def test_frames_of_two_sizes_are_watched_and_drawn_as_one_film(quick, folder, tmp_path) -> None:
    Image.new("RGB", (48, 48), (200, 0, 0)).save(folder / "007.png")
    with pytest.warns(DataWarning, match="frames of 48 x 48, too; they are fitted into 96 x 64"):
        api.drive(folder, tmp_path / "out", rate=10.0, video=True)
    with open_film(tmp_path / "out" / "annotated.mp4") as film:
        assert len(list(film)) == 18


def test_a_stop_while_the_film_is_drawn_keeps_the_rest(quick, folder, tmp_path) -> None:
    def stop_at_once(time_s: float, length_s: float | None, rate: float) -> None:
        nonlocal latest
        if time_s < latest:
            signals.raise_signal(signals.SIGINT)
        latest = time_s

    latest = -1.0
    result = api.drive(folder, tmp_path / "out", rate=10.0, video=True, progress=stop_at_once)
    assert result.interrupted
    assert not (tmp_path / "out" / "annotated.mp4").exists()
    assert len(rows(tmp_path / "out" / "events.csv")) == 1
    api.drive(folder, tmp_path / "out", rate=10.0, video=True, resume=True)
    assert (tmp_path / "out" / "annotated.mp4").exists()


def test_what_a_camera_cannot_do_is_said_before_it_is_opened(tmp_path) -> None:
    with pytest.raises(UsageError, match="a film of rtsp://host/x cannot be drawn into"):
        api.drive("rtsp://me:secret@host/x", tmp_path / "out", video=True)
    with pytest.raises(ConfigError, match="holds no drive to go on with"):
        api.drive("rtsp://me:secret@host/x", tmp_path / "out", resume=True)


@pytest.fixture
def stream(film, tmp_path) -> Iterator[str]:
    """A camera: the film a frame at a time, which then says nothing more and stays connected."""
    copied, over = tmp_path / "film.ts", threading.Event()
    with av.open(str(film)) as source, av.open(str(copied), "w") as target:
        track = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = track
                target.mux(packet)
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(copied.read_bytes())
            over.wait(120)

    threading.Thread(target=answer, daemon=True).start()
    yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    over.set()
    server.close()


def test_what_a_camera_showed_before_a_kill_becomes_events(film, driven, stream, tmp_path) -> None:
    out, begun = tmp_path / "out", datetime.now(UTC)
    journal, command = out / "journal.jsonl", ["drive", stream, "--out", str(out), "--region", "au-vic"]
    process = subprocess.Popen([sys.executable, "-m", "roadworthy", *command], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not journal.is_file() or journal.read_bytes().count(b"\n") < 41:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.wait()
    with pytest.raises(ConfigError, match="or --resume to go on with it"):
        api.drive(stream, out)
    with pytest.raises(DataError, match=r"is of another film \(name tcp://.*, now camera:0\)"):
        api.drive("camera:0", out, resume=True)
    # Nobody answers at the stream's address any more: it takes one call.
    for _ in range(2):
        again = watch(stream, out, region="au-vic", resume=True)
        assert [event.sign for event in again.result.events] == ["speed-60", "stop"]
        assert [event.passed_s for event in again.result.events] == pytest.approx(
            [event.passed_s for event in driven.result.events], abs=0.15
        )
        assert again.result.limits[1].limit == 60
        assert "e0001" in again.result.crops
        assert begun - timedelta(seconds=1) < again.result.about.created < datetime.now(UTC)
        assert "not opened again" in again.result.notes[0]


def test_a_drive_of_a_film_is_gone_on_with_as_that(quick, folder, tmp_path) -> None:
    api.drive(folder, tmp_path / "out", rate=10.0)
    with pytest.raises(DataError, match="is of frames, which was not watched live"):
        api.drive("camera:0", tmp_path / "out", resume=True)


def test_what_cannot_be_done_is_said_at_once(film, driven, tmp_path) -> None:
    with pytest.raises(ConfigError, match="already holds a drive"):
        api.drive(film, driven.out)
    with pytest.raises(ConfigError, match="no drive to go on with"):
        api.drive(film, tmp_path / "new", resume=True)
    with pytest.raises(ConfigError, match=r"not empty: it holds film\.mp4"):
        api.drive(film, film.parent)
    with pytest.raises(UsageError, match="is a file"):
        api.drive(film, film)
    with pytest.raises(UnknownNameError, match="au-vic"):
        api.drive(film, tmp_path / "new", region="au-vci")
    with pytest.raises(DataError, match=r"another settings \(every 1, now 3\)"):
        api.drive(film, driven.out, every=3, resume=True)
    with pytest.raises(UsageError, match="without a time zone"):
        api.drive(film, tmp_path / "new", at=datetime(2026, 11, 30))
    with pytest.raises(DataError):
        api.drive(Path(__file__), tmp_path / "new")
    assert not (tmp_path / "new").exists()
