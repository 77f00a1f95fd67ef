"""Decoders of one video, as few as its readers can do with.

A reader shares a decoder with others that want the same frames and are at the same place; else it
gets a decoder of its own. A reader that is alone looks for one to share each time that it reads.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from vidmem.errors import DecoderError
from vidmem.streaming.feeds.feed import Feed, FeedOpener
from vidmem.streaming.feeds.shared_decoder import HeldFrame, Reader, SharedDecoder
from vidmem.video.sampling import Gap

EXPECTED_WITHIN_SECONDS = 3.0
"""How long, from the first reader on, decoders wait for those that have yet to join."""


class DecoderGroup:
    """Shared decoders and their readers; safe to use from several threads."""

    def __init__(self, open_feed: FeedOpener, *, num_expected: int) -> None:
        """No decoder yet.

        Args:
            open_feed: Where frames come from.
            num_expected: Readers that will join; until then frames are kept for them.
        """
        self._open = open_feed
        self._num_expected = num_expected
        self._expects_until_seconds: float | None = None
        self._lock = threading.Lock()
        self._decoders: list[SharedDecoder] = []
        self._readers: list[Reader] = []
        self._is_closed = False
        self.num_started = 0
        """Decoders so far."""

    @property
    def num_decoders(self) -> int:
        """At work now."""
        with self._lock:
            return len(self._decoders)

    def join(self, reader: Reader) -> Feed:
        """Add a reader, and wait until its decoder is open.

        Raises:
            VidmemError: If it cannot be opened.
        """
        with self._lock:
            if self._is_closed:
                raise DecoderError("the regions have been closed")
            self._num_expected -= 1
            self._readers.append(reader)
            if self._expects_until_seconds is None:
                self._expects_until_seconds = time.monotonic() + EXPECTED_WITHIN_SECONDS
            decoder = self._placed(reader)
            if self._num_expected == 0:
                for one in self._decoders:
                    one.expect_no_more()
        try:
            with self._lock:  # waiting sets it free: it waits on a condition of this lock
                return decoder.wait_until_open()
        except BaseException:  # outside the lock, which cannot be taken twice: `leave` takes it
            self.leave(reader)
            raise

    def leave(self, reader: Reader) -> None:
        """Remove a reader; a thread that waits for its frames wakes."""
        with self._lock:
            if reader in self._readers:
                self._readers.remove(reader)
            _detach(reader)
        self._end_idle()

    def move(self, reader: Reader, fps: float, frame: int, why: str) -> None:
        """Move a reader to another frame, or to another rate."""
        with self._lock:
            _detach(reader)
            reader.wanted = replace(reader.wanted, fps=fps)
            reader.next_frame, reader.why_alone = frame, why
            if reader in self._readers:
                self._placed(reader)
        self._end_idle()

    def read(
        self, reader: Reader, num_frames: int
    ) -> tuple[list[HeldFrame], tuple[Gap, ...], bool]:
        """The next frames of a reader; fewer only at the end.

        Returns:
            The frames, damage met behind the last one, and whether the video has no more.

        Raises:
            VidmemError: If the decoder fails, or the reader has left.
        """
        frames: list[HeldFrame] = []
        with self._lock:
            while len(frames) < num_frames:
                decoder = self._placed(reader)
                taken = decoder.take(reader, num_frames - len(frames))
                frames += taken
                # None at all: the end, unless its decoder has dropped this reader while it waited.
                if not taken and reader.decoder is decoder:
                    break
            decoder = self._decoder_of(reader)
            is_end = decoder.is_end and reader.next_frame >= decoder.end_frame
            gaps = decoder.end_gaps if is_end and not reader.has_had_end else ()
            reader.has_had_end = is_end
        self._end_idle()
        return frames, gaps, is_end

    def feed_of(self, reader: Reader) -> Feed | None:
        """What a reader reads from."""
        with self._lock:
            return reader.decoder.feed if reader.decoder else None

    def is_first(self, reader: Reader) -> bool:
        """Whether a reader is the one of its decoder that answers for it."""
        with self._lock:
            return reader.decoder is not None and reader.decoder.readers[0] is reader

    def sharing(self, reader: Reader) -> str:
        """How a reader's pictures are decoded, in words."""
        with self._lock:
            num_readers = len(reader.decoder.readers) if reader.decoder else 1
            if num_readers > 1:
                return f"decoded once for {num_readers} regions"
            if len(self._readers) == 1:
                return "decoded for one region"
            return f"a decoder of its own, because {reader.why_alone}"

    def close(self) -> None:
        """End all decoders; reading raises a `DecoderError` from here on."""
        with self._lock:
            self._is_closed = True
            for reader in self._readers:
                _detach(reader)
            self._readers.clear()
        self._end_idle()

    def _placed(self, reader: Reader) -> SharedDecoder:
        here = reader.decoder
        if here is not None and len(here.readers) > 1:
            return here
        if reader not in self._readers:
            raise DecoderError("the feed of this region has been closed")
        others = [one for one in self._decoders if one.suits(reader) and one is not here]
        # The one with most readers, so that readers come together in few decoders.
        best = max(others, key=lambda one: len(one.readers), default=here) or self._started(reader)
        if best is not here:
            _detach(reader)
            best.readers.append(reader)
            reader.decoder = best
        self._note_who_may_come()
        return best

    def _started(self, reader: Reader) -> SharedDecoder:
        request = replace(reader.wanted, start_frame=reader.next_frame)
        is_expecting = self._num_expected > 0
        decoder = SharedDecoder(
            request,
            self._open,
            boxes=reader.boxes,
            lock=self._lock,
            keeps_until_seconds=(self._expects_until_seconds or 0.0) if is_expecting else 0.0,
        )
        self._decoders.append(decoder)
        self.num_started += 1
        return decoder

    def _decoder_of(self, reader: Reader) -> SharedDecoder:
        if reader.decoder is None:
            raise DecoderError("the feed of this region has been closed")
        return reader.decoder

    def _end_idle(self) -> None:
        with self._lock:
            idle = [one for one in self._decoders if not one.readers]
            self._decoders = [one for one in self._decoders if one.readers]
            self._note_who_may_come()
        for decoder in idle:  # without the lock: ending a process takes a moment
            decoder.close()

    def _note_who_may_come(self) -> None:
        for decoder in self._decoders:
            others = [one for one in self._readers if one.decoder is not decoder]
            # A reader elsewhere that wants pictures of the same size may still join here.
            is_met = any(one.wanted.card == decoder.request.card for one in others)
            decoder.is_complete = self._num_expected <= 0 and not is_met


def _detach(reader: Reader) -> None:
    decoder, reader.decoder = reader.decoder, None
    if decoder is not None:
        decoder.leave(reader)
    reader.has_had_end = False
