"""What the addresses of the pages need of the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.pages.streams.pools import StreamPools
    from app.pages.watch.actions import Handlers
    from app.run.kept.files import KeptFiles
    from app.run.registry import RunRegistry
    from app.teaching.jobs import TeachJobs
    from app.teaching.live_lessons import LiveLessons
    from app.tools import Tools
    from vidmem.projects import Project


@dataclass(frozen=True, kw_only=True)
class Services:
    """One of each for the whole process."""

    registry: RunRegistry
    tools: Tools
    actions: Handlers
    files: KeptFiles
    pools: StreamPools
    project: Project
    teaching: TeachJobs
    lessons: LiveLessons
