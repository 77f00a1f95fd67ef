"""One video's pass through a model: its settings, its state, and the step."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from vidmem.errors import StateError
from vidmem.models.interface import StreamModel
from vidmem.streaming.identity import ModelIdentity
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.settings import StreamSettings
from vidmem.streaming.state_file import read_state_file, write_state_file
from vidmem.video.sampling import Window
from vidmem.video.transforms import to_clip


@dataclass(frozen=True, kw_only=True)
class StreamState:
    """All that a stream carries from clip to clip, as a value."""

    memory: Any
    """The model's state (`vidmem.models.interface.StreamState`), of one stream."""

    first_index: int = 0
    """`Window.index` of the first clip since the memory was empty."""


class Stream:
    """A model over one video, clip by clip.

    `state` is a value: keep it, and put it back to go on from there. Nothing else is carried over,
    so one model serves any number of streams.
    """

    def __init__(
        self, model: StreamModel, settings: StreamSettings, state: StreamState | None = None
    ) -> None:
        self.model = model
        self.settings = settings
        self.state = state or self._empty_state(first_index=0)

    def step(self, window: Window, pixels: Tensor) -> Prediction:
        """Judge the next clip and remember it.

        Args:
            window: Where the clip is; its `index` counts on from the clip before.
            pixels: uint8, `[T, H, W, 3]`, at the size the model's card asks for.
        """
        started = time.perf_counter()
        memory = self.state.memory
        remembered = self._remembered(memory)
        seconds = torch.tensor([[window.start_seconds, window.end_seconds]], dtype=torch.float64)
        with torch.no_grad():
            output = self.model.step(self._to_clip(pixels), memory, seconds.to(self.model.device))
            probabilities = output.logits[0].float().softmax(-1).tolist()
        self.state = StreamState(memory=output.state, first_index=self.state.first_index)
        best = max(range(len(probabilities)), key=probabilities.__getitem__)
        return Prediction(
            index=window.index,
            window=window,
            start_seconds=window.start_seconds,
            end_seconds=window.end_seconds,
            label=self.model.card.class_names[best],
            probability=probabilities[best],
            probabilities=tuple(probabilities),
            class_names=self.model.card.class_names,
            num_real_frames=window.num_real_frames,
            num_remembered=len(remembered),
            remembered=remembered,
            l_mem=memory.l_mem,
            state_bytes=output.state.num_bytes,
            model_seconds=time.perf_counter() - started,
        )

    def change(self, settings: StreamSettings) -> None:
        """Take other settings; a new `l_mem` keeps the newest clips."""
        if settings.l_mem != self.state.memory.l_mem:
            with torch.no_grad():
                memory = self.state.memory.resized(settings.l_mem)
            self.state = StreamState(memory=memory, first_index=self.state.first_index)
        self.settings = settings

    def resize(self, l_mem: int) -> None:
        """Remember another number of clips from here on, keeping the newest."""
        self.change(self.settings.changed(l_mem=l_mem))

    def clear(self, first_index: int) -> None:
        """Forget everything; `first_index` is the number of the next window."""
        self.state = self._empty_state(first_index)

    def save(self, path: str | Path) -> None:
        """Write the stream to a file that `restore` reads in any process.

        Raises:
            StorageError: If the file cannot be written; an older one is then still whole.
        """
        facts = {
            "settings": self.settings.as_dict(),
            "model": ModelIdentity.of(self.model).as_dict(),
            "first_index": self.state.first_index,
        }
        write_state_file(Path(path), self.state.memory.to_tensors(), facts)

    @classmethod
    def restore(cls, path: str | Path, model: StreamModel) -> Self:
        """The stream that `save` wrote.

        Raises:
            StateError: If the file is missing or damaged, or was written with another model.
        """
        saved = read_state_file(Path(path))
        difference = ModelIdentity.of(model).difference_from(saved.facts.get("model", {}))
        if difference:
            raise StateError(f"{path} was saved with another model: {difference}")
        settings = StreamSettings(**saved.facts["settings"])
        memory = model.state_from_tensors(saved.tensors)
        return cls(
            model, settings, StreamState(memory=memory, first_index=saved.facts["first_index"])
        )

    def _empty_state(self, first_index: int) -> StreamState:
        with torch.no_grad():
            memory = self.model.init_state(1, l_mem=self.settings.l_mem)
        return StreamState(memory=memory, first_index=first_index)

    def _remembered(self, memory: Any) -> tuple[int, ...]:
        clips = memory.slot_clips[0].tolist()
        return tuple(self.state.first_index + clip for clip in clips if clip >= 0)

    def _to_clip(self, pixels: Tensor) -> Tensor:
        card = self.model.card
        is_cropped = card.resize == "crop"
        return to_clip(
            pixels,
            mean=card.mean,
            std=card.std,
            crop=(card.frame_height, card.frame_width) if is_cropped else None,
            dtype=self.model.dtype,
            device=self.model.device,
        )
