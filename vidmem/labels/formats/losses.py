"""What is lost when labels are written to a format, said in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from vidmem.labels.bout import Bout
from vidmem.labels.formats.format import Format
from vidmem.labels.labels import Labels


def losses_of(labels: Labels, format: Format) -> list[str]:
    """What a format cannot hold of these labels, by what it says that it holds; a line each."""
    holds, bouts = format.holds, labels.bouts
    axes = {labels.ethogram[one.behaviour].axis for one in bouts}
    found = [
        (holds.axes or len(axes) < 2, "which behaviours exclude each other"),
        (holds.subjects, _count("subject", (one for one in bouts if one.subject))),
        (holds.points, _count("point event", (one for one in bouts if one.is_point))),
        (holds.scores, _count("score", (one for one in bouts if one.score is not None))),
        (holds.comments, _count("comment", (one for one in bouts if one.comment))),
        (holds.authors, _count("author", (one for one in bouts if one.author))),
        (holds.authors, _source_loss(labels, format)),
        (holds.not_scored, _plural("span", len(labels.not_scored), " not scored")),
        (holds.unlabelled, "the difference between unlabelled and none of these" * bool(bouts)),
        (holds.ethogram, "colours, keys and descriptions of behaviours" * bool(labels.ethogram)),
        (holds.resolution != "1 ms", _finer_than_milliseconds(bouts)),
        (holds.resolution[:2] == "1 ", f"times finer than {holds.resolution}" * bool(bouts)),
        (holds.facts, _facts_loss(labels)),
    ]
    return [sentence for is_held, sentence in found if sentence and not is_held]


def _count(what: str, bouts: Iterable[Bout]) -> str:
    return _plural(what, sum(1 for _ in bouts))


def _plural(what: str, number: int, rest: str = "") -> str:
    return f"{number} {what}{'s' * (number != 1)}{rest}" if number else ""


def _source_loss(labels: Labels, format: Format) -> str:
    wrong = [one for one in labels.bouts if one.is_human == (one.score is not None)]
    if not format.holds.scores:
        wrong = [one for one in labels.bouts if not one.is_human]
    return f"whether a person or a model said so, of {_plural('bout', len(wrong))}" * bool(wrong)


def _finer_than_milliseconds(bouts: Iterable[Bout]) -> str:
    times = (x for one in bouts for x in (one.start_seconds, one.end_seconds))
    is_finer = any(abs(x * 1000 - round(x * 1000)) > 1e-4 for x in times)
    return "parts of milliseconds" * is_finer


def _facts_loss(labels: Labels) -> str:
    names = {
        "durations": any(one.duration_seconds is not None for one in labels.videos),
        "frame rates": any(one.fps is not None for one in labels.videos),
        "the start by the clock": any(one.start is not None for one in labels.videos),
    }
    known = [name for name, is_known in names.items() if is_known]
    return f"what is known of the videos: {', '.join(known)}" * bool(known)
