"""One stream of a pool as its tile shows it: its status, and the predictions so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import sentences
from app.pages.streams import wording as streams_wording
from app.pages.streams.tile_picture import TilePicture
from app.pages.streams.tile_strip import TileStrip
from app.run.board import Board
from app.run.results.timeline import Columns
from app.sources import wording as source_wording
from app.sources.shelf import Video
from vidmem.streaming import (
    Prediction,
    Region,
    RegionFeeds,
    StreamFigures,
    StreamSettings,
    VideoRun,
)

OVER = frozenset({"ended", "failed"})


@dataclass(frozen=True, kw_only=True)
class StreamRequest:
    """A stream that a page wants: a video, or a region of its picture."""

    video: Video
    title: str
    region: Region | None = None

    @property
    def file_name(self) -> Path:
        """What its file is named after."""
        stem = self.video.path.stem if self.video.is_live else Path(self.video.title).stem
        return Path(f"{stem} {self.title}.csv" if self.region else f"{stem}.csv")


class Tile:
    """A stream from its request until it leaves, with its strip and its picture.

    The pool's thread reports predictions, requests read.
    """

    def __init__(
        self,
        number: int,
        request: StreamRequest,
        settings: StreamSettings,
        columns: Columns,
        news: Board,
    ) -> None:
        self.number, self.stream_id, self.request = number, f"s{number}", request
        self.run: VideoRun | None = None
        self.feeds: RegionFeeds | None = None  # of a region
        self.is_paused = False
        self.has_left = False
        self.decoder_bytes: int | None = None
        self.strip = TileStrip(columns, news.tick)
        self.picture = TilePicture()
        self._first_settings, self._columns = settings, columns
        self._sentence = ""
        self._out: Path | None = None
        self._newest: Prediction | None = None
        self._num_predictions = 0

    @property
    def settings(self) -> StreamSettings:
        """Those of the next clip."""
        return self._first_settings if self.run is None else self.run.next_settings

    @property
    def why_not_open(self) -> str:
        """Why a command cannot be done yet, in words."""
        return self._sentence or streams_wording.NOT_OPEN

    def on_opened(self, run: VideoRun) -> None:
        """Its video is open."""
        self.run, self._out = run, run.out

    def on_failed(self, error: Exception) -> None:
        """It cannot be opened."""
        self._sentence = sentences.sentence_about(error, self.request.video)

    def on_prediction(self, prediction: Prediction) -> None:
        """A clip was judged."""
        settings = self._first_settings if self.run is None else self.run.settings
        version = self.strip.add_prediction(prediction, settings)
        moment = self.run.last_moment if self.run is not None else None
        if moment is not None:
            last = min(prediction.num_real_frames, len(moment.pixels)) - 1
            # A copy, so that the clip that it is a part of is not kept.
            pixels = moment.pixels[last].cpu().numpy().copy()
            self.picture.put(pixels, prediction.end_seconds, version)
        self.decoder_bytes = prediction.decoder_bytes
        self._newest = prediction
        self._num_predictions += 1

    def status(self, figures: StreamFigures | None) -> str:
        """`opening`, `playing`, `paused`, `ended` or `failed`."""
        if self._sentence and self.run is None:
            return "failed"
        # A pool has a stream a moment before its run is here, and commands need that.
        if figures is None or self.run is None:
            return "opening"
        if figures.status in OVER and self._num_predictions >= figures.clips_done:
            return figures.status  # else its last prediction is on the way here
        return "paused" if self.is_paused else "playing"

    def facts(self, figures: StreamFigures | None) -> dict[str, Any]:
        """All that the page shows of it, except picture and strip."""
        status = self.status(figures)
        if status in OVER:
            self.strip.settle()
        speed = self.strip.speed()
        region = self.request.region
        return {
            "title": self.request.title,
            "video": self.request.video.title,
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
            **self._newest_facts(status),
        }

    @property
    def file(self) -> str:
        """The name of its file; empty where there is none."""
        out = self.run.out if self.run is not None else None
        # Without the id of the run, which comes first.
        return out.name.split("-", 1)[1] if out is not None else ""

    def _total_seconds(self) -> float:
        """The length of its video; 0 before that is known, and of what is live."""
        seconds = self.run.info.duration_seconds if self.run is not None else 0.0
        return round(seconds, 3) if math.isfinite(seconds) else 0.0

    def _live(self, clips_per_second: float) -> str:
        # In words; empty for a file.
        figures = self.run.live_figures() if self.run is not None else None
        return source_wording.pace(figures, clips_per_second)

    def _shape(self) -> list[int]:
        if self.run is None:
            return []
        return [self.run.info.display_width, self.run.info.display_height]

    def _trouble(self, figures: StreamFigures | None) -> str:
        if figures is not None and figures.error is not None:
            return sentences.sentence_about(figures.error, self.request.video)
        run = self.run
        if run is not None and run.storage_error is not None:
            return streams_wording.not_saved(run.storage_error, self._out)
        return self._sentence

    def _newest_facts(self, status: str) -> dict[str, Any]:
        newest = self._newest
        if newest is None:
            return {}
        return {
            "at": round(newest.end_seconds, 3),
            "label": newest.label,
            "colour": self._columns.known(newest.class_names.index(newest.label)),
            "probability": round(newest.probability, 4),
            "others": [
                [newest.class_names[i], round(newest.probabilities[i], 4)]
                for i in newest.best_classes[1:]
            ],
            "is_final": newest.is_final or status in OVER,
            "is_unlike": newest.is_unlike_training,
            "remembered": newest.num_remembered,
            "clips": newest.index + 1,
        }
