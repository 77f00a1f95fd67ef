"""Edits of labels: one transaction each, said in words, undone and done again."""

from __future__ import annotations

import tempfile
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels import strategies as some
from tests.labels.strategies import ETHOGRAM
from vidmem.errors import LabelError, ProjectError, StaleEditError
from vidmem.labels import Behaviour, Bout, Labels, Span
from vidmem.projects import Changes, EditMark, Project

LYING = Bout("a.mp4", 1, 5, "lying")


def bouts_of(project, video="a.mp4"):
    return project.labels.of(video).labels.bouts


def test_each_edit_says_what_it_did(project):
    labels = project.labels
    standing = LYING.changed(behaviour="standing", end_seconds=6)
    steps = [
        (labels.add_bout(LYING), "added lying, 00:01 to 00:05 in a.mp4"),
        (
            labels.change_bout(LYING, standing),
            "changed lying in a.mp4: 00:01 to 00:05 became standing, 00:01 to 00:06",
        ),
        (labels.split(standing, 2.5), "split standing, 00:01 to 00:06 in a.mp4"),
        (labels.join(*bouts_of(project)), "joined standing, 00:01.0 to 00:02.5 in a.mp4, and the"),
        (labels.remove_bout(standing), "removed standing, 00:01 to 00:06 in a.mp4"),
        (labels.add_bout(Bout("a.mp4", 3, 3, "rolling", "sow 12")), "added rolling of sow 12, at"),
        (labels.mark_scored(Span("a.mp4", 0, 9)), "marked as scored: all axes, 00:00 to 00:09 in"),
        (labels.mark_not_scored(Span("a.mp4", 1, 2, axis="posture")), "marked as not scored: post"),
        (labels.unmark(Span("a.mp4", 0, 20)), "took away the mark of all axes, 00:00 to 00:20"),
    ]
    for changes, words in steps:
        assert changes.words.startswith(words)
    assert [edit.words for edit in reversed(project.history.last())][1:] == [
        changes.words for changes, _ in steps
    ]
    for changes, _ in reversed(steps):
        assert project.history.next_undo.words == changes.words
        assert project.undo().words == f"undid: {changes.words}"
    assert bouts_of(project) == ()
    assert project.redo(author="Zoë").words == f"did again: {steps[0][0].words}"
    assert project.history.last(1)[0].author == "Zoë"


def test_an_edit_that_changes_nothing_is_none(project):
    project.labels.add_bout(LYING)
    before = project.revision
    project.undo()
    project.redo()
    changes = project.labels.add_bout(LYING)
    assert changes == Changes(revision=before + 2)
    project.labels.unmark(Span("a.mp4", 30, 40))
    assert project.history.next_undo.words.startswith("added lying")


def test_axes_exclude_each_other_as_in_labels(project):
    project.labels.add_bout(LYING)
    project.labels.add_bout(LYING.changed(behaviour="standing", start_seconds=3, end_seconds=4))
    assert [str(one) for one in bouts_of(project)] == [
        "lying, 1 to 3 s in a.mp4",
        "standing, 3 to 4 s in a.mp4",
        "lying, 4 to 5 s in a.mp4",
    ]
    with pytest.raises(LabelError, match="exclude each other"):
        project.labels.add_bout(LYING, on_overlap="refuse")
    project.undo()
    assert bouts_of(project) == (LYING,)


def test_what_cannot_be_edited_is_said_and_changes_nothing(project):
    project.labels.add_bout(LYING)
    before = project.labels.all()
    with pytest.raises(LabelError, match="there is no bout"):
        project.labels.remove_bout(LYING.changed(end_seconds=4))
    with pytest.raises(LabelError, match="no behaviour 'flying'"):
        project.labels.add_bout(LYING.changed(behaviour="flying"))
    with pytest.raises(LabelError, match="must last longer"):
        project.labels.split(LYING, 5)
    with pytest.raises(ProjectError, match=r"there is no video 'c\.mp4'"):
        project.labels.add_bout(LYING.changed(video="c.mp4"))
    with pytest.raises(ProjectError, match="only when a person confirms it"):
        project.labels.add_bout(LYING.changed(source="model", score=0.5, start_seconds=0))
    with pytest.raises(ValueError, match="stays in its video"):
        project.labels.change_bout(LYING, LYING.changed(video="b.mp4"))
    with pytest.raises(ValueError, match=r"may not touch b\.mp4"):
        project.labels.edit(
            "a.mp4", lambda labels: labels.add(LYING.changed(video="b.mp4")), words=""
        )
    with pytest.raises(ValueError, match="keeps the ethogram"):
        project.labels.edit(
            "a.mp4", lambda labels: labels.rename_behaviour("lying", "resting"), words=""
        )
    with pytest.raises(RuntimeError, match="transactions are short"):
        project.labels.edit("a.mp4", lambda labels: project.undo() and labels, words="")
    assert project.labels.all() == before


def test_a_new_edit_drops_what_was_undone(project):
    project.labels.add_bout(LYING)
    project.undo()
    project.labels.add_bout(LYING.changed(behaviour="standing"))
    assert project.history.next_redo is None
    with pytest.raises(ProjectError, match="nothing to redo"):
        project.redo()
    while project.history.next_undo:
        project.undo()
    with pytest.raises(ProjectError, match="nothing to undo"):
        project.undo()


def test_an_undo_is_of_the_edit_that_was_shown(project):
    shown = project.labels.add_bout(LYING).revision
    project.labels.add_bout(LYING.changed(start_seconds=8, end_seconds=9))
    with pytest.raises(StaleEditError, match="would be of another edit now: added lying, 00:08"):
        project.undo(shown)
    project.undo()
    assert project.undo(shown, since=shown).revision == shown + 3
    assert project.redo(shown).words.startswith("did again")


def test_an_edit_of_an_id_is_made_once(project, clock):
    at = project.revision

    def add(one):
        return one.labels.edit(
            "a.mp4",
            lambda labels: labels.add(LYING),
            words="added lying",
            revision=at,
            mark=EditMark("first"),
        )

    made = add(project)
    assert [edit.edit_id for edit in made.edits] == ["first"]
    assert add(project) == made  # an answer to what was lost, with all that is new
    project.undo()
    assert add(project).revision == made.revision + 1
    assert bouts_of(project) == ()
    with Project.open(project.folder, now=clock) as again:
        add(again)
    assert bouts_of(project) == ()
    assert len(project.history.last()) == 3  # with the ethogram


def test_edits_that_continue_each_other_are_undone_and_done_again_as_one(project):
    def edit(new, old=None, **mark):
        def operation(labels):
            return labels.add(new) if old is None else labels.replace(old, new)

        words = f"up to {new.end_seconds:g}"
        return project.labels.edit("a.mp4", operation, words=words, mark=EditMark(**mark))

    longer, longest = LYING.changed(end_seconds=6), LYING.changed(end_seconds=9)
    edit(LYING, edit_id="1")
    edit(longer, LYING, edit_id="2", continues="1")
    edit(longest, longer, edit_id="3", continues="2")
    standing = LYING.changed(behaviour="standing", start_seconds=10, end_seconds=12)
    edit(standing, edit_id="4", continues="none such")
    # Something came in between, so this one stands alone.
    edit(longest.changed(end_seconds=9.5), longest, edit_id="5", continues="1")
    words = []
    while (step := project.history.next_undo).words.startswith("up to"):
        words.append(step.words)
        project.undo(step.revision)
    assert words == ["up to 9.5", "up to 12", "up to 9"]
    assert bouts_of(project) == ()
    for wanted in reversed(words):
        step = project.history.next_redo
        assert step.words == wanted
        project.redo(step.revision)
    assert bouts_of(project) == (longest.changed(end_seconds=9.5), standing)
    project.undo()
    project.undo()
    project.undo()
    edit(standing, edit_id="6")
    assert project.history.next_redo is None
    assert bouts_of(project) == (standing,)


def test_a_page_is_told_what_is_new(project):
    at = project.revision
    assert project.changes_since(at) == Changes(revision=at)
    project.labels.add_bout(LYING, author="Zoë")
    project.labels.add_bout(LYING.changed(video="b.mp4"))
    longer = LYING.changed(end_seconds=8)
    project.labels.change_bout(LYING, longer)
    project.labels.mark_scored(Span("a.mp4", 0, 9, axis="posture"))
    changes = project.changes_since(at)
    assert [edit.author for edit in changes.edits] == ["Zoë", "", "", ""]
    first, second = changes.videos
    assert (first.video, first.removed, first.added) == ("a.mp4", (), (longer,))
    assert first.scored == (Span("a.mp4", 0, 9, axis="posture"),)
    assert (second.video, second.added) == ("b.mp4", (LYING.changed(video="b.mp4"),))
    project.undo()
    project.undo()
    project.undo()
    project.undo()
    assert project.changes_since(at).videos == ()  # all came and went
    assert len(project.changes_since(at).edits) == 8
    assert not project.changes_since(10**9).is_complete


def test_a_page_is_told_of_the_ethogram(project):
    project.labels.add_bout(LYING)
    at = project.revision
    project.behaviours.recolour("lying", "#123456")
    project.behaviours.add(Behaviour("kneeling", axis="posture"))
    changes = project.changes_since(at)
    assert changes.is_complete and changes.ethogram == project.ethogram
    project.behaviours.rename("lying", "resting")
    assert not project.changes_since(at).is_complete
    at = project.revision
    project.remove_video("b.mp4")
    assert project.changes_since(at).shown_videos_changed


def test_threads_share_a_project(project):
    faults = []

    def work(number):
        try:
            for step in range(10):
                start = number * 100 + step * 2
                bout = LYING.changed(start_seconds=start, end_seconds=start + 1)
                project.labels.add_bout(bout)
                assert bout in bouts_of(project)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(bouts_of(project)) == 60


# Any edits.


@st.composite
def edits(draw):
    """As functions of a project; some are refused by what is there."""
    kind = draw(st.sampled_from(("add", "add", "scored", "unscored", "unmark", "remove", "name")))
    bout, span = draw(some.bouts()).changed(source="human"), draw(some.spans())
    which, text = draw(st.integers(0, 100)), draw(st.sampled_from(("x", "y", "ñ 'x\" --")))

    def act(project):
        there = project.labels.all().labels.bouts
        names = project.ethogram.names
        if kind == "add":
            return project.labels.add_bout(bout)
        if kind == "remove" and there:
            return project.labels.remove_bout(there[which % len(there)])
        if kind == "name" and names:
            name = names[which % len(names)]
            if which < 20:
                return project.behaviours.delete(name)
            if which < 40:
                return project.behaviours.reorder(name, which % 5)
            return project.behaviours.rename(name, text)
        mark = {
            "scored": project.labels.mark_scored,
            "unscored": project.labels.mark_not_scored,
        }.get(kind, project.labels.unmark)
        return mark(span)

    return act


def told(labels: Labels, changes: Changes) -> Labels:
    """What a page shows, after it was told of changes."""
    for one in changes.videos:
        others = [bout for bout in labels.bouts if bout not in one.removed]
        assert len(others) == len(labels.bouts) - len(one.removed)
        labels = Labels(
            labels.ethogram,
            (*others, *one.added),
            (*(span for span in labels.not_scored if span.video != one.video), *one.not_scored),
            (*(span for span in labels.scored if span.video != one.video), *one.scored),
            labels.videos,
        )
    return labels if changes.ethogram is None else labels.with_ethogram(changes.ethogram)


@settings(max_examples=12, deadline=None)
@given(st.lists(edits(), max_size=12))
def test_undo_of_all_is_the_start_and_redo_of_all_the_end(acts):
    with tempfile.TemporaryDirectory() as folder, Project.create(folder) as project:
        project.behaviours.unite(ETHOGRAM)
        for number, name in enumerate(some.VIDEOS):
            path = project.folder / name
            path.write_bytes(bytes([number]))
            project.add_video(path)
        states = [project.labels.all()]
        for act in acts:
            before = states[-1]
            try:
                act(project)
            except LabelError:
                assert project.labels.all() == before
            changes = project.changes_since(before.revision)
            now = project.labels.all()
            if changes.is_complete:
                assert told(before.labels, changes) == now.labels
            if changes.edits:
                states.append(now)
        for before in reversed(states[:-1]):
            project.undo()
            assert project.labels.all().labels == before.labels
        for after in states[1:]:
            project.redo()
            assert project.labels.all().labels == after.labels
        assert project.history.next_redo is None
