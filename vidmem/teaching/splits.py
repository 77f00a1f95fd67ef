"""What is learnt from, what says when to stop, and what is kept to test with.

    video      |-------------------------------------------------------|
    labels        |----------|   |-----------------------------|
    parts         |learn.....|   |stop....|  |learn...|  |test..|
                                           gaps

Never by frame: neighbours in time look alike, so a frame would be tested that was all but learnt.
Between two parts of one video lies a gap of at least what a model sees at a time.
"""

from __future__ import annotations

import fnmatch
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from vidmem.errors import LabelError, SettingError
from vidmem.labels import NO_CLASS
from vidmem.plain import from_plain
from vidmem.teaching.samples import TaughtVideo, key_of
from vidmem.units import clock, span

Part = Literal["learn", "stop", "test"]
PARTS: tuple[Part, ...] = ("learn", "stop", "test")
SplitMethod = Literal["auto", "videos", "subjects", "blocks", "time"]

NUM_BLOCKS, MOST_BLOCKS = 10, 50
NUM_TRIES = 200
FEWEST_VIDEOS = 5
"""Of which whole ones can be left out; fewer are split in time."""


@dataclass(frozen=True, kw_only=True)
class SplitConfig:
    """How labelled time is divided."""

    method: SplitMethod = "auto"
    """`videos`: whole ones are left out. `subjects`: whole animals or pens, in all videos.
    `blocks`: stretches of time. `time`: the first part of each video is learnt from, the last is
    tested on. `auto`: videos, where there are enough."""

    learn_share: float = 0.6
    """Of `time`: from the start of the video, what says when to stop included."""

    test_share: float = 0.3
    """Of `time`: up to its end."""

    test_videos: str = ""
    """Of `videos`: those whose name fits this pattern, such as `*_day2*`; empty: a fifth."""

    test_subjects: str = ""
    """Of `subjects`: those whose name fits this pattern, such as `sow 7*`; empty: a fifth."""

    gap_seconds: float = 10.0
    """Left out between two parts of one video."""

    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.learn_share < 1 and 0 < self.test_share < 1):
            raise SettingError(
                f"shares must be between 0 and 1, got {self.learn_share:g} and {self.test_share:g}"
            )
        if self.learn_share + self.test_share > 1:
            raise SettingError(
                "the shares to learn from and to test on must be at most 1 together, got "
                f"{self.learn_share:g} and {self.test_share:g}"
            )
        if self.test_videos and self.test_subjects:
            raise SettingError(
                f"test_videos ({self.test_videos!r}) and test_subjects ({self.test_subjects!r}) "
                "leave different things out; give one of them"
            )
        if not self.gap_seconds >= 0:
            raise SettingError(f"gap_seconds must be at least 0, got {self.gap_seconds:g}")


@dataclass(frozen=True)
class Piece:
    """A stretch of a taught video that belongs to one part, half open in seconds."""

    video: str
    start_seconds: float
    end_seconds: float
    part: Part
    subject: str = ""
    """Whose; with regions, of which one."""

    @property
    def key(self) -> str:
        """Of the taught video that it is of."""
        return key_of(self.video, self.subject)


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which labelled time is for what."""

    method: str
    """In words."""

    pieces: tuple[Piece, ...]
    """In order of video and time, disjoint; time in none of them is left out."""

    seconds: Mapping[Part, float] = field(default_factory=dict)
    """Labelled time of each part."""

    gap_seconds: float = 0.0
    """Between two parts of one video, at least."""

    learnt: tuple[Piece, ...] = ()
    """What the model itself learns from once it is known for how long: all but what is kept to test
    with, and the gap around that."""

    def mask(self, video: TaughtVideo, *parts: Part) -> NDArray[np.bool_]:
        """`[T]`: which labelled feature frames of a video are in some parts."""
        return self.covers(video, *parts) & video.is_labelled

    def mask_learnt(self, video: TaughtVideo) -> NDArray[np.bool_]:
        """`[T]`: which labelled feature frames the model itself learns from."""
        return Split(method=self.method, pieces=self.learnt).mask(video, "learn")

    def covers(self, video: TaughtVideo, *parts: Part) -> NDArray[np.bool_]:
        """`[T]`: which feature frames of a video are in some parts, labelled or not.

        Pictures that are repeated are in none.
        """
        times, found = video.times_seconds, np.zeros(len(video.times_seconds), dtype=bool)
        for one in self.of_video(video.name, video.subject):
            if one.part in parts:
                found |= (times >= one.start_seconds) & (times < one.end_seconds)
        return found & ~video.is_repeated

    def of_video(self, name: str, subject: str = "") -> tuple[Piece, ...]:
        """The pieces of a taught video, in order."""
        return tuple(one for one in self.pieces if (one.video, one.subject) == (name, subject))

    @property
    def tested_only(self) -> frozenset[str]:
        """Keys of taught videos that are kept to test with as a whole."""
        others = {one.key for one in self.pieces if one.part != "test"}
        return frozenset(one.key for one in self.pieces) - others

    def words(self) -> str:
        """What a person is told before teaching."""
        lengths = [f"{span(self.seconds.get(part, 0.0))} to {_PART_WORDS[part]}" for part in PARTS]
        return f"{self.method}: {', '.join(lengths)}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "method": self.method,
            "seconds": {part: round(self.seconds.get(part, 0.0), 3) for part in PARTS},
            "gap_seconds": self.gap_seconds,
            "pieces": [
                {
                    "video": one.video,
                    "subject": one.subject,
                    "start_seconds": one.start_seconds,
                    "end_seconds": one.end_seconds,
                    "part": one.part,
                }
                for one in self.pieces
            ],
        }

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """What `as_dict` gave, of anybody.

        Raises:
            ValueError: If something else gave it.
        """
        return from_plain(cls, values, "split")


_PART_WORDS: dict[Part, str] = {
    "learn": "learn from",
    "stop": "tell when to stop",
    "test": "test with",
}


def make_split(videos: Sequence[TaughtVideo], config: SplitConfig) -> Split:
    """Divide the labelled time of some videos.

    Raises:
        LabelError: If there is too little for it: a class would be learnt from nowhere, or nothing
            would be left to test with.
        SettingError: If a pattern fits no video, or all.
    """
    labelled = [one for one in videos if one.is_labelled.any()]
    method = _method(labelled, config)
    if method in ("videos", "subjects"):
        split = _by_group(videos, config, _GROUPINGS[method])
    else:
        split = (_by_blocks if method == "blocks" else _by_time)(labelled, config)
    _check(split, labelled)
    return split


KEPT = ", as before"
"""How the words end of a split that was kept."""


def extend_split(earlier: Split, videos: Sequence[TaughtVideo]) -> Split:
    """The held-out time of an earlier split, for labels that have changed since.

        before   |learn...|  |test..|       |stop...|
        labels   |--------|  |------|  |-----------------|
        now      |learn...|  |test..|  gap|learn|gap|stop|

    What is labelled in held-out time is tested with, or tells when to stop; all other labels are
    learnt from, but for the gap around it. Of a subject that was kept to test with as a whole,
    other videos are tested with, too.

    Args:
        earlier: The split of a model that was taught; its test time was never learnt from.
        videos: With the labels as they are now.

    Raises:
        LabelError: If there are too few labels for it, or none of the time kept to test with.
    """
    labelled = [one for one in videos if one.is_labelled.any()]
    held = [one for one in earlier.pieces if one.part != "learn"]
    held += _of_tested_subjects(earlier, labelled)
    known = {one.key for one in labelled}
    missing = [one for one in held if one.part == "test" and one.key not in known]
    if missing:
        whose = f" of {missing[0].subject}" if missing[0].subject else ""
        raise LabelError(
            f"the labels say nothing{whose} in {missing[0].video}, which has time that was kept to "
            "test with; give all labels, the new ones with the earlier"
        )
    stretches = [
        Piece(video.name, start, end, "learn", video.subject)
        for video in labelled
        for start, end in _blocks_of(video, math.inf, earlier.gap_seconds)
    ]
    test = [one for one in held if one.part == "test"]
    learnt = _away_from(test, stretches, earlier.gap_seconds)
    split = _split(
        earlier.method.removesuffix(KEPT) + KEPT,
        [*held, *_away_from(held, stretches, earlier.gap_seconds)],
        labelled,
        learnt,
        gap_seconds=earlier.gap_seconds,
    )
    _check(split, labelled)
    return split


def _of_tested_subjects(earlier: Split, labelled: Sequence[TaughtVideo]) -> list[Piece]:
    """Whole videos that are new, of subjects that the earlier model has seen nothing of."""
    parts: defaultdict[str, set[Part]] = defaultdict(set)
    for one in earlier.pieces:
        parts[one.subject].add(one.part)
    known = {one.key for one in earlier.pieces}
    return [
        _whole(one, "test")
        for one in labelled
        if one.subject and one.key not in known and parts.get(one.subject) == {"test"}
    ]


def _away_from(held: Iterable[Piece], pieces: Iterable[Piece], gap_seconds: float) -> list[Piece]:
    """What of some pieces lies at least a gap away from others, which may lie in any order."""
    found = list(pieces)
    for one in held:
        start, end = one.start_seconds - gap_seconds, one.end_seconds + gap_seconds
        others = [piece for piece in found if piece.key != one.key]
        for piece in (piece for piece in found if piece.key == one.key):
            before = replace(piece, end_seconds=min(piece.end_seconds, start))
            after = replace(piece, start_seconds=max(piece.start_seconds, end))
            others += [cut for cut in (before, after) if cut.end_seconds > cut.start_seconds]
        found = others
    return found


def _method(labelled: Sequence[TaughtVideo], config: SplitConfig) -> SplitMethod:
    if config.method != "auto":
        return config.method
    if config.test_subjects:
        return "subjects"
    has_enough = len({one.name for one in labelled}) >= FEWEST_VIDEOS
    return "videos" if has_enough or config.test_videos else "blocks"


@dataclass(frozen=True, kw_only=True)
class _Grouping:
    """What is left out as a whole."""

    noun: str
    """In plural."""

    name_of: Callable[[TaughtVideo], str]
    pattern_of: Callable[[SplitConfig], str]
    words: Callable[[Sequence[str]], str]
    """How a split is told, from the names of what is tested."""


_GROUPINGS = {
    "videos": _Grouping(
        noun="videos",
        name_of=lambda video: video.name,
        pattern_of=lambda config: config.test_videos,
        words=lambda _: "whole videos left out",
    ),
    "subjects": _Grouping(
        noun="subjects",
        name_of=lambda video: video.subject,
        pattern_of=lambda config: config.test_subjects,
        words=lambda tested: f"whole subjects left out ({_list(tested)})",
    ),
}


def _by_group(videos: Sequence[TaughtVideo], config: SplitConfig, by: _Grouping) -> Split:
    """Whole groups are left out, their unlabelled videos with them: nothing has seen these."""
    labelled = [one for one in videos if one.is_labelled.any()]
    names = list(dict.fromkeys(by.name_of(one) for one in labelled))
    if "" in names:
        nameless = next(one.name for one in labelled if not by.name_of(one))
        raise LabelError(
            f"the labels of {nameless} do not say whose they are, so no {by.noun} can be left out; "
            "name the subject in them, or split by videos, blocks or time"
        )
    pattern = by.pattern_of(config)
    if len(names) < 3 and not pattern:
        raise LabelError(
            f"{len(names)} labelled {by.noun} are too few to leave whole ones out; label another, "
            "or split in blocks of time"
        )
    members = [one for one in videos if by.name_of(one) in names]

    def pieces_of(stop: Collection[str], test: Collection[str]) -> list[Piece]:
        parts: dict[str, Part] = dict.fromkeys(names, "learn")
        parts.update(dict.fromkeys(stop, "stop"))
        parts.update(dict.fromkeys(test, "test"))
        return _ordered(_whole(one, parts[by.name_of(one)]) for one in members)

    if pattern:
        test = _fitting(names, pattern, by.noun)
        rest = [name for name in names if name not in test]
        if len(rest) < 3:  # all of them are needed to learn from
            whole = pieces_of((), test)
            pieces = _with_stop(whole, members, config)
            return _split(by.words(test), pieces, members, whole, gap_seconds=config.gap_seconds)
        num_held = max(1, round(len(rest) / 5))
        orders = _orders(rest, config.seed) if num_held > 1 else [[name] for name in rest]
        draws = [(one[:num_held], test) for one in orders]
    else:
        num_held = max(1, round(len(names) / 5))
        orders = _orders(names, config.seed)
        draws = [(one[:num_held], one[num_held : 2 * num_held]) for one in orders]
    stop, test = max(draws, key=lambda draw: _balance(pieces_of(*draw), members))
    pieces = pieces_of(stop, test)
    words = by.words(sorted(test))
    return _split(words, pieces, members, pieces, gap_seconds=config.gap_seconds)


def _orders(names: Sequence[str], seed: int) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    return [rng.permutation(names).tolist() for _ in range(NUM_TRIES)]


def _fitting(names: Sequence[str], pattern: str, noun: str) -> list[str]:
    test = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not test or len(test) == len(names):
        raise SettingError(
            f"the pattern {pattern!r} fits {len(test)} of {len(names)} labelled {noun} "
            f"({', '.join(names)[:200]}); it must fit some and not all"
        )
    return test


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _whole(video: TaughtVideo, part: Part) -> Piece:
    return Piece(video.name, 0.0, float(video.end_seconds[-1]), part, video.subject)


def _by_blocks(videos: list[TaughtVideo], config: SplitConfig) -> Split:
    """Blocks of about equal labelled time; which are tested on is drawn, the most even one wins."""
    size = _frames_per_block(videos)
    blocks = {one.key: _blocks_of(one, size, config.gap_seconds) for one in videos}
    keys = [(key, index) for key, own in blocks.items() for index in range(len(own))]
    rng = np.random.default_rng(config.seed)
    num_held = max(1, round(len(keys) / 5))
    best: tuple[Piece, ...] = ()
    best_whole: tuple[Piece, ...] = ()
    best_balance: tuple[float, ...] = (-1.0,)
    for _ in range(NUM_TRIES):
        order = [keys[index] for index in rng.permutation(len(keys))]
        parts: dict[tuple[str, int], Part] = dict.fromkeys(order, "learn")
        parts.update(dict.fromkeys(order[:num_held], "stop"))
        parts.update(dict.fromkeys(order[num_held : 2 * num_held], "test"))
        whole = _pieces(videos, blocks, parts)
        pieces = _with_gaps(_joined(whole), config.gap_seconds)
        balance = _balance(pieces, videos)
        if balance > best_balance:
            best, best_whole, best_balance = pieces, whole, balance
    words = f"{len(keys)} blocks of time, {span(config.gap_seconds)} apart"
    learnt = _with_gaps(_joined(_without_stop(best_whole)), config.gap_seconds)
    return _split(words, best, videos, learnt, gap_seconds=config.gap_seconds)


def _by_time(videos: list[TaughtVideo], config: SplitConfig) -> Split:
    pieces: list[Piece] = []
    for one in videos:
        end = float(one.end_seconds[-1])
        test_start = (1 - config.test_share) * end
        learn_end = min(config.learn_share * end, test_start - config.gap_seconds)
        pieces += [
            replace(_whole(one, "learn"), end_seconds=learn_end),
            replace(_whole(one, "test"), start_seconds=test_start),
        ]
    words = (
        f"the first {config.learn_share:.0%} of each video to learn from, the last "
        f"{config.test_share:.0%} to test with"
    )
    parts = _with_stop(pieces, videos, config)
    return _split(words, parts, videos, pieces, gap_seconds=config.gap_seconds)


def _without_stop(pieces: Iterable[Piece]) -> list[Piece]:
    """What tells when to stop is learnt from in the end."""
    return [replace(one, part="learn") if one.part == "stop" else one for one in pieces]


def _with_stop(
    pieces: list[Piece], videos: list[TaughtVideo], config: SplitConfig
) -> tuple[Piece, ...]:
    """A fifth of the labels of the longest piece tells when to stop: the most even fifth."""
    learn = [one for one in pieces if one.part == "learn"]
    labelled = [_labelled_in(one, videos) for one in learn]
    index = int(np.argmax([len(spans) for spans in labelled]))
    longest, others = learn[index], [one for one in pieces if one is not learn[index]]
    found = []
    for fifth in np.array_split(labelled[index], 5):
        start, end = (float(fifth[0, 0]), float(fifth[-1, 1])) if len(fifth) else (0.0, 0.0)
        cut = [
            replace(longest, end_seconds=start),
            replace(longest, start_seconds=start, end_seconds=end, part="stop"),
            replace(longest, start_seconds=end),
        ]
        kept = [one for one in cut if one.end_seconds > one.start_seconds]
        found.append(_with_gaps(_ordered([*others, *kept]), config.gap_seconds, keep="test"))
    return max(found, key=lambda one: _balance(one, videos))


def _labelled_in(piece: Piece, videos: Sequence[TaughtVideo]) -> NDArray[np.float64]:
    """`[N, 2]`: start and end of the labelled feature frames of a piece."""
    video = next(one for one in videos if one.key == piece.key)
    mask = Split(method="", pieces=(piece,)).mask(video, piece.part)
    return np.stack([video.start_seconds[mask], video.end_seconds[mask]], 1)


def _frames_per_block(videos: Sequence[TaughtVideo]) -> float:
    """A tenth of the labels of the axis that has fewest, but no crumbs."""
    counts = [(one.classes != NO_CLASS).sum(1) for one in videos]
    total = sum(int(one.is_labelled.sum()) for one in videos)
    return max(np.sum(counts, 0).min() / NUM_BLOCKS, total / MOST_BLOCKS)


def _blocks_of(
    video: TaughtVideo, frames_per_block: float, gap_seconds: float
) -> list[tuple[float, float]]:
    """Blocks of at least so much labelled time: labels may be a few minutes of many hours.

    Each begins and ends with its labels, so that unlabelled time between two serves as their gap; a
    stretch of labels that is shorter is a block of its own.
    """
    labelled = np.flatnonzero(video.is_labelled)
    pauses = video.start_seconds[labelled[1:]] - video.end_seconds[labelled[:-1]]
    found = []
    for stretch in np.split(labelled, np.flatnonzero(pauses > max(gap_seconds, 1.0)) + 1):
        num_blocks = max(1, min(len(stretch), int(len(stretch) / frames_per_block)))
        for block in np.array_split(stretch, num_blocks):
            found.append(
                (float(video.start_seconds[block[0]]), float(video.end_seconds[block[-1]]))
            )
    return found


def _pieces(
    videos: Sequence[TaughtVideo],
    blocks: Mapping[str, Sequence[tuple[float, float]]],
    parts: Mapping[tuple[str, int], Part],
) -> tuple[Piece, ...]:
    return tuple(
        Piece(one.name, start, end, parts[one.key, index], one.subject)
        for one in videos
        for index, (start, end) in enumerate(blocks[one.key])
    )


def _joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    joined: list[Piece] = []
    for one in pieces:
        before = joined[-1] if joined else None
        if before and (before.key, before.part) == (one.key, one.part):
            joined[-1] = replace(before, end_seconds=one.end_seconds)
        else:
            joined.append(one)
    return tuple(joined)


def _with_gaps(
    pieces: Sequence[Piece], gap_seconds: float, keep: Part | None = None
) -> tuple[Piece, ...]:
    """Cut a gap out around each border of two parts: of what is learnt from, not of the rest.

    Args:
        pieces: In order.
        gap_seconds: At least so much.
        keep: A part that is never cut.
    """
    cut = _cut(pieces, gap_seconds, keep)
    # A piece shorter than its gaps is gone: its neighbours may now be too near to each other.
    return cut if len(cut) == len(pieces) else _with_gaps(cut, gap_seconds, keep)


def _cut(pieces: Sequence[Piece], gap_seconds: float, keep: Part | None) -> tuple[Piece, ...]:
    starts = [one.start_seconds for one in pieces]
    ends = [one.end_seconds for one in pieces]
    for index, (before, after) in enumerate(itertools.pairwise(pieces)):
        missing = gap_seconds - (after.start_seconds - before.end_seconds)
        if before.key != after.key or before.part == after.part or missing <= 0:
            continue
        if before.part == "learn" or after.part == keep:
            ends[index] -= missing
        else:
            starts[index + 1] += missing
    cut = (
        replace(one, start_seconds=start, end_seconds=end)
        for one, start, end in zip(pieces, starts, ends, strict=True)
        if end > start
    )
    return tuple(cut)


def _ordered(pieces: Iterable[Piece]) -> list[Piece]:
    return sorted(pieces, key=lambda one: (one.video, one.subject, one.start_seconds))


def _split(
    method: str,
    pieces: Iterable[Piece],
    videos: Sequence[TaughtVideo],
    learnt: Iterable[Piece],
    *,
    gap_seconds: float,
) -> Split:
    ordered = tuple(_ordered(pieces))
    bare = Split(method=method, pieces=ordered)
    seconds: dict[Part, float] = defaultdict(float)
    for part in PARTS:
        for one in videos:
            lengths = one.end_seconds - one.start_seconds
            seconds[part] += float(lengths[bare.mask(one, part)].sum())
    kept = tuple(one for one in _ordered(_without_stop(learnt)) if one.part == "learn")
    return Split(
        method=method,
        pieces=ordered,
        seconds=dict(seconds),
        gap_seconds=gap_seconds,
        learnt=kept,
    )


def _supports(pieces: Sequence[Piece], videos: Sequence[TaughtVideo], part: Part) -> list[float]:
    """The share that each class of each axis has of a part, beside its share of everything."""
    split = Split(method="", pieces=tuple(pieces))
    masks = [split.mask(one, part) for one in videos]
    shares: list[float] = []
    for axis in range(len(videos[0].classes)):
        all_counts = _counts(np.concatenate([one.classes[axis] for one in videos]))
        inside = [one.classes[axis][mask] for one, mask in zip(videos, masks, strict=True)]
        counts = _counts(np.concatenate(inside), len(all_counts))
        is_there = all_counts > 0
        expected = all_counts[is_there] / max(1, all_counts.sum())
        amounts = counts[is_there] / max(1, counts.sum())
        shares += np.minimum(1.0, amounts / expected).tolist()
    return shares


def _counts(classes: NDArray[np.int64], num_classes: int = 0) -> NDArray[np.int64]:
    return np.bincount(classes[classes != NO_CLASS], minlength=num_classes)


def _balance(pieces: Sequence[Piece], videos: Sequence[TaughtVideo]) -> tuple[float, ...]:
    """How even the parts are: what matters most first.

    Every class is learnt from; few are missing elsewhere; the one that comes off worst; what is
    lost to gaps; and all of them.
    """
    by_part = {part: _supports(pieces, videos, part) for part in PARTS}
    shares = [share for own in by_part.values() for share in own]
    split = Split(method="", pieces=tuple(pieces))
    num_kept = sum(int(split.mask(one, *PARTS).sum()) for one in videos)
    # In tenths: a little less even is worth it where it saves labels.
    worst, num_missing = math.ceil(10 * min(shares)), sum(share == 0 for share in shares)
    return min(by_part["learn"]) > 0, -num_missing, worst, num_kept, float(np.mean(shares))


def _check(split: Split, videos: Sequence[TaughtVideo]) -> None:
    for part in PARTS:
        if not split.seconds.get(part):
            raise LabelError(
                f"no labelled time is left to {_PART_WORDS[part]} ({split.method}); label more, in "
                "pieces that lie apart, or make the gap smaller (and what the model remembers)"
            )
    if min(_supports(split.pieces, videos, "learn")) == 0:
        raise LabelError(
            f"a behaviour would be learnt from nowhere ({split.method}); label more bouts of each, "
            f"in pieces that lie apart ({_where(split)})"
        )


def _where(split: Split) -> str:
    learn = [one for one in split.pieces if one.part == "learn"][:3]
    shown = (f"{clock(one.start_seconds)} to {clock(one.end_seconds)}" for one in learn)
    return f"learnt from would be {', '.join(shown)}"
