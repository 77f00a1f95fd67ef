"""Two writers at once: what one did not see, she does not change; what is accepted is kept."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

from tests.labels.strategies import ETHOGRAM
from vidmem.errors import LabelError, ProjectError, StaleEditError
from vidmem.labels import Bout, Labels, Span
from vidmem.projects import Project
from vidmem.projects.rows import Content, RowDifference, from_text, read_content

LYING = Bout("a.mp4", 1, 5, "lying")


class Page:
    """What one page shows of a video, and what it was told of its edits."""

    def __init__(self, project: Project, video: str, draw: random.Random, author: str):
        self.project, self.video, self.draw, self.author = project, video, draw, author
        self.accepted: list[tuple[int, int]] = []
        """The revision that each accepted edit was made on, and the one that it made."""
        self.num_refused = 0
        self.look()

    def look(self):
        found = self.project.labels.of(self.video)
        self.labels, self.revision = found.labels, found.revision

    def act(self):
        """Look, or edit what it shows, which may be old."""
        if self.draw.random() < 0.25:
            self.look()
            return
        try:
            changes = self.edit()
        except StaleEditError:
            self.num_refused += 1
            self.look()
        except LabelError:  # its own fault, such as an edge before a start
            pass
        else:
            if changes.edits and changes.edits[-1].author == self.author:
                self.accepted.append((self.revision, changes.revision))
            self.look()

    def edit(self):
        labels, options = self.project.labels, {"revision": self.revision, "author": self.author}
        start = self.draw.randrange(20)
        behaviour = self.draw.choice(("lying", "standing", "feeding"))
        note = f"{self.author}{self.draw.random()}"
        new = Bout(self.video, start, start + self.draw.randint(1, 6), behaviour, comment=note)
        bouts = self.labels.bouts
        kind = self.draw.randrange(8)
        if kind < 3 or not bouts:
            return labels.add_bout(new, **options)
        one = self.draw.choice(bouts)
        if kind == 3:
            return labels.remove_bout(one, **options)
        if kind == 4:
            return labels.change_bout(one, one.changed(end_seconds=one.end_seconds + 1), **options)
        span = Span(self.video, start, start + 4, axis=self.draw.choice(ETHOGRAM.axes))
        marks = (labels.mark_scored, labels.mark_not_scored, labels.unmark)
        return marks[kind - 5](span, **options)


def contents(project, video):
    """What was stored of a video at each revision, by the history; and of each, what it changed."""
    changed = {revision: [] for revision in range(1, project.revision + 1)}
    with project._database.reading() as connection:
        video_id = project.videos[video].video_id
        for revision, *part in connection.execute(
            "SELECT revision, of, removed, added FROM parts WHERE video_id = ?", (video_id,)
        ):
            changed[revision].append(RowDifference(part[0], video_id, *map(from_text, part[1:])))
        now = read_content(connection, video_id)
    states = {0: Content(frozenset(), frozenset())}
    for revision, parts in changed.items():
        states[revision] = states[revision - 1]
        for part in parts:
            states[revision] = states[revision].applied(part)
    assert states[project.revision] == now
    return states, changed


def check_nothing_unseen_was_changed(project, video, accepted):
    states, changed = contents(project, video)
    made = {new for _, new in accepted}
    assert made == {revision for revision, parts in changed.items() if parts}
    assert len(made) == len(accepted)
    for seen, new in accepted:
        for part in changed[new]:
            if part.of == "bout":
                assert part.removed <= states[seen].bouts
            else:  # of marks, the time that goes was marked when she looked
                gone = marked(part.removed) - marked(part.added)
                assert gone <= marked(states[seen].spans)


def marked(rows):
    """Each second that is marked, of each mark and track."""
    return {
        (what, subject, axis, second)
        for what, start, end, subject, axis in rows
        for second in range(start // 1_000_000, end // 1_000_000)
    }


@pytest.mark.usefixtures("quick_commits")
def test_200_interleavings_of_two_pages_lose_no_edit(tmp_path):
    draw = random.Random(17)
    num_refused = num_accepted = 0
    for number in range(200):
        # A few interleavings to a project: the check looks through all of its history.
        if number % 10 == 0:
            folder = tmp_path / str(number)
            with Project.create(folder) as made:
                made.behaviours.unite(ETHOGRAM)
            first, second = Project.open(folder), Project.open(folder)
        name = f"{number}.mp4"
        (folder / name).write_bytes(name.encode())
        first.add_video(folder / name)
        pages = [Page(one, name, draw, author) for one, author in ((first, "A"), (second, "B"))]
        for _ in range(8):
            draw.choice(pages).act()
        accepted = [edit for page in pages for edit in page.accepted]
        check_nothing_unseen_was_changed(second, name, accepted)
        assert first.labels.of(name) == second.labels.of(name)
        num_accepted += len(accepted)
        num_refused += sum(page.num_refused for page in pages)
        if number % 10 == 9:
            first.close()
            second.close()
    assert num_accepted > 500 and num_refused > 50  # both happen


WRITER = """
import json, random, sys
from tests.projects.test_two_writers import Page
from vidmem.projects import Project

with Project.open(sys.argv[1]) as project:
    page = Page(project, "a.mp4", random.Random(sys.argv[2]), sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(40):
        page.act()
    print(json.dumps([page.accepted, page.num_refused]))
"""


def test_two_processes_lose_no_edit(project):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(project.folder), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("A", "B")
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    accepted = []
    for writer in writers:
        out, _ = writer.communicate(timeout=240)
        assert writer.returncode == 0
        accepted += map(tuple, json.loads(out)[0])
    assert len(accepted) > 20
    check_nothing_unseen_was_changed(project, "a.mp4", accepted)


# One case after the other.


@pytest.fixture
def other(project):
    """The project in another page."""
    with Project.open(project.folder) as one:
        yield one


def test_an_edit_of_something_else_goes_on_top(project, other):
    at = project.labels.add_bout(LYING).revision
    other.labels.add_bout(LYING.changed(behaviour="feeding"), author="Zoë", revision=at)
    later = LYING.changed(start_seconds=8, end_seconds=9)
    changes = project.labels.add_bout(later, revision=at)
    # The answer tells of the other page's edit too.
    assert [edit.author for edit in changes.edits] == ["Zoë", ""]
    assert len(changes.videos[0].added) == 2
    assert len(other.labels.of("a.mp4").labels.bouts) == 3


def test_an_edit_of_what_was_changed_is_refused(project, other):
    at = project.labels.add_bout(LYING).revision
    longer = LYING.changed(end_seconds=7)
    other.labels.change_bout(LYING, longer, author="Zoë")
    for edit in (
        lambda: project.labels.remove_bout(LYING, revision=at),
        lambda: project.labels.change_bout(LYING, LYING.changed(comment="x"), revision=at),
        lambda: project.labels.split(LYING, 2, revision=at),
        lambda: project.labels.add_bout(LYING.changed(start_seconds=3), revision=at),
        lambda: project.labels.add_bout(Bout("a.mp4", 6, 9, "standing"), revision=at),
        lambda: project.labels.mark_not_scored(Span("a.mp4", 6, 9), revision=at),
    ):
        with pytest.raises(
            StaleEditError, match=r"meanwhile by Zoë .last: changed lying in a.mp4: 00:01"
        ):
            edit()
    assert project.labels.of("a.mp4").labels.bouts == (longer,)
    project.labels.remove_bout(longer, revision=project.revision)


def test_a_mark_does_not_undo_a_mark_that_was_not_seen(project, other):
    at = project.revision
    other.labels.mark_not_scored(Span("a.mp4", 5, 15))
    with pytest.raises(StaleEditError):
        project.labels.mark_scored(Span("a.mp4", 10, 20), revision=at)
    with pytest.raises(StaleEditError):  # there a state would take the mark away
        project.labels.add_bout(LYING.changed(end_seconds=6), revision=at)
    project.labels.mark_not_scored(Span("a.mp4", 10, 20), revision=at)  # both say the same
    project.labels.mark_scored(Span("a.mp4", 30, 40), revision=at)
    labels = project.labels.of("a.mp4").labels
    assert {one.interval for one in labels.not_scored} == {(5.0, 20.0)}
    at = project.revision
    other.labels.unmark(Span("a.mp4", 30, 35))
    with pytest.raises(StaleEditError):
        project.labels.mark_scored(Span("a.mp4", 28, 45), revision=at)


def test_a_bout_is_the_same_under_its_new_name(project, other):
    at = project.labels.add_bout(LYING).revision
    other.behaviours.rename("standing", "up")
    other.behaviours.recolour("lying", "#123456")
    project.labels.change_bout(LYING, LYING.changed(end_seconds=6), revision=at)
    other.behaviours.rename("lying", "down")
    with pytest.raises(StaleEditError, match="renamed lying to down"):
        project.labels.remove_bout(LYING.changed(end_seconds=6), revision=at + 3)
    assert project.labels.of("a.mp4").labels.bouts[0].behaviour == "down"


def test_a_revision_of_no_one_is_refused(project):
    with pytest.raises(StaleEditError, match="load them again"):
        project.labels.add_bout(LYING, revision=10**7)


def test_edits_of_the_ethogram_know_each_other_too(project, other):
    at = project.revision
    other.behaviours.reorder("lying", 3)
    other.behaviours.rekey("standing", "x")
    project.behaviours.recolour("lying", "#112233", revision=at)
    with pytest.raises(StaleEditError, match="lying was changed elsewhere"):
        other.behaviours.recolour("lying", "#445566", revision=at)
    with pytest.raises(StaleEditError, match="lying was changed elsewhere"):
        other.behaviours.delete("lying", revision=at)
    with pytest.raises(ProjectError, match="no behaviour 'swimming'"):
        other.behaviours.rename("swimming", "x", revision=at)
    assert project.ethogram["lying"].colour == "#112233"


def test_the_plain_case_needs_no_revision(project, other):
    for number in range(5):
        start = 10 * number
        page = (project, other)[number % 2]
        page.labels.add_bout(LYING.changed(start_seconds=start, end_seconds=start + 5))
    assert isinstance(other.labels.all().labels, Labels)
    assert len(other.labels.all().labels.bouts) == 5
