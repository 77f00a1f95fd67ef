"""What the app says of teaching: stages, and how a job ended."""

from __future__ import annotations

from vidmem.units import span

FEATURES = "Features of {num} videos"
FEATURES_OF_ONE = "Features of the video"
QUICK = "Quick answer"
BASELINES = "Networks to compare with"
SCORES = "Scores on what was kept back"

CACHED = "kept from before"
NEXT_VIDEO = "{name}, {number} of {num}"
ELSEWHERE = "waiting for {name}, which another program encodes"
QUICK_SCORE = "{score:.2f} after {seconds}"
QUICK_NONE = "after {seconds}"
HOW_LONG, LEARNING = "finding out how long to learn", "learning"

TOO_MANY = "{most} models wait to be taught already. Wait for one of them, or cancel it."
NO_JOB = "This teaching is over, or was cancelled."
ENDED = (
    "The process that teaches was ended from outside{why}. What is encoded is kept: teach again, "
    "and it goes on from there."
)
NO_MEMORY = ", perhaps because the memory of this machine was full"
TOO_OFTEN = (
    "It was begun {times} times, and each time the app ended before it was done. What is encoded "
    "is kept: go on when you like."
)
CAMERA = "this device's camera"
NO_LESSON = "The lesson is over: nothing was shown for long, or the page was closed. Begin another."
TOO_MANY_LESSONS = (
    "As many lessons are being given here already as may be ({count}). Wait for one to end."
)


def ended(exit_code: int) -> str:
    """Why there is no answer of a process.

    Args:
        exit_code: Negative: it was ended by a signal.
    """
    return ENDED.format(why=NO_MEMORY if exit_code in (-9, 137) else "")


def quick_answer(score: float | None, seconds: float) -> str:
    """The score of the linear heads, and when it was there."""
    after = span(seconds)
    if score is None:
        return QUICK_NONE.format(seconds=after)
    return QUICK_SCORE.format(score=score, seconds=after)
