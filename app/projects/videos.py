"""The project's videos as pages know them: facts, states, and those that can be added."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from app.projects.kept_uploads import keep_upload
from app.projects.open_file import NoMediaError, state_of
from app.projects.recording_start import typed_start
from app.projects.video_facts import facts_of
from app.projects.without_paths import without_paths
from app.sources.kept import KeptOfFiles
from app.sources.shelf import Video, VideoShelf
from vidmem.errors import ProjectError, VidmemError
from vidmem.projects import Project, ProjectVideo, VideoFacts

MAX_KEPT = 512
"""Videos whose facts are kept; those of others are read again."""

Record = dict[str, Any]
"""Of a video, in plain values: see `ProjectVideos.record`."""


class ProbedFile(Protocol):
    """What is read of a file, as `vidmem.video.VideoInfo`."""

    width: int
    height: int
    display_width: int
    display_height: int
    fps: float
    duration_seconds: float
    codec: str
    size_bytes: int
    mime: str
    has_sound: bool
    recorded_at: str


class ProjectVideos:
    """The videos of a project, for pages.

    Args:
        project: Whose.
        shelf: From which videos are added.
        probe: Says what a file is, within a time limit.
    """

    def __init__(
        self, project: Project, shelf: VideoShelf, probe: Callable[[Path], ProbedFile]
    ) -> None:
        self.project = project
        self._shelf, self._probe = shelf, probe
        self._infos: KeptOfFiles[ProbedFile] = KeptOfFiles(MAX_KEPT)

    def list(self, run_id: str) -> dict[str, Any]:
        """All, and those of the shelf that can be added; opens no video."""
        videos = self.project.videos.list()
        num_bouts = self.project.labels.num_bouts()
        records = [self._record(one, num_bouts) for one in videos]
        return {"videos": records, "offered": self._offered(run_id, videos)}

    def record(self, name: str) -> Record:
        """One video, with all facts: its file is read now if it was not yet.

        Raises:
            ProjectError: If there is no such video.
            VidmemError: If its file cannot be read, or many are being read.
        """
        video = self.project.videos[name]
        if state_of(self.project, video) == "here" and video.path is not None:
            with without_paths(name, video.path):
                info = self._info(video.path)
            video = self._filled(video, info)
        return self._record(video, self.project.labels.num_bouts())

    def add(self, run_id: str, key: str) -> Record:
        """Add a video of the shelf; an upload is kept in the project's folder.

        Raises:
            VidmemError: If there is none, it cannot be read, or not be kept.
        """
        return self._add(self._shelf.find(run_id, key))

    def add_upload(self, run_id: str, path: str, name: str) -> Record:
        """Add a file that a run has just uploaded, by the name that it got there.

        Raises:
            VidmemError: If there is none, it cannot be read, or not be kept.
        """
        video = self._shelf.add_upload(run_id, path, name)
        try:
            return self._add(video)
        except VidmemError:
            self._shelf.drop_upload(run_id, video)
            raise

    def remove(self, name: str) -> None:
        """Take a video out of the project, with its labels, which can be undone.

        Raises:
            ProjectError: If there is no such video.
        """
        self.project.remove_video(name)

    def set_start(self, name: str, text: str) -> Record:
        """When its recording began, as somebody typed it; nothing takes it away.

        Raises:
            ProjectError: If there is no such video.
            SettingError: If it is no date and time.
        """
        start = typed_start(text)
        facts = self.project.videos[name].facts
        video = self.project.videos.set_facts(
            name,
            VideoFacts(
                duration_seconds=facts.duration_seconds,
                fps=facts.fps,
                start=start,
                start_from=None if start is None else "typed",
            ),
        )
        return self._record(video, self.project.labels.num_bouts())

    def facts(self, video: ProjectVideo) -> Record:
        """What is known of a video without opening its file."""
        return self._record(video, {})

    def find(self, video_id: int) -> ProjectVideo:
        """The video of an id.

        Raises:
            NoMediaError: If there is none.
        """
        for video in self.project.videos.list():
            if video.video_id == video_id:
                return video
        raise NoMediaError(
            "This video is not in the project (any more). Reload the page, and choose another one."
        )

    def _add(self, video: Video) -> Record:
        if video.is_live:
            raise ProjectError(f"{video.title} is a camera: only files can be in a project")
        with without_paths(video.title, video.path):
            info = self._info(video.path)
        path = keep_upload(self.project, video)
        with without_paths(video.title, path):
            added = self.project.videos.add(path, facts_of(video, info))
        self._infos.keep(path, info)
        return self._record(added, self.project.labels.num_bouts())

    def _info(self, path: Path) -> ProbedFile:
        return self._infos.get(path, self._probe)

    def _filled(self, video: ProjectVideo, info: ProbedFile) -> ProjectVideo:
        """With the facts that labels alone did not tell; not the start, which may be taken away."""
        facts = video.facts
        if None not in (facts.duration_seconds, facts.fps):
            return video
        known = VideoFacts(
            duration_seconds=info.duration_seconds
            if facts.duration_seconds is None
            else facts.duration_seconds,
            fps=info.fps if facts.fps is None else facts.fps,
            start=facts.start,
            start_from=facts.start_from,
        )
        return self.project.videos.set_facts(video.name, known)

    def _offered(self, run_id: str, videos: tuple[ProjectVideo, ...]) -> list[list[str]]:
        inside = {os.path.realpath(one.path) for one in videos if one.path is not None}
        kept = {(one.size_bytes, one.name) for one in videos if one.is_inside}
        return [
            [one.key, one.title, group]
            for group, found in self._shelf.grouped(run_id)
            for one in found
            if not _is_in(one, inside, kept)
        ]

    def _record(self, video: ProjectVideo, num_bouts: Mapping[str, int]) -> Record:
        state = state_of(self.project, video)
        info = None
        if state == "here" and video.path is not None:
            info = self._infos.find(video.path)
        facts = video.facts
        duration, fps = facts.duration_seconds, facts.fps
        return {
            "id": video.video_id,
            "name": video.name,
            "state": state,
            "duration_seconds": info.duration_seconds if info and duration is None else duration,
            "fps": info.fps if info and fps is None else fps,
            "width": info.display_width if info else None,
            "height": info.display_height if info else None,
            "codec": info.codec if info else None,
            "size_bytes": video.size_bytes,
            "start": facts.start.isoformat() if facts.start is not None else None,
            "start_from": facts.start_from,
            "mime": (info.mime or None) if info else None,
            "has_sound": info.has_sound if info else None,
            "is_probed": info is not None,
            "num_bouts": num_bouts.get(video.name, 0),
        }


def _is_in(video: Video, inside: set[str], kept: set[tuple[int | None, str]]) -> bool:
    try:
        # An upload is in the project under another path.
        size_bytes = video.path.stat().st_size
        return os.path.realpath(video.path) in inside or (size_bytes, video.path.name) in kept
    except OSError:
        return True  # it is gone meanwhile
