"""Every source says on which terms its pictures are to be had."""

import pytest

from roadworthy.core.errors import UnknownNameError
from roadworthy.data.sources import SOURCES, terms_of


@pytest.mark.parametrize("name", SOURCES.names())
def test_every_source_tells_its_terms_in_one_line(name: str) -> None:
    terms = terms_of(name)
    assert len(terms) > 20
    assert "\n" not in terms
    assert not terms.endswith(".")  # several are joined by semicolons


def test_the_terms_are_the_sources_own() -> None:
    assert "GTSRB" in terms_of("gtsrb")
    assert "CIFAR-10" in terms_of("cifar10")
    assert "Apache-2.0" in terms_of("rendered")
    assert terms_of("folder") == terms_of("csv") == "pictures of the user's own, under their own terms"


def test_an_unknown_source_has_none() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'folder'"):
        terms_of("foldr")
