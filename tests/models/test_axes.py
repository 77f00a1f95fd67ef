"""A model of several axes: what its card may say, and probabilities that add up on each."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

import vidmem
from tests.conftest import make_tiny_model
from vidmem.models import CardAxis, ModelCard
from vidmem.models.interface import class_probabilities
from vidmem.streaming.saving.identity import ModelIdentity

AXES = (CardAxis("activity", ("moving", "still")), CardAxis("place", ("wall", "centre", "nest")))
NAMES = ("moving", "still", "wall", "centre", "nest")


def make_card(axes=AXES, names=NAMES):
    return ModelCard(name="two", title="Two", class_names=names, axes=axes)


def test_probabilities_of_each_axis_add_up_to_one_and_are_its_own_softmax():
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    found = class_probabilities(logits, make_card())
    assert torch.equal(found[..., :2], logits[..., :2].softmax(-1))
    assert torch.equal(found[..., 2:], logits[..., 2:].softmax(-1))
    for card in (make_card(()), make_card((CardAxis("posture", NAMES),))):
        assert torch.equal(class_probabilities(logits, card), logits.softmax(-1))
        assert card.several_axes == ()


def test_a_card_always_has_an_axis():
    assert make_card().all_axes == make_card().several_axes == AXES
    assert make_card(()).all_axes == (CardAxis("behaviour", NAMES),)


@pytest.mark.parametrize(
    ("axes", "names", "message"),
    [
        (AXES[:1], NAMES, "classes of the axes must be class_names"),
        (AXES[::-1], NAMES, "in order"),
        ((AXES[0], CardAxis("place", ("still",))), (*NAMES[:2], "still"), "two of the class names"),
        ((AXES[0], CardAxis("activity", ("wall",))), NAMES[:3], "two of the axis names"),
    ],
)
def test_axes_that_do_not_fit_are_refused(axes, names, message):
    with pytest.raises(ValueError, match=message):
        make_card(axes, names)


def test_an_axis_has_a_name_and_classes():
    with pytest.raises(ValueError, match="one line"):
        CardAxis("two\nlines", ("a",))
    with pytest.raises(ValueError, match="at least one class"):
        CardAxis("empty", ())


def test_axes_are_saved_with_the_model_and_a_card_without_is_as_it_was(tmp_path):
    model = make_tiny_model()
    plain = ModelIdentity.of(model).as_dict()
    vidmem.save(model, tmp_path / "plain")
    assert "axes" not in json.loads((tmp_path / "plain" / "config.json").read_text())["card"]
    assert sorted(plain) == sorted(
        ["name", "class_names", "dtype", "config_sha256", "weights_sha256"]
    )
    names = model.card.class_names
    axes = (CardAxis("posture", names[:2]), CardAxis("activity", names[2:]))
    model.card = replace(model.card, axes=axes)
    vidmem.save(model, tmp_path / "two")
    loaded = vidmem.load(tmp_path / "two")
    assert loaded.card.axes == axes
    assert "its axes differ" in ModelIdentity.of(loaded).difference_from(plain)
    assert ModelIdentity.of(loaded).difference_from(ModelIdentity.of(model).as_dict()) is None
