"""Two ethograms brought to the same axes, so that behaviours of one name are held together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from vidmem.errors import LabelError
from vidmem.labels.ethogram import Ethogram
from vidmem.labels.labels import Labels
from vidmem.labels.spans import Span


def aligned(labels: Labels, ethogram: Ethogram) -> Labels:
    """Labels with the axes that their behaviours have in another ethogram.

    A table of bouts, or what a model predicts, has names but often no axes. A behaviour that the
    ethogram lacks goes with the others of its axis, where those all go to one.

    Raises:
        LabelError: If a behaviour is a state in one and a point in the other, or states that now
            share an axis overlap.
    """
    axes = {axis: _new_axes(labels.ethogram, axis, ethogram) for axis in labels.ethogram.axes}
    behaviours = []
    for one in labels.ethogram:
        if one.name in ethogram:
            theirs = ethogram[one.name]
            if theirs.kind != one.kind:
                raise LabelError(
                    f"{one.name} is a {one.kind} in one ethogram and a {theirs.kind} in the other; "
                    "rename one of them"
                )
            behaviours.append(replace(one, axis=theirs.axis))
        else:
            new = axes[one.axis]
            behaviours.append(replace(one, axis=new[0] if len(new) == 1 else one.axis))
    return Labels(
        Ethogram(tuple(behaviours)),
        labels.bouts,
        not_scored=_moved(labels.not_scored, axes),
        scored=_moved(labels.scored, axes),
        videos=labels.videos,
    )


def _new_axes(mine: Ethogram, axis: str, theirs: Ethogram) -> tuple[str, ...]:
    """Where the behaviours of an axis stand in the other ethogram; nowhere: where they are."""
    known = [theirs[one.name].axis for one in mine if one.axis == axis and one.name in theirs]
    if not known:
        is_only = len(mine.axes) == len(theirs.axes) == 1
        return theirs.axes if is_only else (axis,)
    found = dict.fromkeys(known)
    if len(found) > 1 and any(one.axis == axis and one.name not in theirs for one in mine):
        found[axis] = None  # those that it lacks stay
    return tuple(found)


def _moved(spans: Iterable[Span], axes: dict[str, tuple[str, ...]]) -> tuple[Span, ...]:
    """What was looked at on an axis was looked at on all that it is split into."""
    return tuple(one.changed(axis=new) for one in spans for new in axes[one.axis])
