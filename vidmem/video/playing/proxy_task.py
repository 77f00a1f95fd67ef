"""Task of a decoding child: a copy of a video as H.264 in MP4, which browsers play.

Frames keep their times, to a tick of the source where that is no finer than a microsecond: varying
rates, holes, and a start that is not 0. The first frame is at 0 s of the copy. Sound becomes AAC,
at its time beside the pictures; silence stands where there is none.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from vidmem.errors import StorageError, UnsupportedCodecError
from vidmem.units import file_size
from vidmem.video.child.main import Parent
from vidmem.video.container import open_container
from vidmem.video.orientation import Orientation
from vidmem.video.probe import VideoInfo, probe_video
from vidmem.video.readers.decoding import SourceFrame
from vidmem.video.readers.pyav import PyavSource

CODEC, SOUND_CODEC = "libx264", "aac"
OPTIONS: dict[str, object] = {"preset": "veryfast", "crf": "23"}
KEY_SECONDS = 2.0
"""From one frame that a player can go to at once to the next."""

FINEST_TICK = Fraction(1, 1_000_000)
COARSE_TICK = Fraction(1, 90_000)
PROGRESS_SECONDS = 0.5
SOUND_AHEAD_SECONDS = 0.5
"""Sound is written so far before its pictures, so that a player finds both together."""

SOUND_RATES = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
SOUND_SHIFT_SECONDS = 0.1
"""Sound that is further from its time is put there: by silence, or by leaving some out."""

SILENCE_SECONDS = 10.0
"""Written at a time."""

SOUND_FRAME = 1024
MAX_SOUND_ERRORS = 100
"""In a row; sound behind more of them is left out."""

IO_BYTES = 1 << 20
NICENESS = 10


def prepare(settings: dict[str, Any]) -> None:
    """Let everything else go first; inside of the box, that cannot be asked for."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICENESS)


def proxy_size(info: VideoInfo, max_width: int) -> tuple[int, int]:
    """Width and height as a person should see them, even, at most so wide; never enlarged."""
    width = min(info.display_width, max_width)
    height = info.display_height * width / info.display_width
    return max(2, width // 2 * 2), max(2, round(height / 2) * 2)


def run(parent: Parent, settings: dict[str, Any]) -> None:
    """Write the copy, and say how far it is."""
    assert parent.copy is not None, "its box has a file to write"
    info = probe_video(settings["path"], parent.tick)
    width, height = proxy_size(info, settings["max_width"])
    parent.send("open", info=info.to_json(), width=width, height=height)
    try:
        _write(parent, info, (width, height), parent.copy, settings["max_bytes"])
        parent.copy.flush()
        os.fsync(parent.copy.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageError("there is no room left for the playable copy") from error
        raise
    parent.send("done", num_bytes=parent.copy.tell())


def _write(
    parent: Parent, info: VideoInfo, size: tuple[int, int], out: BinaryIO, max_bytes: int
) -> None:
    source = PyavSource(info, *size, skip=False, tick=parent.tick)
    with av.open(out, "w", format="mp4", buffer_size=IO_BYTES) as container:
        picture = _Pictures(container, source, size)
        sound = _Sound(container, info, parent.tick)
        told_at = time.monotonic()
        for shown in source.frames_from(info.start_pts):
            parent.tick()
            seconds = picture.write(shown)
            sound.write_until(seconds + SOUND_AHEAD_SECONDS)
            if time.monotonic() - told_at > PROGRESS_SECONDS:
                num_bytes = out.tell()
                if num_bytes > max_bytes:
                    raise StorageError(
                        f"the playable copy would be larger than {file_size(max_bytes)}, which is "
                        "all the room that it may take"
                    )
                parent.send("progress", seconds=seconds, num_bytes=num_bytes)
                told_at = time.monotonic()
        sound.write_until(picture.end_seconds)
        sound.close()
        picture.close()


class _Pictures:
    """Frames into H.264, at their own times."""

    def __init__(
        self, container: OutputContainer, source: PyavSource, size: tuple[int, int]
    ) -> None:
        info = source.info
        self._container, self._source, self._size = container, source, size
        self._tick = info.tick if info.tick >= FINEST_TICK else COARSE_TICK
        self._painter = VideoReformatter()
        self._stream = self._add_stream()
        self._last = -1
        self.end_seconds = 0.0

    def write(self, shown: SourceFrame) -> float:
        """One more frame; returns its time."""
        info = self._source.info
        ticks = shown.pts - info.start_pts
        pts = ticks if self._tick == info.tick else round(ticks * info.tick / self._tick)
        seconds = float(ticks * info.tick)
        self.end_seconds = seconds + float(shown.duration * info.tick)
        if pts <= self._last:
            return seconds  # closer than a tick of the copy
        self._last = pts
        frame = self._drawn(shown.frame)
        frame.pts, frame.time_base = pts, self._tick
        frame.pict_type = PictureType.NONE  # else the encoder takes over which frames are key
        self._container.mux(self._stream.encode(frame))
        return seconds

    def close(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))

    def _add_stream(self) -> VideoStream:
        info = self._source.info
        try:
            stream = self._container.add_stream(CODEC, rate=_rate(info))
        except (av.error.FFmpegError, ValueError) as error:
            raise UnsupportedCodecError(
                "the installed FFmpeg cannot encode H.264, so no playable copy can be made here; "
                "install av from PyPI"
            ) from error
        context = stream.codec_context
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        context.time_base = self._tick
        context.gop_size = max(1, round(KEY_SECONDS * min(info.fps, 120)))
        # Without B-frames each is stored as it is shown: no player counts from elsewhere then.
        context.max_b_frames = 0
        context.thread_count = os.cpu_count() or 1
        stream.options = OPTIONS
        return stream

    def _drawn(self, frame: VideoFrame) -> VideoFrame:
        if self._source.info.orientation != Orientation():
            return VideoFrame.from_ndarray(self._source.to_pixels(frame), format="rgb24")
        width, height = self._size
        return self._painter.reformat(
            frame, width=width, height=height, format="yuv420p", interpolation="BILINEAR"
        )


def _rate(info: VideoInfo) -> Fraction:
    return Fraction(min(max(info.fps, 1.0), 240.0)).limit_denominator(1001)


class _Sound:
    """Sound into AAC, without a hole: sample `n` is heard `n / rate` seconds after frame 0."""

    def __init__(
        self, container: OutputContainer, info: VideoInfo, tick: Callable[[], None]
    ) -> None:
        self._info, self._tick = info, tick
        self._num_written = 0
        self._next: tuple[float, np.ndarray] | None = None
        self._held = np.zeros((0, 0), np.float32)
        self._frames: Iterator[tuple[float, np.ndarray]] = iter(())
        self._source = open_container(info.path)
        streams = [one for one in self._source.streams.audio if one.codec_context is not None]
        self._stream = None
        if not streams or not streams[0].codec_context.sample_rate:
            self._source.close()
            return
        context = streams[0].codec_context
        rate = next((one for one in SOUND_RATES if one <= context.sample_rate), SOUND_RATES[-1])
        layout = "mono" if context.channels == 1 else "stereo"
        self._rate, self._layout = rate, layout
        self._stream = container.add_stream(SOUND_CODEC, rate=rate, layout=layout)
        self._num_channels = 1 if layout == "mono" else 2
        self._held = np.zeros((self._num_channels, 0), np.float32)
        self._frames = _sound_of(self._source, streams[0], rate, layout)
        self._container = container

    def write_until(self, seconds: float) -> None:
        """All that is heard before a time."""
        if self._stream is None:
            return
        wanted = round(seconds * self._rate)
        while self._num_samples < wanted:
            self._tick()
            self._next = self._next or next(self._frames, None)
            if self._next is None:
                return
            start, samples = self._next
            ahead = round((start - self._info.start_seconds) * self._rate) - self._num_samples
            if self._num_samples and abs(ahead) <= SOUND_SHIFT_SECONDS * self._rate:
                ahead = 0
            if ahead > 0:
                most = min(ahead, wanted - self._num_samples, round(SILENCE_SECONDS * self._rate))
                self._hold(np.zeros((self._num_channels, max(1, most)), np.float32))
            else:
                self._hold(samples[:, -ahead:])
                self._next = None

    def close(self) -> None:
        """Write what is held."""
        if self._stream is not None:
            self._encode(1)
            self._container.mux(self._stream.encode(None))
        self._source.close()

    @property
    def _num_samples(self) -> int:
        return self._num_written + self._held.shape[1]

    def _hold(self, samples: np.ndarray) -> None:
        assert self._stream is not None
        self._held = np.concatenate([self._held, samples], axis=1)
        self._encode(self._stream.codec_context.frame_size or SOUND_FRAME)

    def _encode(self, least: int) -> None:
        """Write what is held in pieces of the encoder's size; what is left, where `least` is 1."""
        assert self._stream is not None
        size = self._stream.codec_context.frame_size or SOUND_FRAME
        while self._held.shape[1] >= max(1, least):
            piece, self._held = self._held[:, :size], self._held[:, size:]
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(piece), format="fltp", layout=self._layout
            )
            frame.sample_rate, frame.pts = self._rate, self._num_written
            frame.time_base = Fraction(1, self._rate)
            self._num_written += piece.shape[1]
            self._container.mux(self._stream.encode(frame))


def _sound_of(
    container: Any, stream: Any, rate: int, layout: str
) -> Iterator[tuple[float, np.ndarray]]:
    """Sound as it can be decoded: when a piece is heard, and its samples, float32 `[C, N]`."""
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
    place = 0.0
    failures = 0
    packets = container.demux(stream)
    while failures < MAX_SOUND_ERRORS:
        try:
            packet = next(packets, None)
            frames = packet.decode() if packet is not None else []
            failures = 0
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            failures += 1
            continue
        for frame in frames:
            place = frame.time if frame.time is not None else place
            try:
                pieces = resampler.resample(frame)
            except (av.error.FFmpegError, ValueError):
                # Its form has changed: from here on by another one.
                resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
                pieces = []
            for piece in pieces:
                samples = piece.to_ndarray()
                yield place, samples
                place += samples.shape[1] / rate
        if packet is None:
            return
