"""Who may attend to whom, pair by pair, with or without the weights of attention over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vidmem.figures.masks.axes import (
    axes_layout,
    block_words,
    cell_gap,
    discrete,
    drawn_spans,
    edge_shapes,
    or_nan,
)
from vidmem.figures.theme import (
    Swatch,
    Theme,
    ThemeName,
    graph_objects,
    hatched,
    new_figure,
    theme_of,
)
from vidmem.inspection import MaskView, Reason
from vidmem.inspection.masks.spec import runs

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MASKED = "may not attend"
MAX_REASONS = 64 * 64
"""Up to so many cells give their reason on hover; in larger matrices, what their block holds."""

MAX_REASON_CHARACTERS = 54
"""A longer reason is broken into two lines."""

_KIND_COLOURS = {
    "lookahead": 1,
    "context frame": 3,
    "anchor": 1,
    "clip, age rounded": 4,
    "no-memory token": 2,
    "not meant": 5,
    "only in the first": 1,
    "only in the second": 3,
    "around the mask": 5,
    "allowed, does not reach": 4,
}
"""Numbers of `Theme.colours`; one kind looks the same in every mask, and all others are blue."""


@dataclass(frozen=True)
class _Drawn:
    """The cells, and what their colours mean."""

    traces: list[Any]
    legend: list[Swatch]


def mask_figure(
    view: MaskView,
    weights: ArrayLike | None = None,
    *,
    picked: tuple[int, int] | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """Draw who may attend to whom; queries go down, keys go across.

    Pairs that may attend are coloured by the rule that allows them; pairs that may not are hatched.
    With weights they are coloured by weight instead: a weight of zero is the lowest colour of the
    scale, and a masked pair is outside it.

    Args:
        view: From `vidmem.inspection.view_mask`.
        weights: Attention probabilities, `[queries, keys]` of all tokens or of those drawn; NaN or
            zero where masked.
        picked: A query and a key token to outline, and to explain under the title.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme or token.
        ValueError: If the weights have another shape, or are not zero where masked.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    if picked is None:
        share = f"{view.allowed_share:.0%} of pairs may attend"
        summary = [" · ".join(filter(None, (view.spec.head_name(view.head), share)))]
    else:
        summary = _lines(view.explain(*picked))
    drawn = _kinds(view, colours) if weights is None else _weights(view, weights, colours)
    legend = [*drawn.legend, Swatch(MASKED, colours.dim, is_hatched=True)]
    name, _, numbers = view.spec.title.partition(", ")
    lines = (numbers, *summary, view.drawn, _emptiness(view))
    columns = drawn_spans(view.keys, view.key_tokens)
    rows = drawn_spans(view.queries, view.query_tokens)
    shapes = [
        *edge_shapes(columns, rows, colours),
        *_empty_rows(view, colours),
        *_outline(view, picked, colours),
    ]
    layout = {
        **axes_layout(view, columns, rows),
        "images": [hatched(colours)],
        "shapes": shapes,
    }
    figure = new_figure(colours, name, *lines, legend=legend, layout=layout)
    figure.add_traces(drawn.traces)
    return figure


def _kinds(view: MaskView, theme: Theme) -> _Drawn:
    """Cells by the rule that allows them, and the rules that occur."""
    palette = [theme.colours[_KIND_COLOURS.get(kind, 0)] for kind in view.spec.kinds]
    traces = _cells(
        view,
        or_nan(view.kinds),
        zmin=0,
        zmax=len(palette),
        colorscale=discrete((theme.well, *palette)),
        showscale=False,
    )
    occurs = set(view.kinds.flat)
    named = enumerate(zip(view.spec.kinds, palette, strict=True), 1)
    return _Drawn(traces, [Swatch(*swatch) for number, swatch in named if number in occurs])


def _weights(view: MaskView, weights: ArrayLike, theme: Theme) -> _Drawn:
    """Cells by weight where they may attend, nothing elsewhere."""
    values = _drawn_weights(view, np.asarray(weights, dtype=np.float64))
    is_wrong = ~view.allowed & (np.nan_to_num(values) != 0)
    if is_wrong.any():
        row, column = np.argwhere(is_wrong)[0]
        reason = view.explain(view.query_tokens[row], view.key_tokens[column])
        raise ValueError(
            f"weights must be zero where masked, got {values[row, column]:.3g} at {reason}"
        )
    shown = np.where(view.allowed, values, np.nan).astype(np.float32)
    traces = _cells(
        view,
        shown,
        weights=shown,
        zmin=0,
        zmax=float(np.nanmax(shown, initial=0)) or 1.0,
        colorscale=list(theme.sequential),
        colorbar={
            "title": {"text": "weight", "font": {"color": theme.dim, "size": 12}},
            "tickfont": {"color": theme.dim, "size": 11},
            "outlinewidth": 0,
            "thickness": 10,
            "len": 0.6,
            "y": 1,
            "yanchor": "top",
        },
    )
    return _Drawn(traces, [Swatch("weight of zero", theme.sequential[0])])


def _drawn_weights(view: MaskView, weights: NDArray) -> NDArray:
    whole = (view.queries.num_tokens, view.keys.num_tokens)
    if weights.shape == whole:
        return weights[np.ix_(view.query_tokens, view.key_tokens)]
    if weights.shape == view.allowed.shape:
        return weights
    drawn = f" or {list(view.allowed.shape)}, as drawn" if view.is_sampled else ""
    raise ValueError(f"weights must have shape {list(whole)}{drawn}, got {list(weights.shape)}")


def _cells(
    view: MaskView, z: NDArray, *, weights: NDArray | None = None, **settings: Any
) -> list[Any]:
    """The matrix; one of few cells says on hover why, one of many what its blocks hold."""
    go, gap = graph_objects(), cell_gap(max(z.shape))
    if z.size <= MAX_REASONS:
        words = _words(view, weights)
        return [go.Heatmap(z=z, hovertext=words, hoverinfo="text", xgap=gap, ygap=gap, **settings)]
    cells = go.Heatmap(z=z, hoverinfo="skip", xgap=gap, ygap=gap, **settings)
    rows, row_edges = _drawn_blocks(view.query_tokens, view.blocks.block_tokens)
    columns, column_edges = _drawn_blocks(view.key_tokens, view.blocks.block_tokens)
    hover = go.Heatmap(
        z=np.zeros((len(rows), len(columns)), dtype=np.int8),
        x=column_edges,
        y=row_edges,
        hovertext=block_words(view)[np.ix_(rows, columns)],
        hoverinfo="text",
        showscale=False,
        opacity=0,
    )
    return [cells, hover]


def _words(view: MaskView, weights: NDArray | None) -> NDArray[np.str_]:
    """What each cell says on hover."""
    # Escaped all at once: a call for each of some thousand cells would take a third of a redraw.
    text = "\n".join("\t".join(_lines(reason)) for row in view.reasons for reason in row)
    whys = iter(escape(text, quote=False).replace("\t", "<br>").split("\n"))
    cells = []
    for row, query in enumerate(view.query_tokens):
        cells.append([])
        for column, key in enumerate(view.key_tokens):
            tokens = f"query token {query}, key token {key}"
            if weights is not None and view.allowed[row, column]:
                tokens += f", weight {weights[row, column]:.4f}"
            cells[-1].append(f"<b>{next(whys)}</b><br>{tokens}")
    return np.array(cells)


def _lines(reason: Reason) -> list[str]:
    """A reason on one line, or on two where it is long: from where to where, and the rule."""
    words = str(reason)
    if len(words) <= MAX_REASON_CHARACTERS or ", " not in words:
        return [words]
    pair, rule = words.split(", ", 1)
    return [f"{pair},", rule]


def _drawn_blocks(tokens: Sequence[int], block_tokens: int) -> tuple[list[int], list[float]]:
    """The blocks that drawn tokens are in, and the edges between them as drawn."""
    block_of = [token // block_tokens for token in tokens]
    firsts = [i for i, block in enumerate(block_of) if i == 0 or block != block_of[i - 1]]
    return [block_of[i] for i in firsts], [i - 0.5 for i in (*firsts, len(tokens))]


def _emptiness(view: MaskView) -> str:
    """The rows with nothing to attend to: how many, and where, as far as it fits on a line."""
    places = view.empty_places
    if not places:
        return ""
    where = "; ".join(places)
    where = where if len(where) <= 20 else f"the first: {places[0]}"
    return f"rows that see nothing: {len(view.empty_queries):,} ({where})"


def _empty_rows(view: MaskView, theme: Theme) -> list[dict[str, Any]]:
    """A frame around drawn rows with nothing to attend to, neighbours together."""
    is_empty = set(view.empty_queries)
    rows = [row for row, query in enumerate(view.query_tokens) if query in is_empty]
    line = {"color": theme.mark, "width": 2}
    return [
        {"type": "rect", "xref": "x domain", "x0": 0, "x1": 1, "line": line}
        | {"y0": start - 0.5, "y1": stop - 0.5}
        for start, stop in runs(rows)
    ]


def _outline(view: MaskView, picked: tuple[int, int] | None, theme: Theme) -> list[dict[str, Any]]:
    """A frame around one pair, if it is drawn."""
    if picked is None:
        return []
    query, key = picked
    if query not in view.query_tokens or key not in view.key_tokens:
        return []
    x, y = view.key_tokens.index(key), view.query_tokens.index(query)
    line = {"color": theme.mark, "width": 3}
    edges = {"x0": x - 0.6, "x1": x + 0.6, "y0": y - 0.6, "y1": y + 0.6}
    return [{"type": "rect", "line": line, **edges}]
