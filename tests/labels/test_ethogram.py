"""Ethograms: what they refuse, what edits give, and colours that can be told apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vidmem.errors import LabelError
from vidmem.labels import DEFAULT_COLOURS, PRESETS, Behaviour, Ethogram, default_colours, preset

LYING = Behaviour("lying", key="l", axis="posture")
STANDING = Behaviour("standing", key="s", axis="posture")
BORN = Behaviour("piglet born", kind="point", axis="events")
ETHOGRAM = Ethogram((LYING, STANDING, BORN))

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear light.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(colour, vision):
    """CIELAB of a colour as a kind of vision sees it."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISIONS[vision]) @ light, 0, 1)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.072175],
            [0.0193339, 0.119192, 0.9503041],
        ]
    )
    ratio = to_xyz @ seen / to_xyz.sum(axis=1)
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISIONS)
def test_24_default_colours_can_be_told_apart(vision):
    seen = [lab(colour, vision) for colour in default_colours(24)]
    # A difference of 2.3 is just noticeable; small areas of a timeline need several times that.
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 14


def test_colours_come_again_only_when_all_are_used():
    assert len(set(default_colours(24))) == 24
    assert default_colours(25)[24] == default_colours(1)[0]
    many = Ethogram.of(*(f"b{n}" for n in range(24)))
    assert [one.colour for one in many] == list(DEFAULT_COLOURS)


def test_a_behaviour_without_a_colour_gets_one_that_no_other_has():
    first = Behaviour("a", colour=DEFAULT_COLOURS[1].upper())
    got = Ethogram((Behaviour("x"), first, Behaviour("y")))
    assert [one.colour for one in got] == [DEFAULT_COLOURS[i] for i in (0, 1, 2)]
    assert got.recoloured("a", "#123456")["a"].colour == "#123456"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "must not be empty"),
        ({"name": "a\nb"}, "one line without control characters"),
        ({"name": "a\x1b"}, r"got 'a\\\\x1b'"),
        ({"name": " a"}, "begin or end with a space"),
        ({"name": "Not_Scored"}, "reserved.*mark a span as not scored"),
        ({"name": "none of these"}, "reserved"),
        ({"colour": "red"}, "like #e69f00, got 'red'"),
        ({"key": "ab"}, "one character that can be typed"),
        ({"key": " "}, "one character that can be typed"),
        ({"kind": "event"}, "'state' or a 'point', got 'event'"),
        ({"axis": ""}, "axis of a must not be empty"),
        ({"description": "\x00"}, "no control characters"),
    ],
)
def test_what_a_behaviour_cannot_be(fields, message):
    with pytest.raises(LabelError, match=message):
        Behaviour(**{"name": "a", **fields})


def test_names_and_keys_are_unique():
    with pytest.raises(LabelError, match="two behaviours have the name 'lying'"):
        ETHOGRAM.added(LYING)
    with pytest.raises(LabelError, match="two behaviours have the key 'l'"):
        ETHOGRAM.added(Behaviour("walking", key="l"))
    assert ETHOGRAM.added(Behaviour("walking", key="L")).of_key("L").name == "walking"


def test_edits_give_new_ethograms():
    walking = Behaviour("walking", axis="posture")
    assert ETHOGRAM.added(walking).names == ("lying", "standing", "piglet born", "walking")
    assert ETHOGRAM.added(walking, 0).names[0] == "walking"
    assert ETHOGRAM.moved("lying", 1).names == ("standing", "lying", "piglet born")
    assert ETHOGRAM.moved("lying", 99).names[-1] == "lying"
    assert ETHOGRAM.removed("lying").names == ("standing", "piglet born")
    assert ETHOGRAM.renamed("lying", "ligger 🐷").names[0] == "ligger 🐷"
    assert ETHOGRAM.renamed("lying", "down")["down"].colour == ETHOGRAM["lying"].colour
    assert ETHOGRAM.changed("lying", axis="activity").axes == ("activity", "posture", "events")
    assert ETHOGRAM.names == ("lying", "standing", "piglet born")


def test_axes_and_kinds():
    assert ETHOGRAM.axes == ("posture", "events")
    assert [one.name for one in ETHOGRAM.states_of("posture")] == ["lying", "standing"]
    assert ETHOGRAM.states_of("events") == ()
    assert [one.name for one in ETHOGRAM.points] == ["piglet born"]
    assert ETHOGRAM.axis_renamed("posture", "pose").axes == ("pose", "events")
    assert ETHOGRAM.only_axis("events").names == ("piglet born",)
    with pytest.raises(LabelError, match=r"no axis 'pose'.*posture, events"):
        ETHOGRAM.states_of("pose")
    with pytest.raises(LabelError, match=r"no behaviour 'sitting'.*lying, standing"):
        ETHOGRAM["sitting"]
    with pytest.raises(LabelError, match="an axis 'events' already"):
        ETHOGRAM.axis_renamed("posture", "events")


def test_united_keeps_mine_and_adds_theirs():
    theirs = Ethogram((Behaviour("lying", key="x"), Behaviour("sitting", key="s", axis="posture")))
    both = ETHOGRAM.united(theirs)
    assert both.names == ("lying", "standing", "piglet born", "sitting")
    assert both["lying"] == ETHOGRAM["lying"]
    assert both["sitting"].key == ""  # standing has it
    assert len({one.colour for one in both}) == 4
    with pytest.raises(LabelError, match="a point in one ethogram and a state in the other"):
        ETHOGRAM.united(Ethogram.of("piglet born"))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_can_be_used_as_they_are(name):
    ethogram = preset(name)
    assert len({one.colour for one in ethogram}) == len(ethogram)
    assert all(one.key and one.description for one in ethogram)
    assert bool(ethogram.axes) == (name != "empty")


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(LabelError, match="no preset 'horse'; presets: sow, growing pigs, cattle"):
        preset("horse")
