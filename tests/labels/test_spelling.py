"""Names that are one name, and names that may be."""

from __future__ import annotations

import pytest

from vidmem.labels.spelling import like_spelled, nearly_spelled

KNOWN = ("at wall", "moving", "in")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("At  wall", "at wall"),
        ("at_wall", "at wall"),
        ("AT-WALL", "at wall"),
        ("Moving", "moving"),
        ("moving", None),  # is known itself
        ("at wal", None),
        ("--", None),
        ("", None),
    ],
)
def test_case_and_what_stands_between_words_do_not_matter(name, meant):
    assert like_spelled(name, KNOWN) == meant


def test_of_two_that_are_alike_none_is_meant():
    assert like_spelled("AT WALL", ("at wall", "at-wall")) is None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("at wal", ("at wall",)),
        ("at walll", ("at wall",)),
        ("at well", ("at wall",)),
        ("movign", ("moving",)),
        ("Movin", ("moving",)),
        ("on", ()),  # too short to tell
        ("moved", ()),
        ("moving", ()),
        ("vominf", ()),
    ],
)
def test_a_letter_may_be_a_mistake(name, near):
    assert nearly_spelled(name, KNOWN) == near
