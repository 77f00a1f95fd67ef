"""What a format is, what reading and writing one gives, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from vidmem.errors import LabelError, SettingError
from vidmem.labels.bout import Bout, LabelledVideo
from vidmem.labels.checks import checked_name
from vidmem.labels.ethogram import Ethogram
from vidmem.labels.labels import Labels

if TYPE_CHECKING:
    from vidmem.labels.formats.collecting import Collector
    from vidmem.labels.formats.source import Source
    from vidmem.labels.postprocessing import PostProcessing

OnProblem = Literal["skip", "stop"]
"""What becomes of a file in which something is wrong: that is left out and named, or the first such
thing ends the reading."""

ProblemKind = Literal[
    "axes",
    "damaged",
    "duplicate",
    "frame rate",
    "missing video",
    "no time",
    "not a state",
    "overlap",
    "outside",
    "undecodable",
    "unknown behaviour",
    "unknown class",
    "unknown video",
    "unpaired",
    "unreadable",
]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something in a file that could not be taken as it stands."""

    path: Path
    place: str
    """Where: `row 12` (the first line is 1), or the path into JSON, `$.observations['pen 2']`."""

    kind: ProblemKind
    what: str
    """What is wrong, in a sentence without a full stop."""

    done: str
    """What was done about it, such as `left out`."""

    def __str__(self) -> str:
        place = f", {self.place}" if self.place else ""
        return f"{self.path.name}{place}: {self.what}; {self.done}"


@dataclass(frozen=True, kw_only=True)
class About:
    """Where labels come from; each may be empty. Written into what a format has for it."""

    model: str = ""
    settings: str = ""
    """Of the run, as it wrote them; and how bouts were made of it."""

    versions: str = ""
    """Of the programs: `vidmem 0.1.0`."""

    def __post_init__(self) -> None:
        for name in ("model", "settings", "versions"):
            checked_name(f"the {name} of labels", getattr(self, name), may_be_empty=True)

    def lines(self) -> list[str]:
        """`model: memvit`, and so on; what is empty is left out."""
        pairs = (("model", self.model), ("settings", self.settings), ("versions", self.versions))
        return [f"{name}: {value}" for name, value in pairs if value]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What a file says."""

    labels: Labels
    format: str = ""
    """Name of the format that it was read as."""

    problems: tuple[Problem, ...] = ()
    """In the order in which they were met; empty: all was taken as it stands."""

    notes: tuple[str, ...] = ()
    """What was recognised and is no problem, such as times written as MM:SS: a line each."""

    about: About = field(default_factory=About)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written."""

    paths: tuple[Path, ...]
    losses: tuple[str, ...]
    """What the format cannot hold and is not in the files, a line each; empty: all is there."""

    notes: tuple[str, ...] = ()
    """What to know of the files, such as that another program will be slow with them."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a file may not say itself.

    Raises:
        LabelError: If a name or the frame rate cannot be one.
        SettingError: If `on_problem` is no such policy.
    """

    video: str = ""
    """Name of the video, for files that name none; empty: made from the file's own name."""

    fps: float | None = None
    """Frames per second, for files that count frames; `None`: what the file or `videos` say."""

    videos: tuple[LabelledVideo, ...] = ()
    """The videos that there are; what a file says of another is a problem. Empty: any."""

    has_other_videos: bool = False
    """Whether others than `videos` are no problem."""

    ethogram: Ethogram | None = None
    """The behaviours that there are; what a file says of another is a problem. `None`: any, and
    they become the ethogram."""

    behaviours: tuple[str, ...] = ()
    """Names that there are, in any ethogram: one in the file that differs from one of them in case,
    spaces, hyphens and underscores alone is taken for it, which is noted."""

    meant_behaviours: Mapping[str, str] = field(default_factory=dict)
    """What a person says is meant by a name in the file."""

    on_problem: OnProblem = "skip"
    processing: PostProcessing | None = None
    """How bouts are made of predictions; `None`: the most probable behaviour as it is."""

    def __post_init__(self) -> None:
        checked_name("the name of a video", self.video, may_be_empty=True)
        LabelledVideo("any", fps=self.fps)  # checks it
        if self.on_problem not in get_args(OnProblem):
            raise SettingError(f"on_problem must be 'skip' or 'stop', got {self.on_problem!r}")


@dataclass(frozen=True, kw_only=True)
class WriteOptions:
    """What labels may not say themselves."""

    fps: float | None = None
    """Frames, or samples, per second of formats that count them; `None`: that of each video."""

    about: About = field(default_factory=About)
    about_bout: Callable[[Bout], About] | None = None
    """Where a single bout comes from, where a run changed its model or its settings."""

    is_one_file: bool = False
    """Whether a vidmem CSV says in lines above its header what else its side file would, so that it
    can be sent alone; with the length of each bout, and when it began by the clock."""

    def __post_init__(self) -> None:
        LabelledVideo("any", fps=self.fps)  # checks it

    def about_of(self, bout: Bout) -> About:
        """Where a bout comes from."""
        return self.about if self.about_bout is None else self.about_bout(bout)

    def fps_of(self, video: LabelledVideo, title: str) -> float:
        """Frames per second of a video.

        Raises:
            LabelError: If nobody says.
        """
        fps = self.fps or video.fps
        if fps is None:
            raise LabelError(
                f"{title} counts frames, and the frame rate of {video.name} is not known; give it, "
                "such as --fps 25"
            )
        return fps


@dataclass(frozen=True)
class Drafted:
    """Files to be written, what is not in them, and what to know of them."""

    files: dict[Path, bytes]
    losses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Holds:
    """What a format can hold; times of bouts and names of behaviours any can."""

    axes: bool = False
    """Which behaviours exclude each other."""

    subjects: bool = False
    points: bool = False
    scores: bool = False
    comments: bool = False
    authors: bool = False
    """Who said so, and whether a person or a model."""

    not_scored: bool = False
    unlabelled: bool = False
    """The difference between *none of these* and *nobody said anything*."""

    many_videos: bool = False
    """In one file; else there is a file for each."""

    facts: bool = False
    """Duration, frame rate and start of the recording."""

    ethogram: bool = False
    """Colours, keys, descriptions, and behaviours that never happen."""

    resolution: str = "1 ms"
    """Of times."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format: a file in this folder, and a line in the registry."""

    name: str
    """For `--from` and `--to`."""

    title: str
    """For people."""

    endings: tuple[str, ...]
    """Of file names, in small letters with their dot; the first is that of new files."""

    holds: Holds = field(default_factory=Holds)
    needs_fps: bool = False
    """Whether it counts frames, so that the frame rate must be known."""

    recognise: Callable[[Source], bool] = lambda source: False
    """Whether a file is of it, by its content."""

    read: Callable[[Source, Collector], None] | None = None
    """Give what a file says to a collector; `None`: it cannot be read."""

    write: Callable[[Labels, Path, WriteOptions], Drafted] | None = None
    """Make the files, at or beside a path; `None`: it cannot be written."""
