"""The film of the gradient-norm studies, from made-up results."""

import json
import re
import shutil
import stat
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.errors import UsageError
from roadworthy.report.film import video as film_video
from roadworthy.report.film.slides import LIMIT_S, Film, Slide, spoken_words, starts, subtitles
from roadworthy.report.html import render_film
from roadworthy.studies.film.advice import recommendations
from roadworthy.studies.film.make import make_film
from roadworthy.studies.film.read import FILMED, Wrong
from roadworthy.studies.film.taken_for import taken_for
from roadworthy.studies.questions import gradient_norm_arms as films
from roadworthy.studies.questions.gradient_norm_arms import CIFAR, ORIGINAL, SIGNS

VERDICTS = ("better", "worse", "no difference shown")
ARMS = (films.PLAIN, films.TWICE, films.SAM, films.PENALTY, films.LATE, films.AVERAGED)
SETTING = "compact, photographs, equal time"


def comparison(a: str, b: str, verdict: str = "no difference shown", **more: Any) -> dict[str, Any]:
    effect = {"better": 0.01, "worse": -0.01}.get(verdict, 0.001)
    return {
        "a": a,
        "b": b,
        "metric": "accuracy",
        "n": 1000,
        "seeds": 3,
        "tracks": 1000,
        "effect": effect,
        "ci95": [effect - 0.005, effect + 0.005],
        "verdict": verdict,
        "detectable": 0.004,
        **more,
    }


def arm(name: str, *accuracies: float, gradients: int = 100, epochs: int = 10) -> dict[str, Any]:
    used = {"train_seconds": 2.0, "gradients": gradients, "epochs": epochs}
    runs = [
        {"seed": seed, "metrics": {"accuracy": accuracy, "n": 1000}, "new": {}, "used": used}
        for seed, accuracy in enumerate(accuracies)
    ]
    return {"name": name, "settings": {}, "after": "", "budget": {"asked": "10 epochs"}, "runs": runs}


def study(name: str, arms: list[dict[str, Any]], comparisons: list[dict[str, Any]], **more: Any) -> Any:
    return {
        "study": name,
        "question": "?",
        "answer": "",
        "arms": arms,
        "asked": {"quick": False},
        "comparisons": comparisons,
        "claims": [],
        "tables": [],
        "curves": [],
        "galleries": [],
        **more,
    }


def claim(id: str, verdict: str) -> dict[str, str]:
    return {"id": id, "text": f"Said by {id}.", "verdict": verdict, "evidence": ""}


@pytest.fixture
def results() -> dict[str, Any]:
    arms = [arm(name, 0.90, 0.92, 0.91, gradients=200) for name in ARMS]
    arms[0] = arm(films.PLAIN, 0.88, 0.90, 0.89)
    arms[1] = arm(films.TWICE, 0.88, 0.90, 0.89, gradients=200, epochs=20)
    others = (films.PLAIN, films.TWICE, films.SAM, films.AVERAGED)
    pairs = [comparison(films.PENALTY, b) for b in others]
    sharp = {
        "caption": "How sharp the minima are, on 500 training pictures; adaptive: by size of weights",
        "columns": ["arm", "gradient norm", "eigenvalue", "ascent"],
        "rows": [["plain", "2.0", "30", "0.5"], ["penalty", "1.0", "40", "0.5"]],
    }
    lines = [
        {"name": name, "xs": [-1, 0, 1], "ys": [3.0, 0.1, 2.0], "lows": [None] * 3, "highs": [None] * 3}
        for name in (films.PLAIN, films.PENALTY)
    ]
    curves = {"name": "landscape", "caption": "Loss", "x_label": "step", "curves": lines, "log": True}
    small = [arm(name, 0.5, 0.51) for name in (films.AS_IT_WAS, films.LEARNS, films.SMALL_PENALTY)]
    signs = [arm(f"{SETTING}: {method}", 0.9, 0.91) for method in ("plain", "penalty")]
    on_signs = (f"{SETTING}: penalty", f"{SETTING}: plain")
    return {
        CIFAR: study(
            CIFAR,
            arms,
            [*pairs, comparison(films.LATE, films.PENALTY)],
            tables=[sharp],
            curves=[curves],
        ),
        ORIGINAL: study(
            ORIGINAL,
            small,
            [comparison(films.SMALL_PENALTY, films.LEARNS)],
            claims=[claim("C12", "refuted")],
        ),
        SIGNS: study(
            SIGNS,
            signs,
            [comparison(*on_signs), comparison(*on_signs, metric="accuracy on <belgium>")],
            claims=[claim("C13", "open"), claim("C14", "confirmed")],
            tables=[
                {
                    "caption": "Does flattening predict the gain? Rank correlation over 8 pairs",
                    "columns": ["times as flat", "test", "belgium"],
                    "rows": [["eigenvalue", "0", "0"], ["ascent", "+0.10", "+0.20"]],
                }
            ],
        ),
    }


def judged(results: dict[str, Any], name: str, verdict: str, *pair: str) -> None:
    """Give one comparison, or all of a study, another verdict."""
    results[name]["comparisons"] = [
        comparison(c["a"], c["b"], verdict, metric=c["metric"]) if not pair or (c["a"], c["b"]) == pair else c
        for c in results[name]["comparisons"]
    ]


def said(results: dict[str, Any], title: str) -> str:
    (slide,) = [slide for slide in make_film(results).slides if slide.title.startswith(title)]
    return " ".join((slide.title, *slide.points, slide.caption))


def store(results: dict[str, Any], folder: Path) -> Path:
    for name, result in results.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "results.json").write_text(json.dumps(result))
    return folder


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH with nothing on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_words_are_counted_as_they_are_said() -> None:
    assert spoken_words("plain reads 91.5 %") == 7
    assert spoken_words("+0.52 points, at 1,000.") == 5 + 1 + 1 + 4
    assert Slide(title="", points=(), narration=("one two three four five.",)).seconds == 4.0


def test_the_film_stays_under_its_limit(results: dict[str, Any]) -> None:
    film = make_film(results)
    assert 120 < film.seconds < LIMIT_S < 300
    assert film.seconds == pytest.approx(sum(slide.seconds for slide in film.slides))
    long = " or ".join(["so called"] * 20)
    results[SIGNS]["claims"] = [claim("C13", long), claim("C14", long)]
    for name in FILMED:
        results[name]["asked"]["quick"] = True
    plenty = make_film(results)
    assert plenty.seconds < LIMIT_S
    assert all(slide.narration for slide in plenty.slides)
    assert "Run the studies in full" in plenty.slides[-2].caption  # the first sentences are the last to go


def test_a_slide_shows_which_signs_are_taken_for_which(results: dict[str, Any]) -> None:
    mistakes = Counter({("speed-60", "speed-50"): 3, ("stop", "no-entry"): 1})
    wrong = {
        films.PLAIN: Wrong(arm="net: plain", counts=mistakes, trainings=2),
        films.PENALTY: Wrong(arm="net: penalty", counts=Counter({("speed-60", "speed-50"): 5}), trainings=2),
    }
    film = make_film(results, wrong)
    slide = next(slide for slide in film.slides if slide.title == "Road signs: what is taken for what")
    assert "75 % are the limit of sixty, read as the limit of fifty" in slide.caption
    assert "With the penalty this happens 5 times, without it 3 times." in slide.caption
    page = render_film(film)
    assert page.count('<img src="data:image/png') == 8 + 2  # four signs of two countries, and two mistakes
    assert taken_for({}) is None


def test_sentences_follow_from_the_verdicts(results: dict[str, Any]) -> None:
    pair = (films.PENALTY, films.TWICE)
    told = {}
    for verdict in VERDICTS:
        judged(results, CIFAR, verdict, *pair)
        told[verdict] = said(results, "CIFAR-10: at equal gradients")
    assert "at equal gradients the penalty is better" in told["better"]
    assert (
        "The penalty is better than plain training for twice the epochs: "
        "+1.00 points, 95 % +0.50 to +1.50." in told["better"]
    )
    assert "The penalty is worse than plain training for twice the epochs: -1.00" in told["worse"]
    assert (
        "Between the penalty and plain training for twice the epochs no difference is shown: +0.10"
        in (told["no difference shown"])
    )


def test_advice_follows_from_the_verdicts(results: dict[str, Any]) -> None:
    advice = set()
    for verdict in VERDICTS:
        for name in (CIFAR, SIGNS):
            judged(results, name, verdict)
        found = recommendations(results)
        assert len(found) == 5
        advice |= set(found)
        assert found[0] in said(results, "What we recommend")
    assert len(advice) == 15  # each verdict says something else
    judged(results, CIFAR, "better", films.PENALTY, films.TWICE)
    assert recommendations(results)[1] == (
        "On CIFAR-10 the penalty earns its second pass: at equal gradients it is better."
    )
    results[SIGNS]["comparisons"][0]["verdict"] = "better"
    results[SIGNS]["comparisons"][1]["verdict"] = "worse"
    assert "better in places and worse in others" in recommendations(results)[0]


def test_budgets_are_called_equal_only_where_they_were(results: dict[str, Any]) -> None:
    results[CIFAR]["arms"][1] = arm(films.TWICE, 0.88, 0.90, gradients=150, epochs=20)
    assert "equal gradients" not in said(results, "CIFAR-10: against plain training for twice the epochs")
    assert "at equal gradients" not in " ".join(recommendations(results))


def test_claims_are_told_as_they_were_judged(results: dict[str, Any]) -> None:
    assert "Claim C12 is refuted." in said(results, "The study's own")
    assert "Claim C13 is open and claim C14 is confirmed." in said(results, "Road signs")
    results[SIGNS]["claims"] = []
    assert "C13 and C14 were not judged" in said(results, "Road signs")


def test_sharpness_is_compared_by_its_numbers(results: dict[str, Any]) -> None:
    told = said(results, "CIFAR-10: are the minima flatter?")
    assert "Norm of the gradient: 1 with the penalty, 2 without, so flatter." in told
    assert "Largest eigenvalue: 40 with the penalty, 30 without, so sharper." in told
    assert "so not to be told apart" in told
    results[CIFAR]["tables"][0]["rows"] = [["plain", "2.17", "30", "0.5"], ["penalty", "2.24", "40", "0.5"]]
    near = said(results, "CIFAR-10: are the minima flatter?")
    assert "Norm of the gradient: 2.24 with the penalty, 2.17 without, so sharper." in near
    (slide,) = [slide for slide in make_film(results).slides if "flatter" in slide.title]
    assert slide.points[-1].endswith("with the gain: test +0.10, belgium +0.20")
    results[CIFAR]["tables"], results[CIFAR]["curves"] = [], []
    titles = [slide.title for slide in make_film(results).slides]
    assert not [title for title in titles if "flatter" in title or "loss about" in title]


def test_what_could_not_be_seen_comes_from_the_comparisons(results: dict[str, Any]) -> None:
    told = said(results, "What this design")
    assert "0.40 points on CIFAR-10" in told
    assert "gap between SAM and the penalty, 0.26 points, could not have been seen" in told
    for c in results[CIFAR]["comparisons"]:
        c["detectable"] = 0.001
    assert "0.26 points, could have been seen" in said(results, "What this design")
    for result in results.values():
        for c in result["comparisons"]:
            c["detectable"], c["ci95"] = None, None
    assert "nothing can be said of what was missed" in said(results, "What this design")
    assert "without an interval" in said(results, "CIFAR-10: at equal gradients")


def test_a_quick_look_is_called_one(results: dict[str, Any]) -> None:
    assert "quick look" not in said(results, "What we recommend")
    results[CIFAR]["asked"]["quick"] = True
    assert "For CIFAR-10 this was a quick look." in said(results, "How it is tested")
    assert "in full before acting" in said(results, "What we recommend")


def test_what_is_missing_is_left_out(results: dict[str, Any]) -> None:
    film = make_film({SIGNS: results[SIGNS]})
    assert not [slide for slide in film.slides if slide.title.startswith(("CIFAR", "The study's own"))]
    assert "Not known here: CIFAR-10 and the study's small network" in film.slides[-2].points
    with pytest.raises(ValueError, match="at least one"):
        make_film({})


def test_names_are_those_of_the_studies() -> None:
    from roadworthy.studies.plan import StudyRequest
    from roadworthy.studies.questions import gradient_norm_signs
    from roadworthy.studies.questions.catalogue import STUDIES

    assert set(FILMED) <= set(STUDIES)
    ask = StudyRequest(cifar="cifar10:FILE")
    assert set(ARMS) == {arm.name for arm in STUDIES.get(CIFAR).plan(ask).arms}
    small = {films.AS_IT_WAS, films.LEARNS, films.SMALL_PENALTY, films.SMALL_SAM}
    assert small == {arm.name for arm in STUDIES.get(ORIGINAL).plan(ask).arms}
    assert {films.PLAIN, films.PENALTY} <= set(gradient_norm_signs.METHODS)


def test_the_film_needs_no_torch() -> None:
    program = (
        "import sys; sys.modules.update(torch=None)\n"
        "from roadworthy.studies.film.present import present\n"
        "from roadworthy.studies.film.read import FILMED"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_page_is_whole_escaped_and_offline(results: dict[str, Any]) -> None:
    page = render_film(make_film(results))
    assert "&lt;belgium&gt;" in page
    assert "<belgium>" not in page
    assert page.count("<section") == len(make_film(results).slides) == 14
    assert not re.search(r'(src|href)="?http', page)
    assert "script-src 'sha256-" in page
    bare = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    assert " hidden" not in bare  # all is shown where no script runs
    assert page == render_film(make_film(results))


def test_subtitles_follow_the_slides(results: dict[str, Any]) -> None:
    film = make_film(results)
    text = subtitles(film)
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:0")
    clock = r"(\d\d):(\d\d):(\d\d\.\d{3})"
    times = [
        tuple(60 * int(m) + float(s) for m, s in ((a[1], a[2]), (a[4], a[5])))
        for a in re.findall(f"{clock} --> {clock}", text)
    ]
    assert len(times) == sum(len(slide.narration) for slide in film.slides)
    assert all(begin < end for begin, end in times)
    assert all(end == pytest.approx(begin) for (_, end), (begin, _) in pairwise(times))
    assert times[-1][1] == pytest.approx(film.seconds)
    assert len(starts(film)) == len(film.slides)
    odd = Film(title="", slides=(Slide(title="", points=(), narration=("a <b> & c --> d",)),))
    assert "a &lt;b&gt; &amp; c --&gt; d" in subtitles(odd)


def test_present_writes_the_page_and_says_what_it_lacks(
    results: dict[str, Any], tmp_path: Path, no_tools: Path
) -> None:
    del results[ORIGINAL]
    presented = api.present(store(results, tmp_path / "studies"), tmp_path / "film")
    assert [path.name for path in presented.files] == ["film.html", "film.vtt"]
    assert all(path.is_file() for path in presented.files)
    assert presented.notes == (
        f"gradient-norm-original has no results under {tmp_path / 'studies'}: left out",
        "chromium and ffmpeg not found on the PATH: no film.mp4",
    )
    with pytest.raises(UsageError, match="not found on the PATH"):
        film_video.write_video(make_film(results), presented.files[0], tmp_path / "film.mp4")


def test_no_results_at_all_is_an_error_that_helps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"study gradient-norm --out {tmp_path} --present {tmp_path / 'film'}"
    assert cli.run(line.split()) == 2
    said = capsys.readouterr().err
    assert "holds no results of gradient-norm" in said
    assert "--cifar cifar10:FILE" in said
    assert not (tmp_path / "film").exists()


def test_the_command_line_presents_and_trains_nothing(
    results: dict[str, Any], tmp_path: Path, no_tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = store(results, tmp_path / "studies")
    line = f"study gradient-norm --out {place} --present {tmp_path / 'film'}"
    assert cli.run(line.split()) == 0
    told = capsys.readouterr()
    assert str(tmp_path / "film" / "film.html") in told.out
    assert "no film.mp4" in told.err
    assert cli.run([*line.split(), "--data", "gtsrb:"]) == 2
    assert "data would be ignored" in capsys.readouterr().err
    assert cli.run(line.replace("gradient-norm", "baseline", 1).split()) == 2
    assert "no film of baseline" in capsys.readouterr().err


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_program_that_fails_is_named_and_the_page_kept(
    results: dict[str, Any], tmp_path: Path, no_tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(no_tools, "chromium", "echo no display >&2; exit 3")
    program(no_tools, "ffmpeg", "exit 0")
    place = store(results, tmp_path / "studies")
    with pytest.raises(UsageError, match=r"chromium failed \(3\): no display"):
        api.present(place, tmp_path / "film")
    assert (tmp_path / "film" / "film.html").is_file()
    program(no_tools, "chromium", "exit 0")
    with pytest.raises(UsageError, match="drew no picture of slide 1"):
        api.present(place, tmp_path / "film")
    program(no_tools, "chromium", "exec /bin/sleep 5")
    monkeypatch.setattr(film_video, "DRAW_TIMEOUT_S", 0.1)
    with pytest.raises(UsageError, match="was not done after"):
        api.present(place, tmp_path / "film")


@pytest.mark.skipif(
    not all(shutil.which(name) for name in ("ffmpeg", "ffprobe")), reason="ffmpeg is not installed"
)
def test_a_video_is_as_long_as_its_slides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    def draw(page: Path, number: int, work: Path) -> Path:
        still = work / f"{number}.png"
        Image.new("RGB", (64, 36), (80 * number, 0, 0)).save(still)
        return still

    monkeypatch.setattr(film_video, "_draw", draw)
    monkeypatch.setattr(film_video, "_browser", lambda: "chromium")
    monkeypatch.setattr(film_video, "can_speak", lambda: False)
    slides = tuple(Slide(title="", points=(), narration=("one two.",)) for _ in range(2))
    film_video.write_video(Film(title="", slides=slides), tmp_path / "film.html", tmp_path / "film.mp4")
    probe = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]
    found = subprocess.run([*probe, str(tmp_path / "film.mp4")], capture_output=True, text=True, check=True)
    assert float(found.stdout) == pytest.approx(5.6, abs=0.2)
