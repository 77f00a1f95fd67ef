"""What all figures share: the colours of the app, light and dark, and Plotly itself.

Plotly is an optional package: it is imported when a figure is made, which fails without it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import quote

from vidmem.errors import MissingPackageError, SettingError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ThemeName = Literal["light", "dark"]
THEMES: tuple[ThemeName, ...] = get_args(ThemeName)

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'

FILLED, HATCHED = "\N{BLACK SQUARE}", "\N{SQUARE WITH UPPER RIGHT TO LOWER LEFT FILL}"
MASKED = "may not look"
"""Of frames that a head is not allowed to look at; hatched."""

BLOCK = "\N{FULL BLOCK}"
LINE_PIXELS, LINE_CHARACTERS = 17, 46


@dataclass(frozen=True)
class Theme:
    """The colours of `app/pages/shared/base.css`; a test holds the two together."""

    card: str
    """Behind a figure."""

    ink: str
    """Text."""

    dim: str
    """Text beside the point: ticks, subtitles."""

    line: str
    """Edges."""

    well: str
    """Where there is nothing: masked, skipped."""

    hatch: str
    """Lines over `well`, so that a masked cell is not taken for zero."""

    mark: str
    """What was picked."""

    sequential: tuple[str, ...]
    """For amounts, from zero up: Viridis, which rises evenly in lightness and which the
    colour-blind can read; without its darkest part where that would be lost on a dark card."""

    colours: tuple[str, ...]
    """For kinds, which the colour-blind can tell apart (after Okabe and Ito)."""


@dataclass(frozen=True)
class Swatch:
    """An entry of a legend."""

    name: str
    colour: str
    is_hatched: bool = False

    symbol: str = FILLED
    """What stands for it; a hatched one is a hatched square."""


@dataclass(frozen=True)
class Ramp:
    """An entry of a legend: what the ends of a colour scale stand for."""

    low: str
    high: str
    colours: tuple[str, ...]


_VIRIDIS = (
    "#440154",
    "#482878",
    "#3e4989",
    "#31688e",
    "#26828e",
    "#1f9e89",
    "#35b779",
    "#6ece58",
    "#b5de2b",
    "#fde725",
)
LIGHT = Theme(
    card="#fff",
    ink="#1d2226",
    dim="#59626a",
    line="#dfdcd5",
    well="#ebe8e1",
    hatch="#cfcabf",
    mark="#d55e00",
    sequential=_VIRIDIS,
    colours=("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"),
)
DARK = Theme(
    card="#1c2226",
    ink="#e8e6e1",
    dim="#a0abb3",
    line="#2e373d",
    well="#2a3238",
    hatch="#46525b",
    mark="#ff8a3d",
    sequential=_VIRIDIS[2:],
    colours=("#3688d4", "#e69f00", "#1fb58c", "#cc79a7", "#93d4f7", "#f07a2c"),
)


def theme_of(name: ThemeName) -> Theme:
    """The colours by name.

    Raises:
        SettingError: If there is no such theme.
    """
    if name not in THEMES:
        raise SettingError(f"theme must be light or dark, got {name!r}")
    return LIGHT if name == "light" else DARK


def graph_objects() -> Any:
    """The module `plotly.graph_objects`.

    Raises:
        MissingPackageError: If Plotly is not installed.
    """
    try:
        return importlib.import_module("plotly.graph_objects")
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "figures need plotly; install it with: pip install 'vidmem[app]', or in a clone: "
            "pip install -e '.[app]'"
        ) from error


def new_figure(
    theme: Theme,
    title: str,
    *lines: str,
    legend: Sequence[Swatch | Ramp] = (),
    layout: Mapping[str, Any] | None = None,
) -> Figure:
    """A figure without traces, in the style of the app.

    Args:
        theme: Its colours.
        title: What is shown.
        lines: Its numbers and the like, smaller and dimmer, each on a line; empty ones are left
            out.
        legend: What the colours mean, on the last lines.
        layout: More of the layout. Handed over here, it takes a fraction of the time that updates
            of the figure take.
    """
    below = [escape(line, quote=False) for line in lines if line] + _legend_lines(legend)
    more = dict(layout or {})
    margin = {"t": 36 + LINE_PIXELS * len(below), **more.pop("margin", {})}
    return graph_objects().Figure(
        layout={
            "template": {"layout": _template(theme)},
            "title": {
                "text": escape(title, quote=False),
                # Plotly sets a single line lower than the first of several.
                "subtitle": {"text": "<br>".join([*below, ""] if len(below) == 1 else below)},
            },
            "margin": margin,
            **more,
        }
    )


def empty_figure(theme: Theme, title: str, *lines: str, says: str) -> Figure:
    """A figure without data, with the reason in its middle."""
    figure = new_figure(theme, title, *lines)
    figure.add_annotation(
        text=says,
        showarrow=False,
        x=0.5,
        y=0.5,
        xref="paper",
        yref="paper",
        font={"color": theme.dim, "size": 13},
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def hatched(theme: Theme, size: int = 800) -> dict[str, Any]:
    """A layout image that fills the plot behind its cells: seen where there is nothing.

    Args:
        theme: Its colours.
        size: Pixels a side before it is fitted: about twice those of what is to be filled.
    """
    step = 16
    lines = f"M-4 4L4-4M0 {step}L{step} 0M{step - 4} {step + 4}L{step + 4} {step - 4}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}">'
        f'<pattern id="h" width="{step}" height="{step}" patternUnits="userSpaceOnUse">'
        f'<path d="{lines}" stroke="{theme.hatch}" stroke-width="3"/></pattern>'
        f'<rect width="100%" height="100%" fill="{theme.well}"/>'
        '<rect width="100%" height="100%" fill="url(#h)"/></svg>'
    )
    return {
        "source": f"data:image/svg+xml,{quote(svg)}",
        "xref": "x domain",
        "yref": "y domain",
        "x": 0,
        "y": 1,
        "sizex": 1,
        "sizey": 1,
        "sizing": "fill",
        "layer": "below",
    }


def _legend_lines(legend: Sequence[Swatch | Ramp]) -> list[str]:
    """Words beside coloured squares, in as few lines as a narrow figure has room for."""
    # As text, since Plotly's own legend overlaps the title when it needs two lines.
    lines, room = [], 0
    for one in legend:
        entry, length = _ramp_entry(one) if isinstance(one, Ramp) else _swatch_entry(one)
        if room < length:
            lines.append(entry)
            room = LINE_CHARACTERS
        else:
            lines[-1] += "\N{EM SPACE}" + entry
        room -= length + 4
    return lines


def _swatch_entry(swatch: Swatch) -> tuple[str, int]:
    """As HTML, and how many characters wide."""
    symbol = HATCHED if swatch.is_hatched else swatch.symbol
    return _coloured(symbol, swatch.colour) + f" {escape(swatch.name)}", len(swatch.name)


def _ramp_entry(ramp: Ramp) -> tuple[str, int]:
    squares = "".join(_coloured(BLOCK, colour) for colour in ramp.colours)
    length = len(ramp.low) + len(ramp.colours) + len(ramp.high)
    return f"{escape(ramp.low)} {squares} {escape(ramp.high)}", length


def _coloured(text: str, colour: str) -> str:
    return f'<span style="color:{colour}">{text}</span>'


def _template(theme: Theme) -> dict[str, Any]:
    axis = {
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "ticklabelstandoff": 3,
        "tickfont": {"color": theme.dim, "size": 11},
        "title": {"font": {"color": theme.dim, "size": 12}, "standoff": 8},
        "automargin": True,
    }
    return {
        "font": {"family": FONT, "size": 12, "color": theme.ink},
        "paper_bgcolor": theme.card,
        "plot_bgcolor": theme.card,
        "showlegend": False,
        "colorway": list(theme.colours),
        "margin": {"l": 12, "r": 12, "b": 12},
        "title": {
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "pad": {"l": 12, "t": 10},
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "font": {"size": 14, "color": theme.ink},
            "subtitle": {"font": {"size": 12, "color": theme.dim}},
        },
        "xaxis": axis,
        "yaxis": axis,
        "hoverlabel": {
            "bgcolor": theme.ink,
            "bordercolor": theme.ink,
            "font": {"color": theme.card, "family": FONT, "size": 12},
            "align": "left",
        },
    }
