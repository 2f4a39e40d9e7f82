"""Every way to train differs in one thing from the one that it is measured against."""

import dataclasses

from roadworthy.studies.pipelines.arms import AS_RUN, PIPELINES, Pipeline


def test_the_first_is_as_the_study_ran_it() -> None:
    assert next(iter(PIPELINES)) == AS_RUN
    assert PIPELINES[AS_RUN] == Pipeline()


def test_each_changes_one_thing_of_one_that_comes_before_it() -> None:
    names = list(PIPELINES)
    for name in names[1:]:
        own = PIPELINES[name]
        assert names.index(own.than) < names.index(name)
        assert own.change
        switches = [field.name for field in dataclasses.fields(Pipeline) if field.type == "bool"]
        changed = [one for one in switches if getattr(own, one) != getattr(PIPELINES[own.than], one)]
        assert len(changed) == 1, name
