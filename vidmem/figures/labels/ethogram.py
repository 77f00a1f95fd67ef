"""The ethogram figure: a lane for each behaviour of each subject, over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from vidmem.errors import LabelError
from vidmem.figures.labels.lanes import (
    BAR_PIXELS,
    MAX_LANES,
    NOT_SCORED,
    SCORED,
    Bar,
    draw_bars,
    gap_words,
    range_words,
    set_lanes,
    set_time_axis,
    thinned,
)
from vidmem.figures.theme import Swatch, Theme, ThemeName, empty_figure, new_figure, theme_of
from vidmem.labels import Labels, Track
from vidmem.labels.results.clock import Clock, clock_of, used_videos

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE = "Ethogram"
NOTHING = "Nothing is labelled."
TOO_MANY = "{count} lanes are more than can be drawn: choose one video, or one subject."


def ethogram_figure(
    labels: Labels, *, theme: ThemeName = "light", about: Sequence[str] = ()
) -> Figure:
    """Draw what happened when: bouts as bars, events as strokes, and what was scored behind them.

    Where all recordings' starts are known, all videos are on one line, by the clock; else each has
    lanes of its own, from its first frame.

    Args:
        labels: Of any videos.
        theme: Colours, `light` or `dark`.
        about: Lines under the title: whose labels they are, and the like.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    if not labels.tracks:
        return empty_figure(colours, TITLE, *about, says=NOTHING)
    lanes = _Lanes(labels, known_clock(labels))
    if len(lanes.names) > MAX_LANES:
        return empty_figure(colours, TITLE, *about, says=TOO_MANY.format(count=len(lanes.names)))
    start, end = lanes.extent()
    bars, gap = thinned(lanes.bars, end - start)
    legend = [Swatch("scored", colours.well)]
    if lanes.bars.get(NOT_SCORED):
        legend.append(Swatch("not scored", colours.hatch))
    figure = new_figure(colours, TITLE, *about, gap_words(gap), legend=legend)
    draw_bars(figure, bars.pop(SCORED, []), colours.well, SCORED, BAR_PIXELS + 4)
    draw_bars(figure, bars.pop(NOT_SCORED, []), colours.hatch, NOT_SCORED, BAR_PIXELS + 4)
    for name in labels.ethogram.names:
        draw_bars(figure, bars.get(name, []), labels.ethogram[name].colour, name, BAR_PIXELS)
    set_lanes(figure, lanes.names, colours)
    set_time_axis(figure, start, end, colours, lanes.clock.midnight)
    _name_groups(figure, lanes.groups, start, colours)
    return figure


def known_clock(labels: Labels) -> Clock:
    """The clock of all videos; where the start of one is not known, each has its own time."""
    try:
        return clock_of(labels)
    except LabelError:
        return Clock(None, {})


@dataclass(frozen=True)
class _Group:
    lane: int
    words: str


class _Lanes:
    """Lanes in order, with their bars on the axis of the figure."""

    def __init__(self, labels: Labels, clock: Clock) -> None:
        self.clock = clock
        self.names: list[str] = []
        self.groups: list[_Group] = []
        self.bars: defaultdict[str, list[Bar]] = defaultdict(list)
        self._labels = labels
        by_group: defaultdict[tuple[str, str], list[Track]] = defaultdict(list)
        for track in labels.tracks:
            # On one clock a subject has its lanes once, whatever the video.
            by_group["" if clock.midnight else track.video, track.subject].append(track)
        has_names = len(by_group) > 1
        for (video, subject), tracks in sorted(by_group.items()):
            if has_names or subject:
                words = " · ".join(filter(None, (video, subject))) or "no one in particular"
                self.groups.append(_Group(len(self.names), words))
                self.names.append("")  # a row for its name
            self._add_group(tracks, subject)

    def _add_group(self, tracks: list[Track], subject: str) -> None:
        labels = self._labels
        bouts = [
            one
            for track in tracks
            for one in labels.bouts_of(video=track.video, subject=subject, axis=track.axis)
        ]
        seen = {one.behaviour for one in bouts}
        axes = {track.axis for track in tracks}
        lane_of = {}
        for behaviour in labels.ethogram:
            # An axis that was scored and in which nothing happened: empty lanes show that.
            is_only_scored = behaviour.axis in axes and not any(
                labels.ethogram[name].axis == behaviour.axis for name in seen
            )
            if behaviour.name in seen or is_only_scored:
                lane_of[behaviour.name] = len(self.names)
                self.names.append(behaviour.name)
        for one in bouts:
            at = self._at(one.video, one.start_seconds), self._at(one.video, one.end_seconds)
            lane = lane_of[one.behaviour]
            words = [escape(one.behaviour), *([escape(subject)] if subject else [])]
            words.append(range_words(*at, self.clock.midnight))
            self.bars[one.behaviour].append(Bar(lane, *at, "<br>".join(words)))
        for track in tracks:
            lanes = [
                lane for name, lane in lane_of.items() if labels.ethogram[name].axis == track.axis
            ]
            self._add_scored(track, lanes)

    def _add_scored(self, track: Track, lanes: list[int]) -> None:
        found: dict[str, list[tuple[float, float]]] = {SCORED: [], NOT_SCORED: []}
        for one in self._labels.timeline(track.video, track.axis, track.subject):
            times = found[NOT_SCORED if one.what == NOT_SCORED else SCORED]
            start, end = (self._at(track.video, x) for x in (one.start_seconds, one.end_seconds))
            if times and times[-1][1] == start:
                times[-1] = (times[-1][0], end)
            else:
                times.append((start, end))
        for kind, times in found.items():
            self.bars[kind] += [Bar(lane, *at) for lane in lanes for at in times]

    def _at(self, video: str, seconds: float) -> float:
        return round(seconds + self.clock.offsets.get(video, 0.0), 3)

    def extent(self) -> tuple[float, float]:
        """From where to where the axis goes: as far as anything is said.

        Of a minute that was coded of a long video little could be seen beside all of it.
        """
        bars = [one for bars in self.bars.values() for one in bars]
        starts = [one.start for one in bars]
        starts += [] if bars else [self._at(name, 0.0) for name in used_videos(self._labels)]
        start = min(starts)
        return start, max([start + 1.0, *(one.end for one in bars)])


def _name_groups(figure: Figure, groups: Sequence[_Group], start: float, theme: Theme) -> None:
    for one in groups:
        figure.add_annotation(
            text=f"<b>{escape(one.words)}</b>",
            showarrow=False,
            x=start,
            y=one.lane,
            xanchor="left",
            font={"color": theme.dim, "size": 12},
        )
