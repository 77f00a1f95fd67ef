"""Tiny models, and a stream of each to explain."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from tests.conftest import make_tiny_model
from tests.streaming.test_spool_stream import PixelEncoder, make_model
from vidmem.inspection import RecordedClip, RecordedReplay, Subject, continue_step, see


class GridEncoder(PixelEncoder):
    """Four tokens in two rows."""

    config = SimpleNamespace(is_frozen=False)

    def token_grid(self, height, width):
        return (2, 2)


def make_spool(**changes):
    model = make_model(**changes)
    model.backbone = GridEncoder()
    return model


def make_clips(model, num_clips, seed=3):
    """`[1, T, 3, H, W]` each, all different."""
    card = model.card
    shape = (1, card.clip_frames, 3, card.frame_height, card.frame_width)
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for _ in range(num_clips)]


def make_stream(model=None, num_clips=5, *, first_index=0, **state_options):
    """A subject, whose clip is the last of a stream, and that stream recorded from its start."""
    model = model or make_tiny_model()
    clips = make_clips(model, num_clips)
    state = start = model.init_state(1, **state_options)
    recorded = []
    with torch.no_grad():
        for number, clip in enumerate(clips):
            met, seen = state, see(model, clip)
            recorded.append(RecordedClip(index=first_index + number, encoded=seen))
            state = continue_step(model, seen, met).state
        neutral = see(model, torch.zeros_like(clips[0]))
    subject = Subject(
        model=model, clip=clips[-1], state=met, class_index=1, first_index=first_index
    )
    replay = RecordedReplay(model=model, state=start, clips=tuple(recorded), neutral=neutral)
    return subject, replay
