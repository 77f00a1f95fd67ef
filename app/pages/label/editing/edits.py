"""What a page sends of an edit, read and made one operation on labels, with its words.

    do              what it says
    begin           a state begins; those of its axis that go on (`ends`) end there
    end             a state ends at a time; at its start or before, it is taken back
    keep            states go on, up to a time so far
    add             a bout, a state or a point
    change          another bout in the place of one: its edges, its subject
    reclassify      the same bout of another behaviour
    note            the same bout with another comment
    confirm         a prediction becomes the label of who confirms it, where she left it free
    split, join     one state made two, two made one
    remove          bouts that go
    mark            a span scored, not scored, or neither

Each is one step of the history; none is a prediction that nobody confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.pages.api import MalformedRequestError, PageRequest
from vidmem.errors import LabelError
from vidmem.labels import Bout, Labels, Span, merge
from vidmem.units import clock, clock_range

MAX_BOUTS = 200
"""That one edit names."""

MAX_NAME, MAX_COMMENT = 200, 5000
"""Characters of a subject, an author or a behaviour, and of a note."""

Operation = Callable[[Labels], Labels]


@dataclass(frozen=True)
class Step:
    """One undoable step."""

    operation: Operation
    words: str


@dataclass(frozen=True)
class EditFields:
    """The fields of one edit. Read by their type, or refused."""

    values: Any
    video: str

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping):
            raise MalformedRequestError("an edit must be an object in JSON")

    @property
    def _reader(self) -> PageRequest:
        return PageRequest(query={}, path={}, find_run=lambda run_id: None, fields=self.values)

    def text(self, name: str, *, max_characters: int = MAX_NAME) -> str:
        """A text; empty where it is left out."""
        value = self._reader.text(name)
        if len(value) > max_characters:
            raise MalformedRequestError(
                f"{name} may have {max_characters:,} characters, got {len(value):,}"
            )
        return value

    def seconds(self, name: str) -> float:
        """A time."""
        return self._reader.number(name, "a number of seconds")

    def bout(self, name: str = "bout") -> Bout:
        """A bout of the video.

        Raises:
            LabelError: If it cannot be one.
        """
        return _bout(EditFields(self.values.get(name), self.video))

    def bouts(self, name: str) -> list[Bout]:
        """Several; none where they are left out."""
        values = self.values.get(name, [])
        if not isinstance(values, list) or len(values) > MAX_BOUTS:
            raise MalformedRequestError(f"{name} must be a list of at most {MAX_BOUTS:,} bouts")
        return [_bout(EditFields(one, self.video)) for one in values]


def read_step(fields: EditFields) -> Step:
    """The step that an edit asks for.

    Raises:
        LabelError: If a bout or a span cannot be one.
        MalformedRequestError: If no page of ours sends such.
    """
    do = fields.text("do")
    if do not in _STEPS:
        raise MalformedRequestError(f"do must be one of {', '.join(_STEPS)}, got {do!r:.60}")
    return _STEPS[do](fields)


def _begin(fields: EditFields) -> Step:
    bout, ends = _human(fields.bout()), fields.bouts("ends")

    def operation(labels: Labels) -> Labels:
        for one in ends:
            labels = _ended(labels, one, bout.start_seconds)
        return labels.add(bout)

    at = clock(bout.start_seconds, has_tenths=True)
    return Step(operation, f"began {_named(bout)} at {at} in {bout.video}")


def _end(fields: EditFields) -> Step:
    bout, at = fields.bout(), fields.seconds("at")
    words = f"took back {_shown(bout)}"
    if at > bout.start_seconds:
        words = f"ended {_shown(bout.changed(end_seconds=at))}"
    return Step(lambda labels: _ended(labels, bout, at), words)


def _keep(fields: EditFields) -> Step:
    bouts, at = fields.bouts("bouts"), fields.seconds("at")

    def operation(labels: Labels) -> Labels:
        for one in bouts:
            labels = labels.replace(one, one.changed(end_seconds=at))
        return labels

    names = ", ".join(_named(one) for one in bouts)
    return Step(operation, f"kept {names} on up to {clock(at, has_tenths=True)} in {fields.video}")


def _add(fields: EditFields) -> Step:
    bout = _human(fields.bout())
    return Step(lambda labels: labels.add(bout), f"added {_shown(bout)}")


def _change(fields: EditFields) -> Step:
    old, new = fields.bout("old"), _human(fields.bout("new"))
    became = _times(new)
    if new.subject != old.subject:
        became = f"{became} of {new.subject or 'no one in particular'}"
    words = f"changed {_named(old)} in {old.video}: {_times(old)} became {became}"
    return Step(lambda labels: labels.replace(old, new), words)


def _reclassify(fields: EditFields) -> Step:
    old = fields.bout("old")
    new = _human(old.changed(behaviour=fields.text("behaviour")))
    words = f"changed {_named(old)} to {new.behaviour}, {_times(old)} in {old.video}"
    return Step(lambda labels: labels.replace(old, new), words)


def _note(fields: EditFields) -> Step:
    old = fields.bout("old")
    new = old.changed(comment=fields.text("comment", max_characters=MAX_COMMENT))
    words = f"noted on {_shown(old)}" if new.comment else f"took the note off {_shown(old)}"
    return Step(lambda labels: labels.replace(old, new), words)


def _confirm(fields: EditFields) -> Step:
    bout = fields.bout().changed(source="human", author=fields.text("author"))

    def operation(labels: Labels) -> Labels:
        # What a person labelled there, or could not tell, stays.
        filled = merge(labels, Labels(labels.ethogram, (bout,)), on_conflict="fill").labels
        if filled.bouts == labels.bouts:
            raise LabelError(f"all of {bout} is labelled already, or not scored; that stays")
        return filled

    return Step(operation, f"confirmed {_shown(bout)}")


def _split(fields: EditFields) -> Step:
    bout, at = fields.bout(), fields.seconds("at")

    def operation(labels: Labels) -> Labels:
        pieces = bout.changed(end_seconds=at), bout.changed(start_seconds=at)
        return labels.remove(bout).add(*pieces, on_overlap="refuse")

    return Step(operation, f"split {_shown(bout)} at {clock(at, has_tenths=True)}")


def _join(fields: EditFields) -> Step:
    first, second = fields.bout("first"), fields.bout("second")
    words = f"joined {_shown(first)}, and the next"
    return Step(lambda labels: labels.join(first, second), words)


def _remove(fields: EditFields) -> Step:
    bouts = fields.bouts("bouts")
    if not bouts:
        raise MalformedRequestError("bouts must name one bout at least")
    words = f"removed {_shown(bouts[0])}"
    if len(bouts) > 1:
        words = f"removed {len(bouts)} bouts in {fields.video}"
    return Step(lambda labels: labels.remove(*bouts), words)


def _mark(fields: EditFields) -> Step:
    span = Span(
        fields.video,
        fields.seconds("start"),
        fields.seconds("end"),
        fields.text("subject"),
        fields.text("axis"),
    )
    of = f" of {span.subject}" if span.subject else ""
    time = clock_range(span.start_seconds, span.end_seconds)
    shown = f"{span.axis or 'all axes'}{of}, {time} in {span.video}"
    marks: dict[str, Step] = {
        "scored": Step(lambda labels: labels.mark_scored(span), f"marked as scored: {shown}"),
        "not scored": Step(
            lambda labels: labels.mark_not_scored(span), f"marked as not scored: {shown}"
        ),
        "nothing": Step(lambda labels: labels.unmark(span), f"took away the mark of {shown}"),
    }
    what = fields.text("what")
    if what not in marks:
        raise MalformedRequestError(f"what must be one of {', '.join(marks)}, got {what!r:.60}")
    return marks[what]


_STEPS: Mapping[str, Callable[[EditFields], Step]] = {
    "begin": _begin,
    "end": _end,
    "keep": _keep,
    "add": _add,
    "change": _change,
    "reclassify": _reclassify,
    "note": _note,
    "confirm": _confirm,
    "split": _split,
    "join": _join,
    "remove": _remove,
    "mark": _mark,
}


def _bout(fields: EditFields) -> Bout:
    score = fields.values.get("score")
    source = fields.text("source") or "human"
    if source not in ("human", "model"):
        raise MalformedRequestError(f"source must be human or model, got {source!r:.60}")
    return Bout(
        fields.video,
        fields.seconds("start"),
        fields.seconds("end"),
        fields.text("behaviour"),
        fields.text("subject"),
        fields.text("author"),
        fields.text("comment", max_characters=MAX_COMMENT),
        None if score is None else fields.seconds("score"),
        "model" if source == "model" else "human",
    )


def _human(bout: Bout) -> Bout:
    """A bout as a person said it: whoever edits what a model said has said it."""
    return bout.changed(source="human")


def _ended(labels: Labels, bout: Bout, at: float) -> Labels:
    if at <= bout.start_seconds:
        return labels.remove(bout)
    return labels.replace(bout, bout.changed(end_seconds=at))


def _named(bout: Bout) -> str:
    return f"{bout.behaviour} of {bout.subject}" if bout.subject else bout.behaviour


def _times(bout: Bout) -> str:
    if bout.is_point:
        return f"at {clock(bout.start_seconds, has_tenths=True)}"
    return clock_range(bout.start_seconds, bout.end_seconds)


def _shown(bout: Bout) -> str:
    return f"{_named(bout)}, {_times(bout)} in {bout.video}"
