"""Whole videos to the features that models are taught on, once, and kept.

    sampled   0 1 2 3 | 4 5 6 7 | ...     decoded in a process of its own, ahead of the encoder
    batch     a window of groups          as a stream would be given it
    stored    a row for each group        tokens.npy, cell_motion.npy, frame_motion.npy, seconds.npy

Where it stopped stands beside the rows, so that the next call goes on there. Regions of one picture
are decoded once for all, and take turns, a window each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from vidmem.errors import EmptyVideoError, ModelError, SettingError, StorageError
from vidmem.models import FeatureKey, FeatureStore, FeatureWriter, FollowedCrop, ModelCard
from vidmem.models.features.config import NUM_MOTION_CHANNELS
from vidmem.models.features.encoder import FeatureEncoder
from vidmem.models.features.reduction import RawFeatures
from vidmem.streaming.batching import to_model_clip
from vidmem.streaming.feeds.decoder_group import DecoderGroup
from vidmem.streaming.feeds.feed import (
    Feed,
    FeedOpener,
    FeedRequest,
    check_is_file,
    open_file_feed,
)
from vidmem.streaming.feeds.region_feeds import RegionOpener
from vidmem.streaming.feeds.region_layout import cuts
from vidmem.streaming.feeds.regions import Region, check_regions
from vidmem.streaming.settings import CLIP_FRAMES_RANGE, StreamSettings
from vidmem.streaming.windows import Position, ReadWindow, WindowReader
from vidmem.units import clock
from vidmem.video.frame_feed import probe_safely
from vidmem.video.probe import VideoInfo
from vidmem.video.sampling import Gap

FEATURES_VERSION = 1
"""Counted up when the same pixels give other numbers; what was kept before is not used then."""

BATCH_GROUPS = 16
"""Encoded at a time."""

_WAIT_SECONDS = 0.2
_OVER = object()  # told by an iterator that has ended, which may give `None`
_ARRAYS = ("tokens", "cell_motion", "frame_motion", "seconds")


class CancelledError(Exception):
    """The person who waits said stop."""


class EncodingCancelledError(CancelledError):
    """The caller asked to stop; what is encoded is kept, and the next call goes on there."""


@dataclass(frozen=True, kw_only=True)
class VideoFeatures:
    """Feature frames of a video, in order: T groups of sampled frames.

    Groups with damage inside are left out, so a group need not begin where the one before ends.
    """

    video: str
    """As it was given."""

    raw: RawFeatures
    """Tokens `[T, P, D]` in float16, motion of cells `[T, P, 3]` and of frames `[T, 3]` in float32,
    mapped from disk."""

    start_seconds: Tensor
    """`[T]`, float64: when the group begins."""

    end_seconds: Tensor
    """`[T]`, float64, half open: when the next group begins."""

    times_seconds: Tensor
    """`[T]`, float64: when the frame that was encoded begins to count."""

    gaps: tuple[Gap, ...]
    """Parts of the file that could not be decoded."""

    duration_seconds: float
    """Of the video."""

    def __len__(self) -> int:
        return len(self.raw)


@dataclass(frozen=True, kw_only=True)
class EncodingProgress:
    """How far a video is encoded."""

    num_frames: int
    """Sampled frames done, those of earlier calls included."""

    total_frames: int
    """Sampled frames of the video, by the length that its container tells."""

    seconds_left: float | None
    """At the speed so far; `None`: unknown yet."""

    is_waiting: bool = False
    """Somebody else is encoding the same; their features will be used."""


def encode_video(  # noqa: PLR0913 - each is a setting that people name in one line of a script
    path: str | Path,
    encoder: FeatureEncoder,
    *,
    fps: float,
    store: FeatureStore,
    region: Region | None = None,
    follow: FollowedCrop | None = None,
    hides_clock: bool = False,
    reader: str = "auto",
    progress: Callable[[EncodingProgress], None] | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> VideoFeatures:
    """The features of a video, from the store or made now, with the pictures that a stream gets.

    The decoder works in a process of its own while the encoder encodes; it needs so much less that
    the encoder may have all threads. In bfloat16 an EfficientNet-Lite is
    twice as fast and loses half of what tells the frames of one pen apart: leave it in float32.

    Args:
        path: A video file.
        encoder: What its image encoder and motion give is kept; its reduction is not used.
        fps: Sampled frames per second; every `encode_every`th of them is encoded.
        store: Keeps them. What was begun, and for whatever reason not finished, goes on there.
        region: This part of the picture only, as a stream of this region alone sees it.
        follow: A square that follows what moves only, as a stream whose card has it sees it.
        hides_clock: With a burnt-in clock painted over, as in a stream whose card has it.
        reader: "auto" (PyAV), "pyav" or "decord".
        progress: Called before the first batch, and after each.
        is_cancelled: Asked as often.

    Raises:
        EncodingCancelledError: If `is_cancelled` says so.
        StorageError: If they will not fit, or cannot be written.
        UnreadableVideoError: If the video cannot be read, or nothing of it can be decoded.
        DecoderError: If the decoder fails; what is encoded is kept.
        ModelError: If the encoder gives what is no number.
        SettingError: If a setting is impossible, or the source is live.
    """
    if region is not None:
        if follow is not None or hides_clock:
            raise SettingError(
                "a region is encoded as it is, and neither a followed square nor a clock that is "
                "painted over was expected; leave one of them out"
            )
        found = encode_regions(
            path,
            encoder,
            regions=[region],
            fps=fps,
            store=store,
            reader=reader,
            progress=progress,
            is_cancelled=is_cancelled,
        )
        return found[region.name]
    check_is_file(path)
    job = _Encoding.of(
        path,
        encoder,
        fps=fps,
        reader=reader,
        pictures=EncoderPictures.of(encoder, follow, hides_clock=hides_clock),
        progress=progress,
        is_cancelled=is_cancelled,
    )
    key = feature_key(path, encoder, fps=fps, follow=follow, hides_clock=hides_clock, reader=reader)
    while (features := _found(store, key, path)) is None:
        job.check_cancelled()
        writer = store.writer(key)
        if writer is None:
            job.wait()
            continue
        with writer, ExitStack() as stack:
            # Somebody else may have finished them since they were looked for.
            if _found(store, key, path) is None:
                for _ in job.begin(writer, store, key, stack):
                    pass
                _check_kept(store, key, path)
    return features


def encode_regions(  # noqa: PLR0913 - as `encode_video`
    path: str | Path,
    encoder: FeatureEncoder,
    *,
    regions: Sequence[Region],
    fps: float,
    store: FeatureStore,
    reader: str = "auto",
    info: VideoInfo | None = None,
    progress: Callable[[EncodingProgress], None] | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, VideoFeatures]:
    """The features of regions of a video, with the pictures that streams of all of them get.

    The video is decoded once for those that are not in the store yet.

    Args:
        path: A video file.
        encoder: See `encode_video`.
        regions: All that are watched together: at which size the picture is decoded depends on
            all of them, and features on that.
        fps: See `encode_video`.
        store: Keeps them, each region under its own key.
        reader: See `encode_video`.
        info: Of the video, where it is known.
        progress: Told how far the one is that is least far.
        is_cancelled: See `encode_video`.

    Returns:
        By name of region.

    Raises:
        SettingError: If a region is too small for the video, or two have one name.
        VidmemError: As `encode_video`.
    """
    check_regions(regions)
    check_is_file(path)
    info = info or probe_safely(path)
    together = _Together(progress or (lambda _: None))
    job = _Encoding.of(path, encoder, fps=fps, reader=reader, is_cancelled=is_cancelled)
    made_with = _made_with(encoder, fps=fps, reader=reader)
    all_keys = _region_keys(path, made_with, regions, info, job.pictures.card)
    keys = dict(zip(regions, all_keys, strict=True))
    features: dict[str, VideoFeatures] = {}
    while missing := [one for one in regions if one.name not in features]:
        kept = {one.name: _found(store, keys[one], path) for one in missing}
        features |= {name: found for name, found in kept.items() if found is not None}
        missing = [one for one in missing if one.name not in features]
        if not missing:
            break
        job.check_cancelled()
        with ExitStack() as stack:
            writers = {one: store.writer(keys[one]) for one in missing}
            held = {one: stack.enter_context(writer) for one, writer in writers.items() if writer}
            # Somebody else may have finished some since they were looked for.
            own = [one for one in held if _found(store, keys[one], path) is None]
            if not held:
                replace(job, progress=together.progress).wait()
            group = DecoderGroup(open_file_feed, num_expected=len(own))
            stack.callback(group.close)
            turns = [
                replace(
                    job,
                    progress=together.listener(one),
                    opener=RegionOpener(group, job.path, info, tuple(regions), one),
                ).begin(held[one], store, keys[one], stack)
                for one in own
            ]
            _take_turns(turns)
            for one in own:
                _check_kept(store, keys[one], path)
    return features


def _take_turns(turns: Sequence[Iterator[None]]) -> None:
    """Go on with each, a step at a time, up to the end of the last."""
    while turns:
        turns = [one for one in turns if next(one, _OVER) is not _OVER]


@dataclass
class _Together:
    """How far regions are that are encoded in turns: as far as the one that is least far."""

    progress: Callable[[EncodingProgress], None]
    latest: dict[Region, EncodingProgress] = field(default_factory=dict)

    def listener(self, region: Region) -> Callable[[EncodingProgress], None]:
        """What is told how far a region is."""

        def tell(one: EncodingProgress) -> None:
            self.latest[region] = one
            self.progress(min(self.latest.values(), key=lambda each: each.num_frames))

        return tell


def _check_kept(store: FeatureStore, key: FeatureKey, path: str | Path) -> None:
    if _found(store, key, path) is None:
        raise StorageError(
            f"the features of {path} were deleted from {store.folder} while they were made: encode "
            "it again, and let it hold more"
        )


def find_features(
    path: str | Path,
    encoder: FeatureEncoder,
    *,
    fps: float,
    store: FeatureStore,
    follow: FollowedCrop | None = None,
    hides_clock: bool = False,
    reader: str = "auto",
) -> VideoFeatures | None:
    """What `encode_video` kept of the pictures of a video; nothing is encoded.

    Returns:
        `None`: the store does not have it, or not all of it.

    Raises:
        VideoNotFoundError: If the file cannot be read.
    """
    key = feature_key(path, encoder, fps=fps, follow=follow, hides_clock=hides_clock, reader=reader)
    return _found(store, key, path)


def feature_key(
    path: str | Path,
    encoder: FeatureEncoder,
    *,
    fps: float,
    follow: FollowedCrop | None = None,
    hides_clock: bool = False,
    reader: str = "auto",
) -> FeatureKey:
    """Under which a store has what `encode_video` makes of a video: all that the numbers depend on.

    Raises:
        VideoNotFoundError: If the file cannot be read.
    """
    made_with = _made_with(encoder, fps=fps, follow=follow, hides_clock=hides_clock, reader=reader)
    return FeatureKey.of(path, made_with)


def _region_keys(
    path: str | Path,
    made_with: Mapping[str, Any],
    regions: Sequence[Region],
    info: VideoInfo,
    card: ModelCard,
) -> list[FeatureKey]:
    """Under which a store has what `encode_regions` makes of each region of a video."""
    all_cuts = cuts(info, regions, card)
    sizes = [list(all_cuts[one.name].decoded) for one in regions]
    return [
        FeatureKey.of(path, {**made_with, "region": one.place, "decoded_at": size})
        for one, size in zip(regions, sizes, strict=True)
    ]


def _made_with(
    encoder: FeatureEncoder,
    *,
    fps: float,
    follow: FollowedCrop | None = None,
    hides_clock: bool = False,
    reader: str = "auto",
) -> dict[str, Any]:
    """All that the numbers depend on beside the file; all weights are read for it."""
    pictures = encoder.backbone.preprocessing
    return {
        "kind": "features of frames",
        "version": FEATURES_VERSION,
        "backbone": encoder.backbone.fingerprint(),
        "tokens_per_frame": encoder.config.tokens_per_frame,
        "encode_every": encoder.config.encode_every,
        "fps": fps,
        "frame_size": [pictures.frame_height, pictures.frame_width],
        "resize": pictures.resize,
        "mean": pictures.mean,
        "std": pictures.std,
        "region": None,
        # Left out where they are not wanted: what was kept before there were such is still found.
        **({} if follow is None else {"follow": asdict(follow)}),
        **({"hides_clock": True} if hides_clock else {}),
        "reader": "pyav" if reader == "auto" else reader,
    }


def feature_bytes(encoder: FeatureEncoder) -> int:
    """What a store keeps of one feature frame."""
    tokens, width = encoder.config.tokens_per_frame, encoder.backbone.embed_dim
    motion = (tokens + 1) * NUM_MOTION_CHANNELS * torch.float32.itemsize
    return tokens * width * torch.float16.itemsize + motion + 3 * torch.float64.itemsize


@dataclass(frozen=True, kw_only=True)
class WantedFeatures:
    """What is to be encoded of a video."""

    path: Path
    seconds: float
    """How long it is."""

    regions: tuple[Region, ...] = ()
    """Empty: the whole picture."""

    info: VideoInfo | None = None
    """`None`: it is looked at where that is needed."""


def check_room(
    wanted: Iterable[WantedFeatures],
    encoder: FeatureEncoder,
    *,
    fps: float,
    store: FeatureStore,
    follow: FollowedCrop | None = None,
    hides_clock: bool = False,
) -> None:
    """See that the features of some videos fit into a store side by side, before any is encoded.

    Args:
        wanted: What is there of them already counts.
        encoder: See `encode_video`.
        fps: Sampled frames per second.
        store: Where they are to go.
        follow: See `encode_video`.
        hides_clock: See `encode_video`.

    Raises:
        StorageError: If they will not fit.
        VidmemError: If a video cannot be read.
    """
    made_with = _made_with(encoder, fps=fps, follow=follow, hides_clock=hides_clock)  # alike
    card = EncoderPictures.of(encoder).card
    rooms: list[tuple[FeatureKey, int]] = []
    for one in wanted:
        keys = [FeatureKey.of(one.path, made_with)]
        if one.regions:
            info = one.info or probe_safely(one.path)
            keys = _region_keys(one.path, made_with, one.regions, info, card)
        rooms += [(key, _num_bytes(encoder, one.seconds, fps)) for key in keys]
    store.check_room(rooms)


def _num_bytes(encoder: FeatureEncoder, seconds: float, fps: float) -> int:
    """About, of the features of so much video."""
    return round(seconds * fps / encoder.config.encode_every) * feature_bytes(encoder)


@dataclass(frozen=True)
class EncoderPictures:
    """How the encoder wants its clips: what `to_model_clip` asks a model for."""

    card: ModelCard
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(
        cls,
        encoder: FeatureEncoder,
        follow: FollowedCrop | None = None,
        *,
        hides_clock: bool = False,
    ) -> Self:
        """Those of an encoder: whole pictures, unless something else is said."""
        weight = next(encoder.backbone.parameters())
        card = ModelCard(
            **asdict(encoder.backbone.preprocessing),
            name="encoder",
            title="Image encoder",
            class_names=(),
            follow=follow,
            hides_clock=hides_clock,
        )
        return cls(card, weight.dtype, weight.device)


def encode_groups(
    pixels: Tensor, encoder: FeatureEncoder, pictures: EncoderPictures
) -> RawFeatures:
    """What is kept of groups of sampled frames, a feature frame of each.

    Args:
        pixels: uint8 `[G * encode_every, H, W, 3]`, at the size that a feed gives them in.
        encoder: Its image encoder and motion are used.
        pictures: Of this encoder.

    Returns:
        Tokens `[G, P, D]` in float16, which may hold what is no number; motion of cells `[G, P, 3]`
        and of frames `[G, 3]` in float32.
    """
    clip = to_model_clip(pixels, pictures)
    raw = encoder.raw(clip.view(-1, encoder.config.encode_every, *clip.shape[2:]))
    return RawFeatures(
        raw.tokens[:, 0].half(), raw.cell_motion[:, 0].float(), raw.frame_motion[:, 0].float()
    )


@dataclass(frozen=True, kw_only=True)
class _Encoding:
    """One call of `encode_video`."""

    path: Path
    encoder: FeatureEncoder
    pictures: EncoderPictures
    settings: StreamSettings
    opener: FeedOpener | None = None
    """Of its feed; `None`: of the whole picture."""

    reader: str = "auto"
    progress: Callable[[EncodingProgress], None] = lambda _: None
    is_cancelled: Callable[[], bool] = lambda: False

    @classmethod
    def of(
        cls,
        path: str | Path,
        encoder: FeatureEncoder,
        *,
        fps: float,
        reader: str,
        is_cancelled: Callable[[], bool],
        pictures: EncoderPictures | None = None,
        progress: Callable[[EncodingProgress], None] | None = None,
    ) -> Self:
        """Of the whole picture, as it is, where nothing else is said."""
        return cls(
            path=Path(path),
            encoder=encoder,
            pictures=pictures or EncoderPictures.of(encoder),
            settings=_settings(encoder.config.encode_every, fps),
            reader=reader,
            progress=progress or (lambda _: None),
            is_cancelled=is_cancelled,
        )

    def check_cancelled(self) -> None:
        """Raise `EncodingCancelledError` where the caller wants to stop."""
        if self.is_cancelled():
            raise EncodingCancelledError(f"encoding of {self.path} was cancelled")

    def wait(self) -> None:
        """Somebody else encodes the same: give them some time."""
        self.progress(
            EncodingProgress(num_frames=0, total_frames=0, seconds_left=None, is_waiting=True)
        )
        time.sleep(_WAIT_SECONDS)

    def begin(
        self, writer: FeatureWriter, store: FeatureStore, key: FeatureKey, stack: ExitStack
    ) -> Iterator[None]:
        """Open the video, and encode what is not there yet, a window at each step.

        Args:
            writer: Of the features.
            store: That has it.
            key: Of the features.
            stack: Closes the video.
        """
        place = _Place.of(writer)
        if place is None:
            writer.clear()
            place = _Place()
        feed = self._opened(place.position.next_frame)
        stack.callback(feed.close)
        duration_seconds = feed.info.duration_seconds
        store.check_room([(key, _num_bytes(self.encoder, duration_seconds, self.settings.fps))])
        return self._steps(feed, writer, place, duration_seconds)

    def _steps(
        self, feed: Feed, writer: FeatureWriter, place: _Place, duration_seconds: float
    ) -> Iterator[None]:
        yield from self._encode(feed, writer, place, round(duration_seconds * self.settings.fps))
        if not writer.num_rows("seconds"):
            raise EmptyVideoError(
                f"{self.path} has no {self.every} sampled frames in a row that can be decoded: "
                "sample it at a higher fps, or mend the file"
            )
        writer.complete({**writer.notes, "duration_seconds": duration_seconds})

    @property
    def every(self) -> int:
        """Sampled frames of a group."""
        return self.encoder.config.encode_every

    def _encode(
        self, feed: Feed, writer: FeatureWriter, place: _Place, total_frames: int
    ) -> Iterator[None]:
        """Encode window by window, from a place to the end of the video."""
        windows, gaps = WindowReader(feed, self.settings, place.position), list(place.gaps)
        started, first = time.monotonic(), place.position.next_frame
        self._tell(first, total_frames, None)
        while (read := windows.read()) is not None:
            gaps.extend(read.gaps)
            rows = self._rows(read, _whole_groups(read, gaps, self.every))
            writer.append(rows, _Place(windows.position, tuple(gaps)).notes())
            done = read.window.start_frame + read.window.num_real_frames
            speed = (time.monotonic() - started) / max(done - first, 1)
            self._tell(done, total_frames, max(total_frames - done, 0) * speed)
            yield

    def _tell(self, done: int, total_frames: int, seconds_left: float | None) -> None:
        total = max(total_frames, done)
        self.progress(
            EncodingProgress(num_frames=done, total_frames=total, seconds_left=seconds_left)
        )
        self.check_cancelled()

    def _rows(self, read: ReadWindow, groups: Sequence[_Group]) -> dict[str, Tensor]:
        """What is stored of some groups of a window."""
        if not groups:
            return {}
        frames = [frame for one in groups for frame in one.frames]
        raw = encode_groups(read.pixels[frames], self.encoder, self.pictures)
        if not bool(raw.tokens.isfinite().all()):
            raise ModelError(
                f"the image encoder gives what is no number, or too large for float16, near "
                f"{clock(read.window.start_seconds)} of {self.path}; use another encoder"
            )
        seconds = [(one.start_seconds, one.end_seconds, one.encoded_seconds) for one in groups]
        return {
            "tokens": raw.tokens,
            "cell_motion": raw.cell_motion,
            "frame_motion": raw.frame_motion,
            "seconds": torch.tensor(seconds, dtype=torch.float64),
        }

    def _opened(self, start_frame: int) -> Feed:
        request = FeedRequest(
            path=self.path,
            card=self.pictures.card,
            fps=self.settings.fps,
            start_frame=start_frame,
            reader=self.reader,
        )
        return (self.opener or open_file_feed)(request)


@dataclass(frozen=True)
class _Place:
    """How far a video is encoded, as it is noted beside the rows."""

    position: Position = field(default_factory=Position)
    gaps: tuple[Gap, ...] = ()

    @classmethod
    def of(cls, writer: FeatureWriter) -> Self | None:
        """Where an earlier call stopped; `None` where that cannot be understood."""
        num_rows = {writer.num_rows(name) for name in _ARRAYS}
        if writer.is_complete or len(num_rows) > 1:
            return None
        try:
            notes = writer.notes
            return cls(Position(**notes["position"]), _gaps(notes)) if notes else cls()
        except (KeyError, TypeError):
            return None

    def notes(self) -> dict[str, Any]:
        """For the store."""
        return {"position": asdict(self.position), "gaps": [asdict(gap) for gap in self.gaps]}


@dataclass(frozen=True)
class _Group:
    """Sampled frames that give one feature frame."""

    frames: tuple[int, ...]
    """Within the window; the last one repeated where the video ends."""

    start_seconds: float
    end_seconds: float
    encoded_seconds: float

    def has_inside(self, gap: Gap) -> bool:
        """Whether damage lies in it."""
        return gap.start_seconds < self.end_seconds and gap.end_seconds > self.start_seconds


def _whole_groups(read: ReadWindow, gaps: Sequence[Gap], every: int) -> list[_Group]:
    """The groups of a window, but those that damage or a break cuts; the video's end cuts none."""
    window, moments = read.window, (*read.frame_seconds, read.window.end_seconds)
    num_real = window.num_real_frames
    end = num_real if window.is_last else num_real // every * every
    groups = [
        _Group(
            frames=tuple(range(first, first + every)),
            start_seconds=moments[first],
            end_seconds=moments[min(first + every, num_real)],
            encoded_seconds=moments[min(first + every, num_real) - 1],
        )
        for first in range(0, end, every)
    ]
    return [one for one in groups if not any(one.has_inside(gap) for gap in gaps)]


def _settings(every: int, fps: float) -> StreamSettings:
    groups = max(1, min(BATCH_GROUPS, CLIP_FRAMES_RANGE[1] // every))
    frames = groups * every
    return StreamSettings(fps=fps, clip_frames=frames, window_stride=frames, l_mem=0)


def _found(store: FeatureStore, key: FeatureKey, path: str | Path) -> VideoFeatures | None:
    """What the store has, if it is complete and can be understood."""
    kept = store.find(key)
    if kept is None or len({len(kept.arrays.get(name, ())) for name in _ARRAYS}) > 1:
        return None
    arrays = kept.arrays
    try:
        start, end, encoded = arrays["seconds"].unbind(1)
        return VideoFeatures(
            video=str(path),
            raw=RawFeatures(arrays["tokens"], arrays["cell_motion"], arrays["frame_motion"]),
            start_seconds=start,
            end_seconds=end,
            times_seconds=encoded,
            gaps=_gaps(kept.notes),
            # A container may say that the video is shorter than it is.
            duration_seconds=max(float(kept.notes["duration_seconds"]), float(end[-1])),
        )
    except (KeyError, IndexError, ValueError, TypeError):
        return None


def _gaps(notes: Mapping[str, Any]) -> tuple[Gap, ...]:
    return tuple(Gap(**one) for one in notes["gaps"])
