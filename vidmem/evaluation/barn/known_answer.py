"""Effects held against a known answer: the look-alike rests of the barn.

Two kinds of rest look alike, and only the last visit, to trough or drinker, decides which it is. So
taking the clips of that visit away must move the score, and taking as many others away must not:

    clips   v v v v o o o R      R: a rest, three clips after the visit v that decides its label;
                                 o: others, of which the newest are taken, as many as there are v

The newest are taken as others since they are the hardest case: all that is known of the visit has
passed through them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

from vidmem.data.barn import CLASS_NAMES
from vidmem.evaluation.barn.known_moments import Comparison, KnownMoment, Move, known_moments
from vidmem.evaluation.barn.scores import UNSEEN_SEEDS
from vidmem.models import StreamModel

DELAY_GROUPS = ((1, 8), (9, 12))
"""Clips since the visit ended: within the queue of fam-swin-nano, and just beyond it."""

TIMES_FARTHER = 5.0
"""How many times farther the score should move without the visit than without others."""

Effect = Literal["total", "total_in_queue", "direct"]
EFFECTS: dict[Effect, str] = {
    "total": "total effect, the whole visit",
    "total_in_queue": "total effect, its clips in the queue",
    "direct": "direct effect, its clips in the queue",
}
"""What is compared, and what tables call it."""


@dataclass(frozen=True, kw_only=True)
class KnownAnswerVideo:
    """The moments of a group in one video; means over them."""

    seed: int
    num_moments: int

    total: Comparison | None
    total_in_queue: Comparison | None
    direct: Comparison | None
    """See `KnownMoment`; None where no moment has one."""


@dataclass(frozen=True, kw_only=True)
class KnownAnswerGroup:
    """The moments whose visit ended a number of clips ago; means over videos of their means."""

    first_delay_clips: int
    last_delay_clips: int
    """Inclusive."""

    num_moments: int
    num_videos: int
    """Videos with such a moment."""

    accuracy: float
    """Share of the moments whose clip got the right label of all; NaN without moments."""

    total: Comparison | None
    total_in_queue: Comparison | None
    direct: Comparison | None
    """See `KnownMoment`; None where no moment has one."""

    videos: tuple[KnownAnswerVideo, ...]
    """What these are the means of: those with such a moment."""

    def compared_videos(self, effect: Effect) -> list[Comparison]:
        """One comparison per video that has any."""
        of_all = [getattr(video, effect) for video in self.videos]
        return [comparison for comparison in of_all if comparison is not None]

    def num_videos_below(self, effect: Effect, times: float = TIMES_FARTHER) -> int:
        """Videos whose score moves less than so many times farther without the visit."""
        ratios = [comparison.log_odds_ratio for comparison in self.compared_videos(effect)]
        return sum(ratio is not None and ratio < times for ratio in ratios)


@dataclass(frozen=True, kw_only=True)
class KnownAnswer:
    """The effects of one model, held against the known answer."""

    l_mem: int
    num_videos: int
    clips_per_video: int
    groups: tuple[KnownAnswerGroup, ...]
    moments: tuple[KnownMoment, ...]
    """All of them, video by video."""


def known_answer(
    model: StreamModel,
    *,
    seeds: Sequence[int] = UNSEEN_SEEDS[:20],
    clips_per_video: int = 120,
    l_mem: int | None = None,
    delay_groups: Sequence[tuple[int, int]] = DELAY_GROUPS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> KnownAnswer:
    """Take away what decided, and as much of the rest, at every look-alike rest of some videos.

    Args:
        model: Trained on the barn's classes.
        seeds: One unseen video each.
        clips_per_video: Length of the videos, in clips of the model's own length.
        l_mem: Clips to remember; None: as the model was trained.
        delay_groups: First and last delay in clips, both included; other rests are left out.
        progress: Called with videos done and videos in all; raise in it to stop.

    Raises:
        ValueError: If the model's classes are not those of the barn, or there is no seed.
    """
    if model.card.class_names != CLASS_NAMES:
        raise ValueError(f"the model must name the barn's classes, got {model.card.class_names}")
    if not seeds:
        raise ValueError("at least one seed is needed")
    l_mem = model.traits.l_mem if l_mem is None else l_mem
    delays = {d for first, last in delay_groups for d in range(first, last + 1)}
    moments: list[KnownMoment] = []
    for done, seed in enumerate(seeds):
        progress(done, len(seeds))
        moments += known_moments(model, seed, clips_per_video, l_mem, delays)
    progress(len(seeds), len(seeds))
    return KnownAnswer(
        l_mem=l_mem,
        num_videos=len(seeds),
        clips_per_video=clips_per_video,
        groups=tuple(_group(moments, first, last) for first, last in delay_groups),
        moments=tuple(moments),
    )


def delay_groups(l_mem: int) -> tuple[tuple[int, int], ...]:
    """Visits within a queue of `l_mem` clips, and those beyond it, up to one and a half times."""
    return ((1, l_mem), (l_mem + 1, max(l_mem + 1, l_mem * 3 // 2)))


def known_answer_as_data(answer: KnownAnswer) -> dict[str, Any]:
    """All of it as JSON takes it: ratios and counts beside what they are made of."""
    data = asdict(answer)
    for group, written in zip(answer.groups, data["groups"], strict=True):
        # JSON has no NaN.
        written["accuracy"] = None if math.isnan(group.accuracy) else group.accuracy
        for effect in EFFECTS:
            comparison: Comparison | None = getattr(group, effect)
            if comparison is not None:
                written[effect] |= {
                    "log_odds_ratio": comparison.log_odds_ratio,
                    "probability_ratio": comparison.probability_ratio,
                    "num_videos": len(group.compared_videos(effect)),
                    f"num_videos_below_{TIMES_FARTHER:g}": group.num_videos_below(effect),
                }
    return data


def known_answer_as_markdown(answer: KnownAnswer) -> str:
    """The means as a table."""
    rows = [
        _row(group, effect, comparison)
        for group in answer.groups
        for effect in EFFECTS
        if (comparison := getattr(group, effect)) is not None
    ]
    heading = [
        "| visit ended | moments (videos) | taken away | clips of it, others "
        f"| without the visit | without others | ratio | videos below {TIMES_FARTHER:g} |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines = [
        f"{answer.num_videos} videos of {answer.clips_per_video} clips, l_mem {answer.l_mem}. "
        "How far the score of the right label moves, in log-odds (in probability):",
        "",
        *([*heading, *rows, ""] if rows else []),
        *(_sentence(group) for group in answer.groups),
    ]
    return "\n".join(lines)


def _sentence(group: KnownAnswerGroup) -> str:
    ago = _ago(group)
    if not group.num_moments:
        return f"No rest whose visit ended {ago}."
    share = f"{100 * group.accuracy:.0f} %"
    return f"Visit {ago}: {share} of {group.num_moments} clips got the right label of all."


def _ago(group: KnownAnswerGroup) -> str:
    first, last = group.first_delay_clips, group.last_delay_clips
    if first == last:
        return f"{first} {'clip' if first == 1 else 'clips'} ago"
    return f"{first} to {last} clips ago"


def _row(group: KnownAnswerGroup, effect: Effect, comparison: Comparison) -> str:
    def moved(move: Move) -> str:
        return f"{move.log_odds:.2f} ({move.probability:.3f})"

    ratios = [
        "none" if ratio is None else f"{ratio:.1f}"
        for ratio in (comparison.log_odds_ratio, comparison.probability_ratio)
    ]
    cells = (
        _ago(group),
        f"{group.num_moments} ({group.num_videos})",
        EFFECTS[effect],
        f"{comparison.num_visit_clips:.1f}, {comparison.num_other_clips:.1f}",
        moved(comparison.visit),
        moved(comparison.others),
        f"{ratios[0]} ({ratios[1]})",
        f"{group.num_videos_below(effect)} of {len(group.compared_videos(effect))}",
    )
    return f"| {' | '.join(cells)} |"


def _group(moments: Sequence[KnownMoment], first: int, last: int) -> KnownAnswerGroup:
    own = [moment for moment in moments if first <= moment.delay_clips <= last]
    by_seed: dict[int, list[KnownMoment]] = {}
    for moment in own:
        by_seed.setdefault(moment.seed, []).append(moment)
    videos = tuple(_video(seed, of_video) for seed, of_video in by_seed.items())
    # First over the moments of each video, then over videos: moments of one video are not
    # independent, and a long rest would outweigh the others.
    return KnownAnswerGroup(
        first_delay_clips=first,
        last_delay_clips=last,
        num_moments=len(own),
        num_videos=len(videos),
        accuracy=fmean(moment.is_right for moment in own) if own else float("nan"),
        total=_mean([video.total for video in videos]),
        total_in_queue=_mean([video.total_in_queue for video in videos]),
        direct=_mean([video.direct for video in videos]),
        videos=videos,
    )


def _video(seed: int, moments: Sequence[KnownMoment]) -> KnownAnswerVideo:
    return KnownAnswerVideo(
        seed=seed,
        num_moments=len(moments),
        total=_mean([moment.total for moment in moments]),
        total_in_queue=_mean([moment.total_in_queue for moment in moments]),
        direct=_mean([moment.direct for moment in moments]),
    )


def _mean(comparisons: Sequence[Comparison | None]) -> Comparison | None:
    there = [comparison for comparison in comparisons if comparison is not None]
    if not there:
        return None
    return Comparison(
        Move.mean([one.visit for one in there]),
        Move.mean([one.others for one in there]),
        fmean(one.num_visit_clips for one in there),
        fmean(one.num_other_clips for one in there),
    )
