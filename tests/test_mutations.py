"""The list of faults fits the code: `tests/mutations.py` puts them in, which takes minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations import MUTATIONS, ROOT, Mutation, place_of


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_it_has_a_place_in_the_code_and_tests_to_catch_it(mutation: Mutation) -> None:
    assert place_of(mutation, ROOT).suffix == ".py"
    paths = [word for word in mutation.tests if word.startswith("tests/")]
    assert paths
    assert [path for path in paths if not Path(ROOT, path).exists()] == []
