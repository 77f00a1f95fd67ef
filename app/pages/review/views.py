"""What the Review page is told: the runs, a page of bouts, the bout at hand, blind spans."""

from __future__ import annotations

import secrets
from typing import Any, cast

from app.pages.api import PageRequest
from app.pages.review.reviewed import ReviewedRun
from app.pages.review.wording import blind_words, progress_words
from app.projects.run_bouts import run_title, unlike_of_run
from app.run.wording import unlike_clips
from vidmem.errors import SettingError
from vidmem.labels import NONE_OF_THESE, NOT_SCORED, Ethogram, Stretch
from vidmem.projects import EditHistory, KeptBlindCheck, Project
from vidmem.review import (
    ORDERS,
    Order,
    ReviewBout,
    class_probabilities_of,
    draw_blind_spans,
    order_bouts,
)

MAX_RUNS = 200
PAGE_BOUTS = 200
"""In one answer; of thousands, the next come as these are checked, or are asked for."""

LEAST_AROUND_SECONDS = 4.0
"""Of the tracks shown before and after a bout; of a long one, a third of it."""

MAX_AROUND = 300
"""Bouts of a track around the one at hand."""

MAX_BLIND = 50

GONE = "This bout is not among the predictions any more: the list is made anew."
NO_SUCH_SPAN = "The model says nothing of all of this span any more: draw others."
NOT_A_STATE = "{answer!r:.60} is no behaviour of {axis} that lasts."


def runs_answer(project: Project) -> dict[str, Any]:
    """The runs of videos of the project, the newest first."""
    names = {one.name for one in project.videos.list()}
    runs = [one for one in project.runs.list() if one.video in names][:MAX_RUNS]
    return {
        "runs": [
            {
                "id": one.run_id,
                "title": run_title(one),
                "video": one.video,
                "state": one.state,
                "progress_seconds": one.progress_seconds,
                "is_unlike": unlike_of_run(one)[0] > 0,
            }
            for one in runs
        ]
    }


def list_answer(reviewed: ReviewedRun, request: PageRequest, project: Project) -> dict[str, Any]:
    """A page of bouts in an order, and how far the review is."""
    # Another text than one of the orders is refused there.
    ordered = order_bouts(reviewed.bouts, cast(Order, request.text("order") or ORDERS[0]))
    meant = [one for one in ordered if _is_meant(one, request)]
    first = max(0, request.whole("first", 0))
    # The last page where so many are not there (any more).
    first = min(first, max(0, (len(meant) - 1) // PAGE_BOUTS * PAGE_BOUTS))
    recorded = reviewed.found.recorded
    return {
        "revision": reviewed.revision,
        "video": reviewed.video,
        "title": reviewed.found.title,
        "state": reviewed.found.run.state,
        "warning": unlike_clips(recorded.num_unlike, recorded.num_predictions),
        "axis": reviewed.axis,
        "axes": list(reviewed.axes),
        "subject": reviewed.subject,
        "subjects": list(reviewed.subjects),
        "behaviours": _behaviours(reviewed),
        "num_all": len(reviewed.bouts),
        "num_checked": sum(one.is_checked for one in reviewed.bouts),
        "num_meant": len(meant),
        "first": first,
        "page": PAGE_BOUTS,
        "bouts": [_row(one) for one in meant[first : first + PAGE_BOUTS]],
        "words": progress_words(reviewed),
        "blind_words": blind_words(reviewed),
        "estimate": _estimate(reviewed),
        **_undo(project.history),
    }


def bout_answer(reviewed: ReviewedRun, request: PageRequest) -> dict[str, Any]:
    """The bout at hand: probabilities, what is to be decided, and both tracks around it.

    Raises:
        SettingError: If the model does not say this (any more).
    """
    one = reviewed.bout_at(request.number("start", "a time in seconds"))
    if one is None:
        raise SettingError(GONE)
    bout, stretches = one.bout, reviewed.said_stretches
    is_dispute = request.text("order") == "disagreement"
    start, end = open_span(one, stretches, is_dispute=is_dispute)
    around = max(LEAST_AROUND_SECONDS, bout.num_seconds / 3)
    low, high = max(0.0, bout.start_seconds - around), bout.end_seconds + around
    near = [
        other.bout
        for other in reviewed.bouts
        if other.bout.end_seconds > low and other.bout.start_seconds < high
    ]
    return {
        **_row(one),
        "span": [start, end],
        "from": low,
        "to": high,
        "probabilities": _probabilities(reviewed, one),
        "model": [
            [other.start_seconds, other.end_seconds, other.behaviour] for other in near[:MAX_AROUND]
        ],
        "people": _people(stretches, low, high),
    }


def open_span(
    one: ReviewBout, stretches: tuple[Stretch, ...], *, is_dispute: bool
) -> tuple[float, float]:
    """From when to when a bout is to be decided.

    Args:
        one: The bout.
        stretches: What people said of its track.
        is_dispute: Whether it is looked at because people said something else.

    Returns:
        The longest part in which people say something else; else the longest of which nobody has
        said anything; where there is none, all of the bout.
    """
    start, end = one.bout.start_seconds, one.bout.end_seconds
    inside = [
        (max(start, other.start_seconds), min(end, other.end_seconds), other.what)
        for other in stretches
        if other.end_seconds > start and other.start_seconds < end
    ]
    if is_dispute:
        spans = [(a, b) for a, b, what in inside if what not in (one.bout.behaviour, NOT_SCORED)]
    else:
        edges = [start, *(at for a, b, _ in inside for at in (a, b)), end]
        spans = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1e-6]
    return max(spans, key=lambda span: span[1] - span[0], default=(start, end))


def blind_answer(reviewed: ReviewedRun, request: PageRequest) -> dict[str, Any]:
    """Random spans that nobody said anything of, without what the model says there."""
    count = request.whole("count")
    if not 1 <= count <= MAX_BLIND:
        raise SettingError(f"the number of blind checks must be from 1 to {MAX_BLIND}, got {count}")
    spans = draw_blind_spans(reviewed.bouts, count, seed=secrets.randbits(32))
    return {
        "revision": reviewed.revision,
        "spans": [[one.start_seconds, one.end_seconds] for one in spans],
    }


def blind_check(
    reviewed: ReviewedRun, request: PageRequest, ethogram: Ethogram, author: str
) -> KeptBlindCheck:
    """What a person answered, beside what the model says there.

    Raises:
        SettingError: If it is no answer, or the model says nothing of the span any more.
    """
    start, end = (request.number(name, "a time in seconds") for name in ("start", "end"))
    answer = request.text("answer")
    one = reviewed.bout_around(start, end)
    if one is None or not end > start:
        raise SettingError(NO_SUCH_SPAN)
    if answer not in (NONE_OF_THESE, NOT_SCORED) and not any(
        known.name == answer and known.is_state and known.axis == reviewed.axis
        for known in ethogram
    ):
        raise SettingError(NOT_A_STATE.format(answer=answer, axis=reviewed.axis))
    right = 1.0 if answer == one.bout.behaviour else 0.0
    return KeptBlindCheck(
        run_id=reviewed.found.run.run_id,
        axis=reviewed.axis,
        subject=reviewed.subject,
        start_seconds=start,
        end_seconds=end,
        predicted=one.bout.behaviour,
        confidence=one.confidence,
        answer=answer,
        right_share=None if answer == NOT_SCORED else right,
        author=author,
    )


def agreement_answer(reviewed: ReviewedRun, spans: int) -> dict[str, Any]:
    """How often the last answers were what the model says."""
    last = [one for one in reviewed.checks[-spans:] if one.right_share is not None]
    return {
        "num_told": len(last),
        "num_right": round(sum(one.right_share or 0 for one in last)),
    }


def _is_meant(one: ReviewBout, request: PageRequest) -> bool:
    behaviour, shorter = request.text("behaviour"), request.number_or_none("shorter")
    return (
        behaviour in ("", one.bout.behaviour)
        and not (request.text("unchecked") and one.is_checked)
        and (shorter is None or one.bout.num_seconds < shorter)
    )


def _row(one: ReviewBout) -> dict[str, Any]:
    bout = one.bout
    return {
        "start": bout.start_seconds,
        "end": bout.end_seconds,
        "behaviour": bout.behaviour,
        "author": bout.author,
        "score": bout.score,
        "is_checked": one.is_checked,
        "differing_seconds": round(one.differing_seconds, 3),
        "agreed_seconds": round(one.agreed_seconds, 3),
    }


def _behaviours(reviewed: ReviewedRun) -> list[dict[str, Any]]:
    """Those of the axis, of people and of the model, and which of them people have."""
    ours = [one for one in reviewed.said.ethogram if one.axis == reviewed.axis]
    names = {one.name for one in ours}
    theirs = [one for one in reviewed.predicted.ethogram if one.name not in names]
    return [
        {
            "name": one.name,
            "colour": one.colour,
            "key": one.key if one.name in names else "",
            "is_state": one.is_state,
            "is_known": one.name in names,
        }
        for one in (*ours, *theirs)
    ]


def _probabilities(reviewed: ReviewedRun, one: ReviewBout) -> list[list[Any]]:
    recorded = reviewed.found.recorded
    given = recorded.probabilities
    own = next((x for x in recorded.all_axes if one.bout.behaviour in x.class_names), None)
    if given is None or own is None:
        return []
    means = class_probabilities_of(
        given.of_classes(own.class_names), one.bout.start_seconds, one.bout.end_seconds
    )
    return [[name, round(value, 4)] for name, value in means.items()]


def _people(stretches: tuple[Stretch, ...], low: float, high: float) -> list[list[Any]]:
    shown = [one for one in stretches if one.end_seconds > low and one.start_seconds < high]
    return [[one.start_seconds, one.end_seconds, one.what] for one in shown[:MAX_AROUND]]


def _estimate(reviewed: ReviewedRun) -> dict[str, Any] | None:
    found = reviewed.estimate
    if found is None:
        return None
    return {"accuracy": found.accuracy, "low": found.low, "high": found.high}


def _undo(history: EditHistory) -> dict[str, Any]:
    step = history.next_undo
    return {"undo": None if step is None else {"revision": step.revision, "words": step.words}}
