"""A model of a third kind, as small as one can be: it judges by the mean colour of all that it saw.

Nothing in vidmem or the app knows it. `records` adds what a contributor would: how it is saved and
loaded, and what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from vidmem.models import ModelCard, StepOutput, StreamTraits
from vidmem.models.architectures import ARCHITECTURES, Architecture
from vidmem.models.weights import check_same_weights
from vidmem.planner.architectures import COSTS, CostRecord
from vidmem.planner.sizing import Estimate, Part

CARD = ModelCard(
    name="mean",
    title="Mean colour",
    class_names=("lying", "standing", "walking"),
    frame_height=64,
    frame_width=64,
    clip_frames=4,
    window_stride=4,
)


@dataclass(frozen=True, kw_only=True)
class MeanConfig:
    num_classes: int = 3

    def traits(self, clip_frames: int) -> StreamTraits:
        return StreamTraits(has_memory=False)


@dataclass(frozen=True, kw_only=True)
class MeanState:
    """Constant size, and no clips that could be told apart."""

    total: Tensor  # [B, 3]
    clip_index: Tensor  # [B]

    l_mem = 0

    @property
    def num_bytes(self):
        return sum(t.numel() * t.element_size() for t in self.to_tensors().values())

    @property
    def num_remembered(self):
        return torch.zeros_like(self.clip_index)

    @property
    def slot_clips(self):
        return self.clip_index.new_zeros(len(self.clip_index), 0)

    @property
    def slot_seconds(self):
        return self.total.new_zeros(len(self.clip_index), 0, 2, dtype=torch.float64)

    def resized(self, l_mem):
        return self

    def without_clips(self, clips):
        return self

    def select(self, rows):
        index = torch.as_tensor(rows, dtype=torch.long)
        return replace(self, total=self.total[index], clip_index=self.clip_index[index])

    @property
    def batch_key(self):
        return "mean"

    def joined(self, others):
        states = (self, *others)
        return MeanState(
            total=torch.cat([state.total for state in states]),
            clip_index=torch.cat([state.clip_index for state in states]),
        )

    def to_tensors(self):
        return {"total": self.total, "clip_index": self.clip_index}


class Mean(nn.Module):
    def __init__(self, config: MeanConfig, card: ModelCard = CARD):
        super().__init__()
        self.config, self.card = config, card
        self.head = nn.Linear(3, config.num_classes)

    @property
    def device(self):
        return self.head.weight.device

    @property
    def dtype(self):
        return self.head.weight.dtype

    @property
    def traits(self):
        return self.config.traits(self.card.clip_frames)

    def init_state(self, batch_size=1, *, l_mem=None, clip_frames=None):
        return MeanState(
            total=self.head.weight.detach().new_zeros(batch_size, 3),
            clip_index=torch.zeros(batch_size, dtype=torch.long),
        )

    def step(self, clip, state, clip_seconds=None):
        total = state.total + clip.mean((1, 3, 4)).to(self.dtype)
        index = state.clip_index + 1
        logits = self.head(total / index[:, None]).float()
        return StepOutput(logits, MeanState(total=total.detach(), clip_index=index))

    def state_from_tensors(self, tensors):
        return MeanState(**tensors)


def make_mean() -> Mean:
    torch.manual_seed(7)
    return Mean(MeanConfig()).eval()


def load_mean(config, card, weights):
    model = Mean(config, card)
    check_same_weights(model.state_dict(), weights)
    model.load_state_dict(weights)
    return model.eval()


def estimate_mean(config, size, backbone=None):
    weights = 4 * config.num_classes
    return Estimate(
        weight_bytes=weights * size.number_bytes,
        table_bytes=0,
        state_bytes=size.batch_size * (3 * size.number_bytes + 8),
        live=(Part("mean", size.batch_size * 3 * size.number_bytes),),
        flops=(Part("head", 2 * size.batch_size * 3 * config.num_classes),),
    )


def add_records(monkeypatch) -> None:
    """What a contributor writes into the tables of models and planner."""
    record = Architecture(
        name="mean",
        title="Mean colour",
        load=load_mean,
        outline=lambda config, card, weights: Mean(config, card).state_dict(),
    )
    monkeypatch.setitem(ARCHITECTURES, MeanConfig, record)
    cost = CostRecord(estimate=estimate_mean, random_network=lambda config, backbone: Mean(config))
    monkeypatch.setitem(COSTS, MeanConfig, cost)
