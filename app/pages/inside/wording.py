"""What the Memory and Heads pages say in words."""

from __future__ import annotations

import math

import numpy as np

from vidmem.inspection import AttentionView, FrameLook, HeadView, MemoryView
from vidmem.streaming import Prediction
from vidmem.units import clock, span

MEMORY_OFF = (
    "Memory is off: this clip was judged by itself. Let the model remember some clips (the slider "
    "on the Watch page), and go on."
)


def follows(title: str) -> str:
    """Why a model's maps cannot be drawn on the picture that people see."""
    return (
        f"{title} is shown a square that follows what moves, which is elsewhere in each frame, so "
        "its maps cannot be laid on the whole picture here. In Python, vidmem.inspection has them."
    )


def no_memory_of_clips(title: str, view: AttentionView | None) -> str:
    """Why the Memory page has nothing to show of a model, and which page has."""
    other = "The Heads page shows where its heads look. " if view == "heads" else ""
    return f"{title} has no memory of clips to look into. {other}For this page choose a FAM Swin."


def no_heads_over_frames(title: str, view: AttentionView | None) -> str:
    """Why the Heads page has nothing to show of a model, and which page has."""
    other = "The Memory page shows what it reads of past clips. " if view == "memory" else ""
    return (
        f"{title} has no heads that look back or ahead over frames. {other}For this page choose a "
        "Spool."
    )


def memory_in_words(
    now: Prediction, view: MemoryView, shares: np.ndarray, head: int | None, age: float
) -> str:
    """The Memory page's view in a sentence or two, also for screen readers."""
    heads = "All heads" if head is None else f"Head {head}"
    if not view.clips:
        return f"{heads}: nothing is remembered yet; all attention goes to no memory."
    at = int(shares.argmax())
    clip = view.clips[at]
    when = f"{clock(clip.start_seconds)}\N{EN DASH}{clock(clip.end_seconds)}"
    ago = "" if clip.age_seconds is None else f", {span(clip.age_seconds)} before"
    nothing = max(0.0, 1 - float(shares.sum()))
    back = f" What is read is {span(age)} old on average." if math.isfinite(age) else ""
    return (
        f"{heads}, at {clock(now.start_seconds)}: {shares[at]:.0%} of the "
        f"attention goes to the clip of {when}{ago}; {nothing:.0%} to no memory.{back}"
    )


def heads_in_words(heads: HeadView, look: FrameLook, layer: int, head: int) -> str:
    """Where the picked head looks, in a sentence or two, also for screen readers."""
    shares = np.nan_to_num(look.frame_share[layer, head])
    at = int(shares.argmax())
    offset = look.frames[at] - look.frame
    where = {0: "its own frame", -1: "the frame before", 1: "the frame after"}.get(
        offset, f"{abs(offset)} frames {'back' if offset < 0 else 'ahead'}"
    )
    context = float(np.nansum(look.context_share[layer, head]))
    side = heads.direction(head)
    used = float(heads.mean_distance[layer, head])
    reach = heads.layout.local_frame_range
    at_context = f", {context:.0%} to its context frame" if look.context_share.size else ""
    return (
        f"Layer {layer}, head {head} ({side}): {shares[at]:.0%} of the attention goes to {where}"
        f"{at_context}. Over the window it looks {used:.1f} of {reach} frames far on average."
    )


def mean_age(shares: np.ndarray, ages: np.ndarray) -> float:
    """Of what is read in memory; NaN where nothing is, or no age is known."""
    total = float(shares.sum())
    return float((shares * ages).sum()) / total if total > 0 else math.nan
