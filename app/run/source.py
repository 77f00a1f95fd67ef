"""What a run watches: a file, or a live source; its pictures, and what was predicted of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.run import wording as run_wording
from app.run.board import Board
from app.run.model import RunModel
from app.run.pacing import Pacer
from app.run.sections import source_section
from app.run.view import RunView
from app.sources import wording as source_wording
from app.sources.live import LiveInfo, LivePictures
from app.sources.pictures import PictureWorker
from app.sources.shelf import Video
from app.tools import EngineLike, Tools
from vidmem.errors import SettingError
from vidmem.models import CardAxis
from vidmem.streaming import LiveFigures, Prediction

SHORT_SECONDS = 1.0
"""Of a video without pictures at its end: less is the rounding of its length."""


class OpenSource:
    """One source, from when it is chosen until another one is.

    Raises:
        VidmemError: If it is a file that cannot be read.
    """

    def __init__(
        self,
        video: Video,
        tools: Tools,
        board: Board,
        earlier: OpenSource | None,
        run_id: str = "",
    ) -> None:
        """Look at the file; nothing is shown yet.

        Args:
            video: The source.
            tools: What reads it.
            board: Where it is shown.
            earlier: The source that it replaces.
            run_id: Of the run, whose share of pictures it takes.
        """
        self.video = video
        self.info: Any = video.past or (LiveInfo() if video.is_live else tools.probe(video.path))
        self.pictures: PictureWorker | LivePictures | None = None
        # Until `begin_view`, which continues its numbers.
        self.view: RunView | None = earlier.view if earlier is not None else None
        self._tools, self._board, self._run_id = tools, board, run_id
        self._looked_at: float | None = None

    def open(self, chosen: RunModel, on_picture_error: Callable[[Exception], None]) -> None:
        """Show it, with nothing predicted of it."""
        if self.video.past is not None:
            pass  # there are no pictures of it
        elif self.video.is_live:
            self.pictures = LivePictures(self.video)
        else:
            self.pictures = PictureWorker(
                self.video, self._tools.open_pictures, on_picture_error, run_id=self._run_id
            )
            self.pictures.want(0.0, is_urgent=True)
        self.begin_view(chosen)
        self._board.put("look", None)
        self._board.put("source", self._section())

    def begin_view(
        self,
        chosen: RunModel,
        *,
        is_same_play: bool = False,
        class_names: tuple[str, ...] | None = None,
        axes: tuple[CardAxis, ...] = (),
    ) -> RunView:
        """Forget what was predicted; see `RunView`.

        Args:
            chosen: The model and its settings.
            is_same_play: See `RunView`.
            class_names: `None`: those of the model, and its axes.
            axes: Of these classes.
        """
        names, axes = (
            (chosen.class_names, chosen.axes) if class_names is None else (class_names, axes)
        )
        self.view = RunView(self._board, names, self.view, axes=axes, is_same_play=is_same_play)
        self.view.show_empty(chosen.settings)
        return self.view

    @property
    def can_play(self) -> bool:
        """Whether there is anything to be read."""
        return self.video.past is None

    @property
    def kept_pictures(self) -> LivePictures | None:
        """Where pictures of what is past are, if there is no file to read them from."""
        return self.pictures if isinstance(self.pictures, LivePictures) else None

    def _section(self, reason: str | None = None) -> dict[str, Any]:
        if reason is not None:
            return source_section(self.video, self.info, f"Reader: {reason}")
        is_live = self.video.is_live
        if self.video.past is not None:
            return source_section(self.video, self.info, self.video.past.why)
        at_play = source_wording.AT_PLAY if is_live else source_wording.READER_AT_PLAY
        return source_section(self.video, self.info, at_play)

    def on_opened(self, engine: EngineLike) -> None:
        """Show its reader; of a live one, the size is known only now."""
        if self.video.is_live:
            self.info = engine.info
        self._board.put("source", self._section(engine.reader_reason))

    def on_prediction(self, engine: EngineLike, prediction: Prediction) -> None:
        """Show a prediction; of a live source, its pixels are the picture too."""
        pixels, view = engine.last_clip_pixels, self.view
        # The model before may still have been judging a clip when its view was replaced.
        of_what = (prediction.class_names, prediction.axes)
        if view is not None and of_what == (view.class_names, view.axes):
            view.add_prediction(prediction, pixels, engine.settings, engine.model)
        if self.kept_pictures is not None and pixels is not None:
            times = (prediction.start_seconds, prediction.end_seconds)
            # Without the frames that only fill up the last clip.
            self.kept_pictures.add_clip(pixels[: prediction.num_real_frames], times, self.info)

    def damaged_spans(self) -> list[tuple[float, float, bool]]:
        """Where a file that was read to its end gave no pictures; see `watched_but_for`."""
        if self.video.is_live or self.view is None:
            return []
        total, predicted = self.info.duration_seconds, self.view.predicted
        reached = predicted.timeline.end_seconds
        spans = sorted(
            (start, end, end >= total - SHORT_SECONDS) for start, end, _ in predicted.gaps
        )
        is_told = any(is_end for *_, is_end in spans)
        if not is_told and total - reached > max(SHORT_SECONDS, predicted.bridge_seconds):
            spans.append((reached, total, True))
        return spans

    def check_time(self, seconds: float) -> None:
        """Raise `SettingError` unless it is a time in the video that one can go to."""
        if self.video.is_live:
            raise SettingError(source_wording.NO_SEEK)
        if self.video.past is not None:
            raise SettingError(self.video.past.why)
        total = self.info.duration_seconds
        if not 0 <= seconds < total:
            raise SettingError(run_wording.outside(seconds, total))

    def look(self, seconds: float | None, playhead_seconds: float) -> None:
        """Show the picture at a time, `None`: the one at the playhead again."""
        before, self._looked_at = self._looked_at, seconds
        self._board.put("look", None if seconds is None else {"seconds": seconds})
        # Nothing to ask for where the playhead was on view, and stays.
        if self.pictures is not None and (before, seconds) != (None, None):
            at = self._picture_seconds(playhead_seconds) if seconds is None else seconds
            self.pictures.want(at, is_urgent=True)

    def look_back(self, playhead_seconds: float, step_seconds: float) -> None:
        """Show the picture a step before the one on view."""
        shown = playhead_seconds if self._looked_at is None else self._looked_at
        self.look(max(0.0, shown - step_seconds), playhead_seconds)

    def follow(
        self, playhead_seconds: float, *, is_urgent: bool = False, is_model_idle: bool = False
    ) -> None:
        """Ask for the picture at the playhead, unless another time is looked at."""
        if self._looked_at is None and self.pictures is not None:
            at = self._picture_seconds(playhead_seconds)
            self.pictures.want(at, is_urgent=is_urgent, is_model_idle=is_model_idle)

    def _picture_seconds(self, playhead_seconds: float) -> float:
        return self.view.picture_seconds(playhead_seconds) if self.view else playhead_seconds

    @property
    def silent_seconds(self) -> float:
        """How long no picture came from a visitor's webcam."""
        webcam = self.video.webcam
        return webcam.silent_seconds() if webcam is not None else 0.0

    @property
    def is_lost(self) -> bool:
        """Whether its pictures have ended for good."""
        return self.silent_seconds > source_wording.LOST_SECONDS

    def pace(self, pacer: Pacer, figures: LiveFigures | None) -> str:
        """The speed in words; empty before anything was predicted."""
        if self.view is None:
            return ""
        if self.video.is_live:
            clips_per_second = self.view.meter.facts(None).clips_per_second
            return source_wording.pace(figures, clips_per_second, self.silent_seconds)
        to_go = self.info.duration_seconds - pacer.limit_seconds
        return run_wording.pace(self.view.meter.facts(max(0.0, to_go)))

    def close(self) -> None:
        """Close what reads pictures."""
        if self.pictures is not None:
            self.pictures.close()
