"""A file to encode and to stream, and its sampled frames as a model gets them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import torch
from torch import Tensor

from vidmem.data.barn import BarnConfig, write_video
from vidmem.models import ModelCard
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed

FRAMES_AT_ONCE = 16


def draw_footage(path: Path, *, seconds: float, width: int, height: int) -> Path:
    """Draw a barn into an H.264 file of 25 frames per second."""
    barn = BarnConfig(minutes=seconds / 60)
    return write_video(barn, path, width=width, height=height, fps=25.0).video_path


def read_pixels(video: Path, card: ModelCard) -> Tensor:
    """All sampled frames, uint8 `[N, H, W, 3]`, decoded in a process of its own as for a stream."""
    request = FeedRequest(path=video, card=card, fps=card.fps, start_frame=0, reader="auto")
    parts = []
    with closing(open_file_feed(request)) as feed:
        while not parts or not parts[-1].is_end:
            parts.append(feed.read(FRAMES_AT_ONCE))
    return torch.cat([part.pixels for part in parts])
