"""A plan drawn: where a device's memory goes, and how many streams fit for each `l_mem`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vidmem.figures.theme import (
    Swatch,
    Theme,
    ThemeName,
    empty_figure,
    graph_objects,
    new_figure,
    theme_of,
)
from vidmem.planner import Part, Plan, PlanRequest
from vidmem.units import file_size, memory_size, span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MEMORY_TITLE = "Where the memory goes"
STREAMS_TITLE = "Streams that fit, by L_mem"
_BAR_PIXELS, _ROW_PIXELS = 26, 54
_COLOURS = {"weights": 0, "tables": 4, "activations": 1, "clips": 5, "states": 2}
DASHES = "\N{BOX DRAWINGS HEAVY TRIPLE DASH HORIZONTAL}"


def plan_memory_figure(request: PlanRequest, plan: Plan, *, theme: ThemeName = "light") -> Figure:
    """Draw a device full of as many streams as run, and below, larger, what a single stream needs.

    Args:
        request: What was planned for.
        plan: The result.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours, shared = theme_of(theme), _shared(plan)
    legend = [Swatch(part.name, colours.colours[_COLOURS[part.name]]) for part in shared]
    legend += [
        Swatch("states", colours.colours[_COLOURS["states"]]),
        Swatch("not needed", colours.well),
        Swatch("left free", colours.hatch),
    ]
    figure = new_figure(colours, MEMORY_TITLE, legend=legend)
    states = Part("states", plan.streams * plan.state_bytes)
    needed = sum(part.amount for part in shared) + states.amount
    free = request.device_bytes - plan.usable_bytes
    rest = Part("not needed", max(0, plan.usable_bytes - needed))
    rows = (
        [*shared, states, rest, Part("left free", free)],
        [*shared, Part("states", plan.state_bytes)],
    )
    # A device is bought, and asked for, in powers of ten.
    device = f"{memory_size(request.device_bytes)} ({file_size(request.device_bytes)})"
    names = (
        f"The device, {device}, with {_streams(plan.streams)}",
        f"One stream with all that is shared, {memory_size(sum(p.amount for p in rows[1]))}",
    )
    for number, (parts, name) in enumerate(zip(rows, names, strict=True), 1):
        _draw_row(figure, parts, number, colours)
        _name_row(figure, name, number)
    layout: Any = figure.layout
    figure.update_layout(
        barmode="stack", height=layout.margin.t + 2 * _ROW_PIXELS + 8, margin={"l": 12, "b": 8}
    )
    return figure


def _shared(plan: Plan) -> list[Part]:
    """Memory that is needed once, however many streams there are."""
    cost = plan.estimate
    return [
        Part("weights", cost.weight_bytes),
        Part("tables", cost.table_bytes),
        Part("activations", cost.activation_bytes),
        Part("clips", plan.step_bytes - cost.activation_bytes),
    ]


def _draw_row(figure: Figure, parts: list[Part], number: int, theme: Theme) -> None:
    whole = sum(part.amount for part in parts)
    plain = {"not needed": theme.well, "left free": theme.hatch}
    for part in parts:
        name = "clips, and states in a batch" if part.name == "clips" else part.name
        share = part.amount / whole if whole else 0
        figure.add_bar(
            x=[part.amount],
            y=[0],
            orientation="h",
            xaxis=f"x{number}",
            yaxis=f"y{number}",
            width=1,
            marker={
                "color": plain.get(part.name) or theme.colours[_COLOURS[part.name]],
                "line": {"color": theme.card, "width": 1 if share > 0.01 else 0},
            },
            hovertext=f"{name}: {memory_size(part.amount)}, {share:.1%}",
            hoverinfo="text",
        )
    bottom = 0.5 * (2 - number)
    axis = {"visible": False, "fixedrange": True}
    figure.update_layout(
        {
            f"xaxis{number}": {**axis, "range": [0, max(whole, 1)], "anchor": f"y{number}"},
            f"yaxis{number}": {
                **axis,
                "range": [-0.5, 0.5],
                "domain": [bottom, bottom + 0.5 * _BAR_PIXELS / _ROW_PIXELS],
                "anchor": f"x{number}",
            },
        }
    )


def _name_row(figure: Figure, name: str, number: int) -> None:
    figure.add_annotation(
        text=name,
        showarrow=False,
        x=0,
        y=0.5 * (2 - number) + 0.5 * _BAR_PIXELS / _ROW_PIXELS,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        xshift=-3,
        font={"size": 12},
    )


def plan_streams_figure(
    request: PlanRequest, plans: Mapping[int, Plan], *, theme: ThemeName = "light"
) -> Figure:
    """Draw how many streams fit for each `l_mem`, and where computing or decoding end it before.

    Args:
        request: What was planned for; its `l_mem` is marked.
        plans: The same for other `l_mem`, by that.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    fitting = {l_mem: plan for l_mem, plan in plans.items() if plan.streams_in_memory}
    if not fitting:
        return empty_figure(colours, STREAMS_TITLE, says="Not even one stream fits.")
    limits = _limits(next(iter(plans.values())))
    legend = [
        Swatch("by memory", colours.colours[0]),
        *(
            Swatch(f"by {name}: {count:,}", colours.colours[colour], symbol=DASHES)
            for name, colour, count in limits
        ),
    ]
    figure = new_figure(colours, STREAMS_TITLE, legend=legend)
    figure.add_scatter(
        x=list(fitting),
        y=[plan.streams_in_memory for plan in fitting.values()],
        mode="lines",
        line={"color": colours.colours[0], "width": 2.2},
        hovertext=[_hover(l_mem, plan) for l_mem, plan in fitting.items()],
        hoverinfo="text",
    )
    for name, colour, count in limits:
        if count:
            _draw_limit(figure, (min(plans), max(plans)), count, name, colours.colours[colour])
    _mark_own(figure, request.size.l_mem, plans, colours)
    _set_axes(figure, fitting, [count for _, _, count in limits if count], colours)
    return figure


def _limits(plan: Plan) -> list[tuple[str, int, int]]:
    """Name, colour and streams of what is known besides memory."""
    both = (("computing", 1, plan.streams_computed), ("decoding", 3, plan.streams_decoded))
    return [(name, colour, count) for name, colour, count in both if count is not None]


def _draw_limit(figure: Figure, ends: tuple[int, int], count: int, name: str, colour: str) -> None:
    figure.add_scatter(
        x=list(ends),
        y=[count, count],
        mode="lines",
        line={"color": colour, "width": 2, "dash": "dash"},
        hovertext=f"{name}: {_streams(count)} in real time, at the rate given",
        hoverinfo="text",
    )


def _mark_own(figure: Figure, l_mem: int, plans: Mapping[int, Plan], theme: Theme) -> None:
    plan = plans.get(l_mem)
    if plan is None or not plan.streams:
        return
    figure.add_trace(
        graph_objects().Scatter(
            x=[l_mem],
            y=[plan.streams],
            mode="markers",
            marker={
                "size": 10,
                "color": theme.mark,
                "line": {"color": theme.card, "width": 2},
            },
            hovertext=_hover(l_mem, plan),
            hoverinfo="text",
        )
    )


def _set_axes(figure: Figure, fitting: Mapping[int, Plan], others: list[int], theme: Theme) -> None:
    # Without memory a stream keeps a few bytes: billions would fit, and flatten the rest.
    counts = [plan.streams_in_memory for l_mem, plan in fitting.items() if l_mem]
    counts = [*(counts or [fitting[0].streams_in_memory]), *others]
    low, high = math.log10(min(counts)), math.log10(max(counts))
    figure.update_yaxes(
        type="log",
        range=[math.floor(low * 4 - 0.5) / 4, high + 0.15],
        dtick=1 if high - low > 0.8 else "D1",
        tickformat=",",
        showgrid=True,
        gridcolor=theme.line,
        title_text="streams",
    )
    figure.update_xaxes(title_text="L_mem, clips remembered", range=[-0.8, max(fitting) + 0.8])
    layout: Any = figure.layout
    figure.update_layout(height=layout.margin.t + 250)


def _hover(l_mem: int, plan: Plan) -> str:
    return (
        f"L_mem {l_mem}, {span(plan.seconds_remembered)}: "
        f"{_streams(plan.streams_in_memory)} fit, {memory_size(plan.state_bytes)} each"
    )


def _streams(count: int) -> str:
    return f"{count:,} stream" + ("" if count == 1 else "s")
