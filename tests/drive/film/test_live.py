import socket
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from tests.drive.film.conftest import encode, index_in, numbered

from roadworthy.core.errors import DataError, UsageError
from roadworthy.drive.film import live, open_film

pytestmark = pytest.mark.filterwarnings("ignore::roadworthy.core.notes.DataWarning")


@pytest.fixture
def serve():
    """Hands bytes to whoever connects, then closes; with None, says nothing until the test is over."""
    over, sockets = threading.Event(), []

    def start(data):
        server = socket.create_server(("127.0.0.1", 0))
        sockets.append(server)

        def answer():
            connection, _ = server.accept()
            with connection:
                if data is None:
                    over.wait(10)
                else:
                    connection.sendall(data)

        threading.Thread(target=answer, daemon=True).start()
        return server.getsockname()[1]

    yield start
    over.set()
    for server in sockets:
        server.close()


def test_a_stream_is_read_once_as_it_comes(tmp_path, serve):
    path = encode(tmp_path / "a.ts", [numbered(n) for n in range(12)], [9 + n / 10 for n in range(12)])
    with open_film(f"tcp://127.0.0.1:{serve(path.read_bytes())}") as film:
        shots = list(film.shots(every=2))
        assert [index_in(shot.image) for shot in shots] == [0, 2, 4, 6, 8, 10]
        assert [shot.time_s for shot in shots] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
        assert film.about().duration_s is None
        with pytest.raises(UsageError, match="read already"):
            film.shots()


def test_a_stream_joined_half_way_begins_with_the_first_whole_frame(tmp_path, serve):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(20)]
    path = encode(tmp_path / "a.ts", images, options={"g": "8", "bf": "0", "x264-params": "scenecut=0"})
    packets = path.read_bytes()
    later = packets[len(packets) // 4 // 188 * 188 :]  # in the first group of pictures
    with open_film(f"tcp://127.0.0.1:{serve(later)}") as film:
        shots = list(film)
    assert shots[0].time_s == 0
    assert len(shots) == 12  # frames 8 to 19
    assert shots[-1].time_s == pytest.approx(1.1)
    assert film.lost == shots[0].index > 0


def test_a_stream_has_no_later_to_begin_at(tmp_path, serve):
    path = encode(tmp_path / "a.ts", [numbered(n) for n in range(4)])
    with (
        open_film(f"tcp://127.0.0.1:{serve(path.read_bytes())}") as film,
        pytest.raises(UsageError, match="is live"),
    ):
        film.shots(start_s=1)


def test_who_does_not_answer_gets_one_line(serve, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE_S", 0.3)
    for place in (
        f"tcp://127.0.0.1:{serve(None)}",
        "rtsp://me:secret@127.0.0.1:1/front",
        "udp://127.0.0.1:0",
    ):
        with pytest.raises(DataError, match="does not answer") as caught:
            open_film(place)
        assert "\n" not in str(caught.value)
        assert "secret" not in str(caught.value)


def test_what_comes_and_is_no_film_is_refused(serve):
    with pytest.raises(DataError):
        open_film(f"tcp://127.0.0.1:{serve(b'hello' * 1000)}")


@pytest.mark.skipif(Path("/dev/video97").exists(), reason="there is a camera of this number")
@pytest.mark.skipif(sys.platform != "linux", reason="cameras have other names there")
def test_a_camera_that_is_not_there():
    with pytest.raises(DataError, match="camera:97 does not answer"):
        open_film("camera:97")


@pytest.mark.parametrize("place", ["camera:", "camera:front", "camera:-1", "camera:1/../x"])
def test_what_names_no_camera(place):
    with pytest.raises(UsageError, match="cameras are numbered"):
        open_film(place)
