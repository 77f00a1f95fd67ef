"""The ethogram of a project: edits that keep labels, and say how many go."""

from __future__ import annotations

import pytest

from tests.labels.strategies import ETHOGRAM
from vidmem.errors import LabelError, StaleEditError
from vidmem.labels import Behaviour, Bout, Ethogram, Span, preset

LYING, STANDING = Bout("a.mp4", 1, 5, "lying"), Bout("b.mp4", 1, 5, "standing")


@pytest.fixture
def labelled(project):
    """With three bouts of lying, and one of standing."""
    project.labels.add_bout(LYING)
    project.labels.add_bout(LYING.changed(start_seconds=7, end_seconds=9))
    project.labels.add_bout(LYING.changed(video="b.mp4", subject="sow 12"))
    project.labels.add_bout(STANDING)
    return project


def test_a_new_name_keeps_the_labels(labelled):
    before = labelled.labels.all().labels
    assert labelled.behaviours.rename("lying", "säugt 🐖").words == "renamed lying to säugt 🐖"
    after = labelled.labels.all().labels
    assert after == before.rename_behaviour("lying", "säugt 🐖")
    labelled.behaviours.add(Behaviour("lying", axis="posture"))  # the name is free, and a new one
    assert labelled.behaviours.num_bouts("lying") == 0
    labelled.undo()
    labelled.undo()
    assert labelled.labels.all().labels == before


def test_colours_keys_and_order(labelled):
    edit = labelled.behaviours
    edit.recolour("lying", "#ABCDEF")
    edit.rekey("lying", "9")
    edit.rekey("standing", "l")  # the key that is free now
    edit.reorder("feeding", 0)
    edit.change("feeding", description="head in the trough")
    want = ETHOGRAM.recoloured("lying", "#abcdef").changed("lying", key="9")
    want = want.changed("standing", key="l").moved("feeding", 0)
    assert labelled.ethogram == want.changed("feeding", description="head in the trough")
    for _ in range(5):
        labelled.undo()
    assert labelled.ethogram == ETHOGRAM
    with pytest.raises(LabelError, match="two behaviours have the key"):
        edit.rekey("standing", "l")
    with pytest.raises(LabelError, match="two behaviours have the name"):
        edit.rename("standing", "lying")
    with pytest.raises(LabelError, match="no behaviour"):
        edit.recolour("swimming", "#000000")
    with pytest.raises(ValueError, match="with rename"):
        edit.change("lying", name="x")
    assert labelled.ethogram == ETHOGRAM


def test_deleting_says_how_many_bouts_go(labelled):
    before = labelled.labels.all().labels
    assert labelled.behaviours.num_bouts("lying") == 3
    labelled.labels.add_bout(LYING.changed(start_seconds=20, end_seconds=21))
    with pytest.raises(StaleEditError, match="4 bouts of lying would go, not 3"):
        labelled.behaviours.delete("lying", num_bouts=3)
    labelled.undo()
    changes = labelled.behaviours.delete("lying", num_bouts=3)
    assert changes.words == "deleted the behaviour lying with 3 bouts"
    assert labelled.labels.all().labels == before.without_behaviour("lying")
    labelled.undo()
    assert labelled.labels.all().labels == before
    labelled.redo()
    assert labelled.labels.all().labels.bouts == (STANDING,)
    with pytest.raises(LabelError, match="no behaviour 'lying'"):
        labelled.behaviours.num_bouts("lying")


def test_labels_of_a_video_that_was_taken_out_go_along(labelled):
    labelled.remove_video("b.mp4")
    assert labelled.behaviours.num_bouts("lying") == 3
    labelled.behaviours.delete("lying")
    labelled.undo()
    labelled.undo()
    assert len(labelled.labels.all().labels.bouts) == 4


def test_axes_take_their_marks_along(labelled):
    labelled.labels.mark_scored(Span("a.mp4", 0, 10, axis="posture"))
    labelled.behaviours.rename_axis("posture", "Haltung")
    (span,) = labelled.labels.all().labels.scored
    assert span.axis == "Haltung"
    labelled.labels.add_bout(Bout("a.mp4", 2, 3, "feeding"))
    before = labelled.labels.all().labels
    with pytest.raises(LabelError, match="overlap, but exclude each other"):
        labelled.behaviours.change("feeding", axis="Haltung")
    assert labelled.labels.all().labels == before
    for name in ("rolling", "standing", "lying"):
        labelled.behaviours.delete(name)
    assert labelled.labels.all().labels.scored == ()
    for _ in range(3):
        labelled.undo()
    assert labelled.labels.all().labels == before


def test_a_preset_is_added(project):
    project.behaviours.unite(preset("mouse"))
    assert project.ethogram == ETHOGRAM.united(preset("mouse"))
    with pytest.raises(LabelError, match="a state in one ethogram and a point"):
        project.behaviours.unite(Ethogram((Behaviour("lying", kind="point"),)))


def test_bouts_are_counted_by_behaviour(labelled):
    counts = labelled.behaviours.counts()
    assert tuple(counts) == labelled.ethogram.names
    assert counts == {name: labelled.behaviours.num_bouts(name) for name in labelled.ethogram.names}
    labelled.remove_video("b.mp4")
    assert labelled.behaviours.counts() == counts


def test_a_key_is_taken_over_in_one_step(labelled):
    labelled.behaviours.rekey("feeding", "l", is_taken=True)
    assert [labelled.ethogram[name].key for name in ("lying", "feeding")] == ["", "l"]
    labelled.undo()
    assert labelled.ethogram == ETHOGRAM
    labelled.behaviours.rekey("feeding", "9", is_taken=True)  # nobody has it
    labelled.behaviours.rekey("lying", "l", is_taken=True)  # it has it itself
    assert labelled.ethogram == ETHOGRAM.changed("feeding", key="9")
