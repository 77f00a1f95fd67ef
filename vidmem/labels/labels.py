"""What people said of videos: behaviours, what was scored, and what could not be; a value.

    lying      |-------|       |----|
    standing           |---|
    not scored                      |----|
    scored     |-------------------------------|
    unlabelled                                 |------    nobody said anything
                           |---|          |----|          none of these: scored, and no behaviour

A track (one subject's one axis in one video) is at any time one of these five, and never two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal, Self

from vidmem.errors import LabelError
from vidmem.labels.bout import Bout, LabelledVideo
from vidmem.labels.checks import checked_range, checked_seconds, is_one_instant
from vidmem.labels.ethogram import NONE_OF_THESE, NOT_SCORED, Ethogram
from vidmem.labels.spans import (
    Interval,
    Span,
    Track,
    lasts,
    shown,
    spans_of,
    united,
    within,
    without,
)
from vidmem.labels.tracks import (
    OnOverlap,
    check_apart,
    check_kind,
    check_points,
    disjoint,
    joined,
    pieces_around,
    put,
    with_point,
)


@dataclass(frozen=True)
class Stretch:
    """A span of a track in one state, half open in seconds."""

    start_seconds: float
    end_seconds: float
    what: str
    """A behaviour, `NOT_SCORED` or `NONE_OF_THESE`."""


@dataclass(frozen=True)
class Labels:
    """Labels of several videos. Immutable: each operation returns new labels.

    The states of a track never overlap each other, nor what is not scored there. One value is one
    account of what happened: two observers of one video are two `Labels`, to be compared.

    Raises:
        LabelError: If a bout's behaviour or a span's axis is not in the ethogram, a state does not
            last or a point does, or states of one track overlap; the message names the bouts.
    """

    ethogram: Ethogram = field(default_factory=Ethogram)
    bouts: tuple[Bout, ...] = ()
    """In order of video and time, none twice; points too, which may lie anywhere."""

    not_scored: tuple[Span, ...] = ()
    """Where a person said that it cannot be told. Each of one axis, in order and apart."""

    scored: tuple[Span, ...] = ()
    """Where a person looked at all of an axis: with no behaviour there, none of them happened.
    Each of one axis, in order and apart; never where it is not scored."""

    videos: tuple[LabelledVideo, ...] = ()
    """By name: all that were given, and all that a bout or a span names."""

    _tracks: dict[Track, tuple[Bout, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        not_scored, scored = self._by_track(self.not_scored), self._by_track(self.scored)
        scored = {
            track: without(united(one), not_scored.get(track, ())) for track, one in scored.items()
        }
        tracks = self._checked_tracks(not_scored)
        states = [one for track in tracks.values() for one in track]
        points = {one for one in self.bouts if not self.ethogram[one.behaviour].is_state}
        check_points(points)
        ordered = sorted([*states, *points], key=lambda one: one.sort_key)
        # A frozen value sets its own fields once, here, to their one normal form.
        for name, value in (
            ("bouts", tuple(ordered)),
            ("not_scored", _as_spans(not_scored)),
            ("scored", _as_spans(scored)),
            ("_tracks", tracks),
        ):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "videos", self._all_videos())

    # What they say.

    @cached_property
    def tracks(self) -> tuple[Track, ...]:
        """Those of which anything is said, in order."""
        spans = {span.track for span in (*self.not_scored, *self.scored)}
        return tuple(sorted(spans | {self.track_of(one) for one in self.bouts}))

    @property
    def subjects(self) -> tuple[str, ...]:
        """In order; the empty one stands for no one in particular."""
        return tuple(sorted({track.subject for track in self.tracks}))

    def track_of(self, bout: Bout) -> Track:
        """Where a bout stands.

        Raises:
            LabelError: If its behaviour is not in the ethogram.
        """
        return Track(bout.video, bout.subject, self.ethogram[bout.behaviour].axis)

    def states_of(self, track: Track) -> tuple[Bout, ...]:
        """The states of a track, in order; they do not overlap."""
        return self._tracks.get(track, ())

    def bouts_of(
        self,
        *,
        video: str | None = None,
        behaviour: str | None = None,
        subject: str | None = None,
        axis: str | None = None,
    ) -> tuple[Bout, ...]:
        """States and points, in order, of what is given; `None`: of any."""
        return tuple(
            one
            for one in self.bouts
            if video in (None, one.video)
            and behaviour in (None, one.behaviour)
            and subject in (None, one.subject)
            and axis in (None, self.ethogram[one.behaviour].axis)
        )

    def timeline(self, video: str, axis: str, subject: str = "") -> tuple[Stretch, ...]:
        """All that is said of a track, in order and disjoint; what lies between is unlabelled.

        Raises:
            LabelError: If there is no such axis.
        """
        self.ethogram.check_axis(axis)
        track = Track(video, subject, axis)
        states = self.states_of(track)
        not_scored = self._spans_of("not_scored", track)
        busy = [(one.start_seconds, one.end_seconds) for one in states]
        free = without(self._spans_of("scored", track), [*busy, *not_scored])
        stretches = [Stretch(*at, one.behaviour) for at, one in zip(busy, states, strict=True)]
        stretches += [Stretch(*at, NOT_SCORED) for at in not_scored]
        stretches += [Stretch(*at, NONE_OF_THESE) for at in free]
        return tuple(sorted(stretches, key=lambda one: one.start_seconds))

    def video(self, name: str) -> LabelledVideo:
        """What is known of a video; nothing but its name where nothing is."""
        return next((one for one in self.videos if one.name == name), LabelledVideo(name))

    # Parts of them.

    def for_video(self, video: str) -> Self:
        """Of one video."""
        kept = self._kept(lambda track: track.video == video)
        return replace(kept, videos=(self.video(video),))

    def for_subject(self, subject: str) -> Self:
        """Of one subject; empty: of no one in particular."""
        return self._kept(lambda track: track.subject == subject)

    def for_axis(self, axis: str) -> Self:
        """Of one axis, with the part of the ethogram that is it.

        Raises:
            LabelError: If there is no such axis.
        """
        kept = self._kept(lambda track: track.axis == axis)
        return replace(kept, ethogram=self.ethogram.only_axis(axis))

    def between(self, video: str, start_seconds: float, end_seconds: float) -> Self:
        """Of one video from one time to another, half open; bouts over an edge are cut there.

        Times stay those of the video.

        Raises:
            LabelError: If a time cannot be one, or the end is before the start.
        """
        start, end = checked_range(start_seconds, end_seconds, f"a part of {video}")
        one = self.for_video(video)
        cut = (bout.clipped(start, end) for bout in one.bouts)
        return replace(
            one,
            bouts=tuple(bout for bout in cut if bout),
            not_scored=_spans_within(one.not_scored, start, end),
            scored=_spans_within(one.scored, start, end),
        )

    # Bouts.

    def add(self, *bouts: Bout, on_overlap: OnOverlap = "cut") -> Self:
        """With bouts added, one after the other.

        Where a state is added, nothing is *not scored* any more. A point takes the place of one of
        the same behaviour and subject at the same time.

        Args:
            bouts: Of behaviours in the ethogram.
            on_overlap: Whether states of the same track under it are cut, replaced whole, or the
                bout is refused; then also where it is not scored, or a point is there already.

        Raises:
            LabelError: If one is refused or not allowed; nothing is added then.
        """
        tracks = {track: list(states) for track, states in self._tracks.items()}
        points = [one for one in self.bouts if not self.ethogram[one.behaviour].is_state]
        not_scored = self._by_track(self.not_scored)
        for bout in bouts:
            track = self.track_of(bout)
            check_kind(bout, self.ethogram)
            if bout.is_point:
                points = with_point(points, bout, on_overlap)
                continue
            at = (bout.start_seconds, bout.end_seconds)
            if on_overlap == "refuse" and (found := within(not_scored.get(track, ()), *at)):
                raise LabelError(
                    f"{bout} lies where it is not scored, {shown(found[0])}; "
                    "take that mark away first"
                )
            put(tracks.setdefault(track, []), bout, on_overlap)
            not_scored[track] = without(not_scored.get(track, ()), [at])
        states = [one for track in tracks.values() for one in track]
        return replace(self, bouts=(*states, *points), not_scored=_as_spans(not_scored))

    def remove(self, *bouts: Bout) -> Self:
        """Without some bouts.

        Raises:
            LabelError: If one of them is not there, such as after somebody else changed it.
        """
        gone = set(bouts)
        if missing := gone.difference(self.bouts):
            first = min(missing, key=lambda one: one.sort_key)
            raise LabelError(f"there is no bout {first} any more; look at what is there now")
        return replace(self, bouts=tuple(one for one in self.bouts if one not in gone))

    def replace(self, old: Bout, new: Bout, *, on_overlap: OnOverlap = "cut") -> Self:
        """With one bout in the place of another: edges dragged, or another behaviour.

        Raises:
            LabelError: If the old one is not there, or the new one is refused (see `add`).
        """
        return self.remove(old).add(new, on_overlap=on_overlap)

    def cut(
        self, video: str, at_seconds: float, *, subject: str | None = None, axis: str | None = None
    ) -> Self:
        """With each state that goes on at a time cut in two there; `None`: of any subject or axis.

        Raises:
            LabelError: If the time cannot be one.
        """
        at = checked_seconds("the time of a cut", at_seconds)
        bouts = []
        for bout in self.bouts:
            is_meant = self._is_meant(bout, video, subject, axis)
            if is_meant and lasts(bout.start_seconds, at) and lasts(at, bout.end_seconds):
                bouts += [bout.changed(end_seconds=at), bout.changed(start_seconds=at)]
            else:
                bouts.append(bout)
        return replace(self, bouts=tuple(bouts))

    def join(self, first: Bout, second: Bout) -> Self:
        """With two bouts of one behaviour made one, and the time between them part of it.

        Raises:
            LabelError: If they are of different behaviours, subjects or videos, one is not there,
                or another state of their axis, or a span not scored, lies between them.
        """
        first, second = sorted((first, second), key=lambda one: one.sort_key)
        same = ("video", "subject", "behaviour")
        if first.is_point or any(getattr(first, name) != getattr(second, name) for name in same):
            raise LabelError(
                f"only two states of one behaviour, subject and video can be joined, got {first} "
                f"and {second}"
            )
        return self.remove(first, second).add(joined(first, second), on_overlap="refuse")

    def join_at(
        self, video: str, at_seconds: float, *, subject: str | None = None, axis: str | None = None
    ) -> Self:
        """With states of one behaviour that touch at a time made one: undoes `cut`.

        Raises:
            LabelError: If the time cannot be one.
        """
        at = checked_seconds("the time of a join", at_seconds)
        labels = self
        for states in self._tracks.values():
            for first, second in pairwise(states):
                touch = is_one_instant(first.end_seconds, second.start_seconds)
                touch = touch and is_one_instant(first.end_seconds, at)
                is_meant = touch and self._is_meant(first, video, subject, axis)
                if is_meant and first.behaviour == second.behaviour:
                    labels = labels.join(first, second)
        return labels

    # What was scored.

    def mark_not_scored(self, span: Span) -> Self:
        """With a span of which it cannot be told; states there are cut away, points stay.

        Raises:
            LabelError: If its axis is not in the ethogram.
        """
        meant = {track for track, _ in self._expanded(span)}
        bouts: list[Bout] = []
        for bout in self.bouts:
            is_under = not bout.is_point and self.track_of(bout) in meant
            bouts += pieces_around(bout, span.interval) if is_under else [bout]
        return replace(self, bouts=tuple(bouts), not_scored=(*self.not_scored, span))

    def mark_scored(self, span: Span) -> Self:
        """With a span of which all was looked at; what was not scored there is scored now.

        Raises:
            LabelError: If its axis is not in the ethogram.
        """
        not_scored = self._without_span(self.not_scored, span)
        return replace(self, not_scored=not_scored, scored=(*self.scored, span))

    def unmark(self, span: Span) -> Self:
        """Neither scored nor not scored in a span; bouts stay.

        Raises:
            LabelError: If its axis is not in the ethogram.
        """
        not_scored = self._without_span(self.not_scored, span)
        return replace(self, not_scored=not_scored, scored=self._without_span(self.scored, span))

    # Ethogram and videos.

    def rename_behaviour(self, name: str, new_name: str) -> Self:
        """With a behaviour under another name, in the ethogram and in all bouts.

        Raises:
            LabelError: If there is none of that name, or the new one is taken or not allowed.
        """
        ethogram = self.ethogram.renamed(name, new_name)
        bouts = (
            one.changed(behaviour=new_name) if one.behaviour == name else one for one in self.bouts
        )
        return replace(self, ethogram=ethogram, bouts=tuple(bouts))

    def without_behaviour(self, name: str) -> Self:
        """Without a behaviour and its bouts (`bouts_of` says how many); an axis goes with its last.

        Where its axis was scored, its time reads as *none of these* from now on.

        Raises:
            LabelError: If there is none of that name.
        """
        ethogram = self.ethogram.removed(name)
        return self.remove(*self.bouts_of(behaviour=name)).with_ethogram(ethogram)

    def rename_axis(self, axis: str, new_axis: str) -> Self:
        """With an axis under another name, in the ethogram and in all spans.

        Raises:
            LabelError: If there is no such axis, or the new name is taken or not allowed.
        """
        ethogram = self.ethogram.axis_renamed(axis, new_axis)
        not_scored, scored = (
            tuple(one.changed(axis=new_axis) if one.axis == axis else one for one in spans)
            for spans in (self.not_scored, self.scored)
        )
        return replace(self, ethogram=ethogram, not_scored=not_scored, scored=scored)

    def with_ethogram(self, ethogram: Ethogram) -> Self:
        """With another ethogram that has all behaviours of the bouts: other colours, keys, axes.

        Spans of an axis that it lacks go with the axis.

        Raises:
            LabelError: If a behaviour of a bout is not in it, or states that now share an axis
                overlap.
        """
        not_scored, scored = (
            tuple(one for one in spans if one.axis in ethogram.axes)
            for spans in (self.not_scored, self.scored)
        )
        return replace(self, ethogram=ethogram, not_scored=not_scored, scored=scored)

    def with_video(self, video: LabelledVideo) -> Self:
        """With what is known of a video, in place of what was."""
        others = (one for one in self.videos if one.name != video.name)
        return replace(self, videos=(*others, video))

    # Inner workings.

    def _kept(self, is_kept: Callable[[Track], bool]) -> Self:
        return replace(
            self,
            bouts=tuple(one for one in self.bouts if is_kept(self.track_of(one))),
            not_scored=tuple(one for one in self.not_scored if is_kept(one.track)),
            scored=tuple(one for one in self.scored if is_kept(one.track)),
        )

    def _is_meant(self, bout: Bout, video: str, subject: str | None, axis: str | None) -> bool:
        return (
            bout.video == video
            and subject in (None, bout.subject)
            and axis in (None, self.ethogram[bout.behaviour].axis)
        )

    def _expanded(self, span: Span) -> list[tuple[Track, Interval]]:
        """A span of all axes as one of each."""
        if span.axis:
            self.ethogram.check_axis(span.axis)
        elif not self.ethogram.axes:
            raise LabelError(f"{span}: the ethogram has no axis yet; add a behaviour first")
        axes = [span.axis] if span.axis else self.ethogram.axes
        return [(Track(span.video, span.subject, axis), span.interval) for axis in axes]

    def _by_track(self, spans: Iterable[Span]) -> dict[Track, list[Interval]]:
        found: defaultdict[Track, list[Interval]] = defaultdict(list)
        for span in spans:
            for track, interval in self._expanded(span):
                found[track].append(interval)
        return {track: united(intervals) for track, intervals in found.items()}

    def _spans_of(self, name: Literal["scored", "not_scored"], track: Track) -> list[Interval]:
        return [span.interval for span in getattr(self, name) if span.track == track]

    def _without_span(self, spans: Sequence[Span], span: Span) -> tuple[Span, ...]:
        by_track = self._by_track(spans)
        for track, interval in self._expanded(span):
            by_track[track] = without(by_track.get(track, ()), [interval])
        return _as_spans(by_track)

    def _checked_tracks(
        self, not_scored: dict[Track, list[Interval]]
    ) -> dict[Track, tuple[Bout, ...]]:
        found: defaultdict[Track, set[Bout]] = defaultdict(set)
        for bout in self.bouts:
            check_kind(bout, self.ethogram)
            if not bout.is_point:
                found[self.track_of(bout)].add(bout)
        tracks = {track: disjoint(states) for track, states in found.items()}
        for track in tracks.keys() & not_scored.keys():
            check_apart(tracks[track], not_scored[track])
            busy = [(one.start_seconds, one.end_seconds) for one in tracks[track]]
            not_scored[track] = without(not_scored[track], busy)
        return tracks

    def _all_videos(self) -> tuple[LabelledVideo, ...]:
        known: dict[str, LabelledVideo] = {}
        for video in self.videos:
            if video.name in known and video != known[video.name]:
                raise LabelError(f"{video.name} is described twice, and differently; give it once")
            known[video.name] = video
        for one in (*self.bouts, *self.not_scored, *self.scored):
            if one.video not in known:
                known[one.video] = LabelledVideo(one.video)
        return tuple(known[name] for name in sorted(known))


def _as_spans(by_track: dict[Track, list[Interval]]) -> tuple[Span, ...]:
    spans = [span for track, intervals in by_track.items() for span in spans_of(track, intervals)]
    return tuple(sorted(spans, key=lambda one: (one.track, one.interval)))


def _spans_within(spans: Iterable[Span], start: float, end: float) -> tuple[Span, ...]:
    return tuple(
        span for one in spans for span in spans_of(one.track, within([one.interval], start, end))
    )
