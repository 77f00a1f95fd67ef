"""Which labelled time is learnt from, which tells when to stop, and which is tested with."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from vidmem.figures.labels.lanes import (
    BAR_PIXELS,
    MAX_LANES,
    Bar,
    draw_bars,
    range_words,
    set_lanes,
    set_time_axis,
)
from vidmem.figures.teaching.reading import ReadReport, Report
from vidmem.figures.theme import Swatch, ThemeName, empty_figure, new_figure, theme_of
from vidmem.units import span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE = "What is learnt from, and what it is tested with"
TOO_MANY = "{count} videos are more than can be drawn."
PARTS = {"learn": ("learnt from", 0), "stop": ("tells when to stop", 1), "test": ("tested", 3)}
"""Words of each part, and a number of `Theme.colours`."""


def split_figure(report: Report, *, theme: ThemeName = "light") -> Figure:
    """Draw each labelled video or region as a strip: its parts, and the gaps between them.

    Args:
        report: Of a taught model, or what `vidmem.teaching.read_report` gives of one.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    shades, split = theme_of(theme), ReadReport.of(report, None).values["split"]
    lanes = sorted({_lane(one) for one in split["pieces"]})
    if len(lanes) > MAX_LANES:
        says = TOO_MANY.format(count=len(lanes))
        return empty_figure(shades, TITLE, split["method"], says=says)
    legend = [
        Swatch(f"{words}: {span(split['seconds'][part])} of labels", shades.colours[colour])
        for part, (words, colour) in PARTS.items()
    ]
    figure = new_figure(shades, TITLE, split["method"], legend=legend)
    for part, (words, colour) in PARTS.items():
        bars = [
            Bar(
                lanes.index(_lane(one)),
                one["start_seconds"],
                one["end_seconds"],
                f"{escape(_lane(one))}: {words}<br>"
                + range_words(one["start_seconds"], one["end_seconds"], None),
            )
            for one in split["pieces"]
            if one["part"] == part
        ]
        draw_bars(figure, bars, shades.colours[colour], part, BAR_PIXELS)
    set_lanes(figure, lanes, shades)
    end = max(one["end_seconds"] for one in split["pieces"])
    set_time_axis(figure, 0.0, end, shades, None)
    return figure


def _lane(piece: Mapping[str, Any]) -> str:
    """The video, and of whom or of which region of it."""
    subject = piece.get("subject", "")
    return f"{piece['video']}, {subject}" if subject else piece["video"]
