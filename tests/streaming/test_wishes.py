"""What other threads ask of an engine."""

from __future__ import annotations

from tests.streaming.doubles import FakeModel
from vidmem.streaming import StreamSettings
from vidmem.streaming.wishes import Wishes


def make_wishes(model=None):
    model = model or FakeModel()
    return Wishes(StreamSettings.for_model(model), model), model


def test_several_changes_add_up_until_they_are_taken():
    wishes, model = make_wishes()
    wishes.change(None, {"l_mem": 1})
    wishes.change(None, {"fps": 2.0, "l_mem": None})
    wish = wishes.take()
    assert (wish.settings.l_mem, wish.settings.fps, wish.model) == (1, 2.0, model)


def test_a_jump_is_taken_once_and_survives_a_change():
    wishes, _ = make_wishes()
    wishes.seek(3.0)
    wishes.change(None, {"l_mem": 1})
    assert wishes.has_jump
    assert wishes.take().seek_seconds == 3.0
    assert wishes.take().seek_seconds is None


def test_only_what_empties_the_memory_is_answered_with_a_sentence():
    wishes, _ = make_wishes()
    assert wishes.change(None, {"l_mem": 1, "window_stride": 2, "fps": 1.0}) is None
    assert "8 frames instead of 4" in wishes.change(None, {"clip_frames": 8})
    assert "was wound to 3.00 s" in wishes.seek(3.0)
    assert wishes.change(None, {"l_mem": 2}) is None


def test_a_model_with_memory_after_one_without_gets_its_own_l_mem():
    plain = FakeModel()
    plain.config.memory = None
    wishes, _ = make_wishes(plain)
    wishes.change(FakeModel(), {})
    assert wishes.take().settings.l_mem == 3
