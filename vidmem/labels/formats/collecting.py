"""What a file says, row by row, with every problem named: readers give it, labels come from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from vidmem.errors import LabelError
from vidmem.labels.bout import BoutSource, LabelledVideo
from vidmem.labels.ethogram import Behaviour, BehaviourKind
from vidmem.labels.formats.format import About, Problem, ProblemKind, ReadOptions
from vidmem.labels.formats.source import stem_of, video_name
from vidmem.units import visible

MAX_ENTRIES = 200_000
"""Bouts of one file: months of a busy pen. More is a mistake, or means harm."""

MAX_PROBLEMS = 10_000
MAX_NUMBER = 1e12
MAX_NAME = 500
"""Characters; longer is a mistake of the separator, or means harm."""

SAME_FPS_SHARE = 0.002
"""29.97 and 30 differ by a thousandth, and drift by a second in a quarter of an hour."""


@dataclass(frozen=True, kw_only=True)
class BoutEntry:
    """A bout as a file says it, not checked yet."""

    place: str
    video: str
    behaviour: str
    start_seconds: float
    end_seconds: float
    """The start itself: a point event, or an instant of what should last."""

    kind: BehaviourKind | None = None
    """`None`: the file does not say."""

    axis: str = ""
    """Empty: the file does not say."""

    subject: str = ""
    author: str = ""
    comment: str = ""
    score: float | None = None
    source: BoutSource = "human"


@dataclass(frozen=True, kw_only=True)
class SpanEntry:
    """A span as a file says it, scored or not, not checked yet."""

    place: str
    video: str
    start_seconds: float
    end_seconds: float
    subject: str = ""
    axis: str = ""
    """Empty: all, or that of `behaviour`."""

    behaviour: str = ""
    """Scored for this one only, as a column of a matrix is; an axis is where all of its are."""


@dataclass
class Collector:
    """Takes what a file says, in its order."""

    path: Path
    options: ReadOptions
    axes_exclude: bool = False
    """Whether the file's axes are ours: of one axis, one at a time. Else what overlaps gets another
    axis."""

    single_video: str = ""
    """The video that all is of; empty: entries say it."""

    about: About = field(default_factory=About)
    entries: list[BoutEntry] = field(default_factory=list)
    scored: list[SpanEntry] = field(default_factory=list)
    not_scored: list[SpanEntry] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    videos: dict[str, LabelledVideo] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def problem(
        self, place: str, kind: ProblemKind, what: str, done: str = "it is left out"
    ) -> None:
        """Name a problem.

        Raises:
            LabelError: If the first problem stops the reading, or there are more than anyone reads.
        """
        text = visible(what)
        found = Problem(path=self.path, place=place, kind=kind, what=text, done=done)
        if self.options.on_problem == "stop":
            where = f", {place}" if place else ""
            raise LabelError(f"{self.path}{where}: {text}; nothing was read")
        if len(self.problems) >= MAX_PROBLEMS:
            raise LabelError(
                f"{self.path} has more than {MAX_PROBLEMS} problems, so it is another format or "
                f"damaged; the last: {found}"
            )
        self.problems.append(found)

    def note(self, sentence: str) -> None:
        """Say once what was recognised and is no problem."""
        self.notes[sentence] = None

    def entry(self, entry: BoutEntry) -> None:
        """Take a bout.

        Raises:
            LabelError: If there are too many.
        """
        if len(self.entries) >= MAX_ENTRIES:
            raise LabelError(f"{self.path} has more than {MAX_ENTRIES} bouts; split it")
        names = (entry.behaviour, entry.subject, entry.author, entry.axis, entry.video)
        if max(map(len, names)) > MAX_NAME:
            what = f"has a name of {max(map(len, names))} characters"
            self.problem(entry.place, "unreadable", what)
            return
        self.entries.append(
            replace(
                entry,
                behaviour=clean_name(entry.behaviour),
                subject=clean_name(entry.subject),
                author=clean_name(entry.author),
                axis=clean_name(entry.axis),
                comment=visible(entry.comment, keep="\n\t"),
            )
        )

    def span(self, span: SpanEntry, *, is_scored: bool) -> None:
        """Take a span that was scored, or could not be.

        Raises:
            LabelError: If there are too many.
        """
        spans = self.scored if is_scored else self.not_scored
        if len(spans) >= MAX_ENTRIES:
            raise LabelError(f"{self.path} has more than {MAX_ENTRIES} spans; split it")
        subject, axis = clean_name(span.subject), clean_name(span.axis)
        spans.append(replace(span, subject=subject, axis=axis))

    def behaviour(self, behaviour: Behaviour) -> None:
        """Take what the file says of a behaviour; of two of one name the first counts."""
        self.behaviours.setdefault(behaviour.name, behaviour)

    def video(self, video: LabelledVideo, place: str = "") -> None:
        """Take what the file says of a video, and see that it is what is known of it."""
        name = self.known_name(video.name)
        known = self.known(name)
        if known.fps and video.fps and abs(video.fps / known.fps - 1) > SAME_FPS_SHARE:
            self.problem(
                place,
                "frame rate",
                f"says that {name} has {video.fps:g} frames per second, but it has {known.fps:g}",
                "times in seconds are taken as they are",
            )
        before = self.videos.get(name, known)
        self.videos[name] = before.completed(replace(video, name=name))

    def known(self, name: str) -> LabelledVideo:
        """What is known of a video besides the file."""
        of_name = LabelledVideo(name)
        return next((one for one in self.options.videos if one.name == name), of_name)

    def facts(self, name: str) -> LabelledVideo:
        """What is known of a video, from the file too."""
        return self.videos.get(name, self.known(name))

    def known_name(self, name: str) -> str:
        """The name of a video that is known, if one is meant: with its folder, or without ending.

        Else the name itself, without another machine's folders.
        """
        plain = clean_name(video_name(name)) or "video"
        names = [one.name for one in self.options.videos]
        for candidates in (
            [one for one in names if one == plain],
            [one for one in names if Path(one).name == Path(plain).name],
            [one for one in names if stem_of(one) in (stem_of(plain), Path(plain).name)],
        ):
            if len(candidates) == 1:
                return candidates[0]
        return plain

    def is_unknown(self, name: str) -> bool:
        """Whether there are videos, and this is none of them."""
        is_any = not self.options.videos or self.options.has_other_videos
        return not is_any and all(one.name != name for one in self.options.videos)

    def only_video(self, from_file: str = "", *, said: str = "") -> str:
        """The video of a file that is of one: all that it says is of it from now on.

        Args:
            from_file: What the file's own name says; empty: its stem.
            said: What the file itself says, if anything; a name that was given goes before it.
        """
        if self.single_video:
            return self.single_video
        known = self.options.videos
        if self.options.video:
            name = self.known_name(self.options.video)
        elif clean_name(said):
            name = self.known_name(said)
        elif len(known) == 1:
            name = known[0].name
        else:
            name = self.known_name(clean_name(from_file or self.path.name.split(".")[0]))
            self.note(f"names no video, so it is called {name} after the file; --video names it")
        self.single_video = name
        before = self.facts(name)
        for other in list(self.videos):
            before = before.completed(replace(self.videos.pop(other), name=name))
        self.videos[name] = before
        return name

    def fps(self, video: str, of_file: float | None, place: str = "") -> float:
        """Frames per second for a format that counts them.

        Raises:
            LabelError: If nobody says.
        """
        known = self.options.fps or self.known(video).fps
        if known and of_file and abs(of_file / known - 1) > SAME_FPS_SHARE:
            self.problem(
                place,
                "frame rate",
                f"counts {of_file:g} frames per second of {video}, which has {known:g}",
                f"its frames are taken as {of_file:g} per second",
            )
        fps = of_file or known
        if not fps:
            raise LabelError(
                f"{self.path} counts frames, and the frame rate of {video} is not known; give it, "
                "such as --fps 25, or the video itself with --video"
            )
        return fps


def clean_name(name: str) -> str:
    """A name as labels may have it: without space around it, control characters spelled out."""
    return visible(name.strip()).strip()


def number_or_none(value: object) -> float | None:
    """A number of JSON or a cell, at most a million million; `None`: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) <= MAX_NUMBER else None  # NaN is not


def score_or_none(value: object) -> float | None:
    """A probability, 0 to 1; `None`: it is none."""
    number = number_or_none(value)
    return number if number is not None and 0 <= number <= 1 else None


def fps_or_none(value: object) -> float | None:
    """Frames per second; `None`: it is no number above 0."""
    number = number_or_none(value)
    return number if number and 0 < number <= 1e6 else None


def duration_or_none(value: object) -> float | None:
    """Seconds that a video lasts; `None`: it is no number above 0."""
    number = number_or_none(value)
    return number if number and 0 < number <= 1e9 else None
