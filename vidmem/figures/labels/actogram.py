"""The actogram: days under each other, each from midnight to midnight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from html import escape
from math import floor
from typing import TYPE_CHECKING

from vidmem.figures.labels.ethogram import NOTHING, known_clock
from vidmem.figures.labels.lanes import (
    BAR_PIXELS,
    DAY_SECONDS,
    MAX_LANES,
    NOT_SCORED,
    SCORED,
    Bar,
    draw_bars,
    gap_words,
    range_words,
    set_lanes,
    thinned,
)
from vidmem.figures.theme import Swatch, ThemeName, empty_figure, new_figure, theme_of
from vidmem.labels import Labels
from vidmem.labels.results.clock import Clock

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE = "Actogram"
NO_CLOCK = "It is not known when each recording began, so there is no time of day."
TOO_MANY = "{count} days and subjects are more than can be drawn: choose a video, or a subject."
_HOUR = 3600


def actogram_figure(
    labels: Labels, axis: str, *, theme: ThemeName = "light", about: Sequence[str] = ()
) -> Figure:
    """Draw each day of each subject as a strip of what it did, by the time of day.

    Args:
        labels: Of recordings whose starts are known.
        axis: Whose behaviours; its point events are strokes.
        theme: Colours, `light` or `dark`.
        about: Lines under the title: whose labels they are, and the like.

    Raises:
        LabelError: If there is no such axis.
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours, of_axis = theme_of(theme), labels.for_axis(axis)
    if not of_axis.tracks:
        return empty_figure(colours, TITLE, *about, says=NOTHING)
    clock = known_clock(of_axis)
    if clock.midnight is None:
        return empty_figure(colours, TITLE, *about, says=NO_CLOCK)
    names, bars = _strips(of_axis, clock)
    if len(names) > MAX_LANES:
        return empty_figure(colours, TITLE, *about, says=TOO_MANY.format(count=len(names)))
    bars, gap = thinned(bars, DAY_SECONDS)
    legend = [Swatch(one.name, one.colour) for one in of_axis.ethogram if bars.get(one.name)]
    legend += [Swatch("none of these", colours.well)] if bars.get(SCORED) else []
    legend += [Swatch("not scored", colours.hatch)] if bars.get(NOT_SCORED) else []
    figure = new_figure(colours, TITLE, *about, gap_words(gap), legend=legend)
    draw_bars(figure, bars.get(SCORED, []), colours.well, SCORED, BAR_PIXELS)
    draw_bars(figure, bars.get(NOT_SCORED, []), colours.hatch, NOT_SCORED, BAR_PIXELS)
    for one in of_axis.ethogram:
        draw_bars(figure, bars.get(one.name, []), one.colour, one.name, BAR_PIXELS)
    set_lanes(figure, names, colours)
    figure.update_xaxes(
        range=[0, DAY_SECONDS],
        tickvals=[hour * _HOUR for hour in range(0, 25, 6)],
        ticktext=[f"{hour:02d}:00" for hour in range(0, 25, 6)],
        tickangle=0,
        showgrid=True,
        gridcolor=colours.line,
        title_text="time of day",
    )
    return figure


def _strips(labels: Labels, clock: Clock) -> tuple[list[str], dict[str, list[Bar]]]:
    """The names of the strips, days within subjects, and the bars by what they are of."""
    pieces: defaultdict[tuple[str, int], list[tuple[str, float, float, str]]] = defaultdict(list)
    for track in labels.tracks:
        spans = [
            (one.what, one.start_seconds, one.end_seconds)
            for one in labels.timeline(track.video, track.axis, track.subject)
        ]
        points = labels.bouts_of(video=track.video, subject=track.subject, axis=track.axis)
        spans += [
            (one.behaviour, one.start_seconds, one.end_seconds) for one in points if one.is_point
        ]
        offset = clock.offsets[track.video]
        for what, start, end in spans:
            words = _words(what, start + offset, end + offset, track.subject, clock)
            for day, first, last in _by_day(start + offset, end + offset):
                pieces[track.subject, day].append((what, first, last, words))
    bars: defaultdict[str, list[Bar]] = defaultdict(list)
    names = []
    assert clock.midnight is not None
    for lane, (subject, day) in enumerate(_all_days(sorted(pieces))):
        date = clock.midnight + timedelta(days=day)
        names.append(" · ".join(filter(None, (subject, f"{date:%a %Y-%m-%d}"))))
        for what, first, last, words in pieces.get((subject, day), ()):
            bars[what].append(Bar(lane, first, last, words))
    return names, bars


def _words(what: str, start: float, end: float, subject: str, clock: Clock) -> str:
    parts = [escape(what), *([escape(subject)] if subject else [])]
    return "<br>".join([*parts, range_words(start, end, clock.midnight)])


def _by_day(start: float, end: float) -> list[tuple[int, float, float]]:
    """The day, and from when to when of it, of each part of a span that midnights cut."""
    first = floor(start / DAY_SECONDS)
    if start == end:
        at = start - first * DAY_SECONDS
        return [(first, round(at, 3), round(at, 3))]
    parts = []
    day = first
    while day * DAY_SECONDS < end:
        midnight = day * DAY_SECONDS
        a, b = max(start - midnight, 0.0), min(end - midnight, float(DAY_SECONDS))
        if b > a:
            parts.append((day, round(a, 3), round(b, 3)))
        day += 1
    return parts


def _all_days(found: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Those found, and the days between them on which nothing was scored."""
    days = {}
    for subject, day in found:
        low, high = days.get(subject, (day, day))
        days[subject] = (min(low, day), max(high, day))
    return [
        (subject, day)
        for subject, (low, high) in days.items()
        for day in range(low, min(high, low + MAX_LANES) + 1)
    ]
