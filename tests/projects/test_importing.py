"""Imports: looked at first, then one step, and never over what a person labelled here."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.labels import strategies as some
from tests.labels.strategies import ETHOGRAM
from vidmem.errors import LabelError, ProjectError, StaleEditError
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, Span, merge
from vidmem.projects import Project

LYING = Bout("a.mp4", 1, 5, "lying")


def theirs(*bouts, **fields):
    return Labels(ETHOGRAM, bouts, **fields)


def test_what_would_be_added_and_what_contradicts(project):
    project.labels.add_bout(LYING)
    new = LYING.changed(start_seconds=8, end_seconds=9)
    clash = Bout("a.mp4", 3, 7, "standing")
    doubted = Bout("a.mp4", 20, 21, "lying", source="model", score=0.5)
    there = theirs(LYING, new, clash.changed(start_seconds=5.5, end_seconds=6), doubted)
    there = there.remove(*there.bouts_of(behaviour="standing"))
    preview = project.preview_import(Labels(ETHOGRAM, (new, clash, doubted)))
    before = project.labels.all()
    assert preview.added == (new,)
    assert [(one.mine, one.theirs) for one in preview.conflicts] == [(LYING, clash)]
    assert (preview.num_equal, preview.num_predictions) == (0, 1)
    assert preview.words == (
        "1 bout added, 1 contradiction with labels that are here, 0 bouts here already, "
        "1 prediction of a model left out"
    )
    assert project.preview_import(there).num_equal == 1
    assert project.labels.all() == before  # nothing was done
    changes = project.apply_import(preview, author="Zoë")
    assert (changes.words, changes.edits[0].author) == ("imported 1 bout", "Zoë")
    assert project.labels.all().labels.bouts == (LYING, new)
    project.undo()
    assert project.labels.all().labels == before.labels


@pytest.mark.parametrize("on_conflict", ["keep", "fill", "take"])
def test_conflicts_are_solved_as_chosen(project, on_conflict):
    project.labels.add_bout(LYING)
    labels = theirs(Bout("a.mp4", 3, 7, "standing"), scored=(Span("a.mp4", 0, 9),))
    mine = project.labels.all().labels
    project.apply_import(project.preview_import(labels), on_conflict=on_conflict)
    assert project.labels.all().labels == merge(mine, labels, on_conflict=on_conflict).labels
    project.undo()
    assert project.labels.all().labels == mine
    with pytest.raises(LabelError, match="choose which is kept"):
        project.apply_import(project.preview_import(labels), on_conflict="refuse")


def test_it_is_said_whether_more_was_scored(project):
    scored = theirs(LYING, scored=(Span("a.mp4", 0, 9),))
    assert project.preview_import(scored).has_new_spans
    assert not project.preview_import(theirs(LYING)).has_new_spans
    project.apply_import(project.preview_import(scored))
    assert not project.preview_import(scored).has_new_spans


def test_an_import_of_what_has_changed_is_looked_at_again(project):
    preview = project.preview_import(theirs(LYING))
    project.labels.add_bout(LYING.changed(behaviour="standing"))
    with pytest.raises(StaleEditError, match="look at it again"):
        project.apply_import(preview)


def test_behaviours_come_along(project):
    ethogram = Ethogram((Behaviour("lying", key="x"), Behaviour("huddled", axis="posture")))
    labels = Labels(ethogram, (Bout("a.mp4", 1, 2, "huddled"),))
    preview = project.preview_import(labels)
    assert preview.new_behaviours == ("huddled",)
    project.apply_import(preview)
    assert project.ethogram["lying"] == ETHOGRAM["lying"]
    assert project.behaviours.num_bouts("huddled") == 1
    project.undo()
    assert project.ethogram == ETHOGRAM
    with pytest.raises(LabelError, match="a state in one"):
        project.preview_import(Labels(Ethogram((Behaviour("lying", kind="point"),))))


def test_videos_are_recognised(project):
    names = {"C:\\footage\\A.MP4": "a.mp4", "/home/zoë/b": "b.mp4", "x.mp4": None}
    labels = theirs(*(LYING.changed(video=name) for name in names))
    preview = project.preview_import(labels)
    assert preview.videos == {name: one for name, one in names.items() if one}
    assert preview.unknown_videos == ("x.mp4",)
    assert "1 unknown video: x.mp4" in preview.words
    project.apply_import(preview)
    assert [one.video for one in project.labels.all().labels.bouts] == ["a.mp4", "b.mp4"]
    project.undo()
    preview = project.preview_import(theirs(LYING.changed(video="x.mp4")), {"x.mp4": "b.mp4"})
    assert [str(one) for one in preview.added] == ["lying, 1 to 5 s in b.mp4"]
    with pytest.raises(ProjectError, match=r"there is no video 'c\.mp4'"):
        project.preview_import(theirs(LYING), {"a.mp4": "c.mp4"})


def test_videos_that_are_not_here_are_added_by_name(project, tmp_path):
    labels = theirs(
        LYING.changed(video="x.mp4"), videos=(LabelledVideo("x.mp4", duration_seconds=60),)
    )
    preview = project.preview_import(labels)
    changes = project.apply_import(preview, add_unknown_videos=True)
    assert changes.shown_videos_changed
    video = project.videos["x.mp4"]
    assert (video.path, video.facts.duration_seconds) == (None, 60)
    assert project.videos.missing() == (video,)
    project.undo()
    assert "x.mp4" not in [one.name for one in project.videos.list()]
    # It was here once, with a label of its own by now: nothing of that is lost.
    project.redo()
    own = Bout("x.mp4", 8, 9, "standing")
    project.labels.add_bout(own)
    project.remove_video("x.mp4")
    project.apply_import(project.preview_import(labels), add_unknown_videos=True)
    assert own in project.labels.of("x.mp4").labels.bouts
    (tmp_path / "x.mp4").write_bytes(b"x")
    (found,) = project.locate([tmp_path])
    assert (found.name, found.path) == ("x.mp4", tmp_path / "x.mp4")


def test_a_file_that_is_added_is_the_video_that_labels_are_of(project, tmp_path):
    preview = project.preview_import(theirs(LYING.changed(video="x.mp4")))
    project.apply_import(preview, add_unknown_videos=True)
    (tmp_path / "x.mp4").write_bytes(b"x")
    added = project.add_video(tmp_path / "x.mp4")
    assert (added.name, added.size_bytes) == ("x.mp4", 1)
    assert len(project.labels.of("x.mp4").labels.bouts) == 1


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(some.labels())
def test_all_labels_come_through(tmp_path_factory, labels):
    """Into an empty project, and out again: equal."""
    human = Labels(
        labels.ethogram,
        tuple(one.changed(source="human", score=None) for one in labels.bouts),
        labels.not_scored,
        labels.scored,
        labels.videos,
    )
    with Project.create(tmp_path_factory.mktemp("p")) as project:
        preview = project.preview_import(human)
        assert preview.added == () and preview.unknown_videos == tuple(sorted(some.VIDEOS))
        project.apply_import(preview, add_unknown_videos=True)
        assert project.labels.all().labels == human
        project.undo()
        assert project.labels.all().labels == Labels()
