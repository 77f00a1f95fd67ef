"""Which parts of a clip and of memory a score rests on, with Captum.

| question | method | evaluations |
| --- | --- | --- |
| which remembered clip is read? | `direct_effects`: feature ablation over slots | clips + 2 |
| which memory token, where in its clip? | `memory_gradients`: integrated gradients | steps + 2 |
| which pixels of the clip? | `pixel_gradients`: integrated gradients | steps + 2 |
| which part of the picture? | `occlusion`: feature ablation over a coarse grid | cells + 1 |

Each gives `Work`, which estimates its time before it runs. The effect of a clip on all paths comes
from a replay, without Captum: `vidmem.inspection.total_effects`. Integrated gradients
(Sundararajan et al., arXiv:1703.01365) add up to the score less that of their baseline, as nearly
as the steps of the integral allow; the results say how nearly.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

import torch
from torch import Tensor

from vidmem.errors import MissingPackageError, SettingError
from vidmem.inspection.architectures import inspection_record, reaches_pixels
from vidmem.inspection.attribution.effects import ClipEffect, DirectEffects
from vidmem.inspection.attribution.maps import (
    MemoryAttribution,
    OcclusionMap,
    PixelAttribution,
    TokenAttribution,
    cell_index,
)
from vidmem.inspection.attribution.subject import Score, Subject, continue_step, see
from vidmem.inspection.attribution.work import MAX_EVALUATIONS, Tick, Work, check_evaluations

Forward = Callable[..., Tensor]
"""Tensors with one row to the log-odds `[1]`."""

Result = TypeVar("Result")


def direct_effects(
    subject: Subject, *, max_evaluations: int = MAX_EVALUATIONS
) -> Work[DirectEffects]:
    """How the score moves when the slot of one remembered clip is emptied now, clip by clip.

    See `vidmem.inspection.empty_slots` for what an emptied slot is. The result also has the score
    with nothing remembered at all.

    Raises:
        SettingError: If it takes too many evaluations.
        MissingPackageError: If Captum is not installed.
    """
    captum, clips = _captum(), subject.remembered
    _ = subject.encoded  # made here: an estimate should time what each evaluation repeats, not this
    num_evaluations = len(clips) + 2 if clips else 1
    check_evaluations(
        "emptying slot by slot", num_evaluations, max_evaluations, "remember fewer clips"
    )

    def do(tick: Tick) -> DirectEffects:
        if not clips:
            score = subject.score()
            tick()
            return DirectEffects(score=score, nothing_remembered=score, clips=())
        scorer = _Scorer(lambda is_there: _score_slots(subject, is_there), tick)
        # Captum ablates the numbers of a tensor: here one for each slot, 0 where it is emptied.
        is_there = torch.ones(1, len(clips), dtype=torch.float64)
        effects = captum.FeatureAblation(scorer).attribute(is_there)[0].tolist()
        score, nothing = scorer.first, subject.score(without=clips)
        tick()
        return DirectEffects(
            score=score,
            nothing_remembered=nothing,
            clips=tuple(
                ClipEffect(clip=clip, score=score, without=Score(score.log_odds - effect))
                for clip, effect in zip(clips, effects, strict=True)
            ),
        )

    return Work(num_evaluations=num_evaluations, evaluate_one=subject.score, do=do)


def occlusion(
    subject: Subject, *, columns: int = 6, rows: int = 4, max_evaluations: int = MAX_EVALUATIONS
) -> Work[OcclusionMap]:
    """How the score moves when a cell of the picture is neutral in all frames, cell by cell.

    Memory stays as it was; only this clip's pixels change.

    Raises:
        SettingError: If it takes too many evaluations, or there are more cells than pixels.
        MissingPackageError: If Captum is not installed.
    """
    captum, clip = _captum(), subject.clip
    cells = cell_index(clip.shape[3], clip.shape[4], rows, columns).to(clip.device)
    num_evaluations = rows * columns + 1
    what = f"occlusion on {columns} x {rows} cells"
    check_evaluations(what, num_evaluations, max_evaluations, "take fewer cells")

    def do(tick: Tick) -> OcclusionMap:
        scorer = _Scorer(lambda pixels: _score_clip(subject, pixels), tick)
        mask = cells[None, None, None]
        # Captum's baseline is 0, which after normalisation is the model's mean colour.
        effects = captum.FeatureAblation(scorer).attribute(clip, feature_mask=mask)[0, 0, 0]
        by_cell = torch.zeros(rows * columns)
        # `[H, W]` to cells: all pixels of a cell have its effect, whichever of them comes last.
        by_cell[cells.flatten().cpu()] = effects.flatten().float().cpu()
        return OcclusionMap(values=by_cell.unflatten(0, (rows, columns)), score=scorer.first)

    return Work(
        num_evaluations=num_evaluations,
        evaluate_one=torch.no_grad()(lambda: _score_clip(subject, clip)),
        do=do,
    )


def pixel_gradients(
    subject: Subject, *, num_steps: int = 64, max_evaluations: int = MAX_EVALUATIONS
) -> Work[PixelAttribution]:
    """Integrated gradients on the clip's pixels, from a neutral clip on; memory stays as it was.

    Args:
        subject: Its model must give gradients: no frozen image encoder.
        num_steps: Steps of the integral; more add up more nearly. On the way from grey to a picture
            a score can change abruptly: see `PixelAttribution.completeness_error`.
        max_evaluations: Refuse what takes more.

    Raises:
        SettingError: If it takes too many evaluations, or the image encoder is frozen.
        MissingPackageError: If Captum is not installed.
    """
    if not reaches_pixels(subject.model):
        raise SettingError(
            "the image encoder of this model is frozen, and no gradients reach the pixels; "
            "occlusion shows which part of the picture matters without any"
        )
    _check_steps(num_steps)
    clip = subject.clip.detach().float()

    def result(values: list[Tensor], score: Score, baseline: Score) -> PixelAttribution:
        by_pixel = values[0][0].sum(1).cpu()  # [1, T, 3, H, W] to [T, H, W]
        return PixelAttribution(values=by_pixel, score=score, neutral_score=baseline)

    def score(pixels: Tensor) -> Tensor:
        return _score_clip(subject, pixels)

    return _integrated(score, [clip], [torch.zeros_like(clip)], result, num_steps, max_evaluations)


def memory_gradients(
    subject: Subject, *, num_steps: int = 32, max_evaluations: int = MAX_EVALUATIONS
) -> Work[MemoryAttribution]:
    """Integrated gradients on the tokens in memory, on the path from tokens that say nothing.

    They add up to the direct effect of all slots together: see `MemoryAttribution`.

    Args:
        subject: With something remembered, or the maps are empty.
        num_steps: Steps of the integral; more add up more nearly.
        max_evaluations: Refuse what takes more.

    Raises:
        SettingError: If it takes too many evaluations, or the model has no tokens in memory.
        MissingPackageError: If Captum is not installed.
    """
    _check_steps(num_steps)
    access = inspection_record(subject.model).tokens
    if access is None:
        raise SettingError(f"{subject.model.card.title} has no tokens in memory to ask about")
    memories, encoded = access.read(subject.model, subject.clip, subject.state), subject.encoded
    is_there = subject.state.slot_clips[0].cpu() >= 0

    def result(values: list[Tensor], score: Score, baseline: Score) -> MemoryAttribution:
        maps = [
            TokenAttribution(
                stage=memory.stage,
                values=own[0].sum(-1).cpu()[is_there].unflatten(1, memory.grid),
            )
            for memory, own in zip(memories, values, strict=True)
        ]
        return MemoryAttribution(
            clips=subject.remembered, maps=tuple(maps), score=score, baseline_score=baseline
        )

    def score(*tokens: Tensor) -> Tensor:
        state = access.replaced(subject.state, tokens)
        logits = continue_step(subject.model, encoded, state).logits
        return subject.log_odds(logits)

    return _integrated(
        score,
        [memory.tokens for memory in memories],
        [memory.nothing for memory in memories],
        result,
        num_steps if subject.remembered else 0,  # without memory there is nothing to integrate
        max_evaluations,
    )


def _integrated(
    forward: Forward,
    inputs: list[Tensor],
    baselines: list[Tensor],
    make: Callable[[list[Tensor], Score, Score], Result],
    num_steps: int,
    max_evaluations: int,
) -> Work[Result]:
    """Integrated gradients of `forward`; without steps they are zero."""
    captum = _captum()
    num_evaluations = num_steps + 2
    what = f"integrated gradients with {num_steps} steps"
    check_evaluations(what, num_evaluations, max_evaluations, "take fewer steps")

    def do(tick: Tick) -> Result:
        with torch.no_grad():
            ends = [_Scorer(forward, tick)(*tensors) for tensors in (inputs, baselines)]
        score, baseline = (Score(float(end)) for end in ends)
        values = [torch.zeros_like(tensor) for tensor in inputs]
        if num_steps:
            gradients = captum.IntegratedGradients(_Scorer(forward, tick))
            # One step at a time: the state is of one stream, and only one graph is held.
            values = gradients.attribute(
                tuple(inputs), tuple(baselines), n_steps=num_steps, internal_batch_size=1
            )
        return make([value.detach() for value in values], score, baseline)

    def evaluate_one() -> None:
        with torch.enable_grad():
            tensors = [tensor.clone().requires_grad_() for tensor in inputs]
            torch.autograd.grad(forward(*tensors), tensors, allow_unused=True)

    return Work(num_evaluations=num_evaluations, evaluate_one=evaluate_one, do=do)


def _check_steps(num_steps: int) -> None:
    if num_steps < 1:
        raise SettingError(f"num_steps must be at least 1, got {num_steps}")


class _Scorer:
    """The function that Captum calls: counts evaluations, and keeps the first score.

    Captum evaluates the whole input first, with nothing taken away.
    """

    def __init__(self, forward: Forward, tick: Tick) -> None:
        self._forward, self._tick = forward, tick
        self._first: Score | None = None

    def __call__(self, *tensors: Tensor) -> Tensor:
        log_odds = self._forward(*tensors)
        if self._first is None:
            self._first = Score(float(log_odds.detach()))
        self._tick()
        return log_odds

    @property
    def first(self) -> Score:
        assert self._first is not None, "Captum begins with nothing taken away"
        return self._first


def _score_slots(subject: Subject, is_there: Tensor) -> Tensor:
    gone = [clip for clip, there in zip(subject.remembered, is_there[0], strict=True) if not there]
    return subject.log_odds(subject.logits(without=gone))


def _score_clip(subject: Subject, pixels: Tensor) -> Tensor:
    model = subject.model
    logits = continue_step(model, see(model, pixels), subject.state).logits
    return subject.log_odds(logits)


def _captum() -> ModuleType:
    # An extra, imported where it is used: it brings matplotlib and half a second of imports.
    try:
        from captum import attr
    except ImportError as error:
        raise MissingPackageError(
            "Captum is not installed; python -m pip install 'vidmem[inspect]' installs it"
        ) from error
    return attr
