"""What remembered clips did to a score, as dots over the bars of attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vidmem.figures.clip_axis import ClipAxis
from vidmem.figures.theme import Swatch, Theme
from vidmem.inspection import ClipEffect, DirectEffects, TotalEffects
from vidmem.units import MINUS

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_BELOW = 1.2
"""How far the axes may reach below zero, in heights above it: more, and negative effects would
leave the bars no room."""

LEAST_LOG_ODDS = 0.1
"""The least that the axis of effects spans, so that small effects look small."""


@dataclass(frozen=True)
class EffectKind:
    """How one of the two kinds of effect is drawn, wherever it is."""

    name: str
    symbol: str
    glyph: str
    colour: int
    """Of `Theme.colours`."""

    means: str
    """What was done to the clip, for hover texts."""


DIRECT = EffectKind("direct effect", "circle", "\N{BLACK CIRCLE}", 1, "its slot emptied")
TOTAL = EffectKind("total effect", "diamond", "\N{BLACK DIAMOND}", 3, "replayed without it")


@dataclass(frozen=True)
class EffectDots:
    """Direct and total effects of remembered clips, drawn over bars of attention."""

    axis: ClipAxis
    direct: DirectEffects | None
    total: TotalEffects | None
    theme: Theme

    @property
    def left_out(self) -> str:
        """How many effects are not drawn because their clips have no bar, in words, or nothing."""
        clips = {effect.clip for _, effects in self._kinds() for effect in effects}
        count = len([clip for clip in clips if self.axis.place(clip) is None])
        return f"{count} tested clips are not in memory any more" if count else ""

    def legend(self) -> list[Swatch]:
        """Entries of the legend: bars, and each kind of effect; none without an effect."""
        swatches = [
            Swatch(kind.name, self.theme.colours[kind.colour], symbol=kind.glyph)
            for kind, _ in self._kinds()
        ]
        if swatches:
            swatches.insert(0, Swatch("attention", self.theme.colours[4]))
        return swatches

    def draw(self, figure: Figure, top: float) -> None:
        """Draw the dots, and scale both axes so that they share one zero.

        Args:
            figure: With bars of attention.
            top: The highest of these, a share.
        """
        drawn = [(kind, self._strongest(effects)) for kind, effects in self._kinds()]
        values = [effect.log_odds for _, effects in drawn for effect in effects.values()]
        above, below = max(values, default=0.0), -min(values, default=0.0)
        reach = max(above, below / MOST_BELOW, LEAST_LOG_ODDS)
        depth = max(0.0, below / reach)
        figure.update_yaxes(**_axis(top or 1.0, depth, is_share=True))
        if not drawn:
            return
        for kind, effects in drawn:
            self._add_dots(figure, kind, effects)
        figure.update_layout(
            yaxis2={
                **_axis(reach, depth, is_share=False),
                "overlaying": "y",
                "side": "right",
                "title": {"text": "effect, log-odds"},
            },
        )
        figure.add_hline(y=0, line={"color": self.theme.dim, "width": 1})

    def _add_dots(self, figure: Figure, kind: EffectKind, effects: dict[int, ClipEffect]) -> None:
        figure.add_scatter(
            x=list(effects),
            y=[effect.log_odds for effect in effects.values()],
            yaxis="y2",
            mode="markers",
            marker={
                "symbol": kind.symbol,
                "size": 9,
                "color": self.theme.colours[kind.colour],
                "line": {"color": self.theme.card, "width": 1},
            },
            customdata=[effect.clip for effect in effects.values()],
            hovertext=[effect_words(kind, effect) for effect in effects.values()],
            hoverinfo="text",
        )

    def _kinds(self) -> list[tuple[EffectKind, Sequence[ClipEffect]]]:
        both = ((DIRECT, self.direct), (TOTAL, self.total))
        return [(kind, result.clips) for kind, result in both if result is not None]

    def _strongest(self, effects: Sequence[ClipEffect]) -> dict[int, ClipEffect]:
        """Of each group of clips the effect that is largest in either direction."""
        strongest: dict[int, ClipEffect] = {}
        for effect in effects:
            place = self.axis.place(effect.clip)
            if place is None:
                continue
            if place not in strongest or abs(effect.log_odds) > abs(strongest[place].log_odds):
                strongest[place] = effect
        return strongest


def effect_words(kind: EffectKind, effect: ClipEffect) -> str:
    """What a dot or a bar of one clip's effect says on hover."""
    return (
        f"<b>clip {effect.clip} · {kind.name} {signed(effect.log_odds)}</b> (log-odds)<br>"
        f"probability {effect.score.probability:.1%}, with {kind.means} "
        f"{effect.without.probability:.1%}"
    )


def signed(value: float) -> str:
    """A number with two decimals and its sign, a true minus: `+1.20`."""
    return f"{value:+.2f}".replace("-", MINUS)


def nice_step(reach: float, most: int) -> float:
    """A round number that fits into `reach` at most `most` times."""
    power = 10.0 ** math.floor(math.log10(reach / most))
    return next(n * power for n in (1, 2, 5, 10) if n * power * most >= reach * (1 - 1e-9))


def _axis(top: float, depth: float, *, is_share: bool) -> dict[str, Any]:
    """From `-depth * top` to `top` and a little more; shares have no ticks below zero."""
    step, room = nice_step(top, 3) if is_share else nice_step(top * (1 + depth), 4), 0.08
    lowest = 0 if is_share else -math.floor(depth * top / step + 1e-9)
    ticks = [n * step for n in range(lowest, math.floor(top / step + 1e-9) + 1)]
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if is_share:
        texts = [f"{tick:.{max(0, digits - 2)}%}" for tick in ticks]
    else:
        texts = [f"{tick:.{digits}f}".replace("-", MINUS) for tick in ticks]
    return {
        "range": [-(depth + room * (depth > 0)) * top, (1 + room) * top],
        "tickvals": ticks,
        "ticktext": texts,
    }
