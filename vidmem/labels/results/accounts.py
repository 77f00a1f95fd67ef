"""Accounts made fit to be compared or counted: of one author, one subject, or of whole videos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vidmem.errors import LabelError, SettingError
from vidmem.labels.labels import Labels
from vidmem.labels.results.aligning import aligned
from vidmem.labels.results.filtering import scored_without
from vidmem.labels.results.pairing import mark_all_scored
from vidmem.labels.spans import Span, Track


def labels_of_author(labels: Labels, author: str, *, has_marks: bool = True) -> Labels:
    """The bouts of one author.

    Marks of what was scored name no author. So they count as this one's too, but not where somebody
    else has a bout: who wrote that was looking there, and of the others nobody knows.

    Args:
        labels: Of several people.
        author: One of them; empty: bouts without an author.
        has_marks: Whether marks of what was scored count; else only time with a bout was scored.
    """
    others = (one for one in labels.bouts if one.author != author)
    return replace(
        labels,
        bouts=tuple(one for one in labels.bouts if one.author == author),
        scored=scored_without(labels, others) if has_marks else (),
    )


def about_subject_of(predicted: Labels, truth: Labels) -> Labels:
    """Predictions that name no animal, as being about the only one that is labelled.

    Raises:
        SettingError: If several are.
    """
    subjects = truth.subjects
    if predicted.subjects != ("",) or "" in subjects or not subjects:
        return predicted
    (only, *others) = subjects
    if others:
        raise SettingError(
            f"the predictions name no animal, the labels several: {', '.join(subjects)[:200]}; "
            "say whom they are about (--subject)"
        )
    return replace(
        predicted,
        bouts=tuple(one.changed(subject=only) for one in predicted.bouts),
        not_scored=tuple(one.changed(subject=only) for one in predicted.not_scored),
        scored=tuple(one.changed(subject=only) for one in predicted.scored),
    )


def as_whole_videos(
    first: Labels, second: Labels, num_seconds: float | None = None
) -> tuple[Labels, Labels]:
    """Two accounts of people who looked at all of each video: without a bout it is none of these.

    What lies behind the end of a video is cut off.

    Args:
        first: One account; its axes hold for both.
        second: Another.
        num_seconds: How long each video lasts; `None`: as either account says of it.

    Raises:
        LabelError: If it is not known how long a video lasts.
        SettingError: If `num_seconds` is not above 0.
    """
    if num_seconds is not None and not 0 < num_seconds < float("inf"):
        raise SettingError(f"the seconds of a video must be above 0, got {num_seconds:g}")
    second = aligned(second, first.ethogram)
    ethogram = first.ethogram.united(second.ethogram)
    tracks = {*first.tracks, *second.tracks}
    ends = {name: _end_of(name, (first, second), num_seconds) for name, _, _ in tracks}
    marked = [_marked(one.with_ethogram(ethogram), tracks, ends) for one in (first, second)]
    return marked[0], marked[1]


def _end_of(video: str, accounts: tuple[Labels, Labels], num_seconds: float | None) -> float:
    if num_seconds is not None:
        return num_seconds
    known = [one.video(video).duration_seconds for one in accounts]
    end = next((one for one in known if one is not None), None)
    if end is None:
        raise LabelError(f"it is not known how long {video} lasts; give its seconds")
    return end


def _marked(labels: Labels, tracks: set[Track], ends: Mapping[str, float]) -> Labels:
    for name, end in ends.items():
        of_video = [one for one in tracks if one.video == name]
        labels = mark_all_scored(_cut(labels, name, end), of_video, end)
    return labels


def _cut(labels: Labels, video: str, end_seconds: float) -> Labels:
    """A video up to a time; a point at the very end is still in it."""
    bouts = (
        one.clipped(0.0, end_seconds + 1e-3 * one.is_point) if one.video == video else one
        for one in labels.bouts
    )
    spans: list[list[Span]] = [
        [
            one.changed(end_seconds=min(one.end_seconds, end_seconds))
            if one.video == video
            else one
            for one in spans
            if one.video != video or one.start_seconds < end_seconds - 1e-5
        ]
        for spans in (labels.not_scored, labels.scored)
    ]
    return replace(
        labels,
        bouts=tuple(one for one in bouts if one is not None),
        not_scored=tuple(spans[0]),
        scored=tuple(spans[1]),
    )
