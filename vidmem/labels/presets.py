"""Ethograms to start from, each to be edited: what studies of these animals commonly score."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vidmem.errors import LabelError
from vidmem.labels.ethogram import Behaviour, BehaviourKind, Ethogram

_Row = tuple[str, str] | tuple[str, str, str]


def sow() -> Ethogram:
    """A sow in a crate or a pen: posture, activity, and events around farrowing."""
    return Ethogram(
        (
            *_states(
                "posture",
                ("lying left side", "q", "On its left flank, head and shoulder on the floor"),
                ("lying right side", "w", "On its right flank, head and shoulder on the floor"),
                ("lying sternal", "e", "On its belly, legs folded under it"),
                ("sitting", "r", "Front legs straight, rump on the floor"),
                ("kneeling", "t", "On its front knees, rump up: on the way down or up"),
                ("standing", "z", "On all four feet, not walking"),
                ("walking", "x", "Two steps or more"),
            ),
            *_states(
                "activity",
                ("feeding", "a", "Head in or over the trough"),
                ("drinking", "s", "Snout at the drinker"),
                ("rooting", "d", "Snout moves floor, straw or fittings"),
                ("nest-building", "f", "Paws, carries or arranges material before farrowing"),
                ("nursing", "g", "On its side, most piglets at the udder and active"),
            ),
            *_points(
                "events",
                ("posture change", "1", "From one posture to another begins"),
                ("piglet born", "2", "A piglet is expelled completely"),
                ("rolling", "3", "From the belly to a side or back, without rising"),
            ),
        )
    )


def growing_pigs() -> Ethogram:
    """Weaners and finishers in groups: posture, activity, and what they do to each other."""
    return Ethogram(
        (
            *_states(
                "posture",
                ("lying lateral", "q", "On a side"),
                ("lying sternal", "w", "On the belly"),
                ("huddled", "e", "Lying against or upon others"),
                ("standing", "r", "On all four feet"),
                ("sitting", "t", "Front legs straight, rump on the floor"),
            ),
            *_states(
                "activity",
                ("feeding", "a", "Head in the feeder"),
                ("drinking", "s", "Snout at the drinker"),
                ("exploring", "d", "Snout moves floor, material or fittings"),
                ("play", "f", "Runs, hops, turns or shakes, without a fight"),
                ("tail biting", "g", "Nibbles, sucks, chews or bites a pen mate's tail"),
                ("ear biting", "h", "Nibbles, sucks, chews or bites a pen mate's ear"),
                ("aggression", "j", "Pushes, knocks with the head or bites in a fight"),
                ("mounting", "k", "Front legs on another's back"),
            ),
            *_points("events", ("nose-to-nose", "1", "Snout touches another's snout")),
        )
    )


def cattle() -> Ethogram:
    """Cows and beef cattle: posture apart from rumination, since they ruminate lying and up."""
    return Ethogram(
        (
            *_states(
                "posture",
                ("lying", "q", "Flank or belly on the ground"),
                ("standing", "w", "On all four feet, not walking"),
                ("walking", "e", "Two steps or more"),
            ),
            *_states(
                "activity",
                ("feeding", "a", "Head at the feed, or grazing"),
                ("drinking", "s", "Muzzle in the water"),
                ("ruminating", "d", "Chews its cud in a rhythm, between regurgitations"),
                ("grooming", "f", "Licks or scratches itself"),
                ("social", "g", "Licks, sniffs or rubs another"),
            ),
            *_points("events", ("mounting", "1", "Front legs leave the ground onto another")),
        )
    )


def mouse() -> Ethogram:
    """A mouse in an arena or its home cage, seen from above or the side."""
    return Ethogram(
        (
            *_states(
                "locomotion",
                ("still", "q", "Not moving from its place"),
                ("moving", "w", "Moves from place to place"),
            ),
            *_states(
                "activity",
                ("grooming", "a", "Licks or scratches itself"),
                ("rearing", "s", "Upright on its hind legs, at a wall or free"),
                ("sniffing", "d", "Nose at an object or in the air, otherwise still"),
                ("eating", "f", "Gnaws at food"),
                ("drinking", "g", "Mouth at the spout"),
                ("digging", "h", "Moves bedding with its paws"),
                ("nest-building", "j", "Carries or arranges nest material"),
                ("social", "k", "Nose or body at another mouse"),
            ),
            *_points("events", ("jump", "1", "All four feet leave the floor")),
        )
    )


def empty() -> Ethogram:
    """Nothing yet."""
    return Ethogram()


PRESETS: Mapping[str, Callable[[], Ethogram]] = {
    "sow": sow,
    "growing pigs": growing_pigs,
    "cattle": cattle,
    "mouse": mouse,
    "empty": empty,
}
"""By the name that a page shows, in its order."""


def preset(name: str) -> Ethogram:
    """An ethogram to start from.

    Raises:
        LabelError: If there is none of that name; the message has the names there are.
    """
    if name not in PRESETS:
        raise LabelError(f"there is no preset {name!r:.60}; presets: {', '.join(PRESETS)}")
    return PRESETS[name]()


def _states(axis: str, *rows: _Row) -> list[Behaviour]:
    return [_behaviour(row, "state", axis) for row in rows]


def _points(axis: str, *rows: _Row) -> list[Behaviour]:
    return [_behaviour(row, "point", axis) for row in rows]


def _behaviour(row: _Row, kind: BehaviourKind, axis: str) -> Behaviour:
    name, key, *description = row
    return Behaviour(name, key=key, kind=kind, axis=axis, description="".join(description))
