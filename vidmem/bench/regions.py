"""`vidmem bench regions`: what decoding costs for regions of one file, beside feeds of their own.

Only frames are read, as fast as they come, and no model runs. Rounds of all ways alternate, and of
each the round with the least processor time is compared: other work on the machine disturbed it
least. Everything is read by PyAV, so that ways and not readers are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import psutil

from vidmem.models.interface import ModelCard
from vidmem.streaming.feeds.feed import Feed, FeedRequest, open_file_feed
from vidmem.streaming.feeds.region_feeds import RegionFeeds
from vidmem.streaming.feeds.regions import Region
from vidmem.units import span
from vidmem.video.frame_feed import probe_safely

FRAMES_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Time that one way spent on reading the whole file."""

    decoder_seconds: float
    """Processor time of the decoding processes, their start included."""

    own_seconds: float
    """Processor time of this process: frames received, cut out and resized."""

    wall_seconds: float
    num_decoders: int
    num_frames: int
    """Given out, of all regions together."""

    @property
    def processor_seconds(self) -> float:
        """Processor time of the decoders and of this process together."""
        return self.decoder_seconds + self.own_seconds


@dataclass(frozen=True, kw_only=True)
class RegionsBench:
    """A file read as one stream, as regions, and as separate streams."""

    width: int
    height: int
    duration_seconds: float
    single: Spent
    """The whole picture, once."""

    regions: Spent
    """All regions, through `RegionFeeds`."""

    separate: Spent
    """As many feeds of the whole picture."""

    @property
    def regions_ratio(self) -> float:
        """Decoding for all regions over decoding once."""
        return self.regions.decoder_seconds / self.single.decoder_seconds

    @property
    def separate_ratio(self) -> float:
        """Decoding for separate feeds over decoding once."""
        return self.separate.decoder_seconds / self.single.decoder_seconds


def bench_regions(
    video: Path,
    card: ModelCard,
    regions: Sequence[Region],
    *,
    fps: float | None = None,
    num_rounds: int = 3,
) -> RegionsBench:
    """Read a file in three ways.

    Args:
        video: A video file.
        card: The model that pictures are made for.
        regions: Of the picture.
        fps: Sampled frames per second; the model's own if `None`.
        num_rounds: Of each way.
    """
    request = FeedRequest(path=video, card=card, fps=fps or card.fps, start_frame=0, reader="pyav")
    info = probe_safely(video)
    rounds: dict[str, list[Spent]] = {"single": [], "regions": [], "separate": []}
    for _ in range(max(num_rounds, 1)):
        with RegionFeeds(video, regions) as feeds:
            openers = [feeds.open_feed(region) for region in regions]
            rounds["regions"].append(_read_all(request, openers))
        rounds["single"].append(_read_all(request, [open_file_feed]))
        rounds["separate"].append(_read_all(request, [open_file_feed] * len(regions)))
    return RegionsBench(
        width=info.width,
        height=info.height,
        duration_seconds=info.duration_seconds,
        **{name: min(own, key=lambda one: one.decoder_seconds) for name, own in rounds.items()},
    )


def bench_as_markdown(bench: RegionsBench) -> str:
    """A table of all ways, and a sentence with both ratios."""
    num_regions = round(bench.separate.num_frames / bench.single.num_frames)
    ways = {
        "one stream": bench.single,
        f"{num_regions} regions, decoded once": bench.regions,
        f"{num_regions} streams, each with a decoder": bench.separate,
    }
    lines = [
        "| what | decoders | processor s, decoders | the same, one stream being 1 | "
        "processor s, this process | s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, spent in ways.items():
        ratio = spent.decoder_seconds / bench.single.decoder_seconds
        lines.append(
            f"| {name} | {spent.num_decoders} | {spent.decoder_seconds:.2f} | {ratio:.2f} | "
            f"{spent.own_seconds:.2f} | {spent.wall_seconds:.2f} |"
        )
    lines += [
        "",
        f"{num_regions} regions of a {bench.width} x {bench.height} file of "
        f"{span(bench.duration_seconds)} cost {bench.regions_ratio:.2f} times what decoding it "
        f"once costs; {num_regions} separate streams cost {bench.separate_ratio:.2f} times that.",
    ]
    return "\n".join(lines)


def _read_all(request: FeedRequest, openers: Sequence[Callable[[FeedRequest], Feed]]) -> Spent:
    """Read a feed of each to its end, all at once."""
    began, own_began = time.perf_counter(), time.process_time()
    with ExitStack() as stack:
        feeds = [stack.enter_context(closing(opener(request))) for opener in openers]
        children = {feed.child_pid for feed in feeds} - {None}
        with ThreadPoolExecutor(len(feeds)) as readers:
            num_frames = sum(readers.map(_read, feeds))
        return Spent(
            # Before the feeds are closed: the times of a process end with it.
            decoder_seconds=sum(map(_processor_seconds, children)),
            own_seconds=time.process_time() - own_began,
            wall_seconds=time.perf_counter() - began,
            num_decoders=len(children),
            num_frames=num_frames,
        )


def _processor_seconds(child: int | None) -> float:
    times = psutil.Process(child).cpu_times()
    return times.user + times.system


def _read(feed: Feed) -> int:  # the number of frames
    num_frames, is_end = 0, False
    while not is_end:
        frames = feed.read(FRAMES_AT_ONCE)
        num_frames, is_end = num_frames + len(frames), frames.is_end
    return num_frames
