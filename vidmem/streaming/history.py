"""Snapshots of a stream from time to time, and going back to a past window with them.

    clips      0 1 2 3 4 5 6 7 8 9 ...
    snapshots  s   s   s   s           every second one; when there are too many, every fourth
    revisit 7              ^ + +       from the nearest snapshot before, clip by clip

However long a video, the snapshots together stay below a number and a size; what grows is how far
apart they are, and so how many clips it takes to reach a past window again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from torch import Tensor

from vidmem.errors import SettingError
from vidmem.models.interface import StreamModel
from vidmem.streaming.batching import mean_colour
from vidmem.streaming.feeds.feed import FeedOpener, FeedRequest, open_file_feed
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.settings import StreamSettings
from vidmem.streaming.stream import Stream, StreamState
from vidmem.streaming.windows import Position, WindowReader
from vidmem.units import MIB
from vidmem.video.sampling import Window


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A stream between two clips."""

    state: StreamState
    settings: StreamSettings
    position: Position
    reader: str

    @property
    def index(self) -> int:
        """The number of the next window."""
        return self.position.next_index

    @property
    def num_bytes(self) -> int:
        """Of its memory."""
        return self.state.memory.num_bytes


class StateHistory:
    """Snapshots of one stream, bounded; safe to use from several threads.

    Args:
        max_snapshots: At most so many are held.
        max_bytes: And together they take at most so much, but two are held in any case.
    """

    def __init__(self, *, max_snapshots: int = 64, max_bytes: int = 256 * MIB) -> None:
        if max_snapshots < 2:
            raise ValueError(f"max_snapshots must be at least 2, got {max_snapshots}")
        self.max_snapshots, self.max_bytes = max_snapshots, max_bytes
        self._lock = threading.Lock()
        self._held: list[Snapshot] = []
        self._spacing = 1

    @property
    def num_bytes(self) -> int:
        """Of all snapshots."""
        with self._lock:
            return sum(snapshot.num_bytes for snapshot in self._held)

    def __len__(self) -> int:
        return len(self._held)

    def offer(self, snapshot: Snapshot) -> None:
        """Hold it, if it is its turn: the first of all, and every n-th clip.

        The first one after other settings or a jump is always held, since what leads to later
        moments begins there.
        """
        with self._lock:
            is_new_start = not self._held or not leads_to(self._held[-1], snapshot)
            if is_new_start or snapshot.index - self._held[-1].index >= self._spacing:
                self._held.append(snapshot)
            self._thin()

    def clear(self) -> None:
        """Forget all, for instance because another model takes over."""
        with self._lock:
            self._held, self._spacing = [], 1

    def before(self, index: int) -> Snapshot:
        """The nearest snapshot from which window `index` can be reached again.

        Raises:
            SettingError: If there is none.
        """
        with self._lock:
            fitting = [snapshot for snapshot in self._held if snapshot.index <= index]
        if not fitting:
            raise SettingError(f"window {index} cannot be gone back to: no state from before it")
        return fitting[-1]

    def _thin(self) -> None:
        while len(self._held) > 2 and self._is_too_much():
            pairs = list(pairwise(self._held))
            # Starts have to stay: what follows cannot be computed from a snapshot before them.
            starts = [after for before, after in pairs if not leads_to(before, after)]
            # With many jumps nearly all are starts; then the oldest goes, or none ever would.
            if 2 * (1 + len(starts)) > len(self._held):
                del self._held[0]
                continue
            kept = self._held[:1]
            for snapshot in self._held[1:]:
                if snapshot in starts or snapshot.index - kept[-1].index >= 2 * self._spacing:
                    kept.append(snapshot)
            self._held = kept
            self._spacing *= 2

    def _is_too_much(self) -> bool:
        num_bytes = sum(snapshot.num_bytes for snapshot in self._held)
        return len(self._held) > self.max_snapshots or num_bytes > self.max_bytes


def leads_to(before: Snapshot, after: Snapshot) -> bool:
    """Whether one comes from the other by clips alone: no other settings, no jump."""
    stride = before.settings.window_stride
    num_clips = after.index - before.index
    is_in_step = after.position.next_frame - before.position.next_frame == num_clips * stride
    is_same_stream = before.state.first_index == after.state.first_index
    return before.settings == after.settings and is_in_step and is_same_stream


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A window that is past, with all that the model had to judge it."""

    window: Window
    pixels: Tensor
    """uint8, `[T, H, W, 3]`."""

    state: StreamState
    """As the window's clip met it."""

    settings: StreamSettings
    prediction: Prediction
    """The model's; provisional for models that look ahead."""


def revisit(
    source: str | Path,
    model: StreamModel,
    snapshot: Snapshot,
    index: int,
    *,
    neutral: Collection[int] = (),
    open_feed: FeedOpener = open_file_feed,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Moment:
    """Reach a past window again, from a snapshot before it.

    Args:
        source: The video of the stream.
        model: That of the stream.
        snapshot: See `StateHistory.before`; from before the first of the neutral windows, too.
        index: The window's number.
        neutral: Windows on the way whose pixels are replaced by the mean colour of the model's
            card, to see what they contribute to the prediction of the last one.
        open_feed: Where sampled frames come from.
        progress: Called with clips done and clips in all; raise in it to stop.

    Raises:
        SettingError: If the snapshot is from after the window, or the video ends before it.
        UnreadableVideoError: If the source cannot be read any more.
    """
    total = index - snapshot.index + 1
    if total < 1:
        raise SettingError(f"window {index} comes before the snapshot of {snapshot.index}")
    request = FeedRequest(
        path=Path(source),
        card=model.card,
        fps=snapshot.settings.fps,
        start_frame=snapshot.position.next_frame,
        reader=snapshot.reader,
    )
    stream = Stream(model, snapshot.settings, snapshot.state)
    moment = None
    feed = open_feed(request)
    try:
        windows = WindowReader(feed, snapshot.settings, snapshot.position)
        for done in range(total):
            progress(done, total)
            read = windows.read()
            if read is None:
                raise SettingError(f"the video ends before window {index}")
            is_neutral = read.window.index in neutral
            pixels = neutral_pixels(read.pixels, model) if is_neutral else read.pixels
            moment = Moment(
                window=read.window,
                pixels=pixels,
                state=stream.state,
                settings=snapshot.settings,
                prediction=stream.step(read.window, pixels),
            )
    finally:
        feed.close()
    assert moment is not None, "there is at least one window"
    progress(total, total)
    return moment


def neutral_pixels(pixels: Tensor, model: StreamModel) -> Tensor:
    """Pixels of the same shape in the mean colour of the model's card: about zero when normalised.

    Rounded to whole numbers, as pixels are.
    """
    return mean_colour(model.card).to(pixels.dtype).expand_as(pixels).clone()
