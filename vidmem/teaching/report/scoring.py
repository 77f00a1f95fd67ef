"""How well taught networks do on labelled time that they have not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vidmem.labels import (
    NO_CLASS,
    NONE_OF_THESE,
    Bout,
    ClassProbabilities,
    Labels,
    Span,
    postprocess,
    sample,
)
from vidmem.labels.results import PredictionScore, score
from vidmem.models import CardAxis
from vidmem.teaching.samples import TaughtVideo, is_none
from vidmem.teaching.splits import Part, Split

FEWEST_BLOCKS = 10
SHORTEST_BLOCK_SECONDS, LONGEST_BLOCK_SECONDS = 5.0, 60.0

Logits = NDArray[np.float32]
"""`[T, C]` of one video, all axes side by side."""


@dataclass(frozen=True, eq=False)
class ExaminedAxis:
    """Two accounts of one axis, of the time of one part alone."""

    said: Labels
    """By a person."""

    predicted: Labels
    """By a network."""

    probabilities: Mapping[str, ClassProbabilities]
    """Of the network, by video."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Examination:
    """The labelled time of one part, to hold networks against."""

    videos: tuple[TaughtVideo, ...]
    axes: tuple[CardAxis, ...]
    labels: Labels
    split: Split
    part: Part = "test"

    def of_subject(self, subject: str) -> Examination:
        """The same of one subject alone."""
        return replace(self, videos=tuple(one for one in self.videos if one.subject == subject))

    def score(self, logits: Mapping[str, Logits]) -> tuple[PredictionScore, ...]:
        """The scores of each axis.

        Args:
            logits: By key of a taught video; of those without time of the part they are not needed.
        """
        return tuple(self._score_axis(index, logits) for index in range(len(self.axes)))

    def _score_axis(self, index: int, logits: Mapping[str, Logits]) -> PredictionScore:
        found = self.accounts(index, logits)
        return score(
            found.predicted,
            found.said,
            axis=self.axes[index].name,
            # They are told by video alone.
            probabilities={} if any(one.subject for one in self.videos) else found.probabilities,
            block_seconds=self.block_seconds,
        )

    def accounts(self, index: int, logits: Mapping[str, Logits]) -> ExaminedAxis:
        """What a person and a network say of an axis in the time of the part.

        Args:
            index: Of the axis.
            logits: By video; those of videos without time of the part are not needed.
        """
        axis = self.axes[index]
        said = self._labels_of(axis)
        predicted = Labels(said.ethogram, videos=said.videos)
        probabilities = {}
        for video in self.videos:
            is_in = self.is_in(video)
            if not is_in.any():
                continue
            own = axis_probabilities(logits[video.key], self.axes)[index]
            given = _as_probabilities(video, axis, own, is_in)
            probabilities[video.name] = given
            bouts = postprocess(given, video=video.name, subject=video.subject)
            predicted = predicted.add(*bouts)
            if any(is_none(name, axis) for name in axis.class_names):
                for start, end in self._spans(video, is_in):
                    span = Span(video.name, start, end, video.subject, axis.name)
                    predicted = predicted.mark_scored(span)
        return ExaminedAxis(said, predicted, probabilities)

    @property
    def block_seconds(self) -> float:
        """Of the blocks that the interval of macro-F1 is made of: enough of them, not too short."""
        seconds = self.split.seconds.get(self.part, 0.0)
        wanted = seconds / FEWEST_BLOCKS
        return float(np.clip(wanted, SHORTEST_BLOCK_SECONDS, LONGEST_BLOCK_SECONDS))

    def confidences(
        self, logits: Mapping[str, Logits], axis: int, temperature: float = 1.0
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Of each labelled frame the probability of what is named, and whether that is right."""
        sure, right = [], []
        for video in self.videos:
            is_in = self.is_in(video) & (video.classes[axis] != NO_CLASS)
            if not is_in.any():
                continue
            own = axis_probabilities(logits[video.key][is_in] / temperature, self.axes)[axis]
            sure.append(own.max(1))
            right.append(own.argmax(1) == video.classes[axis][is_in])
        return np.concatenate([*sure, np.zeros(0)]), np.concatenate([*right, np.zeros(0, bool)])

    def is_unlabelled(self, video: TaughtVideo) -> NDArray[np.bool_]:
        """`[A, T]`: frames of which nobody said anything, nor that it cannot be told."""
        rows = [
            sample(self.labels, video.name, video.times_seconds, axis.name, video.subject)
            for axis in self.axes
        ]
        return np.stack([one.is_unlabelled for one in rows]) & ~video.is_repeated

    def is_in(self, video: TaughtVideo) -> NDArray[np.bool_]:
        """`[T]`: frames of the part, labelled or not."""
        return self.split.covers(video, self.part)

    def _spans(self, video: TaughtVideo, is_in: NDArray[np.bool_]) -> Iterator[tuple[float, float]]:
        """Start and end of what was judged, frame after frame."""
        frames = np.flatnonzero(is_in)
        for own in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1):
            yield float(video.start_seconds[own[0]]), float(video.end_seconds[own[-1]])

    def _labels_of(self, axis: CardAxis) -> Labels:
        """What a person said of an axis in the pieces of the part."""
        whole = self.labels.for_axis(axis.name)
        whose = {one.key: whole.for_subject(one.subject) for one in self.videos}
        bouts: list[Bout] = []
        scored: list[Span] = []
        not_scored: list[Span] = []
        for piece in self.split.pieces:
            if piece.part == self.part and piece.key in whose:
                of_subject = whose[piece.key]
                own = of_subject.between(piece.video, piece.start_seconds, piece.end_seconds)
                bouts += own.bouts
                scored += own.scored
                not_scored += own.not_scored
        return Labels(
            whole.ethogram, tuple(bouts), scored=tuple(scored), not_scored=tuple(not_scored)
        )


def axis_probabilities(logits: Logits, axes: Sequence[CardAxis]) -> list[NDArray[np.float64]]:
    """`[T, C]` to the probabilities of each axis."""
    edges = np.cumsum([len(axis.class_names) for axis in axes])[:-1]
    found = []
    for own in np.split(logits.astype(np.float64), edges, axis=1):
        powers = np.exp(own - own.max(1, keepdims=True))
        found.append(powers / powers.sum(1, keepdims=True))
    return found


def _as_probabilities(
    video: TaughtVideo,
    axis: CardAxis,
    probabilities: NDArray[np.float64],
    is_in: NDArray[np.bool_],
) -> ClassProbabilities:
    names = (NONE_OF_THESE if is_none(name, axis) else name for name in axis.class_names)
    return ClassProbabilities(
        tuple(names),
        np.clip(probabilities[is_in], 0, 1),
        video.start_seconds[is_in],
        video.end_seconds[is_in],
    )


def fit_temperature(sure_of: Examination, logits: Mapping[str, Logits], axis: int) -> float:
    """What logits are divided by so that probabilities come true (Guo et al., arXiv:1706.04599)."""
    best, best_loss = 1.0, np.inf
    for temperature in np.geomspace(0.25, 8, 31):
        sure, right = sure_of.confidences(logits, axis, float(temperature))
        if not len(sure):
            return 1.0
        hit = np.where(right, sure, 1 - sure)
        loss = float(-np.log(np.clip(hit, 1e-6, 1)).mean())
        if loss < best_loss:
            best, best_loss = float(temperature), loss
    return best


@dataclass(frozen=True)
class CalibrationBin:
    """Moments at which a model was about equally sure."""

    probability: float
    """That it gave to what it named, on average."""

    right: float
    """Share of them in which that was right, 0 to 1."""

    share: float
    """They have of all moments."""


def calibration_bins(
    sure: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10
) -> tuple[CalibrationBin, ...]:
    """Moments by how sure a model was, in equal steps of probability; empty steps are left out."""
    places = np.minimum((sure * bins).astype(int), bins - 1)
    masks = (places == place for place in np.unique(places))
    return tuple(
        CalibrationBin(
            probability=float(sure[is_in].mean()),
            right=float(right[is_in].mean()),
            share=float(is_in.mean()),
        )
        for is_in in masks
    )


def calibration_error(sure: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error: how far probabilities are from what comes true, on average."""
    found = calibration_bins(sure, right, bins)
    return sum((one.share * abs(one.probability - one.right) for one in found), 0.0)
