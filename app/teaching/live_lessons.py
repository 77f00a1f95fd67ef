"""The lessons of all visitors: one each at most, so many at once, ended with their runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from app.sources.webcam import decoded_picture
from app.teaching import wording as teaching_wording
from vidmem.errors import SettingError
from vidmem.labels import Ethogram, Labels
from vidmem.teaching import LiveLesson, load_lesson_encoder

MAX_LESSONS = 4
"""Of some 45 MB each, when they are full."""

IDLE_SECONDS = 1200.0
"""A lesson that nobody sends pictures to, or shows anything, ends after so long."""

MAX_SECONDS = 1e6
"""Of a source: eleven days."""


@dataclass(kw_only=True)
class OpenLesson:
    """A lesson of a run, used by one request at a time."""

    lesson: LiveLesson
    video: str
    """Of the project, which is played; empty: a camera."""

    heard_at: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    num_feature_frames: int = 0
    """That its pictures made."""

    kept: Labels | None = None
    """The examples that are labels of the project, too; `None`: none were kept."""

    def add_pictures(self, jpeg: bytes, seconds: float, apart_seconds: float) -> None:
        """The two pictures of a feature frame, one above the other.

        Args:
            jpeg: Of both; the upper half is the earlier one.
            seconds: When the later one was shown.
            apart_seconds: How long before the other one was.

        Raises:
            SettingError: If it is no such JPEG.
        """
        if not 0 < apart_seconds <= seconds <= MAX_SECONDS:
            raise SettingError(
                "two pictures must be some time apart, and of times from 0 on; got "
                f"{apart_seconds:g} s up to {seconds:g} s"
            )
        both = decoded_picture(jpeg)
        height = both.shape[0] // 2
        pair = torch.from_numpy(np.stack([both[:height], both[height : 2 * height]]))
        made = self.lesson.add_frames(pair, [seconds - apart_seconds, seconds])
        self.num_feature_frames += made


class LiveLessons:
    """Lessons by the id of the run they belong to; no picture of them is kept.

    Args:
        load_encoder: Loads the image encoder that all of them share, with the first of them.
        fit_threads: Gives it its number of threads, in the thread that calls.
        max_lessons: At once.
        clock: In seconds.
    """

    def __init__(
        self,
        load_encoder: Callable[[], Any] = load_lesson_encoder,
        fit_threads: Callable[[Any], None] = lambda model: None,
        *,
        max_lessons: int = MAX_LESSONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load_encoder, self._fit_threads = load_encoder, fit_threads
        self._max_lessons, self._clock = max_lessons, clock
        self._lock = threading.Lock()
        self._encoder: Any = None
        self._lessons: dict[str, OpenLesson] = {}

    def __len__(self) -> int:
        return len(self._lessons)

    def find(self, run_id: str) -> OpenLesson | None:
        """The lesson of a run, where it has one."""
        return self._lessons.get(run_id)

    def get(self, run_id: str) -> OpenLesson:
        """The lesson of a run, to be used now.

        Raises:
            SettingError: If it has none (any more).
        """
        lesson = self.find(run_id)
        if lesson is None:
            raise SettingError(teaching_wording.NO_LESSON)
        lesson.heard_at = self._clock()
        self._fit_threads(self._encoder)
        return lesson

    def begin(self, run_id: str, ethogram: Ethogram, video: str) -> OpenLesson:
        """A new lesson of a run, in the place of the one that it has.

        Args:
            run_id: Whose.
            ethogram: Its behaviours.
            video: Of the project; empty: a camera.

        Raises:
            SettingError: If there are as many as may be, or these are no behaviours of a lesson.
            WeightsNotAvailableError: If the image encoder is not on this machine.
        """
        self.sweep()
        with self._lock:
            if self._encoder is None:
                self._encoder = self._load_encoder()
            if run_id not in self._lessons and len(self._lessons) >= self._max_lessons:
                raise SettingError(teaching_wording.TOO_MANY_LESSONS.format(count=len(self)))
            name = video or teaching_wording.CAMERA
            made = OpenLesson(
                lesson=LiveLesson(ethogram, self._encoder, name=name),
                video=video,
                heard_at=self._clock(),
            )
            self._lessons[run_id] = made
        return made

    def end(self, run_id: str) -> None:
        """End the lesson of a run, if it has one: what was held of it is gone."""
        with self._lock:
            self._lessons.pop(run_id, None)

    def sweep(self) -> None:
        """End those that nobody uses."""
        now = self._clock()
        with self._lock:
            for run_id, one in list(self._lessons.items()):
                if now - one.heard_at >= IDLE_SECONDS:
                    del self._lessons[run_id]
