"""FAM Swin on an image encoder, in lanes: the encoder takes the place of its first two stages."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from vidmem.errors import SettingError
from vidmem.models import Backbone, FamSwinState, MemoryConfig
from vidmem.training.runs.kinds import NetworkKind, PixelFacts, SequenceFacts
from vidmem.training.runs.sequences.networks import FamConfig, FamSequences
from vidmem.training.runs.videos.networks.encoders import EncoderConfig


@dataclass(frozen=True, kw_only=True)
class FamOnEncoderConfig(EncoderConfig):
    """An image encoder under the last two stages of a FAM Swin."""

    merged_frames: int = 2
    """Frames that are merged into one token of each place."""

    embed_dim: int = 32
    """Of stage 1, which is not there: stage 3 is four times as wide, stage 4 eight times."""

    depths: tuple[int, ...] = (1, 1)
    """Blocks of stages 3 and 4."""

    num_heads: tuple[int, ...] = (4, 8)
    """Heads of stages 3 and 4."""

    memory: MemoryConfig = field(default_factory=lambda: MemoryConfig(tokens_per_clip=4))

    gate: float = 0.0
    """What the gates of memory begin at: at 0 memory is not read at first."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.temporal()  # checks the rest

    def temporal(self) -> FamConfig:
        """The part behind the encoder."""
        return FamConfig(
            clip_frames=self.merged_frames,
            embed_dim=self.embed_dim,
            depths=self.depths,
            num_heads=self.num_heads,
            memory=self.memory,
            gate=self.gate,
        )


class FamOnEncoderLanes(nn.Module):
    """See `LaneNetwork`.

    Args:
        backbone: The image encoder.
        config: Of what is behind it.
        facts: Of the task.
    """

    def __init__(self, backbone: Backbone, config: FamConfig, facts: PixelFacts) -> None:
        super().__init__()
        card = facts.card
        grid = backbone.token_grid(card.frame_height, card.frame_width)
        self._grid = grid
        self.backbone = backbone
        sequences = SequenceFacts(
            tokens_per_frame=grid[0] * grid[1],
            feature_dim=backbone.embed_dim,
            num_frames=card.clip_frames,
            class_names=card.class_names,
        )
        self.fam = FamSequences(config, sequences).fam

    @property
    def l_mem(self) -> int:
        """See `LaneNetwork`."""
        return self.fam.traits.l_mem

    def init_state(self, batch_size: int, l_mem: int) -> FamSwinState:
        """See `LaneNetwork`."""
        # Not projected: weights change while a state lasts, and memory tokens outlive them.
        return self.fam.init_state(batch_size, l_mem=l_mem, is_projected=False)

    def state_from_tensors(self, tensors: dict[str, Tensor]) -> FamSwinState:
        """See `LaneNetwork`."""
        return self.fam.state_from_tensors(tensors)

    def forward(self, clips: Tensor, state: FamSwinState) -> tuple[Tensor, FamSwinState]:
        """See `LaneNetwork`."""
        features = self.backbone(clips.flatten(0, 1))
        trunks = self.fam.trunk_features(features, self._grid)
        logits, after = self.fam.forward_trunks(trunks, state)
        return logits + self.fam.linear_logits(features.unflatten(0, clips.shape[:2])), after


def _make(config: FamOnEncoderConfig, facts: PixelFacts) -> nn.Module:
    if facts.card.clip_frames % config.merged_frames:
        raise SettingError(
            f"clip_frames must be a multiple of merged_frames, got {facts.card.clip_frames} and "
            f"{config.merged_frames}"
        )
    return FamOnEncoderLanes(config.make_backbone(), config.temporal(), facts)


FAM_ON_ENCODER = NetworkKind(
    name="fam-on-encoder", form="lanes", config=FamOnEncoderConfig, make=_make
)
