"""What clips did to a score: direct and total effects, and how attention agrees with them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from vidmem.figures.attribution.clip_effects import DIRECT, TOTAL, EffectKind, effect_words
from vidmem.figures.theme import Swatch, ThemeName, empty_figure, new_figure, theme_of
from vidmem.inspection import ClipEffect, DirectEffects, TotalEffects, attention_agreement
from vidmem.inspection.attention.maps import MAX_SIDE, group_edges
from vidmem.units import MINUS

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_TICKS = 8

Kinds = list[tuple[EffectKind, Sequence[ClipEffect]]]


def effects_figure(
    direct: DirectEffects | None,
    total: TotalEffects | None,
    shares: Mapping[int, float] | None = None,
    *,
    theme: ThemeName = "light",
) -> Figure:
    """Draw the direct and the total effect of each clip on the score, side by side.

    More than 64 clips are drawn in groups of neighbours, each by its largest effect. `customdata`
    of a bar is the number of its clip.

    Args:
        direct: What emptying its slot did; None: not tested.
        total: What replaying the stream without it did; None: not tested.
        shares: Of attention, by number of the clip; their rank correlation with each kind of effect
            stands under the title.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours, title = theme_of(theme), "What each clip did to the score"
    both = ((DIRECT, direct), (TOTAL, total))
    kinds: Kinds = [(kind, result.clips) for kind, result in both if result is not None]
    clips = sorted({effect.clip for _, effects in kinds for effect in effects})
    if not clips:
        return empty_figure(colours, title, says="No clip was tested.")
    agreement = "" if shares is None else _agreement(kinds, shares)
    legend = [
        Swatch(f"{kind.name}: {kind.means}", colours.colours[kind.colour]) for kind, _ in kinds
    ]
    figure = new_figure(colours, title, agreement, legend=legend)
    groups = _groups(clips)
    for kind, effects in kinds:
        drawn = _strongest(effects, groups)
        figure.add_bar(
            x=list(drawn),
            y=[effect.log_odds for effect in drawn.values()],
            marker={"color": colours.colours[kind.colour]},
            customdata=[effect.clip for effect in drawn.values()],
            hovertext=[effect_words(kind, effect) for effect in drawn.values()],
            hoverinfo="text",
            name=kind.name,
        )
    step = -(-len(groups) // MAX_TICKS)
    places = list(range(0, len(groups), step))
    figure.update_xaxes(
        tickvals=places,
        ticktext=[str(groups[place][0]) for place in places],
        tickangle=0,
        title_text="clip",
        range=[-0.5, len(groups) - 0.5],
    )
    figure.update_yaxes(
        title_text="log-odds", nticks=5, zeroline=True, zerolinecolor=colours.dim, zerolinewidth=1
    )
    figure.update_layout(barmode="group", bargap=0.25)
    return figure


def _groups(clips: Sequence[int]) -> list[Sequence[int]]:
    """Neighbours together where there are more than 64 clips."""
    edges = group_edges(len(clips), MAX_SIDE).tolist()
    return [clips[start:stop] for start, stop in itertools.pairwise(edges)]


def _strongest(
    effects: Sequence[ClipEffect], groups: Sequence[Collection[int]]
) -> dict[int, ClipEffect]:
    """Of each group that has one, the effect that is largest in either direction."""
    strongest: dict[int, ClipEffect] = {}
    for place, members in enumerate(groups):
        own = [effect for effect in effects if effect.clip in members]
        if own:
            strongest[place] = max(own, key=lambda effect: abs(effect.log_odds))
    return strongest


def _agreement(kinds: Kinds, shares: Mapping[int, float]) -> str:
    """Rank correlations of attention with each kind of effect, in words."""
    parts = []
    for kind, effects in kinds:
        rho = attention_agreement(shares, effects)
        number = "none" if rho is None else f"{rho:.2f}".replace("-", MINUS)
        parts.append(f"{kind.name.split()[0]} {number}")
    return f"rank correlation with attention: {', '.join(parts)}"
