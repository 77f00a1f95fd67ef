"""Mistakes that were reported in public are named, in words that say where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.inspection.masks.public_cases import CASES

DOCS = Path(__file__).parents[3] / "docs" / "masks.md"
of_each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.thread)


@of_each
def test_a_mistake_that_was_reported_is_named_with_its_place(case):
    found = case.find()
    named = [finding for finding in found if re.search(case.says, finding.words)]
    assert named, "\n".join(map(str, found)) or "nothing was found"
    finding = named[0]
    if case.line:
        assert case.line in finding.line
    else:
        assert re.search(r"(?i)\brows? \d", finding.words)


def test_the_documents_name_every_case_and_no_other():
    table = DOCS.read_text().split("## Public cases")[1].split("\n## ")[0]
    named = re.findall(r"https://github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)", table)
    assert sorted(f"{repository}#{number}" for repository, number in named) == sorted(
        case.thread for case in CASES
    )
