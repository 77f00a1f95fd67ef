"""An edit that was made on labels which have been changed since: on top of them, or refused.

    then       what the writer looked at; the operation on it is what she wants
    now        what is there; the operation on it is what would be done

It is done where both do the same: they remove and add the same bouts, and mark no span, nor take a
mark away, that she did not want marked or taken away. Else it would change, or undo, something that
she never saw.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from vidmem.errors import LabelError, StaleEditError
from vidmem.labels import Labels
from vidmem.labels.spans import Interval, united, without
from vidmem.projects.rows import TICKS_PER_SECOND, Content, Row

Operation = Callable[[Labels], Labels]


def operate_on_now(operation: Operation, now: Labels, refusal: str) -> Labels:
    """The operation on what is there, where it was already seen to be allowed on what was.

    Raises:
        StaleEditError: If it is not allowed any more.
    """
    try:
        return operation(now)
    except LabelError as error:
        raise StaleEditError(f"{refusal} ({error})") from error


def check_does_the_same(
    then: tuple[Content, Content], now: tuple[Content, Content], refusal: str
) -> None:
    """See that an operation does now what it did then; each is before and after it.

    Raises:
        StaleEditError: If not.
    """
    if _bouts(*then) != _bouts(*now):
        raise StaleEditError(refusal)
    for now_does, then_did in (
        (_marked(*now), _marked(*then)),
        (_marked(*reversed(now)), _marked(*reversed(then))),  # what is marked no more
    ):
        for track, intervals in now_does.items():
            if without(united(intervals), then_did.get(track, ())):
                raise StaleEditError(refusal)


def _bouts(before: Content, after: Content) -> tuple[frozenset[Row], frozenset[Row]]:
    return before.bouts - after.bouts, after.bouts - before.bouts


def _marked(before: Content, after: Content) -> dict[Row, list[Interval]]:
    """The time that is marked after and was not before, by kind of mark and track."""
    was, is_now = _intervals(before), _intervals(after)
    return {track: without(united(one), was.get(track, ())) for track, one in is_now.items()}


def _intervals(content: Content) -> dict[Row, list[Interval]]:
    found: defaultdict[Row, list[Interval]] = defaultdict(list)
    for what, start, end, subject, axis in content.spans:
        found[what, subject, axis].append((start / TICKS_PER_SECOND, end / TICKS_PER_SECOND))
    return found
