"""What Spool is held against: attention over a whole sequence, in full and factorised.

Both know where a token is: they add a learned vector for its frame and one for its place, as the
networks do that they are small versions of. So a sequence has at most as many frames as they were
made for.

Letters: B sequences, T frames, P places of a frame, F features, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidmem.errors import SettingError
from vidmem.training.runs.kinds import NetworkKind, SequenceFacts, SequenceScores


@dataclass(frozen=True, kw_only=True)
class WholeAttentionConfig:
    """The size of either network."""

    embed_dim: int = 32
    """D."""

    num_layers: int = 2
    """Blocks."""

    num_heads: int = 4
    """Of each attention."""

    def __post_init__(self) -> None:
        if min(self.embed_dim, self.num_layers, self.num_heads) < 1:
            raise SettingError(
                f"embed_dim, num_layers and num_heads must be at least 1, got {self.embed_dim}, "
                f"{self.num_layers} and {self.num_heads}"
            )
        if self.embed_dim % self.num_heads:
            raise SettingError(
                f"num_heads must divide embed_dim, got {self.num_heads} and {self.embed_dim}"
            )


class SelfAttention(nn.Module):
    """Pre-norm attention of all tokens of a row to each other, added to what came in."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, num_heads, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Rows of tokens, `[rows, L, D]`."""
        normed = self.norm(tokens)
        return tokens + self.attention(normed, normed, normed, need_weights=False)[0]


class FullBlock(nn.Module):
    """Every token attends to every token: joint space-time attention.

    Bertasius et al., arXiv:2102.05095 (TimeSformer), section 3; ViViT's model 1.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.everywhere = SelfAttention(dim, num_heads)

    def forward(self, tokens_BTPD: Tensor) -> Tensor:
        """Tokens of sequences, `[B, T, P, D]`."""
        return self.everywhere(tokens_BTPD.flatten(1, 2)).unflatten(1, tokens_BTPD.shape[1:3])


class FactorisedBlock(nn.Module):
    """Attention within each frame, then across frames at each place.

    Arnab et al., arXiv:2103.15691 (ViViT), model 3. TimeSformer's divided attention is the same in
    the other order.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.in_frame = SelfAttention(dim, num_heads)
        self.across_frames = SelfAttention(dim, num_heads)

    def forward(self, tokens_BTPD: Tensor) -> Tensor:
        """Tokens of sequences, `[B, T, P, D]`."""
        batch = len(tokens_BTPD)
        tokens = self.in_frame(tokens_BTPD.flatten(0, 1)).unflatten(0, (batch, -1))
        by_place = tokens.transpose(1, 2)
        return self.across_frames(by_place.flatten(0, 1)).unflatten(0, (batch, -1)).transpose(1, 2)


class WholeAttention(nn.Module):
    """Blocks over the features of a whole sequence; scores of each frame, and of the mean frame."""

    def __init__(
        self, config: WholeAttentionConfig, facts: SequenceFacts, block: type[nn.Module]
    ) -> None:
        super().__init__()
        dim = config.embed_dim
        self.embedding = nn.Linear(facts.feature_dim, dim)
        self.times = nn.Parameter(torch.empty(facts.num_frames, 1, dim))
        self.places = nn.Parameter(torch.empty(facts.tokens_per_frame, dim))
        for positions in (self.times, self.places):
            nn.init.trunc_normal_(positions, std=0.02)
        self.blocks = nn.ModuleList(block(dim, config.num_heads) for _ in range(config.num_layers))
        self.mlps = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
            )
            for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.frame_head = nn.Linear(dim, facts.num_classes)
        self.sequence_head = nn.Linear(dim, facts.num_classes)

    def forward(self, values: Tensor) -> SequenceScores:
        """Score sequences `[B, T, P, F]`.

        Raises:
            ValueError: If they have more frames than the network was made for.
        """
        num_frames = values.shape[1]
        if num_frames > len(self.times):
            raise ValueError(f"sequences have at most {len(self.times)} frames, got {num_frames}")
        tokens = self.embedding(values) + self.times[:num_frames] + self.places
        for block, mlp in zip(self.blocks, self.mlps, strict=True):
            tokens = block(tokens)
            tokens = tokens + mlp(tokens)
        frames_BTD = self.norm(tokens).mean(2)
        return SequenceScores(
            frame_logits=self.frame_head(frames_BTD).float(),
            sequence_logits=self.sequence_head(frames_BTD.mean(1)).float(),
        )


def _full(config: WholeAttentionConfig, facts: SequenceFacts) -> WholeAttention:
    return WholeAttention(config, facts, FullBlock)


def _factorised(config: WholeAttentionConfig, facts: SequenceFacts) -> WholeAttention:
    return WholeAttention(config, facts, FactorisedBlock)


FULL = NetworkKind(name="full", form="sequences", config=WholeAttentionConfig, make=_full)
FACTORISED = NetworkKind(
    name="factorised", form="sequences", config=WholeAttentionConfig, make=_factorised
)
