import pytest

from roadworthy.core.errors import UnknownNameError
from roadworthy.core.registry import Registry


def _registry() -> Registry[int]:
    registry: Registry[int] = Registry("number")
    registry.register("two")(2)
    registry.register("one")(1)
    return registry


def test_entries_are_found_by_name_and_listed_sorted() -> None:
    registry = _registry()
    assert registry.get("two") == 2
    assert registry.names() == list(registry) == ["one", "two"]
    assert "one" in registry
    assert "three" not in registry


def test_a_name_twice_is_an_error_and_keeps_the_first() -> None:
    registry = _registry()
    with pytest.raises(ValueError, match="number 'one' is registered twice"):
        registry.register("one")(11)
    assert registry.get("one") == 1


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'two'"):
        _registry().get("tow")


def test_the_summary_is_the_docstrings_first_line() -> None:
    registry: Registry[object] = Registry("thing")

    @registry.register("documented")
    def documented() -> None:
        """First line.

        More.
        """

    assert registry.summary("documented") == "First line."
