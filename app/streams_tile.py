"""One stream of a pool as its tile shows it: what was predicted so far, and how it is now."""

from __future__ import annotations

import base64
import io
import math
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from app import live_text, streams_text, text
from app.pacing import SpeedMeter
from app.streams_news import News
from app.timeline import Columns, Timeline
from app.videos import Video
from app.waiting import Waiting
from vidmem.streaming import (
    Prediction,
    Region,
    RegionFeeds,
    ScoreMerger,
    StreamFigures,
    StreamSettings,
    VideoRun,
)

MAX_POINTS = 4_000
"""Predictions kept of a stream; beyond it the older half is joined two by two, again and again."""
MAX_BUCKETS = 240
"""Pieces that a page gets at once: a strip is some 300 pixels wide."""
MAX_FRESH = 400
"""Newer pieces than these are sent as buckets of the whole."""
PICTURE_QUALITY = 85
OVER = frozenset({"ended", "failed"})


@dataclass(frozen=True, kw_only=True)
class Place:
    """What becomes a stream: a video, or a region of its picture."""

    video: Video
    title: str
    region: Region | None = None

    @property
    def file_name(self) -> Path:
        """What its file is named after."""
        stem = self.video.path.stem if self.video.is_live else Path(self.video.title).stem
        return Path(f"{stem} {self.title}.csv" if self.region else f"{stem}.csv")


class Tile:
    """A stream's place on the page. The pool's thread tells it of predictions, requests read it."""

    def __init__(
        self, number: int, place: Place, settings: StreamSettings, columns: Columns, news: News
    ) -> None:
        self.number, self.stream_id, self.place = number, f"s{number}", place
        self.settings = settings
        self.run: VideoRun | None = None
        self.feeds: RegionFeeds | None = None  # of a region
        self.is_paused = False
        self.has_left = False
        self.sentence = ""
        self._columns, self._news = columns, news
        self._lock = threading.Lock()
        self._timeline = Timeline(columns.class_names, MAX_POINTS, columns)
        self._merger, self._waiting, self._meter = ScoreMerger(), Waiting(), SpeedMeter()
        self._marks: deque[tuple[int, int]] = deque([(0, -1)], maxlen=MAX_FRESH)
        self._newest: Prediction | None = None
        self._num_taken = 0
        self._frame: Any = None
        self._picture: tuple[int, dict[str, Any]] | None = None
        self._picture_version = 0

    # From the pool

    def opened(self, run: VideoRun) -> None:
        """Its video is open."""
        self.run, self.settings = run, run.settings

    def failed(self, error: Exception) -> None:
        """It cannot be opened."""
        self.sentence = text.sentence_about(error, self.place.video)

    def took(self, prediction: Prediction) -> None:
        """A clip was judged."""
        with self._lock:
            self._num_taken += 1
            if prediction.restarted:
                self._meter.restart()
            self._meter.took(prediction.end_seconds)
            for one in self._waiting.took(prediction):
                self._draw(one)
            self._draw(prediction)
            self._newest = prediction
            self._frame = self._last_frame(prediction)
            version = self._news.tick()
            self._picture_version = version
            self._mark(version)

    def _mark(self, version: int) -> None:
        newest = self._timeline.newest_number
        if newest != self._marks[-1][1]:
            self._marks.append((version, newest))

    def _draw(self, one: Prediction) -> None:
        """Put a prediction on the strip: overlapping windows as the mean over each moment."""
        if not one.is_final:
            best = one.class_names.index(one.label)
            start, end = one.start_seconds, one.end_seconds
            self._timeline.add(start, end, best, one.probabilities, is_final=False)
            return
        moments = self._merger.add(one)
        settings = self.settings
        if settings.seconds_between_predictions >= settings.seconds_per_clip - 1e-9:
            moments += self._merger.flush()
        self._keep(moments)

    def _keep(self, moments: list[Any]) -> None:
        for one in moments:
            self._timeline.add(
                one.start_seconds, one.end_seconds, one.best_class, one.probabilities
            )

    def _last_frame(self, prediction: Prediction) -> Any:
        moment = self.run.last_moment if self.run is not None else None
        if moment is None:
            return None
        last = min(prediction.num_real_frames, len(moment.pixels)) - 1
        return moment.pixels[last].cpu().numpy().copy()  # not the clip that it is a part of

    # For the page

    def restart_meter(self) -> None:
        """After a pause or a jump, what was before says nothing of the speed."""
        with self._lock:
            self._meter.restart()

    def status(self, figures: StreamFigures | None) -> str:
        """`opening`, `playing`, `paused`, `ended` or `failed`."""
        if self.sentence and self.run is None:
            return "failed"
        if figures is None:
            return "opening"
        if figures.status in OVER and self._num_taken >= figures.clips_done:
            return figures.status  # else its last prediction is on the way here
        return "paused" if self.is_paused else "playing"

    def facts(self, figures: StreamFigures | None) -> dict[str, Any]:
        """All of it but picture and strip."""
        status = self.status(figures)
        with self._lock:
            if status in OVER:
                self._finish()
            told = {} if self._newest is None else self._said(self._newest, status)
            speed = self._meter.facts(None)
        region = self.place.region
        return {
            "title": self.place.title,
            "video": self.place.video.title,
            "region": region and [region.left, region.top, region.width, region.height],
            "shape": self._shape(),
            "total": self._total_seconds(),
            "live": self._live(speed.clips_per_second),
            "status": status,
            "sentence": self._trouble(figures),
            "speed": float(f"{speed.times_real_time:.2g}") if status == "playing" else 0.0,
            "behind": round(figures.lag_seconds) if figures and status not in OVER else 0,
            "l_mem": self.settings.l_mem,
            "file": self.file,
            **told,
        }

    @property
    def file(self) -> str:
        """The name of its file; empty where there is none."""
        out = self.run.out if self.run is not None else None
        return out.name.split("-", 1)[1] if out is not None else ""

    def _total_seconds(self) -> float:
        """The length of its video; 0 before that is known, and of what is live."""
        seconds = self.run.info.duration_seconds if self.run is not None else 0.0
        return round(seconds, 3) if math.isfinite(seconds) else 0.0

    def _live(self, clips_per_second: float) -> str:
        """How a live source goes, in words; empty for a file."""
        figures = self.run.live_figures() if self.run is not None else None
        return live_text.pace(figures, clips_per_second)

    def _shape(self) -> list[int]:
        """Width and height of what it sees, as people see it."""
        if self.run is None:
            return []
        return [self.run.info.display_width, self.run.info.display_height]

    def _trouble(self, figures: StreamFigures | None) -> str:
        if figures is not None and figures.error is not None:
            return text.sentence_about(figures.error, self.place.video)
        storage = self.run.storage_error if self.run is not None else None
        if storage is not None:
            return streams_text.not_saved(storage, self.run.source if self.run else Path())
        return self.sentence

    def _said(self, newest: Prediction, status: str) -> dict[str, Any]:
        return {
            "at": round(newest.end_seconds, 3),
            "label": newest.label,
            "colour": self._columns.known(newest.class_names.index(newest.label)),
            "probability": round(newest.probability, 4),
            "is_final": newest.is_final or status in OVER,
            "remembered": newest.num_remembered,
            "clips": newest.index + 1,
        }

    def _finish(self) -> None:
        """Nothing more will be seen: what is open stays as it was judged last."""
        before = self._timeline.newest_number
        self._keep(self._merger.flush())
        for one in self._waiting.settle():
            self._draw(one)
        if self._timeline.newest_number != before:
            self._mark(self._news.tick())

    def strip(self, version: int) -> dict[str, Any] | None:
        """Pieces `[start, end, column, is final]` since a version, `None` where there are none."""
        with self._lock:
            if version >= self._marks[-1][0]:
                return None
            number = next((n for v, n in reversed(self._marks) if v <= version), None)
            points = self._timeline.since(number) if number is not None and version > 0 else None
            if points is None or len(points) > MAX_FRESH:
                return {"whole": True, "pieces": self._whole()}
            pieces = [
                [round(p.start, 3), round(p.end, 3), p.column, int(p.is_final)] for p in points
            ]
            return {"whole": False, "pieces": pieces}

    def _whole(self) -> list[list[float]]:
        found = self._timeline.range(0.0, float("inf"), MAX_BUCKETS)
        provisional = set(found["provisional"])
        columns = zip(found["start"], found["end"], found["column"], strict=True)
        return [[*one, int(place not in provisional)] for place, one in enumerate(columns)]

    def picture(self, version: int) -> dict[str, Any] | None:
        """The newest clip's last frame as the model saw it, if it came after a version."""
        with self._lock:
            frame, number, newest = self._frame, self._picture_version, self._newest
        if frame is None or newest is None or number <= version:
            return None
        if self._picture is None or self._picture[0] != number:
            told = {"jpeg": _jpeg(frame), "seconds": round(newest.end_seconds, 3)}
            self._picture = (number, told)
        return self._picture[1]


def _jpeg(frame: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=PICTURE_QUALITY)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
