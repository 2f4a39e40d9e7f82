import inspect
import re

from roadworthy.core import errors
from roadworthy.core.errors import RequirementError, RoadworthyError, ShapeError, UnknownNameError


def _all_errors() -> dict[str, type[RoadworthyError]]:
    classes = inspect.getmembers(errors, inspect.isclass)
    return {name: cls for name, cls in classes if issubclass(cls, RoadworthyError)}


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"^([ │├└─]*)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    above: list[tuple[int, str]] = []
    for indent, name in drawn:
        depth = len(indent)
        above = [(d, n) for d, n in above if d < depth]
        if above:
            assert _all_errors()[name].__bases__[0].__name__ == above[-1][1]
        above.append((depth, name))
    assert {name for _, name in drawn} == set(_all_errors())


def test_exit_codes_are_the_contracts() -> None:
    for name, cls in _all_errors().items():
        assert cls.exit_code == (3 if cls is RequirementError else 2), name


def test_a_typo_gets_a_suggestion() -> None:
    message = str(UnknownNameError("optimizer", "adamq", ["sgd", "muon", "adamw"]))
    assert message == "optimizer 'adamq' is unknown; did you mean 'adamw'? Known: adamw, muon, sgd"


def test_nothing_near_gets_no_suggestion() -> None:
    assert str(UnknownNameError("model", "zzz", ["compact"])) == "model 'zzz' is unknown. Known: compact"
    assert str(UnknownNameError("model", "zzz", [])).endswith("Known: none")


def test_shape_errors_are_value_errors() -> None:
    assert issubclass(ShapeError, ValueError)
