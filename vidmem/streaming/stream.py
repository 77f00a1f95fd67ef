"""One video's pass through a model: its settings, its state, and the step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from vidmem.errors import StateError
from vidmem.models.interface import ModelCard, StreamModel
from vidmem.plain import from_plain
from vidmem.streaming.batching import StepInput, StepResult, step_batch
from vidmem.streaming.prediction import Prediction, best_classes
from vidmem.streaming.saving.identity import ModelIdentity
from vidmem.streaming.saving.state_file import SavedState, read_state_file, write_state_file
from vidmem.streaming.settings import StreamSettings
from vidmem.streaming.step_errors import as_memory_error
from vidmem.video.sampling import Window


@dataclass(frozen=True, kw_only=True)
class StreamState:
    """All that a stream carries from clip to clip, as a value."""

    memory: Any
    """The model's state (`vidmem.models.interface.ModelState`), of one stream."""

    first_index: int = 0
    """`Window.index` of the first clip since the memory was empty."""

    pending: tuple[Prediction, ...] = ()
    """Predictions that are not final yet, oldest first; empty for models that look ahead at
    nothing."""

    @classmethod
    def from_saved(cls, saved: SavedState, model: StreamModel) -> Self:
        """The state as a file has it.

        Raises:
            StateError: If the file has something else.
        """
        try:
            settings = from_plain(StreamSettings, saved.facts["settings"], "settings")
            _check_tensors(saved.tensors, model, settings)
            memory = model.state_from_tensors(saved.tensors)
            pending = tuple(
                from_plain(Prediction, one, "pending") for one in saved.facts["pending"]
            )
            first_index = saved.facts["first_index"]
            _check_pending(pending, model.card)
            if type(first_index) is not int or first_index < 0:
                raise ValueError(f"first_index must be a whole number, got {first_index!r:.60}")
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise StateError(f"the saved stream is of another version: {error}") from error
        return cls(memory=memory, first_index=first_index, pending=pending)

    def facts(self) -> dict[str, Any]:
        """What a file keeps beside the memory's tensors."""
        return {
            "first_index": self.first_index,
            "pending": [one.as_dict() for one in self.pending],
        }


def _check_tensors(
    tensors: dict[str, Tensor], model: StreamModel, settings: StreamSettings
) -> None:
    """Raise `ValueError` unless these are as the model's own are, and all numbers."""
    with torch.no_grad():
        empty = model.init_state(1, l_mem=settings.l_mem, clip_frames=settings.clip_frames)
    wanted = empty.to_tensors()
    if differing := sorted(wanted.keys() ^ tensors.keys()):
        raise ValueError(f"{differing[0]} is in one of model and file alone")
    for name, tensor in tensors.items():
        like = wanted[name]
        kinds = tensor.is_floating_point(), like.is_floating_point()
        if tensor.shape != like.shape or kinds[0] != kinds[1]:
            raise ValueError(
                f"{name} must be {like.dtype} {list(like.shape)}, got {tensor.dtype} "
                f"{list(tensor.shape)}"
            )
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ValueError(f"{name} has values that are no numbers")


def _check_pending(pending: tuple[Prediction, ...], card: ModelCard) -> None:
    for one in pending:
        names = tuple(one.class_names)
        is_other = names != tuple(card.class_names) or one.axes != card.several_axes
        if is_other or len(one.probabilities) != len(names):
            raise ValueError("a pending prediction is of other classes")


class Stream:
    """A model over one video, clip by clip.

    `state` is a value: keep it, and put it back to continue from there. Nothing else is carried
    over, so one model serves any number of streams.
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
            window: Where the clip is; its `index` counts on from the clip before. After the last
                one of a video nothing is provisional any more.
            pixels: uint8, `[T, H, W, 3]`, at the size the model's card asks for.
        """
        return self.take(window, self.step_batch(window, pixels))

    def step_batch(self, window: Window, pixels: Tensor) -> StepResult:
        """The model's result for the next clip; the state stays as it is."""
        return step_batch(self.model, [self.to_judge(window, pixels)])[0]

    def to_judge(self, window: Window, pixels: Tensor) -> StepInput:
        """The next clip as the model is to judge it, alone or with those of other streams."""
        # Such a model remembers frames, and padding is none of the video's.
        if self.model.traits.encodes_frames_once:
            pixels = pixels[: window.num_real_frames]
        return StepInput(pixels, (window.start_seconds, window.end_seconds), self.state.memory)

    def take(self, window: Window, result: StepResult) -> Prediction:
        """Advance the state by a clip that was judged; returns its prediction."""
        newest = self._prediction(window, result)
        return self._settle(newest, result)

    def _settle(self, newest: Prediction, result: StepResult) -> Prediction:
        # Oldest first: earlier clips that the model judged anew, then the newest clip.
        probabilities = result.probabilities
        num_waiting = len(probabilities) - 1
        waiting = []
        for age, old in enumerate(reversed((*self.state.pending, newest))):
            is_final = newest.window.is_last or age >= num_waiting
            own = probabilities[-1 - age] if age <= num_waiting else old.probabilities
            if math.isnan(own[0]):  # a window that was cut and enlarged has lost this clip
                own = old.probabilities
            waiting.insert(0, old.judged_anew(own, is_final=is_final))
        self.state = StreamState(
            memory=result.memory,
            first_index=self.state.first_index,
            pending=tuple(one for one in waiting if not one.is_final),
        )
        return replace(waiting[-1], revised=tuple(waiting[:-1]))

    def _prediction(self, window: Window, result: StepResult) -> Prediction:
        memory, probabilities = self.state.memory, result.probabilities[-1]
        remembered = self._remembered(memory)
        card = self.model.card
        best = best_classes(probabilities, card.several_axes)[0]
        return Prediction(
            index=window.index,
            window=window,
            start_seconds=window.start_seconds,
            end_seconds=window.end_seconds,
            label=card.class_names[best],
            probability=probabilities[best],
            probabilities=probabilities,
            class_names=card.class_names,
            axes=card.several_axes,
            num_real_frames=window.num_real_frames,
            num_remembered=len(remembered),
            remembered=remembered,
            l_mem=memory.l_mem,
            state_bytes=result.memory.num_bytes,
            model_seconds=result.seconds,
            final_after_seconds=self.settings.latency_seconds,
            unlikeness=result.unlikeness,
            model_name=card.name,
            settings=self.settings.summary,
        )

    def change(self, settings: StreamSettings) -> None:
        """Take other settings; a new `l_mem` keeps the newest clips."""
        with torch.no_grad():
            if settings.l_mem != self.state.memory.l_mem:
                self._keep(self.state.memory.resized(settings.l_mem))
            if settings.local_frame_range not in (None, self.settings.local_frame_range):
                self._keep(self.state.memory.with_range(settings.local_frame_range))
        self.settings = settings

    def settle(self) -> tuple[Prediction, ...]:
        """Make final what is provisional, as no later clip will be judged; returns it."""
        settled = tuple(replace(one, is_final=True) for one in self.state.pending)
        self.state = replace(self.state, pending=())
        return settled

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
            **self.state.facts(),
        }
        write_state_file(Path(path), self.state.memory.to_tensors(), facts)

    @classmethod
    def restore(cls, path: str | Path, model: StreamModel) -> Self:
        """The stream that `save` wrote.

        Raises:
            StateError: If the file is missing or damaged, or was written with another model.
        """
        saved = read_state_file(Path(path))
        there = saved.facts.get("model")
        if not isinstance(there, dict):
            raise StateError(f"{path} holds no stream: it names no model")
        difference = ModelIdentity.of(model).difference_from(there)
        if difference:
            raise StateError(f"{path} was saved with another model: {difference}")
        state = StreamState.from_saved(saved, model)  # which checks the settings too
        return cls(model, StreamSettings(**saved.facts["settings"]), state)

    def _empty_state(self, first_index: int) -> StreamState:
        settings, model = self.settings, self.model
        try:
            with torch.no_grad():
                memory = model.init_state(1, l_mem=settings.l_mem, clip_frames=settings.clip_frames)
                if settings.local_frame_range is not None:
                    memory = memory.with_range(settings.local_frame_range)
        except (RuntimeError, MemoryError) as error:
            told = as_memory_error(error, model, 1)
            raise (told or error) from error
        return StreamState(memory=memory, first_index=first_index)

    def _keep(self, memory: Any) -> None:
        self.state = replace(self.state, memory=memory)

    def _remembered(self, memory: Any) -> tuple[int, ...]:
        # Slots number clips since the memory was empty, predictions since the run began. -1: empty.
        clips = memory.slot_clips[0].tolist()
        return tuple(self.state.first_index + clip for clip in clips if clip >= 0)
