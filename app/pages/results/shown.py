"""Whose labels are looked at: people's, a run's predictions, or those of a file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.pages.api import PageRequest
from app.pages.results.brought import BroughtFiles
from app.pages.results.run_routes import processing_of
from app.pages.results.words import (
    ALL_AUTHORS,
    NO_AUTHOR,
    OF_AUTHOR,
    OF_FILE,
    OF_MODEL,
    OTHER_VIDEO,
)
from app.projects.run_bouts import VERSIONS, predictions_of_run
from vidmem.errors import SettingError
from vidmem.labels import Bout, Labels
from vidmem.labels.formats import About, RecordedPredictions
from vidmem.labels.results import labels_of_author
from vidmem.projects import Project

LABELS, AUTHOR, RUN, FILE = "labels", "author:", "run:", "file:"
"""What a key begins with: everybody, a person, a kept run, a file that was brought."""


@dataclass(frozen=True)
class ShownAccount:
    """An account, and whose it is."""

    key: str
    labels: Labels
    whose: str
    """In words, in the middle of a sentence."""

    about: About
    """Where it comes from, for files."""

    about_bout: Callable[[Bout], About] | None = None
    """Where a single bout comes from; `None`: all from the same."""

    recorded: RecordedPredictions | None = None
    """Of a run."""

    @property
    def is_model(self) -> bool:
        """Whether a model said it."""
        return self.recorded is not None


class Accounts:
    """Finds what requests name in a project, and among files that were brought."""

    def __init__(self, project: Project, brought: BroughtFiles) -> None:
        self.project, self.brought = project, brought
        self._lock = threading.Lock()
        self._all: tuple[object, Labels] | None = None

    def shown(
        self, request: PageRequest, field: str = "of", *, has_marks: bool = True
    ) -> ShownAccount:
        """The account that a field of a request names, of the video that is chosen, or of all.

        Args:
            request: With `video`, and of a run the fields of its post-processing.
            field: Which one.
            has_marks: Whether of a single author marks of what was scored count, too.

        Raises:
            VidmemError: If there is no such account (any more).
        """
        key, video = request.text(field) or LABELS, request.text("video")
        if key.startswith(RUN):
            return self._of_run(key, video, request)
        if key.startswith(FILE):
            return self._of_file(key, video)
        labels = self.project.labels.of(video).labels if video else self.all_labels()
        if key == LABELS:
            return ShownAccount(
                key, labels, ALL_AUTHORS, About(settings=ALL_AUTHORS, versions=VERSIONS)
            )
        if not key.startswith(AUTHOR):
            raise SettingError(
                f"{field} must name labels, an author, a run or a file, got {key!r:.60}"
            )
        author = key.removeprefix(AUTHOR)
        whose = OF_AUTHOR.format(author=author) if author else NO_AUTHOR
        own = labels_of_author(labels, author, has_marks=has_marks)
        return ShownAccount(key, own, whose, About(settings=whose, versions=VERSIONS))

    def _of_run(self, key: str, video: str, request: PageRequest) -> ShownAccount:
        found, post = (
            predictions_of_run(self.project, key.removeprefix(RUN)),
            processing_of(request),
        )
        if video and video != found.video.name:
            raise SettingError(OTHER_VIDEO.format(title=found.title, video=found.video.name))
        about = found.about(post)

        def about_bout(bout: Bout) -> About:
            of_bout = found.recorded.about_of(bout)
            processing = f"bouts: {post.summary()}"
            settings = "; ".join(filter(None, (of_bout.settings, processing)))
            return replace(about, model=of_bout.model or about.model, settings=settings)

        return ShownAccount(
            key,
            found.labels(post, self.project.ethogram),
            OF_MODEL.format(title=found.title),
            about,
            about_bout if found.recorded.has_changes else None,
            found.recorded,
        )

    def _of_file(self, key: str, video: str) -> ShownAccount:
        file = self.brought.find(key.removeprefix(FILE))
        labels = file.labels.for_video(video) if video else file.labels
        whose = OF_FILE.format(name=file.name)
        about = replace(file.about, versions=VERSIONS)
        settings = "; ".join(filter(None, (whose, about.settings)))
        return ShownAccount(key, labels, whose, replace(about, settings=settings))

    def all_labels(self) -> Labels:
        """The project's, of all videos: made anew only where something is new."""
        videos = tuple(one.labelled for one in self.project.videos.list())
        mark = (self.project.revision, videos)
        with self._lock:
            if self._all is None or self._all[0] != mark:
                self._all = (mark, self.project.labels.all().labels)
            return self._all[1]
