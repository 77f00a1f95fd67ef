"""A file to encode and to stream, and its sampled frames as a model gets them."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

import torch
from torch import Tensor

from vidmem.data.barn import BarnConfig, write_video
from vidmem.data.barn.looping import loop_video
from vidmem.models import ModelCard
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed

FRAMES_AT_ONCE = 16


FPS, MOST_DRAWN_SECONDS = 25.0, 30.0


def draw_footage(folder: Path, *, seconds: float, width: int, height: int) -> Path:
    """An H.264 file in a folder: half a minute of a drawn barn, again and again."""
    num_times = math.ceil(seconds / MOST_DRAWN_SECONDS)
    drawn, looped = folder / "drawn.mp4", folder / "barn.mp4"
    barn = BarnConfig(minutes=seconds / num_times / 60)
    write_video(barn, drawn, width=width, height=height, fps=FPS)
    loop_video(drawn, looped, num_times)
    return looped


def read_pixels(video: Path, card: ModelCard) -> Tensor:
    """All sampled frames, uint8 `[N, H, W, 3]`, decoded in a process of its own as for a stream."""
    request = FeedRequest(path=video, card=card, fps=card.fps, start_frame=0, reader="auto")
    parts = []
    with closing(open_file_feed(request)) as feed:
        while not parts or not parts[-1].is_end:
            parts.append(feed.read(FRAMES_AT_ONCE))
    return torch.cat([part.pixels for part in parts])
