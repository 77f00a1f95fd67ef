"""Scores on generated barn videos that the model has never seen, with memory and without.

Every clip goes through `Stream`, as in the app, and its final prediction counts. All windows count,
those in which the behaviour changes too: their label is the behaviour that lasts longest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vidmem.data.barn import (
    CLASS_NAMES,
    LOOK_ALIKES,
    VISIBLE_CLASSES,
    BarnConfig,
    LabelledClips,
    render_clips,
)
from vidmem.evaluation.metrics import ClassScore, class_scores, confusion_matrix, macro_f1
from vidmem.models import StreamModel
from vidmem.streaming import Stream, StreamSettings, Window

UNSEEN_SEEDS = range(1_000_000, 1_000_030)
"""Beyond every seed that training uses."""

MAX_DELAY_CLIPS = 32
"""Look-alikes decided longer ago are too few to score by delay."""


@dataclass(frozen=True)
class DelayScore:
    """The look-alikes whose deciding event ended a number of clips ago."""

    first_delay_clips: int
    last_delay_clips: int
    """Inclusive."""

    num_clips: int
    accuracy: float
    """Share given the right one of the two labels; half of it is chance. NaN without clips."""


@dataclass(frozen=True, kw_only=True)
class BarnScores:
    """One model under one `l_mem`."""

    l_mem: int
    num_videos: int
    num_clips: int
    visible: dict[str, ClassScore]
    visible_macro_f1: float
    look_alike_macro_f1: float
    """Over the two look-alikes, among all nine classes."""

    look_alike_accuracy: float
    """Of the clips of a look-alike, the share given the right one of the two labels."""

    by_delay: tuple[DelayScore, ...]


def evaluate_barn(
    model: StreamModel,
    *,
    l_mems: Sequence[int],
    seeds: Sequence[int] = UNSEEN_SEEDS,
    clips_per_video: int = 120,
    progress: Callable[[int, int], None] | None = None,
) -> list[BarnScores]:
    """Score a model on unseen videos, once per `l_mem`; 0 reads no memory, with the same weights.

    Args:
        model: Trained on the barn's classes.
        l_mems: Clips to remember.
        seeds: One video each.
        clips_per_video: Length of the videos, in clips of the model's own length.
        progress: Called with videos done and videos in all.

    Raises:
        ValueError: If the model's classes are not those of the barn, or there is nothing to score.
    """
    if model.card.class_names != CLASS_NAMES:
        raise ValueError(f"the model must name the barn's classes, got {model.card.class_names}")
    if not l_mems or not seeds:
        raise ValueError(f"at least one l_mem and one seed are needed, got {l_mems} and {seeds}")
    labels, delays, predicted = [], [], [[] for _ in l_mems]
    for done, seed in enumerate(seeds, 1):
        clips = _draw(model, seed, clips_per_video)
        labels.append(clips.labels)
        delays.append(clips.delay_clips)
        for column, l_mem in zip(predicted, l_mems, strict=True):
            column.append(_predict(model, clips, l_mem))
        if progress:
            progress(done, len(seeds))
    truth, delay = np.concatenate(labels), np.concatenate(delays)
    # Well past the longest queue: what is known that long ago came through feedback.
    longest = min(4 * max(l_mems), MAX_DELAY_CLIPS)
    return [
        score_barn(truth, np.concatenate(column), delay, l_mem, longest, len(seeds))
        for column, l_mem in zip(predicted, l_mems, strict=True)
    ]


def score_barn(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    delays: NDArray[np.int64],
    l_mem: int,
    longest_delay: int,
    num_videos: int,
) -> BarnScores:
    """Scores from labels `[N]`, probabilities `[N, classes]` and delays `[N]` in clips."""
    scores = class_scores(confusion_matrix(labels, probabilities.argmax(1), len(CLASS_NAMES)))
    by_name = dict(zip(CLASS_NAMES, scores, strict=True))
    pair = [CLASS_NAMES.index(name) for name in LOOK_ALIKES]
    is_pair = np.isin(labels, pair)
    # Between the two look-alikes alone: without memory this is a coin toss.
    is_right = np.array(pair)[probabilities[:, pair].argmax(1)] == labels
    # Eight ranges of delay, `(low, high]`; fewer where there are fewer clips than that.
    edges = np.unique(np.linspace(0, longest_delay, 9).round().astype(int))
    by_delay = tuple(
        _delay_score(is_right[is_pair & (delays > low) & (delays <= high)], low, high)
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    )
    return BarnScores(
        l_mem=l_mem,
        num_videos=num_videos,
        num_clips=len(labels),
        visible={name: by_name[name] for name in VISIBLE_CLASSES},
        visible_macro_f1=macro_f1([by_name[name] for name in VISIBLE_CLASSES]),
        look_alike_macro_f1=macro_f1([by_name[name] for name in LOOK_ALIKES]),
        look_alike_accuracy=_share(is_right[is_pair]),
        by_delay=by_delay,
    )


def scores_as_markdown(all_scores: Sequence[BarnScores]) -> str:
    """The scores as tables, as they stand in `assets/README.md`."""
    first = all_scores[0]
    lines = [
        f"{first.num_videos} videos, {first.num_clips} clips.",
        "",
        "| l_mem | visible, macro-F1 | look-alikes, macro-F1 | look-alikes, right of two |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {s.l_mem or 'off'} | {s.visible_macro_f1:.3f} | {s.look_alike_macro_f1:.3f} "
        f"| {s.look_alike_accuracy:.3f} |"
        for s in all_scores
    ]
    heads = " | ".join(f"l_mem {s.l_mem or 'off'}" for s in all_scores)
    lines += ["", f"| clips since the deciding event | clips | {heads} |"]
    lines += ["| --- " * (2 + len(all_scores)) + "|"]
    for row in zip(*(s.by_delay for s in all_scores), strict=True):
        cells = " | ".join(f"{d.accuracy:.3f}" for d in row)
        delay = f"{row[0].first_delay_clips} to {row[0].last_delay_clips}"
        lines.append(f"| {delay} | {row[0].num_clips} | {cells} |")
    lines += [
        "",
        "| behaviour | clips | precision | recall | F1 |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {s.support} | {s.precision:.3f} | {s.recall:.3f} | {s.f1:.3f} |"
        for name, s in first.visible.items()
    ]
    return "\n".join(lines)


def _delay_score(is_right: NDArray[np.bool_], low: int, high: int) -> DelayScore:
    return DelayScore(low + 1, high, len(is_right), _share(is_right))


def _share(is_right: NDArray[np.bool_]) -> float:
    return float(is_right.mean()) if len(is_right) else float("nan")


def _draw(model: StreamModel, seed: int, num_clips: int) -> LabelledClips:
    card = model.card
    seconds = num_clips * card.clip_frames / card.fps
    # A second more, so that rounding cannot cost the last clip a frame.
    return render_clips(
        BarnConfig(minutes=(seconds + 1) / 60, seed=seed),
        fps=card.fps,
        clip_frames=card.clip_frames,
        width=card.frame_width,
        height=card.frame_height,
        num_clips=num_clips,
    )


def _predict(model: StreamModel, clips: LabelledClips, l_mem: int) -> NDArray[np.float64]:
    """Final probabilities `[N, classes]`, in the order of the clips."""
    settings = StreamSettings.for_model(model, l_mem=l_mem)
    stream = Stream(model, settings)
    rows: list[tuple[float, ...]] = []
    for number, pixels in enumerate(clips.pixels):
        start = number * settings.clip_frames
        window = Window(
            index=number,
            start_frame=start,
            num_frames=settings.clip_frames,
            num_real_frames=settings.clip_frames,
            start_seconds=start / settings.fps,
            end_seconds=(start + settings.clip_frames) / settings.fps,
            is_last=number == len(clips.pixels) - 1,
        )
        # A model with lookahead settles a clip some steps later, and the rest at the last window.
        final = stream.step(window, torch.from_numpy(pixels)).settled
        rows.extend(prediction.probabilities for prediction in final)
    return np.array(rows)
