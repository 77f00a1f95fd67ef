"""Sentences about a run."""

from __future__ import annotations

import pytest

from app.run.wording import watched_but_for


@pytest.mark.parametrize(
    ("spans", "sentence"),
    [
        ([(3.0, 3.4, False)], "Watched to the end; 00:03.0 to 00:03.4 is damaged."),
        ([(7.0, 60.0, True)], "Watched to 00:07; 00:07 to 01:00 is damaged."),
        (
            [(60.0 * n, 60.0 * n + 20, False) for n in range(5)],
            "Watched to the end; 00:00 to 00:20, 01:00 to 01:20, 02:00 to 02:20 and 2 more are "
            "damaged.",
        ),
    ],
)
def test_what_is_damaged_is_said_with_the_time_that_was_reached(spans, sentence):
    assert watched_but_for(spans) == sentence
