"""What a run reads: a file, or a live source; opened, closed, and asked what it can do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from vidmem.errors import SettingError, StateError
from vidmem.models.interface import ModelCard
from vidmem.streaming.feed import Feed, FeedRequest, open_feed
from vidmem.streaming.identity import SourceIdentity
from vidmem.streaming.live_buffer import TOO_SLOW, LiveFigures
from vidmem.streaming.live_feed import BufferedFeed, LiveFeed
from vidmem.streaming.recorder import RunFiles
from vidmem.streaming.settings import StreamSettings
from vidmem.streaming.windows import Position, ReadWindow, WindowReader
from vidmem.video.live_address import LiveAddress, is_live
from vidmem.video.probe import VideoInfo

logger = logging.getLogger(__name__)


def open_source(request: FeedRequest) -> Feed:
    """Decode what is asked for in a child process: an address or camera, or else a file."""
    return LiveFeed(request) if request.address else open_feed(request)


class RunSource:
    """The source of one run, and the feed that is open on it, if any.

    Args:
        source: A video file, an address, or a camera's device file.
        open_feed: Where sampled frames come from.
        files: Refused where the source cannot have them.
    """

    info: VideoInfo
    reader_name: str
    reader_reason: str

    def __init__(
        self, source: str | Path, open_feed: Callable[[FeedRequest], Feed], files: RunFiles
    ) -> None:
        self.is_live = is_live(source)
        self._address = str(source) if self.is_live else ""
        self.path = Path(LiveAddress.parse(source).shown if self.is_live else source)
        self.name = LiveAddress.parse(source).shown if self.is_live else self.path.name
        self.feed: Feed | None = None
        self._windows: WindowReader | None = None
        self._figures: LiveFigures | None = None
        self._open = open_feed
        self._files = files
        self._check_files()

    def identity(self) -> SourceIdentity | None:
        """Which video it is, where a state is saved that belongs to it."""
        if self._files.state_path is None:
            return None
        return SourceIdentity.of(self.path, getattr(self._open, "part", ""))  # of the picture

    def open_windows(
        self, position: Position, settings: StreamSettings, card: ModelCard, reader: str
    ) -> WindowReader:
        """Open a feed where the next window starts, in the place of the one there was.

        A live one stays open, and goes on with what comes.
        """
        if isinstance(self.feed, BufferedFeed):
            if self._windows is not None:
                self._windows.leave_out()
            self.feed.set_card(card)
            if settings.fps != self.feed.buffer.fps:
                self.feed.set_fps(settings.fps, position.next_frame)
            self._windows = WindowReader(self.feed, settings, position)
            return self._windows
        self.close()
        request = FeedRequest(
            path=self.path,
            card=card,
            fps=settings.fps,
            start_frame=position.next_frame,
            reader=reader,
            address=self._address,
        )
        self.feed = feed = self._open(request)
        self.info, self.reader_name = feed.info, feed.reader_name
        self.reader_reason = feed.reader_reason
        if isinstance(feed, BufferedFeed):
            self.is_live, self.name = True, feed.info.name
            self._check_files()
        self._windows = WindowReader(feed, settings, position)
        return self._windows

    def note_reader(self, feed: Feed) -> None:
        """Take over who reads by now."""
        self.reader_name, self.reader_reason = feed.reader_name, feed.reader_reason

    def warn_of_gaps(self, read: ReadWindow) -> None:
        """Log what is missing before a window."""
        for gap in read.gaps:
            logger.log(
                logging.INFO if TOO_SLOW in gap.reason else logging.WARNING,
                "%s: no pictures from %.2f to %.2f s: %s",
                self.name,
                gap.start_seconds,
                gap.end_seconds,
                gap.reason,
            )

    def check_start(self, seconds: float) -> None:
        """Raise `SettingError` unless a run can start there."""
        if self.is_live and seconds == 0:
            return
        self.check_time("start_seconds", seconds)

    def check_time(self, name: str, seconds: float) -> None:
        """Raise `SettingError` unless this is a time in the video that one can go to."""
        if self.is_live:
            raise SettingError(
                f"{self.name} is live: it is watched as it comes, from second 0 on, and there is "
                f"no going back or ahead; {name} was {seconds!r}"
            )
        duration_seconds = self.info.duration_seconds
        if not 0 <= seconds < max(duration_seconds, 1e-9):
            raise SettingError(
                f"{name} must be in [0, {duration_seconds:g}), the length of {self.name}, "
                f"got {seconds!r}"
            )

    def live_figures(self) -> LiveFigures | None:
        """How a live source is now, or was at its end; `None` for a file."""
        feed = self.feed
        return feed.figures() if isinstance(feed, BufferedFeed) else self._figures

    def finish(self) -> None:
        """Take no more of a live source."""
        feed = self.feed
        if isinstance(feed, BufferedFeed):
            feed.finish()

    def close(self) -> None:
        """End the feed."""
        feed, self.feed = self.feed, None
        if feed is not None:
            feed.close()
        if isinstance(feed, BufferedFeed):
            self._figures = feed.figures()

    def _check_files(self) -> None:
        if self.is_live and self._files.state_path is not None:
            self.close()
            raise StateError(
                f"{self.name} is live: what was not watched is gone, so a run of it cannot be "
                "resumed, and saves no state; leave out state and resume"
            )
