"""What follows what: behaviours on a circle, and an arrow for each transition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import cos, hypot, pi, sin, sqrt
from typing import TYPE_CHECKING, Any

from vidmem.figures.theme import Theme, ThemeName, empty_figure, new_figure, theme_of
from vidmem.labels.results import Transitions

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE = "What follows what"
NOTHING = "No behaviour follows another."
EXPLAINED = (
    "An arrow is as thick as its share of what follows;",
    "a disc as large as the share of transitions from it.",
)
MIN_NAMED_SHARE = 0.15
"""Arrows of at least this share say it in numbers; fewer words lie over each other."""

_AROUND, _PIXELS = 0.33, 150
"""Room above and below the discs, in radii of the circle; how long a radius is drawn."""

_APART, _APART_ALONE = 0.045, 0.12
"""By which the two arrows between two behaviours lie beside each other; and where there are no
others, so that their numbers do not lie over them."""

_Place = tuple[float, float]


def transitions_figure(
    found: Transitions,
    colours: Mapping[str, str],
    *,
    theme: ThemeName = "light",
    about: Sequence[str] = (),
) -> Figure:
    """Draw transitions of one axis.

    Args:
        found: Counted.
        colours: Of behaviours, by name.
        theme: Colours, `light` or `dark`.
        about: Lines under the title: whose labels they are, and the like.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    shades = theme_of(theme)
    sums = [sum(row) for row in found.counts]
    comes = [sum(column) for column in zip(*found.counts, strict=True)]
    used = [at for at in range(len(found.names)) if sums[at] or comes[at]]
    if not used:
        return empty_figure(shades, TITLE, *about, says=NOTHING)
    figure = new_figure(shades, TITLE, *about, *EXPLAINED)
    places = _circle(used)
    whole = sum(sums)
    sizes = {at: 18 + 34 * sqrt(sums[at] / whole) for at in used}
    for first in used:
        for second in used:
            if first != second and found.counts[first][second]:
                _draw_arrow(figure, found, (first, second), places, sizes, shades)
    _draw_discs(figure, found, places, sizes, colours, shades)
    heights = [y for _, y in places.values()]
    low, high = min(heights) - _AROUND, max(heights) + _AROUND
    figure.update_xaxes(visible=False, range=[-1.75, 1.75])
    figure.update_yaxes(visible=False, range=[low, high], scaleanchor="x", constrain="domain")
    layout: Any = figure.layout
    figure.update_layout(height=layout.margin.t + round(_PIXELS * (high - low)) + 12)
    return figure


def _circle(used: Sequence[int]) -> dict[int, _Place]:
    angles = [pi / 2 - 2 * pi * number / len(used) for number in range(len(used))]
    return {at: (cos(angle), sin(angle)) for at, angle in zip(used, angles, strict=True)}


def _draw_arrow(
    figure: Figure,
    found: Transitions,
    pair: tuple[int, int],
    places: Mapping[int, _Place],
    sizes: Mapping[int, float],
    theme: Theme,
) -> None:
    first, second = pair
    share = found.probabilities[first][second] or 0.0
    (x0, y0), (x1, y1) = places[first], places[second]
    length = hypot(x1 - x0, y1 - y0)
    apart = _APART if len(places) > 2 else _APART_ALONE
    right = (y1 - y0) / length * apart, (x0 - x1) / length * apart
    start, end = (x0 + right[0], y0 + right[1]), (x1 + right[0], y1 + right[1])
    figure.add_annotation(
        x=end[0],
        y=end[1],
        ax=start[0],
        ay=start[1],
        xref="x",
        yref="y",
        axref="x",
        ayref="y",
        text="",
        showarrow=True,
        arrowhead=2,
        arrowsize=0.9,
        arrowwidth=1 + 5 * share,
        arrowcolor=theme.dim,
        opacity=0.35 + 0.6 * share,
        standoff=sizes[second] / 2 + 3,
        startstandoff=sizes[first] / 2 + 3,
    )
    at = tuple(a + 0.36 * (b - a) for a, b in zip(start, end, strict=True))
    names = [escape(found.names[one]) for one in pair]
    words = (
        f"{names[0]} to {names[1]}: {_times(found.counts[first][second])}, "
        f"{share:.0%} of what follows {names[0]}"
    )
    figure.add_scatter(
        x=[at[0]],
        y=[at[1]],
        mode="markers",
        marker={"size": 16, "color": theme.card, "opacity": 0},
        hovertext=[words],
        hoverinfo="text",
    )
    if share >= MIN_NAMED_SHARE:  # above all arrows, which lie above all traces
        figure.add_annotation(
            x=at[0],
            y=at[1],
            text=f"{share:.0%}",
            showarrow=False,
            bgcolor=theme.card,
            borderpad=1,
            font={"size": 11, "color": theme.ink},
        )


def _draw_discs(
    figure: Figure,
    found: Transitions,
    places: Mapping[int, _Place],
    sizes: Mapping[int, float],
    colours: Mapping[str, str],
    theme: Theme,
) -> None:
    words = []
    for at in places:
        own = found.counts[at][at]
        text = f"{escape(found.names[at])}: {_times(sum(found.counts[at]))} followed by another"
        words.append(f"{text}, {own} of them by itself" if own else text)
    figure.add_scatter(
        x=[place[0] for place in places.values()],
        y=[place[1] for place in places.values()],
        mode="markers",
        marker={
            "size": list(sizes.values()),
            "color": [colours.get(found.names[at]) or theme.dim for at in places],
            "line": {"color": theme.card, "width": 2},
            "opacity": 1,
        },
        hovertext=words,
        hoverinfo="text",
    )
    for at, (x, y) in places.items():
        is_side = abs(x) > 0.3
        figure.add_annotation(
            text=escape(found.names[at]),
            showarrow=False,
            x=x,
            y=y,
            xanchor=("left" if x > 0 else "right") if is_side else "center",
            yanchor="middle" if is_side else ("bottom" if y > 0 else "top"),
            xshift=(1 if x > 0 else -1) * (sizes[at] / 2 + 6) * is_side,
            yshift=(1 if y > 0 else -1) * (sizes[at] / 2 + 4) * (not is_side),
            font={"size": 12, "color": theme.ink},
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
