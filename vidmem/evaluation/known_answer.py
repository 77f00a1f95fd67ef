"""Do effects find what mattered, where it is known? The look-alike rests of the barn.

Which of two rests a clip shows, only the last visit to trough or drinker before it says. So taking
the clips of that visit away must move the score, and taking as many others away must not:

    clips   v v v v o o o R      R: a rest, three clips after the visit v that decides its label;
                                 o: others, of which the newest are taken, as many as there are v

Others are the newest ones since they are the hardest: all that is known of the visit has passed
through them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from vidmem.data.barn import CLASS_NAMES
from vidmem.evaluation.barn import UNSEEN_SEEDS
from vidmem.evaluation.known_moments import Comparison, KnownMoment, Move, known_moments
from vidmem.models import StreamModel

DELAY_GROUPS = ((1, 8), (9, 12))
"""Clips since the visit ended: in the queue of fam-swin-nano, and just beyond it."""


@dataclass(frozen=True, kw_only=True)
class KnownAnswerGroup:
    """The moments whose visit ended a number of clips ago; means over videos of their means."""

    first_delay_clips: int
    last_delay_clips: int
    """Included."""

    num_moments: int
    num_videos: int
    """With such a moment."""

    accuracy: float
    """Share of the moments whose clip got the right label of all; NaN without moments."""

    total: Comparison | None
    total_in_queue: Comparison | None
    direct: Comparison | None
    """See `KnownMoment`; None where no moment has one."""


@dataclass(frozen=True, kw_only=True)
class KnownAnswer:
    """What effects say of one model where the answer is known."""

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


def known_answer_as_markdown(answer: KnownAnswer) -> str:
    """The means as a table."""
    lines = [
        f"{answer.num_videos} videos of {answer.clips_per_video} clips, l_mem {answer.l_mem}. "
        "How far the score of the right label moves, in log-odds (in probability):",
        "",
        "| visit ended | moments (videos) | taken away | clips of it, others "
        "| without the visit | without others | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for group in answer.groups:
        for name, comparison in (
            ("total effect, the whole visit", group.total),
            ("total effect, its clips in the queue", group.total_in_queue),
            ("direct effect, its clips in the queue", group.direct),
        ):
            if comparison is not None:
                lines.append(_row(group, name, comparison))
    return "\n".join(lines)


def _row(group: KnownAnswerGroup, name: str, comparison: Comparison) -> str:
    def moved(move: Move) -> str:
        return f"{move.log_odds:.2f} ({move.probability:.3f})"

    ratios = [
        "none" if ratio is None else f"{ratio:.1f}"
        for ratio in (comparison.log_odds_ratio, comparison.probability_ratio)
    ]
    cells = (
        f"{group.first_delay_clips} to {group.last_delay_clips} clips ago",
        f"{group.num_moments} ({group.num_videos})",
        name,
        f"{comparison.num_visit_clips:.1f}, {comparison.num_other_clips:.1f}",
        moved(comparison.visit),
        moved(comparison.others),
        f"{ratios[0]} ({ratios[1]})",
    )
    return f"| {' | '.join(cells)} |"


def _group(moments: Sequence[KnownMoment], first: int, last: int) -> KnownAnswerGroup:
    own = [moment for moment in moments if first <= moment.delay_clips <= last]
    return KnownAnswerGroup(
        first_delay_clips=first,
        last_delay_clips=last,
        num_moments=len(own),
        num_videos=len({moment.seed for moment in own}),
        accuracy=fmean(moment.is_right for moment in own) if own else float("nan"),
        total=_mean([(moment.seed, moment.total) for moment in own]),
        total_in_queue=_mean([(moment.seed, moment.total_in_queue) for moment in own]),
        direct=_mean([(moment.seed, moment.direct) for moment in own]),
    )


def _mean(comparisons: Sequence[tuple[int, Comparison | None]]) -> Comparison | None:
    """First over the moments of each video, then over videos: no long rest outweighs the others."""
    by_video: dict[int, list[Comparison]] = {}
    for seed, comparison in comparisons:
        if comparison is not None:
            by_video.setdefault(seed, []).append(comparison)
    videos = [_mean_of(own) for own in by_video.values()]
    return _mean_of(videos) if videos else None


def _mean_of(comparisons: Sequence[Comparison]) -> Comparison:
    return Comparison(
        Move.mean([one.visit for one in comparisons]),
        Move.mean([one.others for one in comparisons]),
        fmean(one.num_visit_clips for one in comparisons),
        fmean(one.num_other_clips for one in comparisons),
    )
