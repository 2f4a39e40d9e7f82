"""A film's page as moving pictures: chromium draws the slides, espeak-ng reads them, ffmpeg joins both.

None of the three is part of Roadworthy; what is missing is said and left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

from roadworthy.core.errors import UsageError
from roadworthy.core.files import replacing, scratch
from roadworthy.report.film.slides import Film, Slide

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT, FRAMES_PER_SECOND = 1280, 720, 5
DRAW_TIMEOUT_S, SPEAK_TIMEOUT_S, JOIN_TIMEOUT_S = 120, 60, 900
SPEAKING_RATE = 165  # words a minute, espeak-ng's own count
FASTEST_RATE = 260
BREATH_S = 0.3  # before and after a slide's sentences


def missing_tools() -> tuple[str, ...]:
    """Programs without which there is no video, as far as they are not on the PATH."""
    browser = () if _browser() else ("chromium",)
    return (*browser, *(() if shutil.which("ffmpeg") else ("ffmpeg",)))


def can_speak() -> bool:
    """Whether slides can be read aloud."""
    return shutil.which("espeak-ng") is not None


def write_video(film: Film, page: Path, out: Path) -> None:
    """The film as an MP4, 1280 x 720; silent where espeak-ng is missing.

    page: the film's HTML.  Raises UsageError where a program is missing, fails or takes too long.
    """
    missing = missing_tools()
    if missing:
        raise UsageError(f"{' and '.join(missing)} not found on the PATH; install them for a video")
    with scratch() as work:
        stills = [_draw(page, number, work) for number in range(1, 1 + len(film.slides))]
        sound = ["-i", str(_narration(film.slides, work))] if can_speak() else []
        listed = work / "slides.txt"
        listed.write_text(_concat(stills, [slide.seconds for slide in film.slides]), encoding="utf-8")
        aside = work / "film.mp4"
        command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "concat", "-safe", "0", "-i", str(listed)]
        command += [*sound, "-vf", f"fps={FRAMES_PER_SECOND},format=yuv420p", "-c:v", "libx264"]
        command += ["-tune", "stillimage", "-preset", "veryfast", "-threads", "1"]
        command += [
            *(["-c:a", "aac", "-b:a", "48k"] if sound else []),
            "-crf",
            "28",
            "-t",
            f"{film.seconds:.1f}",
        ]
        _call([*command, "-movflags", "+faststart", str(aside)], JOIN_TIMEOUT_S)
        with replacing(out) as whole:
            shutil.copyfile(aside, whole)


def _draw(page: Path, number: int, work: Path) -> Path:
    """A picture of one slide, its caption with it."""
    still = work / f"slide-{number:02d}.png"
    root = getattr(os, "geteuid", lambda: 1)() == 0  # chromium refuses its sandbox to root
    browser = [_browser(), "--headless", "--disable-gpu", *(["--no-sandbox"] if root else [])]
    browser += ["--hide-scrollbars", "--force-device-scale-factor=1", f"--window-size={WIDTH},{HEIGHT}"]
    browser += [f"--user-data-dir={work / 'browser'}", f"--screenshot={still}"]
    _call([*browser, f"{page.resolve().as_uri()}?still#slide-{number}"], DRAW_TIMEOUT_S)
    if not still.is_file():
        raise UsageError(f"{browser[0]} drew no picture of slide {number}; open {page} instead")
    return still


def _narration(slides: Sequence[Slide], work: Path) -> Path:
    """All slides read aloud, each padded with silence to the length of its slide."""
    path = work / "narration.wav"
    frames, rate = [], 0
    for number, slide in enumerate(slides):
        spoken, rate = _speak(slide, work / f"said-{number}.wav")
        before = bytes(2 * round(BREATH_S * rate))
        whole = 2 * round(slide.seconds * rate)
        frames.append((before + spoken)[:whole].ljust(whole, b"\0"))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(frames))
    return path


def _speak(slide: Slide, path: Path) -> tuple[bytes, int]:
    """A slide's sentences as samples, and their rate; spoken faster where the slide is too short."""
    room, speed = slide.seconds - 2 * BREATH_S, SPEAKING_RATE
    while True:
        _call(["espeak-ng", "-v", "en", "-s", str(speed), "-w", str(path), slide.caption], SPEAK_TIMEOUT_S)
        with wave.open(str(path), "rb") as file:
            samples, rate = file.readframes(file.getnframes()), file.getframerate()
        seconds = len(samples) / 2 / rate
        if seconds <= room or speed == FASTEST_RATE:
            return samples, rate
        speed = min(FASTEST_RATE, max(speed + 5, round(speed * seconds / room)))


def _concat(stills: Sequence[Path], seconds: Sequence[float]) -> str:
    """What ffmpeg's concat demuxer reads; the last picture stands twice, or its length would be lost."""
    shown = [f"file '{still}'\nduration {length}" for still, length in zip(stills, seconds, strict=True)]
    return "\n".join([*shown, f"file '{stills[-1]}'"]) + "\n"


def _browser() -> str:
    return next((name for name in BROWSERS if shutil.which(name)), "")


def _call(command: Sequence[str], timeout_s: int) -> None:
    name = command[0]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"{name} was not done after {timeout_s} s; the page needs no video") from error
    except OSError as error:
        raise UsageError(f"{name} cannot be started ({error.strerror or error}); reinstall it") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise UsageError(f"{name} failed ({done.returncode}): {said}; the page needs no video")
