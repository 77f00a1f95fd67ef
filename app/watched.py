"""What a run watches: a file, or a live source; with what is known of it, and its pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app import live_text, text
from app.live import LiveInfo, LivePictures
from app.pacing import Pacer, SpeedMeter
from app.pictures import PictureWorker
from app.sections import source_section
from app.tools import Engine, Tools
from app.videos import Video
from app.words import WORDS
from vidmem.errors import SettingError
from vidmem.streaming import LiveFigures, Prediction


class Watched:
    """One source.

    Raises:
        VidmemError: If it is a file that cannot be read.
    """

    def __init__(self, video: Video, tools: Tools) -> None:
        self.video = video
        self.info: Any = LiveInfo() if video.is_live else tools.probe(video.path)
        self.pictures: PictureWorker | LivePictures | None = None
        self._tools = tools

    def open_pictures(self, on_error: Callable[[Exception], None]) -> None:
        """Begin to show pictures."""
        if self.video.is_live:
            self.pictures = LivePictures(self.video)
            return
        self.pictures = PictureWorker(self.video, self._tools.open_pictures, on_error)
        self.pictures.want(0.0, is_urgent=True)

    @property
    def kept(self) -> LivePictures | None:
        """Where pictures of what is past are, if there is no file to read them from."""
        return self.pictures if isinstance(self.pictures, LivePictures) else None

    def section(self, reason: str | None = None) -> dict[str, Any]:
        """What the page shows of it.

        Args:
            reason: Why it is read as it is; `None`: it was not opened yet.
        """
        if reason is not None:
            return source_section(self.video, self.info, f"Reader: {reason}")
        at_play = live_text.AT_PLAY if self.video.is_live else WORDS["reader_at_play"]
        return source_section(self.video, self.info, at_play)

    def opened(self, engine: Engine) -> None:
        """A live source is open: it is known now."""
        if self.video.is_live:
            self.info = engine.info

    def took(self, engine: Engine, prediction: Prediction) -> None:
        """A clip was judged: of a live source, its pixels are the picture."""
        pixels = engine.last_clip_pixels
        if self.kept is not None and pixels is not None:
            times = (prediction.start_seconds, prediction.end_seconds)
            self.kept.took(pixels[: prediction.num_real_frames], times, self.info)

    def check_time(self, seconds: float) -> None:
        """Raise `SettingError` unless it is a time in the video that one can go to."""
        if self.video.is_live:
            raise SettingError(live_text.NO_SEEK)
        total = self.info.duration_seconds
        if not 0 <= seconds < total:
            raise SettingError(text.outside(seconds, total))

    @property
    def silent_seconds(self) -> float:
        """How long no picture came from a visitor's webcam."""
        webcam = self.video.webcam
        return webcam.silent_seconds() if webcam is not None else 0.0

    @property
    def is_lost(self) -> bool:
        """Whether nobody will send more pictures."""
        return self.silent_seconds > live_text.LOST_SECONDS

    def pace(self, meter: SpeedMeter, pacer: Pacer, figures: LiveFigures | None) -> str:
        """How fast it goes."""
        if self.video.is_live:
            clips_per_second = meter.facts(None).clips_per_second
            return live_text.pace(figures, clips_per_second, self.silent_seconds)
        to_go = self.info.duration_seconds - pacer.limit_seconds
        return text.pace(meter.facts(max(0.0, to_go)))

    def close(self) -> None:
        """Give the pictures back."""
        if self.pictures is not None:
            self.pictures.close()
