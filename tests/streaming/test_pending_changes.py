"""What other threads ask of an engine."""

from __future__ import annotations

from tests.streaming.doubles import FakeModel
from vidmem.streaming import StreamSettings
from vidmem.streaming.pending_changes import PendingChanges


def make_pending(model=None):
    model = model or FakeModel()
    return PendingChanges(StreamSettings.for_model(model), model), model


def test_several_changes_add_up_until_they_are_taken():
    pending, model = make_pending()
    pending.change(None, {"l_mem": 1})
    pending.change(None, {"fps": 2.0, "l_mem": None})
    assert (pending.settings.l_mem, pending.settings.fps) == (1, 2.0)
    assert not pending.is_empty
    change = pending.begin()
    assert (change.settings.l_mem, change.settings.fps, change.model) == (1, 2.0, model)
    pending.end(change)
    assert pending.is_empty


def test_a_jump_is_taken_once_and_survives_a_change():
    pending, _ = make_pending()
    pending.seek(3.0)
    pending.change(None, {"l_mem": 1})
    assert pending.has_jump
    assert pending.begin().seek_seconds == 3.0
    assert not pending.has_jump
    assert pending.begin().settings.l_mem == 1


def test_only_what_empties_the_memory_is_answered_with_a_sentence():
    pending, _ = make_pending()
    change = pending.change(None, {"l_mem": 1, "window_stride": 2, "fps": 1.0})
    assert change.restarted is None
    assert "8 frames instead of 4" in pending.change(None, {"clip_frames": 8}).restarted
    assert "jumped to 00:03" in pending.seek(3.0)
    assert pending.change(None, {"l_mem": 2}).restarted is None


def test_a_model_with_memory_after_one_without_gets_its_own_l_mem():
    plain = FakeModel()
    plain.config.memory = None
    pending, _ = make_pending(plain)
    pending.change(FakeModel(), {})
    assert pending.begin().settings.l_mem == 3
