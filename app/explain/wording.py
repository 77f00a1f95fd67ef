"""Sentences about a moment, about tests of a model, and about what their results mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vidmem import units
from vidmem.inspection import ClipEffect, DirectEffects, OcclusionMap

Seconds = Mapping[int, tuple[float, float]]
"""Start and end of windows in the video, by number."""

BUSY = "Something is being tested already. Wait for it, or cancel it."
PREPARING = "Going back to this moment: clip {done} of {total}."
WAITING_FOR_OTHERS = "Other visitors test their models. This comes next."
ESTIMATING = "Timing one run of the model."
CANCELLED = "Cancelled after {done} of {total} runs of the model. Nothing of it is kept."
CANCELLED_EARLY = "Cancelled before the first run of the model."

EFFECTS_TITLE = "What mattered, beside attention"
NO_FEEDBACK = (
    "This model stores the features of each frame separately, so no clip carries on what an "
    "earlier one brought. The two effects differ in what remains: with frames taken out, the "
    "window closes up around the gap; with neutral pixels, the frames stay but show nothing."
)

CLEAR, NO = 0.6, 0.3
"""Rank correlations from which on attention and effects agree, and under which they do not."""

SMALL = 0.1
"""Log-odds: a smaller effect changes no score noticeably."""

LARGE = 0.5
"""Log-odds: of a clip with a smaller effect nobody should say that it mattered."""

MANY_TIMES = 4
"""A total effect bypasses the slot where it is `LARGE`, and so many times the direct one."""

NAMES = {"direct": "direct effect", "total": "total effect"}


def cost(num_evaluations: int, seconds: float | None = None) -> str:
    """`9 runs of the model, about 2 s`."""
    runs = f"{num_evaluations:,} run{'s' if num_evaluations != 1 else ''} of the model"
    return runs if seconds is None else f"{runs}, {duration(seconds)}"


def duration(seconds: float) -> str:
    """`about 12 s`."""
    return "less than a second" if seconds < 1 else f"about {units.span(round(seconds))}"


def strongest(name: str, class_name: str, effects: Sequence[ClipEffect], seconds: Seconds) -> str:
    """Which clip moves the score most."""
    if not effects:
        return "Nothing was remembered at this moment."
    most = max(effects, key=lambda effect: abs(effect.log_odds))
    if abs(most.log_odds) < SMALL:
        return (
            f"No clip's {NAMES[name]} is as large as {SMALL} in log-odds: the prediction rests on "
            "the current clip, or on evidence that several clips share."
        )
    begin = "" if abs(most.log_odds) >= LARGE else "No single clip mattered much here. "
    way = "its slot emptied" if name == "direct" else "the stream replayed without it"
    return (
        f"{begin}The clip at {clock(most.clip, seconds)} has the largest effect: with {way}, "
        f"{class_name} goes from {percent(most.score.probability)} to "
        f"{percent(most.without.probability)} "
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
    """Whether attention agrees with an effect."""
    if rho is None:
        return "There are too few clips, or too similar ones, to rank them by attention and effect."
    if rho >= CLEAR:
        verdict = "they agree in size here; attention does not say in which direction"
    elif rho >= NO:
        verdict = "they agree in size only in part"
    else:
        verdict = "they do not agree"
    advice = "" if rho >= CLEAR else ": trust the effect"
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
            f"Look at {where}: {figures}. Its own slot is hardly read, and yet the prediction "
            "depends on it. Memory feeds back: a clip's tokens are computed after it has read "
            "memory, so later clips carry on what this one wrote. Emptying its slot leaves those "
            "copies; replaying the stream without it removes them too."
        )
    if own * all_ways > 0 and 0.5 <= own / all_ways <= 2:
        return (
            f"For {where} the two agree ({figures}): its information is still read from its own "
            "slot, and later clips do not replace it."
        )
    return (
        f"For {where} the two differ ({figures}): part of its information reaches the prediction "
        "through later clips that had read it, not through its own slot."
    )


def adds_up(error: float) -> str:
    """How exact integrated gradients are."""
    gap = "less than 0.01" if abs(error) < 0.01 else f"{abs(error):.2f}"
    return (
        f"The values add up to the change of the score, to within {gap} in log-odds: the error of "
        "the integral's steps."
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
    """When a clip was; its number, where that is not known."""
    if clip not in seconds or seconds[clip] == (0.0, 0.0):
        return f"window {clip}"
    return units.clock(seconds[clip][0])


def percent(probability: float) -> str:
    """`98 %`, with more digits near the ends, where they count."""
    if 0.01 <= probability <= 0.99:
        return f"{probability:.0%}".replace("%", "\N{NO-BREAK SPACE}%")
    return f"{probability:.2%}".replace("%", "\N{NO-BREAK SPACE}%")


def signed(value: float) -> str:
    """`+2.33`, `−0.12`."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


NOTHING_JUDGED = "Nothing has been judged yet. Press play: what the model looks at appears here."
BUSY_APP = "The app is busy with other work. This comes next \N{HORIZONTAL ELLIPSIS}"


def going_back(done: int, total: int) -> str:
    """How far it is while a past moment is recomputed."""
    way = f": clip {min(done + 1, total)} of {total}" if total else ""
    return f"Going back to this moment{way} \N{HORIZONTAL ELLIPSIS}"


def not_judged(seconds: float) -> str:
    """Why there is nothing to look into at a time."""
    return (
        f"At {units.clock(seconds)} nothing was judged by the model in use. Pick another time, or "
        "play from there."
    )


def takes_over(title: str) -> str:
    """Why there is nothing to look into right after another model was chosen."""
    return f"{title} takes over with the next clip: press resume, or play again."
