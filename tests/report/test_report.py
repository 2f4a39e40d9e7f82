"""The report from made-up run folders: 4 and 43 classes, with and without mistakes, damaged and escaped."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.config import load_config, write_config
from roadworthy.core.document import Facts, Figure, Gallery, Picture, Section, SideBySide, Table, Text
from roadworthy.core.errors import CheckpointError
from roadworthy.core.predictions import Predictions
from roadworthy.core.words import duration, interval, percent
from roadworthy.inference.predictions import write_predictions
from roadworthy.report.html import render, write_report
from roadworthy.report.sections import run_page, run_sections, run_title
from roadworthy.signs.catalogue import sign_classes

NASTY = 'stop/<script>alert("x")</script>&_00001.png'
VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Collects tags with their attributes; asserts that every tag is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


def write_folder(folder: Path, classes: list[str], mistakes: bool = True, training: bool = True) -> Path:
    """A made-up run folder (an evaluation folder without `training`), 30 pictures a class."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    c, n = len(classes), 30 * len(classes)
    targets = np.arange(n) % c
    logits = rng.normal(0, 0.3, (n, c))
    logits[np.arange(n), targets] += 12
    wrong = np.arange(0, n, 7) if mistakes else np.arange(0)
    logits[wrong, (targets[wrong] + 1) % c] += rng.uniform(14, 16, len(wrong))
    paths = (NASTY, *(f"test/{i:05d}.png" for i in range(1, n)))
    said = Predictions(
        classes=tuple(classes),
        logits=logits.astype(np.float32),
        targets=targets,
        paths=paths,
        groups=("",) * n,
    )
    write_predictions(said, folder)
    answers = said.logits.argmax(axis=1)
    counts = np.zeros((c, c), int)
    np.add.at(counts, (targets, answers), 1)
    accuracy = float((answers == targets).mean())
    ci = [max(0.0, accuracy - 0.01), min(1.0, accuracy + 0.01)]
    per = {"n": 30, "precision": accuracy, "recall": accuracy, "f1": accuracy, "recall_ci95": ci}
    means = {f"{a}_{b}": accuracy for a in ("macro", "weighted") for b in ("precision", "recall", "f1")}
    full = {"lo": 0.9, "hi": 1.0, "n": n, "confidence": 0.98, "accuracy": accuracy, "accuracy_ci95": ci}
    empty = {"lo": 0.0, "hi": 0.1, "n": 0, "confidence": None, "accuracy": None, "accuracy_ci95": None}
    metrics = {
        "split": "test",
        "n": n,
        "accuracy": accuracy,
        "accuracy_ci95": ci,
        "accuracy_ci95_tracks": None,
        "signs": None,
        "sign_accuracy": None,
        "sign_accuracy_ci95": None,
        "balanced_accuracy": accuracy,
        **means,
        "per_class": dict.fromkeys(classes, per),
        "confusion": {"labels": classes, "counts": counts.tolist()},
        "nll": 0.1,
        "ece": 0.012,
        "brier": 0.05,
        "danger_per_100": 1.5,
        "temperature": 1.1,
        "weights": "best",
        "best_epoch": 2,
        "parameters": 765_123,
        "train_seconds": 12.3,
        "unknown_skipped": 0,
        "reliability": [empty, full],
        "rejection": {
            "score": "probability",
            "aurc": 0.01,
            "error_at": {"1": 0.1, "0.99": 0.05},
            "curve": {"coverage": [0.5, 1.0], "risk": [0.0, 0.1]},
            "threshold": 0.6,
            "chosen_for_coverage": 0.99,
            "chosen_on": 70,
            "n_accepted": n - 1,
            "coverage": (n - 1) / n,
            "errors_accepted": 1,
            "accuracy_accepted": 0.95,
            "errors_rejected": 1,
        },
    }
    per_split = dict.fromkeys(classes, 30)
    data = {
        "spec": "folder:pictures",
        "classes": classes,
        "counts": {"train": per_split, "test": per_split},
        "tracks": {"train": dict.fromkeys(classes, 3)},
        "groups_from": "file names",
        "unreadable": [[NASTY, "empty file"]],
        "audit": {"findings": [{"severity": "warning", "text": "2 exact duplicates"}]},
    }
    pictures: dict[str, Any] = {
        "mistakes_images": rng.integers(0, 255, (len(wrong[:40]), 48, 48, 3)).astype(np.uint8),
        "mistakes_index": wrong[:40],
    }
    provenance = {
        "roadworthy": "0.1",
        "dirty": True,
        "command": "roadworthy train",
        "threads": 2,
        "device": "cpu",
    }
    if training:
        noise = rng.integers(0, 255, (c, 48, 48, 3)).astype(np.uint8)
        for name in ("samples", "augmented", "icons"):
            pictures |= {f"{name}_images": noise, f"{name}_labels": np.arange(c)}
        write_config(load_config(settings=["data.spec=folder:pictures"]), folder / "config.toml")
        (folder / "augment.json").write_text(json.dumps(["affine: rotation up to 15 degrees"]))
        (folder / "model.txt").write_text("conv1  <b>\ntotal 765,123 41,234\ninput 3 x 48 x 48\n")
        (folder / "history.csv").write_text(
            "epoch,seconds,lr,train_loss,train_accuracy,val_loss,val_accuracy\n"
            "1,5,0.1,2.0,0.4,,\n2,10,0.2,1.0,0.8,0.9,0.85\n3,15,0.0,0.5,0.9,0.95,0.84\n"
        )
    np.savez_compressed(folder / "pictures.npz", **pictures)
    for name, tree in (("metrics", metrics), ("data", data), ("provenance", provenance)):
        (folder / f"{name}.json").write_text(json.dumps(tree))
    return folder


FOUR = ["speed-50", "speed-60", "stop", "no-entry"]
ALL = [name for name, entry in sign_classes().items() if entry.gtsrb is not None]


@pytest.fixture(scope="module", params=["four", "all", "clean", "evaluation", "two"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp(request.param)
    return {
        "four": lambda: write_folder(where, FOUR),
        "all": lambda: write_folder(where, ALL),
        "clean": lambda: write_folder(where, FOUR, mistakes=False),
        "evaluation": lambda: write_folder(where, FOUR, training=False),
        "two": lambda: write_folder(where, FOUR[:2]),
    }[request.param]()


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return render(run_title(folder), run_sections(folder))


def test_page_is_balanced_accessible_and_self_contained(text: str) -> None:
    page = Page(text)
    assert all(
        image["alt"] and (image["src"] or "").startswith("data:image/png;base64,")
        for image in page.all("img")
    )
    assert all(th.get("scope") in ("col", "row") for th in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))
    assert page.all("html")[0]["lang"] == "en"
    assert not page.all("script", "link", "iframe", "object")
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", text)
    assert len(text.encode()) < 3_000_000


def test_anchors_resolve_and_ids_are_unique(text: str) -> None:
    tags = Page(text).tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(set(ids)) == len(ids)
    named = [attrs["aria-labelledby"] for _, attrs in tags if "aria-labelledby" in attrs]
    links = [(attrs["href"] or "").removeprefix("#") for tag, attrs in tags if tag == "a"]
    assert set(links + named) <= set(ids)


def test_file_names_and_model_text_are_harmless(tmp_path: Path) -> None:
    where = write_folder(tmp_path, ["<b>own</b>", "a&b", '"quoted"'])
    page = render(run_title(where), run_sections(where))
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
    Page(page)


def test_same_folder_same_bytes(folder: Path, text: str) -> None:
    assert render(run_title(folder), run_sections(folder)) == text


def test_figures_stand_alone_and_come_with_tables(folder: Path, tmp_path: Path) -> None:
    sections = run_sections(folder)
    write_report(sections, run_title(folder), tmp_path / "report.html")
    drawn = [block for section in sections for block in section.blocks if isinstance(block, Figure)]
    assert {f.name for f in (tmp_path / "figures").iterdir()} == {f"{figure.name}.svg" for figure in drawn}
    for figure in drawn:
        assert ET.fromstring(figure.svg).attrib["aria-label"] == figure.alt
    for section in sections:
        kinds = {type(block) for block in section.blocks}
        assert Figure not in kinds or Table in kinds


def test_numbers_shown_are_the_stored_ones(tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)
    stored = json.loads((where / "metrics.json").read_text())
    sections = {section.anchor: section.blocks for section in run_sections(where)}
    facts = next(block for block in sections["result"] if isinstance(block, Facts))
    assert facts.items[0][1].startswith(percent(stored["accuracy"]))
    assert interval(stored["accuracy_ci95"]) in facts.items[0][1]
    pairs = next(
        b for b in sections["confusion"] if isinstance(b, Table) and b.caption == "Most confused pairs"
    )
    assert sum(int(row[2]) for row in pairs.rows) == 18  # every seventh of 120 is wrong
    gallery = next(block for block in sections["mistakes"] if isinstance(block, Gallery))
    assert len(gallery.pictures) == 18
    assert any(NASTY in picture.caption for picture in gallery.pictures)
    sure = [float(picture.caption.split("\n")[1].split()[0]) for picture in gallery.pictures]
    assert len(set(sure)) > 5
    assert sure == sorted(sure, reverse=True)


def _rewrite(folder: Path, name: str, **changes: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def test_intervals_over_signs_stand_first_where_signs_are_known_by_number_alone(tmp_path: Path) -> None:
    where = _rewrite(
        write_folder(tmp_path, FOUR),
        "metrics.json",
        accuracy_ci95_signs=[0.5123, 0.9456],
        signs_estimated=4,
    )
    sections = {section.anchor: section.blocks for section in run_sections(where)}
    facts = next(block for block in sections["result"] if isinstance(block, Facts))
    assert "over signs: 51.23 to 94.56 %" in facts.items[0][1]
    assert "about 4 signs" in facts.items[1][1]
    table = next(block for block in sections["measures"] if isinstance(block, Table))
    row = next(row for row in table.rows if row[2] == "51.23 to 94.56 %")
    assert row[3] == "4"


@pytest.mark.parametrize(
    ("weights", "words"), [("best", "the best on validation"), ("last", "the last epoch's")]
)
def test_the_report_says_which_weights_were_measured(tmp_path: Path, weights: str, words: str) -> None:
    where = _rewrite(write_folder(tmp_path, FOUR), "metrics.json", weights=weights)
    first = run_sections(where)[0].blocks[0]
    assert isinstance(first, Text)
    assert words in first.text


def test_what_is_not_accepted_is_told_and_a_strange_set_warned_of(tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)

    def told() -> Text:
        return next(section for section in run_sections(where) if section.anchor == "rejection").blocks[0]

    assert "Answers below 0.6000 are not accepted" in told().text
    assert "1 mistake instead of 2" in told().text
    assert told().tone == "plain"
    stored = json.loads((where / "metrics.json").read_text())["rejection"]
    _rewrite(where, "metrics.json", rejection={**stored, "coverage": 0.8})
    assert told().tone == "warning"
    without = {name: stored[name] for name in ("score", "aurc", "error_at", "curve")}
    _rewrite(where, "metrics.json", rejection=without)
    assert "every answer is given" in told().text
    _rewrite(where, "metrics.json", rejection=None)  # written before there was one
    assert "rejection" not in [section.anchor for section in run_sections(where)]


def test_the_first_rows_of_each_split_are_shown(tmp_path: Path) -> None:
    row = {"path": NASTY, "label": "stop", "group": "", "split": "train", "box": "1 2 30 40"}
    where = _rewrite(write_folder(tmp_path, FOUR), "data.json", first_rows={"train": [row], "test": []})
    data = next(section for section in run_sections(where) if section.anchor == "data")
    heads = [b for b in data.blocks if isinstance(b, Table) and b.caption.startswith("First rows")]
    assert [(table.caption, table.rows) for table in heads] == [
        ("First rows of train", (tuple(row.values()),))
    ]


def test_multiply_adds_are_the_last_total_of_model_txt(tmp_path: Path) -> None:
    model = next(s for s in run_sections(write_folder(tmp_path, FOUR)) if s.anchor == "model")
    assert ("multiply-adds per picture", "41,234") in model.blocks[0].items  # type: ignore[union-attr]


def test_mistakes_say_none_when_all_is_right(tmp_path: Path) -> None:
    sections = run_sections(write_folder(tmp_path, FOUR, mistakes=False))
    block = next(section for section in sections if section.anchor == "mistakes").blocks[0]
    assert isinstance(block, Text)
    assert block.tone == "good"


def test_evaluation_folder_has_no_training(tmp_path: Path) -> None:
    anchors = [section.anchor for section in run_sections(write_folder(tmp_path, FOUR, training=False))]
    assert "training" not in anchors
    assert "augmentation" not in anchors
    assert "confusion" in anchors


def test_what_is_to_be_doubted_stands_beside_the_result(tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)
    stored = json.loads((where / "metrics.json").read_text())
    doubt = {"name": "too_few_steps", "text": "The training made 3 steps. Train longer."}
    (where / "metrics.json").write_text(json.dumps({**stored, "warnings": [doubt]}))
    sections = run_sections(where)
    shown = [b.text for b in sections[0].blocks if isinstance(b, Text) and b.tone == "warning"]
    assert shown == [doubt["text"]]
    assert sum("too_few_steps" in str(section) for section in sections) == 0


def test_how_threads_and_precision_were_chosen_is_told(tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)
    stored = json.loads((where / "provenance.json").read_text())
    one = {"threads": 2, "precision": "fp32", "forward_s": 0.1, "backward_s": 0.2, "step_s": 0.31}
    pace = {"source": "kept", "busy": True, "waiting": "asleep", "batch": 128, "trials": [one]}
    (where / "provenance.json").write_text(json.dumps({**stored, "pace": pace}))
    facts = dict(next(b for b in run_sections(where)[-1].blocks if isinstance(b, Facts)).items)
    assert facts["threads and precision"] == "by an earlier trial on this machine, beside other work"
    assert facts["threads wait"] == "asleep"
    tried = facts["a step of 128 pictures"]
    assert tried == "2 threads fp32 0.31 s (forward 0.1, backward 0.2)"
    assert "pace" not in facts


def test_validation_figures_are_called_flattering(tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)
    stored = json.loads((where / "metrics.json").read_text())
    (where / "metrics.json").write_text(json.dumps({**stored, "split": "val"}))
    warnings = [b.text for b in run_sections(where)[0].blocks if isinstance(b, Text) and b.tone == "warning"]
    assert len(warnings) == 1
    assert "no test split" in warnings[0]


@pytest.mark.parametrize("name", ["metrics.json", "predictions.npz", "data.json", "provenance.json"])
def test_missing_file_is_named(name: str, tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)
    (where / name).unlink()
    with pytest.raises(CheckpointError, match=re.escape(name)):
        run_sections(where)


@pytest.mark.parametrize(
    "name",
    [
        "metrics.json",
        "predictions.npz",
        "data.json",
        "config.toml",
        "pictures.npz",
        "augment.json",
        "history.csv",
    ],
)
def test_damaged_file_is_named(name: str, tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)
    whole = (where / name).read_bytes()
    (where / name).write_bytes(
        b"epoch,lr\nx,y\n" if name == "history.csv" else whole[: len(whole) // 2] + b"\xff["
    )
    with pytest.raises(CheckpointError, match=re.escape(name)):
        run_sections(where)


def test_metrics_without_a_key_are_refused_in_one_line(tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)
    stored = json.loads((where / "metrics.json").read_text())
    del stored["per_class"]
    (where / "metrics.json").write_text(json.dumps(stored))
    with pytest.raises(CheckpointError, match="per_class"):
        run_sections(where)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is no folder"):
        run_sections(tmp_path / "nowhere")


def test_renders_without_torch_or_matplotlib(tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)
    program = (
        "import sys; sys.modules.update(torch=None, matplotlib=None)\n"
        "from pathlib import Path; from roadworthy.report.html import write_report\n"
        "from roadworthy.report.sections import run_sections, run_title\n"
        f"f = Path({str(where)!r}); write_report(run_sections(f), run_title(f), f / 'report.html')"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert (where / "report.html").read_text(encoding="utf-8").endswith("</html>\n")


def test_any_sections_render() -> None:
    picture = Picture(image=np.zeros((2, 3, 3), np.uint8), caption="one\ntwo", alt="black")
    blocks = (Text(text="a < b"), Facts(items=(("k", "v"),)), Gallery(caption="g", pictures=(picture,)))
    page = render("T & T", [Section(title="S", anchor="s", blocks=blocks)])
    assert "<title>T &amp; T</title>" in page
    assert "a &lt; b" in page
    Page(page)
    with pytest.raises(ValueError, match="share an anchor"):
        render("t", [Section(title="S", anchor="s", blocks=()), Section(title="S2", anchor="s", blocks=())])


def test_words() -> None:
    assert (percent(0.98361), percent(1.0, 0), percent(None)) == ("98.36 %", "100 %", "–")
    assert interval((0.64, 0.948)) == "64.00 to 94.80 %"
    assert [duration(s) for s in (5.04, 89.9, 240, 5400, None)] == [
        "5.0 s",
        "89.9 s",
        "4 min",
        "1 h 30 min",
        "–",
    ]


def test_the_first_thing_on_the_page_is_the_verdict(tmp_path: Path) -> None:
    found = run_page(write_folder(tmp_path, FOUR))
    page = render(found.title, found.sections, found.lead)
    assert found.lead.startswith("It reads 85.00 % of 120 test pictures right")
    lead = found.lead.replace(" %", "\u00a0%")  # which stays on the line of its number
    assert page.index(f'<p class="lead">{lead}</p>') < page.index("<nav")
    Page(page)


def test_no_number_is_longer_than_a_person_reads(tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR)
    _rewrite(where, "metrics.json", val_accuracy=0.9927927927927928, another=1 / 3, undivided=True)
    _rewrite(where, "provenance.json", train_seconds=4.998001, peak_rss_mb=475.81, seed=12345)
    (where / "config.toml").write_text('[data]\nspec = "folder:x"\n[train]\nminutes = 0.0833\n')
    page = render(run_title(where), run_sections(where))
    assert not re.findall(r">[^<]*\d\.\d{5,}[^<]*<", page)
    for said in ("99.28 %", "0.3333", ">yes<", "5.0 s", "476 MB", ">12345<", "for 5 s to tell"):
        assert said in page, said


def test_a_new_set_is_shown_beside_the_runs_own_test(tmp_path: Path) -> None:
    where = write_folder(tmp_path, FOUR, training=False)
    before, after, less = ({"value": v, "low": v - 0.05, "high": v + 0.05} for v in (0.9, 0.7, -0.2))
    changed = {"old": before, "new": after, "difference": less}
    own = {"split": "test", "n": 1830, "accuracy": 0.9, "accuracy_change": changed, "method": "a bootstrap"}
    by_class = {"recall_change": changed, "per_class": {"stop": changed, "no-entry": changed}}
    _rewrite(where, "metrics.json", own_test={**own, **by_class})
    anchors = {section.anchor: section.blocks for section in run_sections(where)}
    assert not any(isinstance(block, SideBySide) for block in anchors["change"])  # an older run keeps none
    with np.load(where / "pictures.npz") as stored:
        kept = {name: stored[name] for name in stored.files}
    images = np.zeros((3, 8, 8, 3), np.uint8)
    kept |= {"own_images": images, "own_labels": np.array([0, 2, 2])}
    kept |= {"measured_images": images, "measured_labels": np.array([2, 3, 3])}
    np.savez_compressed(where / "pictures.npz", **kept)
    page = run_page(where)
    blocks = next(section.blocks for section in page.sections if section.anchor == "change")
    text, pictures, chart, table = blocks
    assert isinstance(text, Text)
    assert "The accuracy is lower than on the run's own test (90.00 % of 1,830 pictures): -20.00" in text.text
    assert "Method: a bootstrap." in text.text
    assert isinstance(pictures, SideBySide)
    assert [(name, len(a), len(b)) for name, a, b in pictures.rows] == [
        ("speed-50", 1, 0),
        ("stop", 2, 1),
        ("no-entry", 0, 2),
    ]
    assert isinstance(chart, Figure)
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["all pictures", "mean of classes", "stop", "no-entry"]
    html = render(page.title, page.sections, page.lead)
    Page(html)
    assert "own_test" not in html


def test_wide_tables_show_that_they_scroll_and_print_whole() -> None:
    page = render("t", [])
    style = page.partition("<style>")[2].partition("</style>")[0]
    screen, _, printed = style.partition("@media print")
    assert "var(--shadow)" in screen.partition(".scroll {")[2].partition("}")[0]
    assert ".scroll { overflow: visible; background: none; }" in printed
