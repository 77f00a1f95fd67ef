"""A lesson in real time: a person shows behaviours, and a linear head tells them apart.

frames     a b | c d | e f | g h ...          sampled, in groups of `encode_every` as everywhere
held       0     1     2     3                a feature frame of each, a bounded number
examples         [-- moving --)  [- still -)  begun and ended by whoever shows them
fitted                         ^           ^  whenever an example ends, to all that are held

A demonstration, not a report: what it is told in one sitting is much alike.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidmem.errors import LabelError, SettingError
from vidmem.labels import NO_CLASS, Bout, Ethogram, Labels
from vidmem.models import CardAxis, FeatureConfig, FeatureEncoder, RawFeatures, Reduction
from vidmem.models.features.encoder import load_encoder
from vidmem.teaching.encoding import EncoderPictures, encode_groups
from vidmem.teaching.linear import NUM_FOLDS, LinearHead, fit_linear
from vidmem.teaching.live.held_features import HeldFeatures
from vidmem.teaching.samples import classes_at
from vidmem.units import clock_range, span
from vidmem.video.live.pictures import fitted
from vidmem.video.transforms import decode_size

SAMPLED_FPS = 10.0
"""Sampled frames per second, two for each feature frame."""

MAX_FEATURE_FRAMES = 1800
"""Of examples, six minutes at five a second: 42 MB of the features of `lite0`."""

MAX_BEHAVIOURS = 9
"""A key of a digit each."""

MAX_EXAMPLES = 200

LONGEST_STEP = 2.5
"""Times the usual time from one sampled frame to the next; beyond it they are no group."""

FIT_FRAMES = 256
"""Feature frames that the reduction is fitted to: enough for its 32 components, in a tenth of a
second."""

STRENGTHS = (0.1, 1.0, 10.0)
"""Every other one of `linear.STRENGTHS`: fitted in half of the time, and told the rest of a video
no worse."""

REDUCED_FRAMES = 256
"""Reduced at a time."""


def load_lesson_encoder(name: str = "lite0") -> FeatureEncoder:
    """The image encoder of lessons; it may be shared by several.

    Args:
        name: See `FeatureConfig.backbone`; `lite0` is the quickest that comes along.

    Raises:
        WeightsNotAvailableError: If it is not on this machine, with how to get it.
    """
    return load_encoder(FeatureConfig(backbone=name))


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedLesson:
    """What was learnt from the examples so far."""

    reduction: Reduction
    head: LinearHead
    left_out_f1: float | None
    """Macro-F1 on examples that were left out, in turn and whole; `None`: there are too few. It is
    that of the best of a few strengths of regularisation, so a little too good."""

    seconds: float
    """That fitting took."""

    @torch.no_grad()
    def probabilities(self, raw: RawFeatures) -> tuple[float, ...]:
        """Of each behaviour, for one feature frame."""
        logits = self.head.logits(self.reduction(raw).mean(0)[None].numpy())
        return tuple(torch.from_numpy(logits)[0].softmax(0).tolist())


@dataclass(frozen=True, kw_only=True)
class LessonAnswer:
    """What a lesson says now."""

    probabilities: tuple[float, ...]
    """Of each behaviour, for the newest feature frame; empty: it cannot say yet."""

    left_out_f1: float | None
    """See `FittedLesson`."""

    missing: str
    """What has to be shown before it can say more, in a sentence; empty: nothing."""

    limit: str
    """Why no more examples are held, in a sentence; empty: they are."""


class LiveLesson:
    """A lesson of one source: frames go in as they come, examples as they are shown.

    Seconds are of the source, so that what is shown again is the same moment. What it holds is
    bounded by `max_feature_frames`.

    Args:
        ethogram: The behaviours to tell apart: states of one axis, two to nine of them.
        encoder: Its image encoder is used, and its motion; not its reduction.
        name: Of the source, for the labels.
        fps: At which frames are sampled.
        max_feature_frames: That are held.

    Raises:
        SettingError: If these are no behaviours that can be told apart.
    """

    def __init__(
        self,
        ethogram: Ethogram,
        encoder: FeatureEncoder,
        *,
        name: str = "lesson",
        fps: float = SAMPLED_FPS,
        max_feature_frames: int = MAX_FEATURE_FRAMES,
    ) -> None:
        self._axis = _checked_axis(ethogram)
        self.name, self.labels = name, Labels(ethogram)
        self.fitted: FittedLesson | None = None
        self._encoder, self._pictures = encoder, EncoderPictures.of(encoder)
        self._fps = fps
        self._held = HeldFeatures(max_feature_frames)
        self._group: list[tuple[Tensor, float]] = []  # sampled frames, not enough for a group yet
        self._newest: RawFeatures | None = None
        self._shown: tuple[str, float] | None = None  # a behaviour, and since when
        self._earlier: list[Labels] = []  # before each example

    @property
    def behaviours(self) -> tuple[str, ...]:
        """In the order of all probabilities."""
        return self._axis.class_names

    @property
    def num_feature_frames(self) -> int:
        """That are held."""
        return len(self._held)

    def add_frames(self, frames: Tensor, seconds: Sequence[float]) -> None:
        """Sampled frames in order; how many come at a time makes no difference.

        A frame that does not follow on the one before (the source was paused, or went elsewhere)
        begins a group anew: motion is measured over a moment only.

        Args:
            frames: uint8 `[N, H, W, 3]`, of any size.
            seconds: When each was shown, N of them.

        Raises:
            ValueError: If these do not fit together.
        """
        if frames.ndim != 4 or len(frames) != len(seconds):
            raise ValueError(
                "frames must be uint8 [N, H, W, 3] with N times, got "
                f"{list(frames.shape)} and {len(seconds)} times"
            )
        for picture, at in zip(frames, seconds, strict=True):
            if self._group and not self._follows(at):
                self._group = []
            self._group.append((self._sized(picture), at))
            if len(self._group) == self._encoder.config.encode_every:
                self._add_group()

    def begin(self, behaviour: str, seconds: float) -> None:
        """A behaviour is being shown from now on; what was shown until now ends.

        Raises:
            LabelError: If there is no such behaviour, or no more examples are held.
        """
        if behaviour not in self.behaviours:
            known = ", ".join(self.behaviours)
            raise LabelError(f"there is no behaviour {behaviour!r:.60} in this lesson, but {known}")
        with contextlib.suppress(
            LabelError
        ):  # of the one before nothing was seen: a slip of the hand
            self.end(seconds)
        if limit := self._limit():
            raise LabelError(limit)
        self._shown = (behaviour, seconds)

    def end(self, seconds: float) -> None:
        """What is being shown was shown until now: an example. Nothing, where nothing is.

        Raises:
            LabelError: If no feature frame came in between: nothing of it was seen.
        """
        if self._shown is None:
            return
        (behaviour, start), self._shown = self._shown, None
        is_inside = (self._held.seconds >= start) & (self._held.seconds < seconds)
        if not is_inside.any():
            when = clock_range(start, max(start, seconds))
            raise LabelError(
                f"nothing was seen of {behaviour}, {when}: hold it for as long as it is shown, "
                "half a second at least, while pictures come"
            )
        self._earlier.append(self.labels)
        self.labels = self.labels.add(Bout(self.name, start, seconds, behaviour))
        self._fit()

    def clear_last(self) -> None:
        """Take the newest example back, and what it took from others; nothing, if there is none."""
        self._shown = None
        if self._earlier:
            self.labels = self._earlier.pop()
            self._fit()

    def clear(self) -> None:
        """Take all examples back."""
        self._shown, self._earlier = None, []
        self.labels = Labels(self.labels.ethogram)
        self._fit()

    def answer(self) -> LessonAnswer:
        """What it says of the newest frame, and what it lacks."""
        probabilities, left_out_f1 = (), None
        if self.fitted is not None and self._newest is not None:
            probabilities = self.fitted.probabilities(self._newest)
            left_out_f1 = self.fitted.left_out_f1
        return LessonAnswer(
            probabilities=probabilities,
            left_out_f1=left_out_f1,
            missing=self._missing(),
            limit=self._limit(),
        )

    def _follows(self, seconds: float) -> bool:
        return 0 < seconds - self._group[-1][1] <= LONGEST_STEP / self._fps

    def _sized(self, picture: Tensor) -> Tensor:
        card = self._pictures.card
        width, height = decode_size(
            picture.shape[1],
            picture.shape[0],
            frame_width=card.frame_width,
            frame_height=card.frame_height,
            resize=card.resize,
        )
        return torch.from_numpy(fitted(picture.numpy(), width, height))

    def _add_group(self) -> None:
        pixels = torch.stack([picture for picture, _ in self._group])
        seconds, self._group = self._group[-1][1], []
        raw = encode_groups(pixels, self._encoder, self._pictures)
        self._newest = RawFeatures(raw.tokens[0], raw.cell_motion[0], raw.frame_motion[0])
        self._held.add(self._newest, seconds, self._kept)

    def _kept(self) -> NDArray[np.bool_]:
        """`[N]`; what is of an example, or will be of the one that is being shown."""
        is_kept = self._classes() != NO_CLASS
        if self._shown is not None:
            is_kept |= self._held.seconds >= self._shown[1]
        return is_kept

    def _classes(self) -> NDArray[np.int64]:
        """`[N]`, of all that is held."""
        return classes_at(self._held.seconds, self.labels, [self._axis], name=self.name)[0]

    def _fit(self) -> None:
        started = time.perf_counter()
        classes = self._classes()
        in_time = np.argsort(self._held.seconds, kind="stable")
        rows = in_time[classes[in_time] != NO_CLASS]
        if len(np.unique(classes[rows])) < 2:
            self.fitted = None
            return
        step = -(-len(in_time) // FIT_FRAMES)
        # Without the limit of what is unlike: it takes five times as long, and is not used here.
        reduction = Reduction.fit(
            self._encoder.config, _in_float32(self._held.rows(in_time[::step])), num_blocks=0
        )
        values = self._reduced(reduction, rows)
        groups = self._fold_groups(self._held.seconds[rows])
        head = fit_linear(values, classes[rows], len(self.behaviours), groups, STRENGTHS)
        self.fitted = FittedLesson(
            reduction=reduction,
            head=head,
            left_out_f1=None if self._too_few() else head.fold_f1,
            seconds=time.perf_counter() - started,
        )

    @torch.no_grad()
    def _reduced(self, reduction: Reduction, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """`[n, F]`: the mean over the places of each frame, as the linear head sees it."""
        pieces = np.split(rows, range(REDUCED_FRAMES, len(rows), REDUCED_FRAMES))
        return torch.cat([reduction(self._held.rows(one)).mean(1) for one in pieces]).numpy()

    def _fold_groups(self, seconds: NDArray[np.float64]) -> list[int]:
        """Of each time within an example, the number of that example, from 0.

        The first of each behaviour come first, then the second ones: neighbours by number are left
        out together, and of each behaviour some have to remain.
        """
        seen: Counter[str] = Counter()
        keys = []
        for bout in self.labels.bouts:
            keys.append((seen[bout.behaviour], bout.behaviour))
            seen[bout.behaviour] += 1
        numbers = np.array([sorted(keys).index(key) for key in keys])
        starts = np.array([bout.start_seconds for bout in self.labels.bouts])
        return numbers[np.searchsorted(starts, seconds, side="right") - 1].tolist()

    def _counts(self) -> Counter[str]:
        return Counter(bout.behaviour for bout in self.labels.bouts)

    def _too_few(self) -> str:
        """What is missing before it can be said how good it is; empty: nothing."""
        counts = self._counts()
        single = [name for name, count in counts.items() if count < 2]
        if single:
            return f"of {single[0]} there is one"
        total = counts.total()
        return f"there are {total}" if total < NUM_FOLDS else ""

    def _missing(self) -> str:
        counts = self._counts()
        if not counts:
            return "Nothing was shown yet: hold the key of a behaviour for as long as it is shown."
        if len(counts) < 2:
            return f"Only {next(iter(counts))} was shown: show another one, to be told from it."
        if few := self._too_few():
            return (
                f"How good it is can be said from {NUM_FOLDS} examples on, at least two of each "
                f"behaviour that was shown; {few}."
            )
        return ""

    def _limit(self) -> str:
        """Why there can be no more examples; empty: there can."""
        clear = "take some back to give others"
        if len(self.labels.bouts) >= MAX_EXAMPLES:
            return f"A lesson has {MAX_EXAMPLES} examples at most: {clear}."
        if self._held.is_full and (self._classes() != NO_CLASS).all():
            seconds = len(self._held) * self._encoder.config.encode_every / self._fps
            return f"The lesson is full: it holds {span(seconds)} of examples; {clear}."
        return ""


def _in_float32(raw: RawFeatures) -> RawFeatures:
    return RawFeatures(raw.tokens.float(), raw.cell_motion, raw.frame_motion)


def _checked_axis(ethogram: Ethogram) -> CardAxis:
    """The one axis of a lesson, with its behaviours."""
    names = ethogram.names
    if not 2 <= len(names) <= MAX_BEHAVIOURS:
        raise SettingError(
            f"a lesson needs 2 to {MAX_BEHAVIOURS} behaviours to tell apart, got {len(names)}"
        )
    axes = {behaviour.axis for behaviour in ethogram}
    points = [one.name for one in ethogram if not one.is_state]
    if len(axes) > 1 or points:
        wrong = f"{points[0]} is a point" if points else f"they are of {', '.join(sorted(axes))}"
        raise SettingError(f"the behaviours of a lesson must be states of one axis; {wrong}")
    return CardAxis(axes.pop(), names)
