"""What the page says of tests: what they take, what they found, and what that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app import text
from vidmem.inspection import ClipEffect, DirectEffects, OcclusionMap

Seconds = Mapping[int, tuple[float, float]]
"""Source time of windows, by number."""

BUSY = "Something is being tested already. Wait for it, or cancel it."
PREPARING = "Coming to this moment again: clip {done} of {total}."
ESTIMATING = "Timing one run of the model."
CANCELLED = "Cancelled after {done} of {total} runs of the model. Nothing of it is kept."
CANCELLED_EARLY = "Cancelled before the first run of the model."
GONE = "The moment is gone: another video, model or run was begun."

EFFECTS_TITLE = "What mattered, beside attention"
NO_FEEDBACK = (
    "This model keeps what it saw of each frame by itself, so no clip repeats what an earlier one "
    "told. The two differ in what is left: taken out, the window closes up around the hole; "
    "neutral, the frames stay and say nothing."
)

CLEAR, NO = 0.6, 0.3
"""Rank correlations from which on attention and effects agree, and under which they do not."""

SMALL = 0.1
"""Log-odds: less than this moves no score that a person would look at twice."""

MANY_TIMES, LARGE = 4, 0.5
"""A total effect is said to go past the slot if it is so much larger, and so large (log-odds)."""

NAMES = {"direct": "direct effect", "total": "total effect"}


def cost(num_evaluations: int, seconds: float | None = None) -> str:
    """`9 runs of the model, about 2 s`."""
    runs = f"{num_evaluations:,} run{'s' if num_evaluations != 1 else ''} of the model"
    return runs if seconds is None else f"{runs}, {duration(seconds)}"


def duration(seconds: float) -> str:
    """`about 12 s`."""
    return "less than a second" if seconds < 1 else f"about {text.span(round(seconds))}"


def strongest(name: str, class_name: str, effects: Sequence[ClipEffect], seconds: Seconds) -> str:
    """Which clip moves the score most."""
    if not effects:
        return "Nothing was remembered at this moment."
    most = max(effects, key=lambda effect: abs(effect.log_odds))
    if abs(most.log_odds) < SMALL:
        return (
            f"No clip's {NAMES[name]} is as large as {SMALL} in log-odds: the answer rests on the "
            "clip itself, or on what several clips say alike."
        )
    way = "its slot emptied" if name == "direct" else "the stream replayed without it"
    return (
        f"The clip at {clock(most.clip, seconds)} moves it most: with {way}, {class_name} goes "
        f"from {percent(most.score.probability)} to {percent(most.without.probability)} "
        f"({signed(most.log_odds)} in log-odds)."
    )


def nothing_remembered(class_name: str, direct: DirectEffects) -> str:
    """What all slots together bring."""
    if not direct.clips:
        return ""
    return (
        f"With all slots emptied at once {class_name} goes from "
        f"{percent(direct.score.probability)} to {percent(direct.nothing_remembered.probability)}."
    )


def agreement(name: str, rho: float | None) -> str:
    """Whether attention told what mattered."""
    if rho is None:
        return "There are too few clips, or too equal ones, to rank them by attention and effect."
    if rho >= CLEAR:
        verdict = "they agree here"
    elif rho >= NO:
        verdict = "they agree only in part"
    else:
        verdict = "they do not agree"
    advice = "" if rho >= CLEAR else ": believe the effect"
    return (
        f"Attention and {NAMES[name]}, clip by clip: {verdict} "
        f"(rank correlation {signed(rho)}){advice}."
    )


def direct_beside_total(
    direct: Sequence[ClipEffect], total: Sequence[ClipEffect], seconds: Seconds
) -> str:
    """Whether clips act through their own slots, or through what later clips repeat."""
    through_slot = {effect.clip: effect.log_odds for effect in direct}
    both = [
        (one.clip, through_slot[one.clip], one.log_odds)
        for one in total
        if one.clip in through_slot
    ]
    if not both:
        return ""
    clip, own, all_ways = max(both, key=lambda one: abs(one[2]))
    if abs(all_ways) < SMALL:
        return ""
    figures = f"direct {signed(own)}, total {signed(all_ways)}"
    where = f"the clip at {clock(clip, seconds)}"
    if abs(all_ways) >= max(LARGE, MANY_TIMES * abs(own)):
        return (
            f"Look at {where}: {figures}. Hardly anything is read from its own slot, and yet the "
            "answer rests on it. Memory feeds back: what a clip writes was made with what it had "
            "read, so the clips after it repeat what it told them. Empty its slot, and they still "
            "say it; replay the stream without it, and nobody ever learns of it."
        )
    if own * all_ways > 0 and 0.5 <= own / all_ways <= 2:
        return (
            f"For {where} both say much the same ({figures}): what it told is still read from its "
            "own slot, and later clips do not stand in for it."
        )
    return (
        f"For {where} they differ ({figures}): part of what it told reaches the answer through "
        "later clips, which had read it, and not through its own slot."
    )


def adds_up(error: float) -> str:
    """How exact integrated gradients are."""
    gap = "less than 0.01" if abs(error) < 0.01 else f"{abs(error):.2f}"
    return (
        f"The values add up to how the score moves without all this, to within {gap} in log-odds: "
        "what the steps of the integral leave."
    )


def occluded(class_name: str, occlusion: OcclusionMap) -> str:
    """Which cell matters most."""
    values = occlusion.values
    at = int(values.abs().argmax())
    row, column = divmod(at, values.shape[1])
    effect = float(values[row, column])
    after = occlusion.score.probability - float(occlusion.probabilities[row, column])
    return (
        f"Row {row + 1}, column {column + 1} matters most: with it neutral, {class_name} goes from "
        f"{percent(occlusion.score.probability)} to {percent(after)} "
        f"({signed(effect)} in log-odds)."
    )


def clock(clip: int, seconds: Seconds) -> str:
    """When a clip was, by its number where nobody knows."""
    if clip not in seconds or seconds[clip] == (0.0, 0.0):
        return f"window {clip}"
    return text.clock(seconds[clip][0])


def percent(probability: float) -> str:
    """`98 %`, with more digits near the ends, where they count."""
    if 0.01 <= probability <= 0.99:
        return f"{probability:.0%}".replace("%", "\N{NO-BREAK SPACE}%")
    return f"{probability:.2%}".replace("%", "\N{NO-BREAK SPACE}%")


def signed(value: float) -> str:
    """`+2.33`, `−0.12`."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
