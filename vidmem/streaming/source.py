"""What a run reads: a file or a live source, the feed open on it, and the windows cut from it."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from vidmem.errors import SettingError, StateError
from vidmem.models.interface import ModelCard
from vidmem.profiling import ProcessGauge
from vidmem.streaming.feeds.feed import Feed, FeedOpener, FeedRequest, open_file_feed
from vidmem.streaming.feeds.live import LiveFeed
from vidmem.streaming.feeds.live_buffer import TOO_SLOW
from vidmem.streaming.feeds.live_figures import LiveFigures
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.saving.identity import SourceIdentity
from vidmem.streaming.saving.outputs import check_outputs
from vidmem.streaming.saving.run_files import RunFiles
from vidmem.streaming.settings import StreamSettings
from vidmem.streaming.windows import Position, ReadWindow, WindowReader
from vidmem.video.live.address import LiveAddress, is_live
from vidmem.video.probe import VideoInfo

logger = logging.getLogger(__name__)


def open_source(request: FeedRequest) -> Feed:
    """Decode a source in a child process: an address or a camera, or else a file."""
    return LiveFeed(request) if request.address else open_file_feed(request)


class RunSource:
    """The source of one run, the feed that is open on it, if any, and where reading it is.

    Args:
        source: A video file, an address, or a camera's device file.
        open_feed: Where sampled frames come from.
        files: Refused where the source cannot have them.
    """

    info: VideoInfo
    reader_name: str
    reader_reason: str

    windows: WindowReader
    """Set by `open_windows`; its position stays known when the feed has been closed."""

    def __init__(self, source: str | Path, open_feed: FeedOpener, files: RunFiles) -> None:
        self.is_live = is_live(source)
        self._address = str(source) if self.is_live else ""
        self.path = Path(LiveAddress.parse(source).shown if self.is_live else source)
        self.name = LiveAddress.parse(source).shown if self.is_live else self.path.name
        self._feed: Feed | None = None
        self._figures: LiveFigures | None = None
        self._open = open_feed
        self._files = files
        self._gauge = ProcessGauge()
        self._has_told_tracks = False
        self._check_files()

    @property
    def is_open(self) -> bool:
        """Whether a feed is open on it."""
        return self._feed is not None

    def identity(self) -> SourceIdentity | None:
        """Which video it is, where a state is saved that belongs to it."""
        if self._files.state_path is None:
            return None
        # Openers of regions have a `part`: two regions of one file are two videos to resume.
        return SourceIdentity.of(self.path, getattr(self._open, "part", ""))

    def open_windows(
        self, position: Position, settings: StreamSettings, card: ModelCard, reader: str
    ) -> None:
        """Read on at another place, or for another model.

        A live feed stays open, and goes on with the frames that come; any other is replaced by a
        new one.
        """
        self.check_card(card)
        feed = self._feed
        if feed is not None and feed.set_card(card):
            before = self.windows
            before.leave_out()
            if settings.fps != before.settings.fps:
                feed.set_fps(settings.fps, position.next_frame)
        else:
            feed = self._open_feed(position, settings, card, reader)
        self.windows = WindowReader(feed, settings, position)

    def _open_feed(
        self, position: Position, settings: StreamSettings, card: ModelCard, reader: str
    ) -> Feed:
        self.close()
        request = FeedRequest(
            path=self.path,
            card=card,
            fps=settings.fps,
            start_frame=position.next_frame,
            reader=reader,
            address=self._address,
        )
        self._feed = feed = self._open(request)
        self.info, self.reader_name = feed.info, feed.reader_name
        self.reader_reason = feed.reader_reason
        self._tell_of_other_tracks()
        if feed.is_live:  # pictures that are pushed have no address that says so
            self.is_live, self.name = True, feed.info.name
            self._check_files()
            self.check_card(card)
        return feed

    def with_reading_costs(self, prediction: Prediction, read: ReadWindow) -> Prediction:
        """A window's prediction with what reading it cost and met on the way; gaps are logged."""
        feed = self.windows.feed
        # A feed may have changed to another reader since it was opened.
        self.reader_name, self.reader_reason = feed.reader_name, feed.reader_reason
        self._warn_of_gaps(read)
        return replace(
            prediction,
            decode_seconds=self._gauge.processor_seconds(feed.child_pid),
            wait_seconds=read.wait_seconds,
            process_bytes=self._gauge.resident_bytes(feed.child_pid),
            decoder_bytes=self._gauge.child_bytes(feed.child_pid),
            gaps=read.gaps,
        )

    def _tell_of_other_tracks(self) -> None:
        num_tracks = getattr(self.info, "num_tracks", 1)
        if num_tracks > 1 and not self._has_told_tracks:
            self._has_told_tracks = True
            logger.warning(
                "%s has %d video tracks; the one that players show is watched (stream %d, %d x %d)",
                self.name,
                num_tracks,
                self.info.stream_index,
                self.info.width,
                self.info.height,
            )

    def _warn_of_gaps(self, read: ReadWindow) -> None:
        for gap in read.gaps:
            if gap.start_seconds == gap.end_seconds:
                logger.warning("%s: at %.2f s: %s", self.name, gap.start_seconds, gap.reason)
                continue
            # That a model is slower than a camera is expected; damage and outages are not.
            logger.log(
                logging.INFO if TOO_SLOW in gap.reason else logging.WARNING,
                "%s: no pictures from %.2f to %.2f s: %s",
                self.name,
                gap.start_seconds,
                gap.end_seconds,
                gap.reason,
            )

    def check_card(self, card: ModelCard) -> None:
        """Raise `SettingError` where the source cannot be shown to a model as its card wants."""
        if self.is_live and card.follow is not None:
            raise SettingError(
                f"{self.name} is live, and {card.title} follows what differs from the usual "
                "picture of a file, which is known only when all of it is there; record it and "
                "watch the recording, or teach a model without follow"
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
        # Second 0 is allowed even where a container gives no length.
        if not 0 <= seconds < max(duration_seconds, 1e-9):
            raise SettingError(
                f"{name} must be in [0, {duration_seconds:g}), the length of {self.name}, "
                f"got {seconds!r}"
            )

    def live_figures(self) -> LiveFigures | None:
        """How a live source is now, or was at its end; `None` for a file."""
        # Read once, here and in `finish`: another thread may close it in between.
        feed = self._feed
        return feed.figures() if feed is not None else self._figures

    def finish(self) -> None:
        """Take no more of a live source."""
        feed = self._feed
        if feed is not None:
            feed.finish()

    def close(self) -> None:
        """End the feed."""
        # Taken out first: two threads may close a run at once.
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()
            self._figures = feed.figures()

    def _check_files(self) -> None:
        if self.is_live and self._files.state_path is not None:
            self.close()
            raise StateError(
                f"{self.name} is live: what was not watched is gone, so a run of it cannot be "
                "resumed, and saves no state; leave out state and resume"
            )
        check_outputs(self._files.outputs, [] if self.is_live else [self.path])
