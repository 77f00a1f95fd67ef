"""One way to learn for all networks: segments around labelled frames, while held-out time gains.

The linear head is fitted first and stays as it is. What time adds to it is learnt then, and thrown
away again where it does not help on what was held out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.labels import NO_CLASS
from vidmem.models import CardAxis
from vidmem.models.baselines.on_features import windowed
from vidmem.teaching.encoding import CancelledError
from vidmem.teaching.learners import Learner
from vidmem.teaching.linear import LinearHead, class_weights, fit_linear
from vidmem.teaching.samples import TaughtVideo
from vidmem.training.loop import LoopConfig, StepReport, run_loop

LEAST_GAIN = 0.005
"""Share of the loss on held-out time by which learning on has to be better."""

SEGMENT_REACHES = 3
"""A segment is so many times as long as what one frame sees: most of its frames see all of that."""

LEAST_FOLD_GAIN = 0.002
"""Of macro-F1 on blocks left out, for which a linear head is let see more frames."""

STRETCH_SECONDS = 2.0
"""Moments of a stretch are not independent: its loss counts as one."""


@dataclass(frozen=True, kw_only=True)
class LearnConfig:
    """How a temporal network learns."""

    steps: int = 160
    """Optimiser steps, at most."""

    batch: int = 8
    """Segments per step."""

    segment_seconds: float = 12.0
    """Of a segment; what lies before it is not remembered."""

    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    noise: float = 0.1
    """Standard deviation of what is added to features: frames of minutes are few."""

    restraint: float = 0.3
    """Times the mean square of what a network adds to the logits of its linear head: that has to
    pay for itself, or minutes of labels are learnt by heart."""

    check_every: int = 20
    """Steps from one look at held-out time to the next."""

    patience: int = 3
    """Looks in a row without a gain after which it ends."""

    def __post_init__(self) -> None:
        counts = {
            "steps": self.steps,
            "batch": self.batch,
            "check_every": self.check_every,
            "patience": self.patience,
        }
        for name, value in counts.items():
            if value < 1:
                raise SettingError(f"{name} must be at least 1, got {value}")
        for name, value in (
            ("segment_seconds", self.segment_seconds),
            ("learning_rate", self.learning_rate),
        ):
            if not value > 0:
                raise SettingError(f"{name} must be above 0, got {value:g}")
        for name, value in (
            ("weight_decay", self.weight_decay),
            ("noise", self.noise),
            ("restraint", self.restraint),
        ):
            if not value >= 0:
                raise SettingError(f"{name} must be at least 0, got {value:g}")


@dataclass(frozen=True)
class Labelled:
    """A video, and which of its frames count."""

    video: TaughtVideo
    is_counted: NDArray[np.bool_]
    """`[T]`"""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What there is to learn."""

    axes: tuple[CardAxis, ...]
    feature_fps: float
    """Feature frames per second."""

    learn: tuple[Labelled, ...]
    """What is learnt from."""

    stop: tuple[Labelled, ...] = ()
    """What tells when to stop; empty: a network learns for all its steps."""


@dataclass(frozen=True)
class Taught:
    """What learning came to."""

    num_steps: int
    """After which held-out time was told best; 0: the linear head alone."""


def fit_heads(lesson: Lesson, reach_frames: int = 0) -> list[LinearHead]:
    """The linear head of each axis, from what is learnt from.

    Args:
        lesson: Its `learn`.
        reach_frames: It sees so many frames to each side of the one that it judges.
    """
    values = [windowed_values(one.video, reach_frames) for one in lesson.learn]
    heads = []
    for axis, own in enumerate(lesson.axes):
        rows, classes, groups = [], [], []
        for number, one in enumerate(lesson.learn):
            is_in = one.is_counted & (one.video.classes[axis] != NO_CLASS)
            rows.append(values[number][is_in])
            classes.append(one.video.classes[axis][is_in])
            groups += [number] * int(is_in.sum())
        found = fit_linear(
            np.concatenate(rows), np.concatenate(classes), len(own.class_names), groups
        )
        heads.append(found)
    return heads


def fit_heads_within(fit: Callable[[int], list[LinearHead]], reach_frames: int) -> list[LinearHead]:
    """The linear head of each axis, of a frame alone or of those around it, too.

    What is around helps with what moves, and is only more to learn by heart for where something
    is: which of the two holds is found on blocks left out. All see `2 * reach_frames + 1` frames;
    the weights of those of no use are 0.

    Args:
        fit: Heads that see so many frames to each side, as `fit_heads` does.
        reach_frames: That they may see to each side.
    """
    alone = fit(0)
    if not reach_frames:
        return alone
    around = fit(reach_frames)
    return [
        wide if wide.fold_f1 > narrow.fold_f1 + LEAST_FOLD_GAIN else _widened(narrow, reach_frames)
        for narrow, wide in zip(alone, around, strict=True)
    ]


def windowed_values(video: TaughtVideo, reach_frames: int) -> NDArray[np.float32]:
    """`[T, (2 * reach_frames + 1) * F]`: each frame beside its neighbours."""
    if not reach_frames:
        return video.frame_values
    return windowed(torch.from_numpy(video.frame_values), reach_frames).numpy()


def _widened(head: LinearHead, reach_frames: int) -> LinearHead:
    """The same, that gives neighbours no weight."""
    width = head.weight.shape[1]
    weight = np.zeros((len(head.weight), (2 * reach_frames + 1) * width), np.float32)
    weight[:, reach_frames * width : (reach_frames + 1) * width] = head.weight
    return replace(head, weight=weight)


@torch.no_grad()
def use_heads(learner: Learner, heads: Sequence[LinearHead]) -> None:
    """Put linear heads, one axis after the other, into a network; they learn no more."""
    layer = learner.linear_head
    layer.weight.copy_(torch.from_numpy(np.concatenate([one.weight for one in heads])))
    layer.bias.copy_(torch.from_numpy(np.concatenate([one.bias for one in heads])))
    layer.requires_grad_(False)


class Teacher:
    """Teaches one network on some labelled frames.

    Args:
        learner: Changed in place.
        lesson: What is learnt from, and what tells when to stop.
        config: How.
        seed: Of all that is drawn: segments, noise, and what is dropped out.
        is_cancelled: Asked at each step.
    """

    def __init__(
        self,
        learner: Learner,
        lesson: Lesson,
        config: LearnConfig,
        *,
        seed: int,
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._learner, self._config = learner, config
        self._learn = [one for one in lesson.learn if one.is_counted.any()]
        self._stop = [one for one in lesson.stop if one.is_counted.any()]
        self._seed, self._rng = seed, np.random.default_rng(seed)
        self._is_cancelled = is_cancelled
        self._num_frames = _segment_frames(learner, config.segment_seconds * lesson.feature_fps)
        self._weights = [
            torch.from_numpy(class_weights(self._classes(axis), len(own.class_names)))
            for axis, own in enumerate(lesson.axes)
        ]
        self._draws = self._draw_weights()

    def teach(
        self, on_step: Callable[[int, float | None], None] = lambda num_steps, stop_loss: None
    ) -> Taught:
        """Learn until held-out time is told no better; the best of it stays.

        Args:
            on_step: Told how many steps are done, and where held-out time was looked at the mean
                loss on it: of the linear head alone after 0 steps.

        Raises:
            CancelledError: If it is cancelled.
        """
        best = Taught(0 if self._stop else self._config.steps)
        best_losses = self.stop_losses()
        best_weights = self._weights_now()
        num_waited = 0
        if self._stop:
            on_step(0, float(best_losses.mean()))

        def report(step: StepReport) -> None:
            nonlocal best, best_losses, best_weights, num_waited
            if self._is_cancelled():
                raise CancelledError
            done = step.step + 1
            is_look = done % self._config.check_every == 0 or done == self._config.steps
            if not (self._stop and is_look):
                on_step(done, None)
                return
            losses = self.stop_losses()
            on_step(done, float(losses.mean()))
            if is_gain(best_losses, losses):
                best, best_losses, num_waited = Taught(done), losses, 0
                best_weights = self._weights_now()
            else:
                num_waited += 1
            if num_waited >= self._config.patience:
                raise _EnoughError

        # Noise and dropout are torch's: drawn from here on by the seed, and by nobody else's.
        with contextlib.suppress(_EnoughError), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            self._run(report)
        if self._stop:
            self._learner.network.load_state_dict(best_weights, strict=False)
        self._learner.finish()
        return best

    def _weights_now(self) -> dict[str, Tensor]:
        """Those that learn; an image encoder beside them never changes."""
        learning = self._learner.network.named_parameters()
        return {name: one.detach().clone() for name, one in learning if one.requires_grad}

    @torch.no_grad()
    def stop_losses(self) -> NDArray[np.float64]:
        """The mean loss in each short stretch of held-out time, with all of its memory."""
        self._learner.network.eval()
        losses = []
        for one in self._stop:
            logits = self._learner.near(one.video.values, one.is_counted, self._learner.full_memory)
            for frames in _stretches(one):
                classes = torch.from_numpy(one.video.classes[:, frames])
                loss, num = self._loss_sum(logits[None, frames], classes[None])
                losses.append(float(loss) / max(num, 1))
        self._learner.network.train()
        return np.array(losses)

    def _run(self, report: Callable[[StepReport], None]) -> None:
        config = self._config
        loop = LoopConfig(
            steps=config.steps,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
        )
        self._learner.network.train()
        run_loop(self._learner.network.parameters(), lambda step: self._loss(), loop, report)

    def _loss(self) -> Tensor:
        drawn = [self._segment() for _ in range(self._config.batch)]
        values = torch.stack([one[0] for one in drawn]).float()
        values = values + self._config.noise * torch.randn_like(values)
        memory = int(self._rng.choice(self._learner.memory_choices()))
        logits = self._learner.segments(values, memory)
        loss, count = self._loss_sum(logits, torch.stack([one[1] for one in drawn]))
        added = logits - self._learner.linear(values, memory)
        return loss / max(count, 1) + self._config.restraint * added.square().mean()

    def _loss_sum(self, logits_BLC: Tensor, classes_BAL: Tensor) -> tuple[Tensor, int]:
        """The loss summed over labelled frames and axes, and how many these are."""
        total, count, start = logits_BLC.new_zeros(()), 0, 0
        for axis, weights in enumerate(self._weights):
            own = logits_BLC[..., start : start + len(weights)]
            classes = classes_BAL[:, axis]
            total = total + F.cross_entropy(
                own.flatten(0, 1),
                classes.flatten(),
                weight=weights,
                ignore_index=NO_CLASS,
                reduction="sum",
            )
            count += int((classes != NO_CLASS).sum())
            start += len(weights)
        return total, count

    def _segment(self) -> tuple[Tensor, Tensor]:
        """Features `[L, P, F]` and classes `[A, L]` around a labelled frame that was drawn."""
        number = int(self._rng.choice(len(self._learn), p=self._draws[0]))
        one = self._learn[number]
        frame = int(self._rng.choice(len(one.is_counted), p=self._draws[1][number]))
        num_frames = self._num_frames
        latest = max(0, len(one.is_counted) - num_frames)
        start = min(max(0, frame - int(self._rng.integers(num_frames))), latest)
        span = slice(start, start + num_frames)
        values = one.video.values[span]
        classes = np.where(one.is_counted[span], one.video.classes[:, span], NO_CLASS)
        missing = num_frames - len(values)
        if missing:  # a short video: its last frame goes on, unlabelled
            values = self._learner.lengthened(values, missing)
            classes = np.pad(classes, ((0, 0), (0, missing)), constant_values=NO_CLASS)
        return values, torch.from_numpy(classes)

    def _classes(self, axis: int) -> NDArray[np.int64]:
        own = (one.video.classes[axis][one.is_counted] for one in self._learn)
        joined = np.concatenate(list(own))
        return joined[joined != NO_CLASS]

    def _draw_weights(self) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
        """How often each video is drawn, and each frame of it: those of rare classes more often."""
        of_frames = []
        for one in self._learn:
            weight = np.zeros(len(one.is_counted))
            for axis, weights in enumerate(self._weights):
                classes = np.where(one.is_counted, one.video.classes[axis], NO_CLASS)
                is_in = classes != NO_CLASS
                weight[is_in] += weights.numpy()[classes[is_in]]
            of_frames.append(weight)
        of_videos = np.array([weight.sum() for weight in of_frames])
        return of_videos / of_videos.sum(), [weight / weight.sum() for weight in of_frames]


def is_gain(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether losses of the same stretches are lower, by more than chance would make them.

    The mean gain must exceed its standard error (Breiman et al., Classification and Regression
    Trees, 1984, section 3.4.3, have such a rule): twenty seconds are told better by luck.
    """
    gains = before - after
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else 0.0
    return bool(gains.mean() > max(error, LEAST_GAIN * before.mean()))


def _stretches(one: Labelled) -> list[NDArray[np.int64]]:
    """The counted frames of each stretch of `STRETCH_SECONDS`."""
    frames = np.flatnonzero(one.is_counted)
    places = one.video.times_seconds[frames] // STRETCH_SECONDS
    return np.split(frames, np.flatnonzero(np.diff(places)) + 1)


def _segment_frames(learner: Learner, wanted: float) -> int:
    """Whole clips; no more than a few times what a frame sees, since the rest teaches nothing."""
    multiple, most = learner.segment_multiple, round(wanted)
    if learner.frames_before is not None:
        most = min(most, SEGMENT_REACHES * (learner.frames_before + learner.frames_after))
    return max(1, most // multiple) * multiple


class _EnoughError(Exception):
    """Learning on helps no more."""
