"""The list of behaviours that a person labels, and which of them exclude each other.

    axis posture    | lying  | standing      | lying |      one at a time
    axis activity       | nursing |     | feeding |         whatever the posture
    points                      x                 x         at an instant, beside anything

Axes are independent of each other. What was not scored is no behaviour: see `Labels.not_scored`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self, get_args

from vidmem.errors import LabelError
from vidmem.labels.checks import checked_name, checked_text
from vidmem.labels.colours import checked_colour, next_colour

BehaviourKind = Literal["state", "point"]

DEFAULT_AXIS = "behaviour"

NOT_SCORED = "not scored"
"""What a span is called of which a person said that it cannot be told; never a behaviour."""

NONE_OF_THESE = "none of these"
"""What a span is called that was looked at, and in which no behaviour of an axis happened."""


def none_of_axis(axis: str) -> str:
    """What a model of several axes calls its class for `NONE_OF_THESE` of one of them."""
    return f"{NONE_OF_THESE} ({axis})"


def reserved_name(name: str) -> str | None:
    """`NOT_SCORED` or `NONE_OF_THESE` if a name means it (`not_scored`); `None`: it is free.

    `none_of_axis` of any axis is `NONE_OF_THESE`, too.
    """
    plain = name.replace("_", " ").replace("-", " ").casefold().strip()
    if plain.startswith(f"{NONE_OF_THESE} (") and plain.endswith(")"):
        return NONE_OF_THESE
    return plain if plain in (NOT_SCORED, NONE_OF_THESE) else None


@dataclass(frozen=True)
class Behaviour:
    """One behaviour of an ethogram."""

    name: str
    """One line, without a space around it; unique in its ethogram."""

    colour: str = ""
    """`#rrggbb`; empty: the ethogram gives it the next default colour."""

    key: str = ""
    """One character, large and small letters apart, unique in its ethogram; empty: no key."""

    kind: BehaviourKind = "state"
    """A state lasts; a point is an instant."""

    axis: str = DEFAULT_AXIS
    """States of one axis exclude each other. Of a point it says only what it belongs to."""

    description: str = ""
    """What counts as it, in words for another observer."""

    def __post_init__(self) -> None:
        checked_name("the name of a behaviour", self.name)
        if reserved := reserved_name(self.name):
            advice = "mark a span as not scored" if reserved == NOT_SCORED else "mark it as scored"
            raise LabelError(f"{self.name!r} is reserved and no behaviour's name: {advice} instead")
        if self.colour:
            checked = checked_colour(f"the colour of {self.name}", self.colour)
            object.__setattr__(self, "colour", checked)
        _check_key(self)
        if self.kind not in get_args(BehaviourKind):
            raise LabelError(f"{self.name} must be a 'state' or a 'point', got {self.kind!r:.60}")
        checked_name(f"the axis of {self.name}", self.axis)
        checked_text(f"the description of {self.name}", self.description)

    @property
    def is_state(self) -> bool:
        """Whether it lasts."""
        return self.kind == "state"


@dataclass(frozen=True)
class Ethogram:
    """Behaviours in the order in which they are shown and counted.

    Iterating gives the behaviours; `name in ethogram` and `ethogram[name]` go by name.
    """

    behaviours: tuple[Behaviour, ...] = ()
    """Names and keys are unique; those without a colour get one."""

    def __post_init__(self) -> None:
        behaviours = tuple(self.behaviours)
        _check_unique("name", [one.name for one in behaviours])
        _check_unique("key", [one.key for one in behaviours if one.key])
        colours = [one.colour for one in behaviours]
        for index, colour in enumerate(colours):
            colours[index] = colour or next_colour(colours)
        coloured = zip(behaviours, colours, strict=True)
        painted = tuple(a if a.colour else replace(a, colour=colour) for a, colour in coloured)
        object.__setattr__(self, "behaviours", painted)

    @classmethod
    def of(cls, *names: str, axis: str = DEFAULT_AXIS) -> Self:
        """States of one axis, with default colours and no keys."""
        return cls(tuple(Behaviour(name, axis=axis) for name in names))

    def __iter__(self) -> Iterator[Behaviour]:
        return iter(self.behaviours)

    def __len__(self) -> int:
        return len(self.behaviours)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Behaviour:
        """The behaviour of a name.

        Raises:
            LabelError: If there is none; the message has the names there are.
        """
        if name not in self._by_name:
            raise LabelError(f"there is no behaviour {name!r:.60} in the ethogram{self._choices()}")
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Behaviour]:
        return {one.name: one for one in self.behaviours}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all behaviours, in order."""
        return tuple(one.name for one in self.behaviours)

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """Each axis once, in order of its first behaviour."""
        return tuple(dict.fromkeys(one.axis for one in self.behaviours))

    def states_of(self, axis: str) -> tuple[Behaviour, ...]:
        """The states of an axis: of these one happens at a time.

        Raises:
            LabelError: If there is no such axis.
        """
        self.check_axis(axis)
        return tuple(one for one in self.behaviours if one.axis == axis and one.is_state)

    @property
    def points(self) -> tuple[Behaviour, ...]:
        """The behaviours that are instants, of all axes."""
        return tuple(one for one in self.behaviours if not one.is_state)

    def of_key(self, key: str) -> Behaviour | None:
        """The behaviour that a key stands for; `None`: no one's."""
        return next((one for one in self.behaviours if key and one.key == key), None)

    def check_axis(self, axis: str) -> None:
        """See that an axis exists.

        Raises:
            LabelError: If it does not; the message has the axes there are.
        """
        if axis not in self.axes:
            known = ", ".join(self.axes) or "it has none yet; add a behaviour first"
            raise LabelError(f"there is no axis {axis!r:.60} in the ethogram; axes: {known}")

    def added(self, behaviour: Behaviour, at: int | None = None) -> Self:
        """With one more behaviour, at a position or (`None`) at the end.

        Raises:
            LabelError: If its name or key is taken.
        """
        behaviours = list(self.behaviours)
        behaviours.insert(len(behaviours) if at is None else at, behaviour)
        return type(self)(tuple(behaviours))

    def removed(self, name: str) -> Self:
        """Without a behaviour; an axis goes with its last one.

        Raises:
            LabelError: If there is none of that name.
        """
        gone = self[name]
        return type(self)(tuple(one for one in self.behaviours if one is not gone))

    def changed(self, name: str, /, **changes: Any) -> Self:
        """With fields of one behaviour changed: `changed("lying", key="l", axis="posture")`.

        Raises:
            LabelError: If there is none of that name, or the result is not allowed.
        """
        before = self[name]
        after = replace(before, **changes)
        return type(self)(tuple(after if one is before else one for one in self.behaviours))

    def renamed(self, name: str, new_name: str) -> Self:
        """With a behaviour under another name.

        Raises:
            LabelError: If there is none of that name, or the new one is taken or not allowed.
        """
        return self.changed(name, name=new_name)

    def recoloured(self, name: str, colour: str) -> Self:
        """With another colour, `#rrggbb`, of a behaviour; empty: the next default one.

        Raises:
            LabelError: If there is no such behaviour, or it is no colour.
        """
        return self.changed(name, colour=colour)

    def moved(self, name: str, to: int) -> Self:
        """With a behaviour at another position, from 0; beyond the last is last.

        Raises:
            LabelError: If there is none of that name.
        """
        behaviour = self[name]
        return self.removed(name).added(behaviour, max(to, 0))

    def axis_renamed(self, axis: str, new_axis: str) -> Self:
        """With an axis under another name, which no other axis has.

        Raises:
            LabelError: If there is no such axis, or the new name is taken or not allowed.
        """
        self.check_axis(axis)
        if new_axis in self.axes and new_axis != axis:
            raise LabelError(
                f"there is an axis {new_axis!r:.60} already; to unite them, change the axis of the "
                "behaviours"
            )
        return type(self)(
            tuple(replace(one, axis=new_axis) if one.axis == axis else one for one in self)
        )

    def only_axis(self, axis: str) -> Self:
        """The behaviours of one axis.

        Raises:
            LabelError: If there is no such axis.
        """
        self.check_axis(axis)
        return type(self)(tuple(one for one in self.behaviours if one.axis == axis))

    def united(self, other: Ethogram) -> Self:
        """With the behaviours of another that this one lacks; of those it has, its own stay.

        A key of the other that is taken here is left out, and a colour becomes the next free one.

        Raises:
            LabelError: If a behaviour is a state in one and a point in the other.
        """
        behaviours = list(self.behaviours)
        for theirs in other:
            if theirs.name not in self:
                keys, colours = ({getattr(a, n) for a in behaviours} for n in ("key", "colour"))
                key = "" if theirs.key in keys else theirs.key
                colour = next_colour(a.colour for a in behaviours)
                colour = colour if theirs.colour in colours else theirs.colour
                behaviours.append(replace(theirs, key=key, colour=colour))
            elif self[theirs.name].kind != theirs.kind:
                mine = self[theirs.name].kind
                raise LabelError(
                    f"{theirs.name} is a {mine} in one ethogram and a {theirs.kind} in the other; "
                    "rename one of them"
                )
        return type(self)(tuple(behaviours))

    def _choices(self) -> str:
        if not self.behaviours:
            return ", which is empty; add it first"
        return f"; it has {', '.join(self.names)[:400]}"


def _check_key(behaviour: Behaviour) -> None:
    key = behaviour.key
    if not isinstance(key, str) or len(key) > 1 or (key and (not key.isprintable() or key == " ")):
        raise LabelError(
            f"the key of {behaviour.name} must be one character that can be typed, or none, got "
            f"{key!r:.60}"
        )


def _check_unique(what: str, values: list[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise LabelError(
                f"two behaviours have the {what} {value!r:.60}; give each another {what}"
            )
        seen.add(value)
