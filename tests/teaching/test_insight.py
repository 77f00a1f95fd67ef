"""Scores, calibration, the learning curve and what to label next, where the answer is known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.teaching.invented import (
    ACTIVITY,
    ETHOGRAM,
    FPS,
    POSTURE,
    Said,
    alternating,
    make_video,
    one_video,
)
from vidmem.errors import LabelError
from vidmem.labels import NO_CLASS, Behaviour, Bout, Ethogram, Labels, Span
from vidmem.models import CardAxis
from vidmem.teaching.report import insight
from vidmem.teaching.report.insight import calibrations, label_next, learning_curve
from vidmem.teaching.report.judged import judged_spans
from vidmem.teaching.report.report import CandidateReport, _verdict, macro_f1_of
from vidmem.teaching.report.scoring import Examination, calibration_error, fit_temperature
from vidmem.teaching.samples import classes_at, is_none, taught_axes
from vidmem.teaching.splits import SplitConfig, make_split


def examination(said, part="test", **options):
    split = make_split(said.videos, SplitConfig(gap_seconds=1, **options))
    return Examination(
        videos=said.videos,
        axes=said.axes,
        labels=said.labels,
        split=split,
        part=part,
    )


def logits_of(video, size=6.0, wrong=()):
    """Sure of what was labelled; wrong where that is said."""
    classes = np.maximum(video.classes[0], 0).copy()
    classes[list(wrong)] = 1 - classes[list(wrong)]
    return (np.eye(2)[classes] * size).astype(np.float32)


def test_what_is_right_everywhere_scores_one_and_the_rest_less():
    said = one_video(120.0)
    exam, video = examination(said), said.videos[0]
    assert macro_f1_of(exam.score({video.name: logits_of(video)})[0]) == pytest.approx(1)
    frames = np.flatnonzero(exam.is_in(video))
    half = logits_of(video, wrong=frames[: len(frames) // 2])
    assert macro_f1_of(exam.score({video.name: half})[0]) == pytest.approx(0.5, abs=0.15)
    # Frames of other parts are no part of it.
    others = logits_of(video, wrong=np.flatnonzero(~exam.is_in(video)))
    assert macro_f1_of(exam.score({video.name: others})[0]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("f1", "of_a_guess", "words"),
    [
        (0.95, 0.40, "good: "),
        (0.95, 0.93, "not usable"),
        (0.80, 0.40, "usable with a person"),
        (0.60, 0.40, "not good enough yet"),
        (0.42, 0.40, "not usable"),
    ],
)
def test_a_model_is_as_good_as_what_it_has_over_a_guess(f1, of_a_guess, words):
    guess = SimpleNamespace(macro_f1_with_none=of_a_guess)
    score = SimpleNamespace(macro_f1_with_none=f1, majority=guess, per_class=())
    chosen = CandidateReport(name="spool", title="Spool", seeds=((score,),))  # type: ignore
    assert _verdict("posture", chosen, 0)[0].startswith(f"posture: {words}")


@pytest.mark.parametrize("share", [0.7, 0.8, 0.9])
def test_a_temperature_brings_sureness_to_what_comes_true(share):
    """Logits of 6 claim 99.8 %; right are fewer: what is claimed comes down to that."""
    said = one_video(600.0)
    video, rng = said.videos[0], np.random.default_rng(0)
    wrong = np.flatnonzero(rng.random(len(video.times_seconds)) > share)
    logits = {video.name: logits_of(video, wrong=wrong)}
    stop, test = examination(said, "stop"), examination(said)
    found = calibrations(stop, logits, test, logits)[0]
    claimed = 1 / (1 + np.exp(-6 / found.temperature))
    assert claimed == pytest.approx(share, abs=0.08)
    assert found.error < 0.1 < calibration_error(*test.confidences(logits, 0))
    assert found.estimated_accuracy is None  # all of it is labelled


def test_the_accuracy_of_unlabelled_time_is_estimated_from_it_alone():
    unseen = (Span("pen.mp4", 250.0, 300.0, "", "posture"),)
    labels = Labels(ETHOGRAM, alternating(200.0), not_scored=unseen)
    said = Said(labels, (make_video(labels, (POSTURE,), seconds=300.0),))
    video = said.videos[0]
    logits = logits_of(video, size=8.0)
    logits[(video.times_seconds > 200) & (video.times_seconds < 250)] = 0.0  # no idea there
    stop, test = examination(said, "stop"), examination(said)
    found = calibrations(stop, {video.name: logits}, test, {video.name: logits})[0]
    assert found.estimated_accuracy == pytest.approx(0.5)
    assert found.error < 0.05


def test_without_labels_of_an_axis_nothing_is_claimed():
    said = one_video(120.0)
    video = replace(said.videos[0], classes=np.full_like(said.videos[0].classes, NO_CLASS))
    exam = replace(examination(said), videos=(video,))
    assert fit_temperature(exam, {video.name: logits_of(video)}, 0) == 1.0
    assert calibration_error(*exam.confidences({video.name: logits_of(video)}, 0)) == 0.0


def test_a_curve_rises_to_what_all_labels_give(monkeypatch):
    monkeypatch.setattr(insight, "NUM_DRAWS", 2)
    said = one_video(240.0, noise=2.0)
    exam = examination(said)
    points = learning_curve(exam)
    assert [one.seconds for one in points[:3]] == [15, 30, 60]
    assert points[-1].macro_f1[0] >= points[0].macro_f1[0]
    for one in points:
        assert one.lowest[0] <= one.macro_f1[0] <= one.highest[0]
    total = exam.split.mask_learnt(said.videos[0]).sum() / FPS
    assert points[-1].seconds == pytest.approx(total, abs=0.1)


def test_a_curve_of_axes_that_are_labelled_apart_has_all_of_them(monkeypatch):
    """A draw of few pieces may have no label of one axis."""
    monkeypatch.setattr(insight, "BUDGET_SECONDS", (15.0,))
    bouts = (*alternating(60.0), *alternating(300.0, names=("nursing", "eating"), start=60.0))
    labels, axes = Labels(ETHOGRAM, bouts), (POSTURE, ACTIVITY)
    said = Said(labels, (make_video(labels, axes, seconds=300.0),), axes)
    exam = examination(said)
    points = learning_curve(exam)
    assert len(points) == 2
    assert all(len(one.macro_f1) == 2 for one in points)


def test_what_to_label_next_is_unlabelled_doubtful_and_apart():
    unseen = (Span("pen.mp4", 150.0, 170.0, "", "posture"),)
    labels = Labels(ETHOGRAM, alternating(60.0), not_scored=unseen)
    said = Said(labels, (make_video(labels, (POSTURE,), seconds=180.0),))
    video = said.videos[0]
    logits = logits_of(video)
    # Of that a person has said that it cannot be told.
    logits[(video.times_seconds > 150) & (video.times_seconds < 170)] = 0.0
    doubtful = (video.times_seconds > 100) & (video.times_seconds < 110)
    logits[doubtful] = 0.0
    logits[:40] = 0.0  # in doubt, too, but labelled
    found = label_next(examination(said), {video.name: logits})
    assert (found[0].start_seconds, found[0].end_seconds) == (100, 110)
    assert found[0].doubt == pytest.approx(0.5)
    assert all(60 <= one.start_seconds < 150 or one.start_seconds >= 170 for one in found)
    starts = [one.start_seconds for one in found]
    assert len(set(starts)) == len(starts)


def test_none_of_these_is_a_class_where_time_was_looked_at():
    scored = (Span("pen.mp4", 0.0, 60.0, "", "activity"),)
    bouts = tuple(
        Bout("pen.mp4", at, at + 4, ("nursing", "eating")[at // 10 % 2]) for at in range(0, 60, 10)
    )
    labels = Labels(ETHOGRAM, bouts, scored=scored)
    axes = taught_axes(labels)
    assert axes == (ACTIVITY,)
    classes = classes_at(np.array([1.0, 5.0, 11.0, 61.0]), labels, axes, name="pen.mp4")
    assert classes.tolist() == [[0, 2, 1, NO_CLASS]]


def test_only_its_own_names_are_none_of_these():
    axis = CardAxis("posture", ("none of these pens", "none of these (posture)"))
    assert [is_none(name, axis) for name in axis.class_names] == [False, True]
    assert is_none("none of these", axis)
    assert not is_none("none of these (activity)", axis)


def test_an_axis_that_was_asked_for_and_never_labelled_is_refused():
    labels = Labels(ETHOGRAM, alternating(60.0))
    assert taught_axes(labels) == (POSTURE,)
    with pytest.raises(LabelError, match="all labels of activity say nothing"):
        taught_axes(labels, ("activity",))
    with pytest.raises(LabelError):
        taught_axes(labels, ("colour",))


def test_behaviours_without_a_bout_are_no_classes():
    ethogram = Ethogram(tuple(Behaviour(name, axis="posture") for name in ("a", "b", "c")))
    labels = Labels(ethogram, alternating(60.0, names=("a", "c")))
    assert taught_axes(labels)[0].class_names == ("a", "c")


def test_the_spans_behind_a_confusion_matrix_last_as_long_as_its_cells():
    said = one_video(120.0)
    exam, video = examination(said), said.videos[0]
    frames = np.flatnonzero(exam.is_in(video))
    logits = {video.name: logits_of(video, wrong=frames[: len(frames) // 2])}
    score = exam.score(logits)[0]
    spans = judged_spans(exam, logits)
    for row, labelled in enumerate(score.class_names):
        for column, predicted in enumerate(score.class_names):
            own = [one for one in spans if (one.labelled, one.predicted) == (labelled, predicted)]
            seconds = sum(one.end_seconds - one.start_seconds for one in own)
            assert seconds == pytest.approx(score.confusion_seconds[row][column], abs=1e-6)
