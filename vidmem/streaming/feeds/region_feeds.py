"""Regions of one picture as feeds of their own, decoded once as long as they go together.

                                        ┌─ cut, resized ─ feed of pen1
    cameras.mp4 ── one decoder ── frames┼─ cut, resized ─ feed of pen2
                                        └─ cut, resized ─ feed of pen3

A region that jumps, samples at another rate or falls behind goes on with a decoder of its own, and
comes back when it meets the others again. Its pictures are the same either way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.streaming.feeds.decoder_group import DecoderGroup
from vidmem.streaming.feeds.feed import (
    Feed,
    FeedOpener,
    FeedRequest,
    RecordedFeed,
    check_is_file,
    open_file_feed,
)
from vidmem.streaming.feeds.region_layout import Cut, cuts
from vidmem.streaming.feeds.regions import Region, check_regions
from vidmem.streaming.feeds.shared_decoder import HeldFrame, Reader
from vidmem.video.frame_feed import NO_PICTURES, SampledFrames, probe_safely
from vidmem.video.probe import VideoInfo
from vidmem.video.sampling import Gap
from vidmem.video.transforms import resized


class RegionFeeds:
    """Opens feeds of the regions of one video; a context manager.

    ```python
    regions = Region.tiles(columns=2, rows=2)
    with RegionFeeds("pens.mp4", regions) as feeds, StreamPool(model) as pool:
        for region in regions:
            pool.add(region.name, "pens.mp4", open_feed=feeds.open_feed(region))
        for name, prediction in pool:
            print(name, prediction.start_seconds, prediction.label)
    ```

    Frames that some regions have had and others not are held up to a bound
    (`feeds.shared_decoder`), whatever the length of the video. The others do not wait for a region
    that stands still.
    """

    def __init__(
        self,
        source: str | Path,
        regions: Sequence[Region],
        *,
        open_feed: FeedOpener = open_file_feed,
    ) -> None:
        """Look at the video; decoders are started when regions are opened.

        Args:
            source: A video file.
            regions: All that are to be watched.
            open_feed: Where frames come from.

        Raises:
            UnreadableVideoError: If the source cannot be read.
            SettingError: If a region is too small, two have one name, or the source is live.
        """
        check_regions(regions)
        check_is_file(source)
        self.source, self.regions = Path(source), tuple(regions)
        self.info = probe_safely(self.source)
        for region in self.regions:
            region.pixels(self.info.width, self.info.height)
        self._group = DecoderGroup(open_feed, num_expected=len(self.regions))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def num_decoders(self) -> int:
        """Decoders at work: 1 while all regions go together."""
        return self._group.num_decoders

    @property
    def num_decoders_started(self) -> int:
        """Decoders so far, those that have ended included."""
        return self._group.num_started

    def open_feed(self, region: Region) -> RegionOpener:
        """What opens a region's feed, as `StreamPool.add` and `Engine` take it.

        Raises:
            ValueError: If it is none of the regions given.
        """
        if region not in self.regions:
            raise ValueError(f"region {region.name!r} is not one of those that were given")
        return RegionOpener(self._group, self.source, self.info, self.regions, region)

    def close(self) -> None:
        """End all decoders; a feed that is read then raises a `DecoderError`."""
        self._group.close()


@dataclass(frozen=True)
class RegionOpener:
    """Opens the feed of one region; see `RegionFeeds.open_feed`."""

    group: DecoderGroup
    source: Path
    info: VideoInfo
    regions: tuple[Region, ...]
    region: Region

    @property
    def part(self) -> str:
        """Which part of the picture: a saved stream belongs to it."""
        return self.region.place

    def __call__(self, request: FeedRequest) -> RegionFeed:
        """Open it.

        Raises:
            VidmemError: If the video cannot be decoded, or the regions have been closed.
            SettingError: If the model follows what moves, in place of any other part.
            ValueError: If the request is for another video.
        """
        if request.card.follow is not None:
            raise SettingError(
                f"{request.card.title} is shown a square that follows what moves, and no region; "
                "watch the whole video with it, or teach a model without follow"
            )
        if request.path != self.source:
            raise ValueError(f"these are regions of {self.source}, got {request.path}")
        all_cuts = cuts(self.info, self.regions, request.card)
        cut = all_cuts[self.region.name]
        why = "it begins at another place"
        if cut.is_plain:
            why = "the whole picture is decoded at the model's own size"
        reader = Reader(
            wanted=_wanted(request, cut),
            boxes=frozenset(one.box for one in all_cuts.values() if one.decoded == cut.decoded),
            next_frame=request.start_frame,
            why_alone=why,
        )
        left, top, right, bottom = self.region.pixels(self.info.width, self.info.height)
        info = replace(self.info, width=right - left, height=bottom - top)
        return RegionFeed(self.group, reader, cut, info)


class RegionFeed(RecordedFeed):
    """A `Feed` of one region."""

    def __init__(self, group: DecoderGroup, reader: Reader, cut: Cut, info: VideoInfo) -> None:
        """Join the others; raises `VidmemError` where the video cannot be decoded."""
        self.info = info
        """Of the video, with the size of the region."""

        self._group, self._reader, self._cut = group, reader, cut
        self._forget()
        self._note_reader(group.join(reader))

    @property
    def child_pid(self) -> int | None:
        """The process that decodes; `None` for all but one of the regions that share it."""
        # Or its memory and time would be counted once for each region.
        feed = self._group.feed_of(self._reader)
        return feed.child_pid if feed is not None and self._group.is_first(self._reader) else None

    def read(self, num_frames: int) -> SampledFrames:
        """The next frames; fewer only at the end of the video, or before a break."""
        frames: list[HeldFrame] = []
        gaps: list[Gap] = []
        first = self._first_taken
        is_before_break = is_behind_break = is_end = False
        while len(frames) < num_frames and not is_before_break:
            if not self._taken:
                missing = num_frames - len(frames)
                taken, end_gaps, is_end = self._group.read(self._reader, missing)
                self._taken.extend(taken)
                gaps.extend(end_gaps)
                if not taken:
                    break
            one = self._taken[0]
            gaps.extend(one.gaps)
            if one.is_missing and self._has_given_frames:
                # Not taken yet: it is what the next call begins behind. Its gaps are told once.
                self._taken[0] = HeldFrame.missing()
                self._has_given_frames, is_before_break = False, True
                break
            self._taken.popleft()
            self._first_taken += 1
            if one.is_missing:
                is_behind_break, first = True, self._first_taken
            else:
                frames.append(one)
                self._has_given_frames = True
        feed = self._group.feed_of(self._reader)
        if feed is not None:
            self._note_reader(feed)
        return SampledFrames(
            pixels=self._cut_out(frames),
            pts_seconds=torch.tensor([one.seconds for one in frames], dtype=torch.float64),
            sample_indices=torch.arange(first, first + len(frames)),
            gaps=tuple(gaps),
            is_end=is_end and not self._taken,
            break_before=NO_PICTURES if is_behind_break else None,
            is_before_break=is_before_break,
        )

    def seek(self, start_frame: int) -> None:
        """Go on from another sampled frame."""
        fps = self._reader.wanted.fps
        self._group.move(self._reader, fps, start_frame, "it went to another place")
        self._forget()

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Sample at another rate, from a frame counted at that rate."""
        self._group.move(self._reader, fps, start_frame, "it samples at another rate")
        self._forget()

    def close(self) -> None:
        """Leave the others; the last one ends the decoder."""
        self._group.leave(self._reader)

    def _forget(self) -> None:
        """Reading begins elsewhere."""
        self._taken: deque[HeldFrame] = deque()  # of the group, and not given on yet
        self._first_taken = self._reader.next_frame
        self._has_given_frames = False  # since the last break

    def _cut_out(self, frames: list[HeldFrame]) -> Tensor:
        width, height = self._cut.size
        if not frames:
            return torch.empty(0, height, width, 3, dtype=torch.uint8)
        parts = torch.stack([frame.parts[self._cut.box] for frame in frames])
        return resized(parts, self._cut.size)

    def _note_reader(self, feed: Feed) -> None:
        reason = feed.reader_reason
        if not self._cut.is_plain and feed.reader_name == "pyav":
            reason = "PyAV, for large pictures that regions are cut out of"
        self.reader_name = feed.reader_name
        self.reader_reason = f"{reason}; {self._group.sharing(self._reader)}"


def _wanted(request: FeedRequest, cut: Cut) -> FeedRequest:
    if cut.is_plain:
        return replace(request, start_frame=0)
    width, height = cut.decoded
    card = replace(request.card, frame_width=width, frame_height=height, resize="squash")
    return replace(request, card=card, start_frame=0)
