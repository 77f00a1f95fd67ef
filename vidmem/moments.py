"""A past moment of a stream, revisited and recorded, so that effects on its score can be computed.

    history = engine's StateHistory
    recorded = record_replay(source, model, history, index)
    subject = recorded.subject()
    direct_effects(subject).run()
    total_effects(
        recorded.replay, subject.remembered, subject.class_index, among=subject.among
    ).run()

`vidmem.inspection` knows no streams, and `vidmem.streaming` no inspection; here they meet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection import RecordedClip, RecordedReplay, Subject, continue_step, see
from vidmem.models import StepOutput, StreamModel
from vidmem.streaming import (
    Moment,
    Snapshot,
    StateHistory,
    neutral_pixels,
    revisit,
)
from vidmem.streaming.batching import to_model_clip
from vidmem.streaming.feeds.feed import FeedOpener, open_file_feed
from vidmem.streaming.history import leads_to


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedMoment:
    """A past window, and the clips that lead to it."""

    model: StreamModel

    moment: Moment

    replay: RecordedReplay
    """The clips from before the oldest window that may be taken away, up to this one."""

    def subject(self, class_index: int | None = None) -> Subject:
        """The score of a class at this moment, to be explained; None: of its label."""
        best = self.moment.prediction.best_classes[0]
        return Subject(
            model=self.model,
            clip=_clip(self.model, self.moment),
            state=self.moment.state.memory,
            class_index=best if class_index is None else class_index,
            first_index=self.moment.state.first_index,
        )


def record_replay(
    source: str | Path,
    model: StreamModel,
    history: StateHistory,
    index: int,
    *,
    first: int | None = None,
    open_feed: FeedOpener = open_file_feed,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> RecordedMoment:
    """Revisit a window and record the clips on the way; the video is decoded once.

    Args:
        source: The video of the stream.
        model: The stream's model.
        history: The stream's history.
        index: The window to be explained.
        first: The oldest window that will be taken away; None: the oldest one in memory. The
            recording begins later where the stream did not come from there in one go (another
            setting, a jump): see `RecordedReplay.earlier`.
        open_feed: Where sampled frames come from.
        progress: Called with clips done and clips in all; raise in it to stop.

    Raises:
        SettingError: If no state from before the window is held, or the video ends before it.
        UnreadableVideoError: If the source cannot be read any more.
    """
    snapshot = _start(history, index, first)
    recorder = _Recorder(model, snapshot.index)
    moment = revisit(
        source,
        cast(StreamModel, recorder),
        snapshot,
        index,
        open_feed=open_feed,
        progress=progress,
    )
    neutral = to_model_clip(neutral_pixels(moment.pixels, model), model)
    with torch.no_grad():
        replay = RecordedReplay(
            model=model,
            state=snapshot.state.memory,
            clips=tuple(recorder.clips),
            neutral=see(model, neutral),
        )
    return RecordedMoment(model=model, moment=moment, replay=replay)


class _Recorder:
    """Stands in for the model in a stream, and keeps what the model made of each clip."""

    def __init__(self, model: StreamModel, first_index: int) -> None:
        self._model, self._next = model, first_index
        self.clips: list[RecordedClip] = []

    def __getattr__(self, name: str) -> Any:
        # Card, traits, device and states are the model's own: a stream notices no difference.
        return getattr(self._model, name)

    def step(self, clip: Tensor, state: Any, clip_seconds: Tensor | None = None) -> StepOutput:
        """The model's step."""
        encoded = see(self._model, clip)
        self.clips.append(RecordedClip(index=self._next, encoded=encoded, seconds=clip_seconds))
        self._next += 1
        return continue_step(self._model, encoded, state, clip_seconds)


def _start(history: StateHistory, index: int, first: int | None) -> Snapshot:
    """The nearest state before `first` from which the stream came to `index` in one go."""
    near = history.before(index)
    oldest = _oldest_remembered(near) if first is None else max(first, 0)
    for wanted in range(oldest, near.index):
        # After a jump or a change of settings, `far` does not lead to `near`: try a later one.
        far = _before(history, wanted)
        if far is not None and leads_to(far, near):
            return far
    return near


def _oldest_remembered(snapshot: Snapshot) -> int:
    clips = snapshot.state.memory.slot_clips[0].tolist()
    numbers = [snapshot.state.first_index + clip for clip in clips if clip >= 0]
    return min(numbers, default=snapshot.index)


def _before(history: StateHistory, index: int) -> Snapshot | None:
    try:
        return history.before(index)
    except SettingError:
        return None


def _clip(model: StreamModel, moment: Moment) -> Tensor:
    pixels = moment.pixels
    # As the stream does: such models take a short last clip, others one padded with its last frame.
    if model.traits.encodes_frames_once:
        pixels = pixels[: moment.window.num_real_frames]
    return to_model_clip(pixels, model)
