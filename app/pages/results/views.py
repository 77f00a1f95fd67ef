"""What the Results page shows of an account: bouts, time budget, transitions and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import time
from textwrap import wrap
from typing import Any

from app.pages.api import PageRequest
from app.pages.results.shown import AUTHOR, LABELS, RUN, Accounts, ShownAccount
from app.pages.results.words import ALL_TITLE, FIGURE_OF, NO_AUTHOR_TITLE, VIDEOS_OF
from app.projects.run_bouts import VERSIONS, run_title, unlike_of_run
from app.run.wording import unlike_clips
from vidmem.errors import LabelError, SettingError
from vidmem.figures import ThemeName, actogram_figure, ethogram_figure, transitions_figure
from vidmem.labels import Ethogram, Labels
from vidmem.labels.results import (
    BoutFilter,
    TimeBudget,
    Transitions,
    filtered_labels,
    time_budget,
    transitions,
)

MAX_ROWS = 20_000
"""Of bouts in one answer; the page draws those on view alone."""

MAX_BUDGET_ROWS = 2_000
MAX_PERIODS = 20_000
MAX_LINE = 76
"""Characters in a line of a figure, which may be half as wide as the page."""

MAX_GAP_SECONDS = 86_400.0
MAX_LISTED_RUNS = 200


def choices(accounts: Accounts) -> dict[str, Any]:
    """Whose labels can be looked at, and of which revision the project is."""
    project = accounts.project
    labels = accounts.all_labels()
    counts = Counter(one.author for one in labels.bouts)
    authors = [
        [f"{AUTHOR}{author}", author or NO_AUTHOR_TITLE, count]
        for author, count in sorted(counts.items())
    ]
    runs = project.runs.list()[:MAX_LISTED_RUNS]
    return {
        "revision": project.revision,
        "labels": [[LABELS, ALL_TITLE, len(labels.bouts)], *(authors if len(authors) > 1 else [])],
        "runs": [
            {
                "key": f"{RUN}{one.run_id}",
                "title": run_title(one),
                "video": one.video,
                "source": one.source,
                "state": one.state,
                "progress_seconds": one.progress_seconds,
                "is_unlike": unlike_of_run(one)[0] > 0,
            }
            for one in runs
        ],
    }


def filter_of(request: PageRequest) -> BoutFilter:
    """Which bouts a request means; a field that is left out means any.

    Raises:
        SettingError: If one cannot be that.
    """

    def names(field: str) -> frozenset[str] | None:
        return frozenset({request.text(field)}) if field in request.fields else None

    return BoutFilter(
        behaviours=names("behaviour"),
        subjects=names("subject"),
        min_seconds=request.number_or_none("min") or 0.0,
        max_seconds=request.number_or_none("max"),
        from_time=_time_of_day(request.text("from")),
        until_time=_time_of_day(request.text("until")),
    )


def filter_words(wanted: BoutFilter) -> str:
    """A filter in words, for a file; empty: all bouts are meant."""
    parts = []
    if wanted.behaviours is not None:
        parts.append("of " + ", ".join(sorted(wanted.behaviours)))
    if wanted.subjects is not None:
        names = sorted(one or "no one in particular" for one in wanted.subjects)
        parts.append("of subject " + ", ".join(names))
    if wanted.min_seconds:
        parts.append(f"of at least {wanted.min_seconds:g} s")
    if wanted.max_seconds is not None:
        parts.append(f"of at most {wanted.max_seconds:g} s")
    if wanted.from_time is not None:
        parts.append(f"from {wanted.from_time:%H:%M} on")
    if wanted.until_time is not None:
        parts.append(f"before {wanted.until_time:%H:%M}")
    return "bouts " + ", ".join(parts) if parts else ""


def _time_of_day(text: str) -> time | None:
    if not text:
        return None
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise SettingError(f"a time of day must be as 06:30, got {text!r:.40}") from error


def bout_list(shown: ShownAccount, wanted: BoutFilter) -> dict[str, Any]:
    """The bouts that are meant as rows of places in lists of names, to be short."""
    labels = shown.labels
    found = filtered_labels(labels, wanted).bouts
    videos = [one.name for one in labels.videos]
    names, subjects = labels.ethogram.names, labels.subjects
    authors = sorted({one.author for one in found})
    places = [
        {name: at for at, name in enumerate(one)} for one in (videos, names, subjects, authors)
    ]
    rows = [
        [
            places[0][one.video],
            places[1][one.behaviour],
            places[2][one.subject],
            one.start_seconds,
            one.end_seconds,
            None if one.score is None else round(one.score, 3),
            places[3][one.author],
            one.comment,
        ]
        for one in found[:MAX_ROWS]
    ]
    return {
        "whose": shown.whose,
        "is_model": shown.is_model,
        "warning": _warning(shown),
        "about": shown.about.lines(),
        "num": len(found),
        "num_all": len(labels.bouts),
        "videos": [
            [one.name, None if one.start is None else one.start.isoformat()]
            for one in labels.videos
        ],
        "behaviours": behaviour_facts(labels.ethogram),
        "subjects": list(subjects),
        "authors": authors,
        "rows": rows,
    }


def _warning(shown: ShownAccount) -> str:
    """That a model was asked about footage that it does not know; empty: it was not."""
    found = shown.recorded
    return "" if found is None else unlike_clips(found.num_unlike, found.num_predictions)


def behaviour_facts(ethogram: Ethogram) -> list[list[str]]:
    """Name, colour, kind and axis of each."""
    return [[one.name, one.colour, one.kind, one.axis] for one in ethogram]


def budget_of(shown: ShownAccount, request: PageRequest) -> TimeBudget:
    """The time budget that a request asks for.

    Raises:
        LabelError: If the start of some recordings only is known, and periods are asked for.
        SettingError: If periods cannot be so long.
    """
    every = request.number_or_none("every")
    if every is not None:
        _check_periods(shown.labels, every)
    return time_budget(
        shown.labels, every_seconds=every, per_video=request.text("per_video") == "1"
    )


def _check_periods(labels: Labels, every_seconds: float) -> None:
    """See that a budget has no more periods than anybody reads: each takes time and memory."""
    ends = (one.end_seconds - one.start_seconds for one in (*labels.bouts, *labels.scored))
    num_periods = sum(ends) / max(every_seconds, 1)
    if num_periods > MAX_PERIODS:
        raise SettingError(f"periods of {every_seconds:g} s would be more than {MAX_PERIODS}")


def budget_answer(shown: ShownAccount, found: TimeBudget) -> dict[str, Any]:
    """A time budget, and what its numbers are of."""
    answer = found.as_dict()
    rows = answer.pop("rows")
    return {
        **answer,
        "whose": shown.whose,
        "behaviours": behaviour_facts(shown.labels.ethogram),
        "num_rows": len(rows),
        "rows": rows[:MAX_BUDGET_ROWS],
    }


def transitions_of(shown: ShownAccount, request: PageRequest) -> Transitions:
    """The transitions that a request asks for.

    Raises:
        SettingError: If there is no axis of states, or the gap cannot be one.
    """
    axis, gap = _axis_of(shown.labels, request), gap_of(request)
    return transitions(shown.labels, axis, max_gap_seconds=gap)


def gap_of(request: PageRequest) -> float:
    """The longest gap over which one behaviour follows another.

    Raises:
        SettingError: If it cannot be one.
    """
    gap = request.number_or_none("gap") or 0.0
    if not 0 <= gap <= MAX_GAP_SECONDS:
        raise SettingError(f"the gap must be from 0 to {MAX_GAP_SECONDS:g} s, got {gap:g}")
    return gap


def transitions_answer(shown: ShownAccount, found: Transitions, theme: ThemeName) -> dict[str, Any]:
    """Counts, shares, and the figure of them."""
    colours = {one.name: one.colour for one in shown.labels.ethogram}
    about = figure_lines(shown, f"axis {found.axis}")
    return {
        **found.as_dict(),
        "whose": shown.whose,
        "axes": axes_of(shown.labels),
        "behaviours": behaviour_facts(shown.labels.ethogram),
        "figure": transitions_figure(found, colours, theme=theme, about=about),
    }


def figure_answer(shown: ShownAccount, request: PageRequest) -> dict[str, Any]:
    """The ethogram or the actogram."""
    labels, theme, kind = shown.labels, request.theme, request.text("kind")
    if "subject" in request.fields:
        labels = labels.for_subject(request.text("subject"))
    if kind == "ethogram":
        figure = ethogram_figure(labels, theme=theme, about=figure_lines(shown))
    elif kind == "actogram":
        axis = _axis_of(labels, request)
        about = figure_lines(shown, f"axis {axis}")
        figure = actogram_figure(labels, axis, theme=theme, about=about)
    else:
        raise SettingError(f"kind must be ethogram or actogram, got {kind!r:.40}")
    return {"whose": shown.whose, "axes": axes_of(labels), "figure": figure}


def figure_lines(shown: ShownAccount, *more: str) -> list[str]:
    """What a figure says of itself: whose, of which videos, and how it was made."""
    videos = sorted({track.video for track in shown.labels.tracks})
    lines = [FIGURE_OF.format(whose=shown.whose, videos=_listed(videos))]
    if shown.is_model:
        lines += wrap(shown.about.settings, MAX_LINE)
    return [*lines, " · ".join((*more, VERSIONS))]


def axes_of(labels: Labels) -> list[str]:
    """Those that have a state."""
    return [axis for axis in labels.ethogram.axes if labels.ethogram.states_of(axis)]


def _axis_of(labels: Labels, request: PageRequest) -> str:
    axes = axes_of(labels)
    axis = request.text("axis") or next(iter(axes), "")
    if not axis:
        raise LabelError("there is no behaviour that lasts")
    labels.ethogram.check_axis(axis)
    return axis


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else VIDEOS_OF.format(count=len(names))
