"""What a reader writes, held to what came out, in a sentence."""

from __future__ import annotations

import pytest

from vidmem.notebooks import check, compare_guess


@pytest.mark.parametrize(
    ("guess", "text"),
    [
        (None, "Nothing guessed yet: write a value in the cell above, and run both again. It is "),
        (15, "You guessed 15 clips, and so it is."),
        (20, "You guessed 20 clips; it is 15 clips. Off by 5 clips, too high."),
        (1.5, "You guessed 1.5 clips; it is 15 clips. Off by 13.5 clips, too low."),
    ],
)
def test_a_guessed_number_is_held_to_the_result(guess, text):
    assert repr(compare_guess(guess, 15, unit="clips")).startswith(text)


def test_a_guess_that_is_right_when_rounded_is_right():
    assert repr(compare_guess(0.33, 1 / 3)) == "You guessed 0.33, and so it is."
    assert compare_guess(0.5, 1 / 3).off_by == pytest.approx(1 / 6)


def test_large_numbers_are_written_out():
    assert "it is 5,772 streams" in repr(compare_guess(40, 5772, unit="streams"))
    assert "it is 12,345,678" in repr(compare_guess(40, 12_345_678))


def test_a_guessed_word_is_right_or_not():
    assert repr(compare_guess("feeding", "lying")) == "You guessed feeding; it is lying."
    assert compare_guess("feeding", "lying").off_by is None


@pytest.mark.parametrize(
    ("answer", "expected", "is_right"),
    [
        (None, 3, None),
        (3, 3, True),
        (3.04, 3, True),
        (4, 3, False),
        ((9, 10), (9, 10), True),
        ([9, 10], (9, 10), False),
        (lambda x: x + 1, lambda mine: mine(1) == 2, True),
        (lambda x: x, lambda mine: mine(1) == 2, False),
    ],
)
def test_an_answer_is_checked(answer, expected, is_right):
    assert check(answer, expected, tolerance=0.05).is_right is is_right


def test_a_wrong_answer_gets_the_hint_and_not_the_solution():
    said = repr(check(4, 3, hint="Count again."))
    assert said.endswith("Not yet. Count again.")
    assert "3" not in said


def test_an_answer_that_raises_is_wrong_and_says_what_it_raised():
    checked = check(lambda: 1 / 0, lambda mine: mine() == 1)
    assert checked.is_right is False
    assert "Your answer raises ZeroDivisionError: division by zero." in repr(checked)
