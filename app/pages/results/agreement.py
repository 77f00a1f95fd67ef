"""Agreement of two accounts, as `vidmem agree` and `vidmem score` count it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.pages.api import PageRequest
from app.pages.results.shown import AUTHOR, Accounts, ShownAccount
from app.pages.results.views import behaviour_facts
from app.pages.results.words import AUTHORS_SHARE, SAME_ACCOUNT
from vidmem.errors import SettingError
from vidmem.labels import ClassProbabilities, Labels
from vidmem.labels.results import (
    DEFAULT_INTERVAL_SECONDS,
    DEFAULT_TOLERANCE_SECONDS,
    Agreement,
    PredictionScore,
    about_subject_of,
    agree,
    as_whole_videos,
    score,
    spans_said,
)

MAX_SPANS = 500
MIN_INTERVAL_SECONDS = 0.01
"""Of scans: fewer than a hundred a second, so that days are counted in a moment."""


@dataclass(frozen=True)
class Compared:
    """Two accounts, made fit to be compared."""

    first: ShownAccount
    second: ShownAccount
    mine: Labels
    theirs: Labels
    is_whole: bool
    notes: tuple[str, ...]


def compared(accounts: Accounts, request: PageRequest) -> Compared:
    """The two accounts that a request names.

    Raises:
        VidmemError: If there is none of them (any more), or they cannot be compared.
    """
    keys = request.text("first"), request.text("second")
    if keys[0] == keys[1]:
        raise SettingError(SAME_ACCOUNT)
    # Of two people in one project nobody knows who looked where no bout is.
    are_authors = all(key.startswith(AUTHOR) for key in keys)
    first, second = (
        accounts.shown(request, field, has_marks=not are_authors) for field in ("first", "second")
    )
    mine, theirs = first.labels, second.labels
    if second.is_model:
        theirs = about_subject_of(theirs, mine)
    elif first.is_model:
        mine = about_subject_of(mine, theirs)
    is_whole = request.text("whole") == "1"
    if is_whole:
        mine, theirs = as_whole_videos(mine, theirs)
    notes = (AUTHORS_SHARE,) if are_authors and not is_whole else ()
    return Compared(first, second, mine, theirs, is_whole, notes)


def agreement_of(found: Compared, request: PageRequest) -> Agreement:
    """How far they agree.

    Raises:
        SettingError: If the interval or the tolerance cannot be one.
    """
    interval, tolerance = (request.number_or_none(name) for name in ("interval", "tolerance"))
    interval = DEFAULT_INTERVAL_SECONDS if interval is None else interval
    if interval < MIN_INTERVAL_SECONDS:
        raise SettingError(
            f"the interval of scans must be at least {MIN_INTERVAL_SECONDS:g} s, got {interval:g}"
        )
    return agree(
        found.mine,
        found.theirs,
        interval_seconds=interval,
        point_tolerance_seconds=DEFAULT_TOLERANCE_SECONDS if tolerance is None else tolerance,
    )


def scores_of(found: Compared, agreement: Agreement) -> list[PredictionScore]:
    """Scores of a model against a person, one for each axis of which both say something."""
    if found.first.is_model == found.second.is_model:
        return []
    predicted, truth = (
        (found.theirs, found.mine) if found.second.is_model else (found.mine, found.theirs)
    )
    shown = found.second if found.second.is_model else found.first
    probabilities = _probabilities(shown, predicted)
    return [
        score(predicted, truth, axis=one.axis, probabilities=probabilities)
        for one in agreement.axes
        if one.pooled.duration_weighted.total and one.axis in truth.ethogram.axes
    ]


def agreement_answer(accounts: Accounts, request: PageRequest) -> dict[str, Any]:
    """All that the page shows of it."""
    found = compared(accounts, request)
    agreement = agreement_of(found, request)
    return {
        "first": found.first.whose,
        "second": found.second.whose,
        "is_whole": found.is_whole,
        "notes": list(found.notes),
        "behaviours": behaviour_facts(found.mine.ethogram.united(found.theirs.ethogram)),
        "agreement": agreement.as_dict(),
        "scores": [one.as_dict() for one in scores_of(found, agreement)],
    }


def spans_answer(accounts: Accounts, request: PageRequest) -> dict[str, Any]:
    """The spans behind a cell of the confusion matrix."""
    found = compared(accounts, request)
    said = request.text("says_first"), request.text("says_second")
    spans = spans_said(found.mine, found.theirs, axis=request.text("axis"), said=said)
    return {
        "num": len(spans),
        "seconds": round(sum(one.end_seconds - one.start_seconds for one in spans), 6),
        "spans": [
            [one.video, one.subject, one.start_seconds, one.end_seconds]
            for one in spans[:MAX_SPANS]
        ],
    }


def _probabilities(
    shown: ShownAccount, predicted: Labels
) -> Mapping[str, ClassProbabilities] | None:
    given = shown.recorded.probabilities if shown.recorded is not None else None
    if given is None:
        return None
    return dict.fromkeys({track.video for track in predicted.tracks}, given)
