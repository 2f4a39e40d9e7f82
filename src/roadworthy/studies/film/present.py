"""The film of a folder's gradient-norm studies, written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadworthy.core.errors import UsageError
from roadworthy.core.extras import require
from roadworthy.core.files import make_folder, write_text
from roadworthy.core.paths import StrPath, as_path

if TYPE_CHECKING:
    from roadworthy.report.film.slides import Presented


def present(folder: StrPath, out: StrPath) -> Presented:
    """The gradient-norm studies whose results lie under `folder` as a film in `out`; nothing is trained.

    Writes film.html, film.vtt and, where chromium and ffmpeg are installed, film.mp4.  No torch.
    Raises UsageError where there are no results, or a program fails; the page is written before.
    """
    # Not where this module is imported, which `predict` does too.
    from roadworthy.report.film.slides import Presented, subtitles
    from roadworthy.report.film.video import can_speak, missing_tools, write_video
    from roadworthy.report.html import render_film
    from roadworthy.report.study import read_study
    from roadworthy.studies.film.make import make_film
    from roadworthy.studies.film.read import FILMED, wrong_answers
    from roadworthy.studies.questions.gradient_norm_arms import SIGNS

    require("a film", "report")
    folder, out = as_path(folder), as_path(out)
    known = {name: folder / name for name in FILMED if (folder / name / "results.json").is_file()}
    if not known:
        raise UsageError(
            f"{folder} holds no results of {', '.join(FILMED)}; get some with: roadworthy study "
            f"gradient-norm --cifar cifar10:FILE --out {folder}, or name their folder with --out"
        )
    results = {name: read_study(place) for name, place in known.items()}
    film = make_film(results, wrong_answers(results[SIGNS], known[SIGNS]) if SIGNS in known else None)
    notes = [f"{name} has no results under {folder}: left out" for name in FILMED if name not in known]
    page = render_film(film)
    make_folder(out)
    files = [out / "film.html", out / "film.vtt"]
    for path, text in zip(files, (page, subtitles(film)), strict=True):
        write_text(text, path)
    missing = missing_tools()
    if missing:
        notes.append(f"{' and '.join(missing)} not found on the PATH: no film.mp4")
    else:
        write_video(film, files[0], out / "film.mp4")
        files.append(out / "film.mp4")
        notes += [] if can_speak() else ["espeak-ng not found on the PATH: film.mp4 is silent"]
    return Presented(files=tuple(files), seconds=film.seconds, notes=tuple(notes))
