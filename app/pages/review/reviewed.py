"""A kept run's bouts of one axis, beside what people said: made once, and anew where it changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from app.pages.api import PageRequest
from app.projects.run_bouts import RunPredictions, predictions_of_run, read_processing
from vidmem.errors import SettingError
from vidmem.labels import Ethogram, Labels, PostProcessing, Stretch
from vidmem.projects import KeptBlindCheck, Project
from vidmem.review import (
    AccuracyEstimate,
    BlindCheck,
    ReviewBout,
    estimate_accuracy,
    review_bouts,
)

MAX_KEPT = 4
"""Runs, axes and ways to make bouts of them that are held at once."""

LEAST_BLIND = 5
"""Checks without which nothing is estimated where most of the footage looks unlike what the model
was taught on: its probabilities alone mean nothing there."""

NOT_IN_PROJECT = "The video of this run is not in the project any more: add it on Label first."
NO_AXIS = "This run says nothing of {axis!r:.60}. Choose one of {axes}."
NO_STATES = "This run names no behaviour that lasts: there are no bouts to go over."


@dataclass(frozen=True, kw_only=True)
class ReviewedRun:
    """What a page reviews: one axis of one run, as of one subject."""

    found: RunPredictions
    predicted: Labels
    """Of the axis, as of the subject."""

    said: Labels
    """What people said of the video."""

    revision: int
    """At which they did."""

    axis: str
    axes: tuple[str, ...]
    """Of which the run says something."""

    subject: str
    subjects: tuple[str, ...]
    """Of whom labels of the video are, and the empty one: no one in particular."""

    bouts: tuple[ReviewBout, ...]
    """In order of time."""

    checks: tuple[KeptBlindCheck, ...]

    @property
    def video(self) -> str:
        """By its name in the project."""
        return self.found.video.name

    @property
    def blind_checks(self) -> list[BlindCheck]:
        """Those of which it could be told."""
        return [
            BlindCheck(one.confidence, one.right_share)
            for one in self.checks
            if one.right_share is not None
        ]

    @property
    def estimate(self) -> AccuracyEstimate | None:
        """How much of it is right; `None`: there is nothing to tell it of, or from."""
        recorded, checks = self.found.recorded, self.blind_checks
        is_unlike = 2 * recorded.num_unlike > recorded.num_predictions
        if is_unlike and len(checks) < LEAST_BLIND:
            return None
        return estimate_accuracy(self.bouts, checks)

    @property
    def can_be_told(self) -> bool:
        """Whether not all of it is marked as not scored."""
        return any(one.not_scored_seconds < one.bout.num_seconds for one in self.bouts)

    @property
    def said_stretches(self) -> tuple[Stretch, ...]:
        """What people said of the track, in order of time."""
        if self.axis not in self.said.ethogram.axes:
            return ()
        return self.said.timeline(self.video, self.axis, self.subject)

    def bout_at(self, start_seconds: float) -> ReviewBout | None:
        """The bout that starts at a time."""
        return next(
            (one for one in self.bouts if abs(one.bout.start_seconds - start_seconds) < 1e-3), None
        )

    def bout_around(self, start_seconds: float, end_seconds: float) -> ReviewBout | None:
        """The bout that a span lies in."""
        return next(
            (
                one
                for one in self.bouts
                if one.bout.start_seconds <= start_seconds + 1e-3
                and end_seconds <= one.bout.end_seconds + 1e-3
            ),
            None,
        )


@dataclass(frozen=True)
class _Predicted:
    recorded: object
    """Of the file; another one where it grew."""

    ethogram: Ethogram
    labels: Labels


@dataclass(frozen=True, eq=False)
class _Reviewed:
    whole: Labels
    """What it was made of, all axes of the run."""

    said: Labels
    predicted: Labels
    bouts: tuple[ReviewBout, ...]


class ReviewedRuns:
    """Finds what requests review; of thousands of bouts only what changed is made anew.

    Args:
        project: That keeps the runs and the labels.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._labels: OrderedDict[tuple[str, PostProcessing], _Predicted] = OrderedDict()
        self._bouts: OrderedDict[tuple[int, str, str], _Reviewed] = OrderedDict()

    def of(self, request: PageRequest) -> ReviewedRun:
        """What a request names: `run`, `axis`, `subject`, and how bouts are made.

        Raises:
            SettingError: If the run says nothing of the axis, or its video is not in the project.
            ProjectError: If there is no such run (any more).
            LabelError: If it has no predictions yet.
        """
        found = predictions_of_run(self._project, request.text("run"))
        names = {one.name for one in self._project.videos.list()}
        if found.run.video is None or found.video.name not in names:
            raise SettingError(NOT_IN_PROJECT)
        at = self._project.labels.of(found.video.name)
        post = read_processing(request.number_or_none)
        whole = self._predicted(found, post, at.labels.ethogram)
        axes = tuple(
            axis
            for axis in whole.ethogram.axes
            if any(one.is_state and one.axis == axis for one in whole.ethogram)
        )
        if not axes:
            raise SettingError(NO_STATES)
        axis = request.text("axis") or axes[0]
        if axis not in axes:
            raise SettingError(NO_AXIS.format(axis=axis, axes=", ".join(axes)))
        named = at.labels.subjects
        subject = request.text("subject", named[0] if named else "")
        made = self._reviewed(whole, at.labels, axis, subject)
        return ReviewedRun(
            found=found,
            predicted=made.predicted,
            said=at.labels,
            revision=at.revision,
            axis=axis,
            axes=axes,
            subject=subject,
            subjects=tuple(sorted({"", *named})),
            bouts=made.bouts,
            checks=self._project.blind_checks.of_run(found.run.run_id, axis=axis, subject=subject),
        )

    def _predicted(self, found: RunPredictions, post: PostProcessing, ethogram: Ethogram) -> Labels:
        key = (found.run.run_id, post)
        with self._lock:
            known = self._labels.get(key)
        is_same = (
            known is not None and known.recorded is found.recorded and known.ethogram == ethogram
        )
        if known is not None and is_same:
            return known.labels
        labels = found.labels(post, ethogram)
        self._keep(self._labels, key, _Predicted(found.recorded, ethogram, labels))
        return labels

    def _reviewed(self, whole: Labels, said: Labels, axis: str, subject: str) -> _Reviewed:
        # The values are made once for each state of a file and of labels: who they are tells
        # whether anything is new, and being kept here they are no others meanwhile.
        key = (id(whole), axis, subject)
        with self._lock:
            known = self._bouts.get(key)
        if known is not None and known.whole is whole and known.said is said:
            return known
        if known is not None and known.whole is whole:
            predicted = known.predicted
        else:
            only = whole.for_axis(axis)
            bouts = (one.changed(subject=subject) for one in only.bouts if not one.is_point)
            predicted = Labels(only.ethogram, tuple(bouts), videos=only.videos)
        bouts = sorted(review_bouts(predicted, said), key=lambda one: one.bout.start_seconds)
        made = _Reviewed(whole, said, predicted, tuple(bouts))
        self._keep(self._bouts, key, made)
        return made

    def _keep(self, kept: OrderedDict, key: tuple, value: object) -> None:
        with self._lock:
            kept[key] = value
            kept.move_to_end(key)
            while len(kept) > MAX_KEPT:
                kept.popitem(last=False)
