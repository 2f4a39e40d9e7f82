"""Every module has its test: the one at the same place, or the one that is named here."""

import ast
from pathlib import Path

import roadworthy

SOURCE, TESTS = Path(roadworthy.__file__).parent, Path(__file__).parent
# Modules without a mirror, and what tests them; a folder stands for all such modules in it.
COVERED_BY = {
    "__init__.py": "test_public_api.py",
    "__main__.py": "cli/test_app.py",
    "augment/op.py": "augment/test_ops.py",
    "cli/": "cli/test_app.py",
    "core/accuracy.py": "report/test_card.py",
    "core/answers.py": "studies/test_kept.py",
    "core/arrays.py": "test_architecture.py",
    "core/document.py": "report/test_report.py",
    "core/predictions.py": "evaluate/test_metrics.py",
    "core/processes.py": "workflows/test_score.py",
    "core/progress.py": "test_architecture.py",
    "core/rejection.py": "evaluate/test_rejection.py",
    "core/settings.py": "test_config.py",
    "core/verdicts.py": "evaluate/statistics/test_verdicts.py",
    "data/drawn_frames.py": "data/sources/test_streets.py",
    "data/marks.py": "data/sources/test_coco_columns.py",
    "data/open_frames.py": "workflows/test_find_training.py",
    "data/records.py": "data/sources/test_folder.py",
    "data/sources/": "data/sources/test_folder.py",
    "data/tables.py": "data/sources/test_csv_file.py",
    "data/tools/": "data/tools/test_tools.py",
    "data/writers/": "data/writers/test_writers.py",
    "drive/limits/conditions.py": "drive/limits/test_machine.py",
    "drive/film/container.py": "drive/test_film.py",
    "drive/film/decoding.py": "drive/film/test_file.py",
    "drive/film/shots.py": "drive/film/test_file.py",
    "drive/events/event.py": "drive/events/test_tables.py",
    "drive/kpi/": "drive/kpi/test_measures.py",
    "drive/roads/geojson.py": "drive/roads/test_reading.py",
    "drive/roads/osm.py": "drive/roads/test_reading.py",
    "drive/roads/road.py": "drive/roads/test_reading.py",
    "drive/roads/table.py": "drive/roads/test_reading.py",
    "drive/tracking/approach.py": "drive/tracking/test_tracker.py",
    "drive/seen.py": "drive/output/test_film.py",
    "drive/output/patches.py": "drive/output/test_annotate.py",
    "drive/output/result.py": "drive/output/test_report.py",
    "evaluate/corruptions/": "evaluate/test_corruptions.py",
    "evaluate/results.py": "evaluate/test_metrics.py",
    "render/drive/": "render/drive/test_world.py",
    "imaging/resizing.py": "imaging/test_preprocess.py",
    "imaging/spec.py": "imaging/test_preprocess.py",
    "inference/answer_rule.py": "inference/test_detect.py",
    "inference/classifier.py": "test_api.py",
    "inference/finder.py": "test_finding.py",
    "inference/found.py": "test_finding.py",
    "inference/onnx_finder.py": "workflows/test_find_training.py",
    "inference/torch_finder.py": "workflows/test_find_training.py",
    "inference/runtimes/": "inference/runtimes/test_engine.py",
    "inference/network.py": "inference/test_torch.py",
    "inference/proposals.py": "workflows/test_label.py",
    "inference/predictions.py": "inference/test_answers.py",
    "models/study_cnn.py": "models/test_catalogue.py",
    "render/": "render/test_camera.py",
    "render/street/": "render/test_street.py",
    "render/street/things/": "render/test_street.py",
    "report/": "report/test_report.py",
    "report/drive/values.py": "report/drive/test_doubts.py",
    "report/figures/": "report/test_figures.py",
    "report/film/": "studies/film/test_film.py",
    "report/story/": "studies/story/test_story.py",
    "report/sections/": "report/test_report.py",
    "report/sections/finder/": "report/sections/test_finder.py",
    "serve/": "serve/test_app.py",
    "studies/": "studies/test_runner.py",
    "studies/film/": "studies/film/test_film.py",
    "studies/questions/": "studies/test_runner.py",
    "studies/story/": "studies/story/test_story.py",
    "train/callbacks.py": "train/test_loop.py",
    "train/state.py": "train/test_loop.py",
    "train/track_mlflow.py": "train/test_track.py",
    "train/track_wandb.py": "train/test_track.py",
    "train/tracked.py": "train/test_track.py",
    "workflows/": "test_api.py",
}
# Tests of what is more than one module: of the whole, of a service under load, of a page in a browser.
OF_SEVERAL = {
    "test_drive_benchmarks.py",
    *(
        "data/sources/test_lists.py",
        "data/sources/test_terms.py",
        "data/tools/test_tools.py",
        "data/writers/test_writers.py",
        "signs/test_reference.py",
        "report/test_report.py",
    ),
    *("studies/film/test_film.py", "studies/story/test_story.py"),
    *(
        f"serve/test_{name}.py"
        for name in (
            "faults",
            "fuzz",
            "limits",
            "finding",
            "page",
            "page_boxes",
            "page_live",
            "page_parity",
            "tracks",
        )
    ),
    *(
        f"test_{name}.py"
        for name in ("architecture", "docs", "end_to_end", "finding", "mirror", "packaged", "examples")
    ),
    *("test_drive_benchmarks.py", "test_finding_benchmarks.py", "test_reader_benchmark.py"),
    "test_labelling_benchmarks.py",
    *(
        f"test_{name}.py"
        for name in (
            "project",
            "public_api",
            "readme",
            "recipes",
            "results",
            "tutorials",
            "wheel",
            "examples",
        )
    ),
}


def with_something_in_it(file: Path) -> bool:
    """Whether a module holds more than a docstring."""
    return any(not isinstance(node, ast.Expr) for node in ast.parse(file.read_text(encoding="utf-8")).body)


def mirror(module: Path) -> Path:
    """Where the test of a module belongs; that of a package stands beside its folder."""
    if module.name == "__init__.py":
        return module.parent.parent / f"test_{module.parent.name}.py"
    return module.parent / f"test_{module.name.lstrip('_')}"


def without_mirror(source: Path, tests: Path) -> list[Path]:
    """The modules that have no test at their own place, relative to `source`."""
    modules = [
        path.relative_to(source) for path in sorted(source.rglob("*.py")) if with_something_in_it(path)
    ]
    return [module for module in modules if not (tests / mirror(module)).is_file()]


def line_for(module: Path) -> str | None:
    """The line of COVERED_BY that a module falls under: its own, or its folder's."""
    keys = (module.as_posix(), f"{module.parent.as_posix()}/")
    return next((key for key in keys if key in COVERED_BY), None)


def test_every_module_has_a_mirror_or_a_line() -> None:
    alone = [str(module) for module in without_mirror(SOURCE, TESTS) if line_for(module) is None]
    assert alone == [], "write their tests, or say in COVERED_BY which tests cover them"


def test_every_line_is_needed_and_names_a_test() -> None:
    needed = {line_for(module) for module in without_mirror(SOURCE, TESTS)}
    assert set(COVERED_BY) - needed == set(), "these modules are gone or have a mirror; drop their lines"
    assert [test for test in COVERED_BY.values() if not (TESTS / test).is_file()] == []


def test_every_test_mirrors_a_module_or_is_of_several() -> None:
    mirrored = {mirror(path.relative_to(SOURCE)).as_posix() for path in SOURCE.rglob("*.py")}
    tests = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
    assert tests - mirrored - OF_SEVERAL == set(), "these tests mirror no module"
    assert tests >= OF_SEVERAL, "these tests are gone"
    assert OF_SEVERAL & mirrored == set(), "these tests mirror a module"


def test_a_module_without_a_test_is_found(tmp_path: Path) -> None:
    source, tests = tmp_path / "src", tmp_path / "tests"
    for place in (source / "a" / "b", tests / "a"):
        place.mkdir(parents=True)
    (source / "a" / "__init__.py").write_text('"""Of a."""\n')
    for name in ("a/tested.py", "a/_hidden.py", "a/untested.py", "a/b/__init__.py"):
        (source / name).write_text("x = 1\n")
    for name in ("tested", "hidden", "b"):
        (tests / "a" / f"test_{name}.py").write_text("")
    assert without_mirror(source, tests) == [Path("a/untested.py")]
