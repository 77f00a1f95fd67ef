"""Sentences of live teaching."""

from __future__ import annotations

NO_VIDEO = "{video} is not in the project (any more). Choose another video."
NOTHING_TO_KEEP = (
    "There is nothing to keep: labels are of a video of the project, and of examples. Of a camera "
    "no picture is kept."
)
WRONG_AXIS = (
    "{name} is of the axis {axis} of this project, and a lesson is of one axis. Choose that axis, "
    "or another name."
)


def kept(num_bouts: int, video: str, *, has_conflicts: bool) -> str:
    """That examples are labels now."""
    examples = "1 example is a label" if num_bouts == 1 else f"{num_bouts} examples are labels"
    stays = " Where something else was labelled there before, that stays." if has_conflicts else ""
    return f"{examples} of {video} now.{stays}"
