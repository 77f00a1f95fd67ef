"""The labels of a project: read, and edited, each edit one transaction that can be undone.

An edit is an operation of `vidmem.labels.Labels` on the labels of one video. What it took away and
put there is stored; so axes exclude each other here by the same lines of code as everywhere.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from vidmem.errors import ProjectError, StaleEditError
from vidmem.labels import Bout, Ethogram, LabelledVideo, Labels, OnOverlap, Span
from vidmem.projects.feed import Changes, before, changes_since
from vidmem.projects.journal import (
    EditMark,
    edits_since,
    newest_revision,
    parts_of_labels_since,
    revision_of,
    was_made,
    was_restored_since,
    write_edit,
)
from vidmem.projects.rebasing import Operation, check_does_the_same, operate_on_now
from vidmem.projects.rows import (
    Content,
    Row,
    RowDifference,
    content_of,
    ethogram_of,
    ids_of,
    labels_of,
    read_behaviours,
    read_content,
)
from vidmem.projects.storage.database import Database
from vidmem.projects.videos import ProjectVideo, VideoList
from vidmem.units import clock, clock_range

NUM_CACHED = 8


@dataclass(frozen=True)
class LabelsAt:
    """Labels, and the revision at which they were so."""

    labels: Labels
    revision: int


@dataclass(frozen=True)
class _Stored:
    """Labels of a video as they are stored, in both forms."""

    revision: int
    behaviours: frozenset[Row]
    content: Content
    labels: Labels


class LabelStore:
    """The labels of a project's videos.

    Every edit takes the revision of what its writer looked at. Where that was changed meanwhile by
    somebody else, the edit is done on top if it touches other things, and refused if not. `None`:
    whatever is there now. And every edit answers with all that is new since that revision, its own
    change last, so that the page that sent it needs to ask for nothing more. A page sends its next
    edit after the answer to the last.
    """

    def __init__(self, database: Database, videos: VideoList, now: Callable[[], datetime]) -> None:
        """Of a project; `now` is the clock."""
        self._database, self._videos, self._now = database, videos, now
        # With thousands of bouts, to make the value anew for each key press takes longer than
        # everything else. What is kept is used only at the revision that it is of.
        self._cache: OrderedDict[tuple[int, LabelledVideo], _Stored] = OrderedDict()
        self._cache_lock = threading.Lock()

    # Reading.

    @property
    def revision(self) -> int:
        """Of the last change of the project; 0 before the first."""
        with self._database.reading() as connection:
            return newest_revision(connection)

    def of(self, video: str) -> LabelsAt:
        """The labels of a video, with the whole ethogram.

        Raises:
            ProjectError: If there is no such video.
        """
        with self._database.reading() as connection:
            found = self._stored(connection, self._videos.find(connection, video))
            return LabelsAt(found.labels, newest_revision(connection))

    def all(self) -> LabelsAt:
        """The labels of all videos, those without a bout too."""
        with self._database.reading() as connection:
            parts = [self._stored(connection, video).labels for video in self._videos.list()]
            labels = Labels(
                ethogram_of(read_behaviours(connection)),
                tuple(bout for one in parts for bout in one.bouts),
                not_scored=tuple(span for one in parts for span in one.not_scored),
                scored=tuple(span for one in parts for span in one.scored),
                videos=tuple(video for one in parts for video in one.videos),
            )
            return LabelsAt(labels, newest_revision(connection))

    def num_bouts(self) -> dict[str, int]:
        """Bouts of each video that has any, by its name; quick however many there are."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT name, COUNT(*) FROM bouts JOIN videos ON videos.id = video_id "
                "WHERE is_shown GROUP BY videos.id"
            )
            return dict(rows.fetchall())

    def changes_since(self, revision: int) -> Changes:
        """What is new since a revision; quick where nothing is."""
        with self._database.reading() as connection:
            return changes_since(connection, revision)

    # Bouts.

    def add_bout(
        self,
        bout: Bout,
        *,
        revision: int | None = None,
        author: str = "",
        on_overlap: OnOverlap = "cut",
    ) -> Changes:
        """With one more bout.

        Args:
            bout: Of a person; a prediction that she confirms is hers (`source="human"`).
            revision: Of what the writer looked at; see the class.
            author: Who makes the edit; the bout has an author of its own.
            on_overlap: See `Labels.add`.

        Raises:
            LabelError: If it is not allowed, or refused by `on_overlap`.
            StaleEditError: If what it touches was changed since the revision.
            ProjectError: If it is a model's, or the project cannot be written.
        """
        _refuse_prediction(bout)
        return self.edit(
            bout.video,
            lambda labels: labels.add(bout, on_overlap=on_overlap),
            words=f"added {_shown(bout)}",
            revision=revision,
            author=author,
        )

    def change_bout(
        self,
        old: Bout,
        new: Bout,
        *,
        revision: int | None = None,
        author: str = "",
        on_overlap: OnOverlap = "cut",
    ) -> Changes:
        """With one bout in the place of another: an edge, the behaviour, a note. As `add_bout`."""
        _refuse_prediction(new)
        if old.video != new.video:
            raise ValueError("a bout stays in its video; remove it and add another")
        return self.edit(
            old.video,
            lambda labels: labels.replace(old, new, on_overlap=on_overlap),
            words=_changed(old, new),
            revision=revision,
            author=author,
        )

    def remove_bout(self, bout: Bout, *, revision: int | None = None, author: str = "") -> Changes:
        """Without a bout. As `add_bout`."""
        return self.edit(
            bout.video,
            lambda labels: labels.remove(bout),
            words=f"removed {_shown(bout)}",
            revision=revision,
            author=author,
        )

    def split(
        self, bout: Bout, at_seconds: float, *, revision: int | None = None, author: str = ""
    ) -> Changes:
        """With a state cut in two at a time inside of it. As `add_bout`."""
        pieces = bout.changed(end_seconds=at_seconds), bout.changed(start_seconds=at_seconds)
        return self.edit(
            bout.video,
            lambda labels: labels.remove(bout).add(*pieces, on_overlap="refuse"),
            words=f"split {_shown(bout)}",
            revision=revision,
            author=author,
        )

    def join(
        self, first: Bout, second: Bout, *, revision: int | None = None, author: str = ""
    ) -> Changes:
        """With two states of one behaviour made one, and the time between them. As `add_bout`."""
        return self.edit(
            first.video,
            lambda labels: labels.join(first, second),
            words=f"joined {_shown(first)}, and the next",
            revision=revision,
            author=author,
        )

    # What was scored.

    def mark_scored(self, span: Span, *, revision: int | None = None, author: str = "") -> Changes:
        """With a span of which all was looked at. As `add_bout`."""
        return self.edit(
            span.video,
            lambda labels: labels.mark_scored(span),
            words=f"marked as scored: {_shown_span(span)}",
            revision=revision,
            author=author,
        )

    def mark_not_scored(
        self, span: Span, *, revision: int | None = None, author: str = ""
    ) -> Changes:
        """With a span of which it cannot be told; states there are cut away. As `add_bout`."""
        return self.edit(
            span.video,
            lambda labels: labels.mark_not_scored(span),
            words=f"marked as not scored: {_shown_span(span)}",
            revision=revision,
            author=author,
        )

    def unmark(self, span: Span, *, revision: int | None = None, author: str = "") -> Changes:
        """With a span neither scored nor not scored; bouts stay. As `add_bout`."""
        return self.edit(
            span.video,
            lambda labels: labels.unmark(span),
            words=f"took away the mark of {_shown_span(span)}",
            revision=revision,
            author=author,
        )

    # Any edit.

    def edit(
        self,
        video: str,
        operation: Operation,
        *,
        words: str,
        revision: int | None = None,
        author: str = "",
        mark: EditMark | None = None,
    ) -> Changes:
        """One undoable step of any kind: `edit("a.mp4", lambda labels: labels.cut("a.mp4", 3))`.

        Args:
            video: The only one that the operation changes.
            operation: From labels of the video to others, with the same ethogram; pure, since it
                may be asked twice.
            words: What it does, for the list of changes: "cut pen2.mp4 at 00:03".
            revision: Of what the writer looked at; see the class.
            author: Who makes the edit.
            mark: An id of the writer's own. Where an edit of it was made already, such as one whose
                answer was lost, nothing is done.

        Raises:
            LabelError: If the operation is not allowed.
            StaleEditError: If what it touches was changed since the revision.
            ProjectError: If there is no such video, or the project cannot be written.
        """
        with self._database.writing() as connection:
            known = self._videos.find(connection, video)
            now = self._stored(connection, known)
            first = newest_revision(connection)
            since = first if revision is None else revision
            if since > first or was_restored_since(connection, since):
                raise StaleEditError(
                    f"the labels of {video} were put back to an earlier copy meanwhile; this edit "
                    "was not done: load them again"
                )
            if mark is not None and was_made(connection, mark.edit_id):
                return changes_since(connection, since)
            result = self._result(connection, known, now, since, operation)
            _check_result(video, now.labels, result)
            after = content_of(result, video, ids_of(now.behaviours))
            parts = now.content.parts_to(after, known.video_id)
            if parts:
                at = self._now()
                write_edit(connection, parts, words=words, author=author, at=at, mark=mark)
            changes = changes_since(connection, since)
        if parts:  # only now: a transaction that is rolled back gives its revision to another
            stored = replace(now, revision=changes.revision, content=after, labels=result)
            self._remember(known, stored)
        return changes

    def _result(
        self,
        connection: sqlite3.Connection,
        video: ProjectVideo,
        now: _Stored,
        since: int,
        operation: Operation,
    ) -> Labels:
        if since >= now.revision:
            return operation(now.labels)
        others = parts_of_labels_since(connection, since, video.video_id)
        behaviours = before(now.behaviours, [one for one in others if one.of == "behaviour"])
        content = Content(
            before(now.content.bouts, [one for one in others if one.of == "bout"]),
            before(now.content.spans, [one for one in others if one.of == "span"]),
        )
        then = labels_of(content, behaviours, video.labelled)
        planned = operation(then)  # a fault of the writer's own is said as it is
        refusal = _refusal(connection, since, video.name)
        result = operate_on_now(operation, now.labels, refusal)
        ids = ids_of(behaviours), ids_of(now.behaviours)
        check_does_the_same(
            (content, content_of(planned, video.name, ids[0])),
            (now.content, content_of(result, video.name, ids[1])),
            refusal,
        )
        return result

    def _stored(self, connection: sqlite3.Connection, video: ProjectVideo) -> _Stored:
        key = (video.video_id, video.labelled)
        revision = revision_of(connection, video.video_id)
        with self._cache_lock:
            found = self._cache.get(key)
            if found is not None and found.revision == revision:
                self._cache.move_to_end(key)
                return found
        behaviours = read_behaviours(connection)
        content = read_content(connection, video.video_id)
        labels = labels_of(content, behaviours, video.labelled)
        stored = _Stored(revision, behaviours, content, labels)
        self._remember(video, stored)
        return stored

    def _remember(self, video: ProjectVideo, stored: _Stored) -> None:
        with self._cache_lock:
            self._cache[video.video_id, video.labelled] = stored
            while len(self._cache) > NUM_CACHED:
                self._cache.popitem(last=False)


def ethogram_in(connection: sqlite3.Connection) -> Ethogram:
    """The ethogram of a project, inside of a transaction."""
    return ethogram_of(read_behaviours(connection))


def all_contents(connection: sqlite3.Connection) -> dict[int, tuple[str, Content]]:
    """The name and the rows of every video that has any, those taken out too, by id."""
    rows = connection.execute("SELECT id, name FROM videos ORDER BY id").fetchall()
    contents = {video_id: (name, read_content(connection, video_id)) for video_id, name in rows}
    return {key: one for key, one in contents.items() if one[1].bouts or one[1].spans}


def shown_part(video_id: int, *, is_shown: bool) -> RowDifference:
    """That a video is shown from now on, or no more."""
    row = frozenset({(video_id,)})
    none: frozenset[Row] = frozenset()
    return RowDifference("video", video_id, none if is_shown else row, row if is_shown else none)


def _check_result(video: str, before_it: Labels, after: Labels) -> None:
    """See that an operation kept to its video and its ethogram."""
    if after.ethogram != before_it.ethogram:
        raise ValueError("an edit of labels keeps the ethogram; that has edits of its own")
    names = {one.video for one in (*after.bouts, *after.scored, *after.not_scored)}
    if names - {video}:
        raise ValueError(f"an edit of {video} may not touch {', '.join(sorted(names - {video}))}")


def _refusal(connection: sqlite3.Connection, since: int, video: str) -> str:
    last = edits_since(connection, since)[-1]
    by = f" by {last.author}" if last.author else ""
    return (
        f"the labels of {video} were changed elsewhere meanwhile{by} (last: {last.words}), and "
        "this edit would touch what was changed; it was not done: look at what is there now"
    )


def _refuse_prediction(bout: Bout) -> None:
    if not bout.is_human:
        raise ProjectError(
            f"{bout} is a model's prediction and becomes a label only when a person confirms it "
            '(source="human")'
        )


def _shown(bout: Bout) -> str:
    of = f" of {bout.subject}" if bout.subject else ""
    return f"{bout.behaviour}{of}, {_times(bout.start_seconds, bout.end_seconds)} in {bout.video}"


def _shown_span(span: Span) -> str:
    axis = span.axis or "all axes"
    of = f" of {span.subject}" if span.subject else ""
    return f"{axis}{of}, {_times(span.start_seconds, span.end_seconds)} in {span.video}"


def _times(start: float, end: float) -> str:
    return clock_range(start, end) if end > start else f"at {clock(start, has_tenths=True)}"


def _changed(old: Bout, new: Bout) -> str:
    """What a change of a bout is called."""
    of = f" of {old.subject}" if old.subject else ""
    name = f"{old.behaviour}{of}"
    times = [_times(one.start_seconds, one.end_seconds) for one in (old, new)]
    behaviour = "" if new.behaviour == old.behaviour else new.behaviour
    if (new.start_seconds, new.end_seconds) != (old.start_seconds, old.end_seconds):
        became = ", ".join(filter(None, (behaviour, times[1])))
        return f"changed {name} in {old.video}: {times[0]} became {became}"
    to = f" to {behaviour}" if behaviour else ""
    return f"changed {name}{to}, {times[0]} in {old.video}"
