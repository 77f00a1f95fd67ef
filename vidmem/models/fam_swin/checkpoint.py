"""What of a FAM Swin is saved, and one from what its folder holds or from torchvision's weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from vidmem.errors import CheckpointError
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.models.features.encoder import encoder_outline, load_encoder, saved_weights
from vidmem.models.interface import ModelCard
from vidmem.models.weights import check_depth, check_same_weights, outlining

_TORCHVISION_KEYS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^patch_embed\.", "patch_embedding."),
    # `features` holds stages at even places and the merges between them at odd ones.
    (r"^features\.([0246])\.(\d+)\.", lambda m: f"stages.{int(m[1]) // 2}.blocks.{m[2]}."),
    (r"^features\.([135])\.", lambda m: f"merges.{int(m[1]) // 2}."),
    (r"\.attn\.", ".attention."),
    (r"\.mlp\.3\.", ".mlp.2."),  # after a dropout that is not ours
)
"""The one place that knows torchvision's names of `SwinTransformer3d`."""


def fam_swin_weights(
    config: FamSwinConfig, card: ModelCard, weights: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """The weights that its folder must have, as tensors without values.

    Args:
        config: Of anybody.
        card: Beside it.
        weights: Of the file; a network of more blocks than these is not even outlined.

    Raises:
        CheckpointError: If it has more.
    """
    check_depth(sum(config.depths[stage - 1] for stage in config.stages), weights)
    with outlining():
        outline = FamSwin(config, card).state_dict()
    return (
        outline if config.features is None else outline | encoder_outline(config.features, weights)
    )


def fam_swin_contents(model: FamSwin) -> tuple[FamSwinConfig, dict[str, Tensor]]:
    """The config and the weights that a folder gets.

    A frozen image encoder is named in the config, and found again by name.

    Raises:
        CheckpointError: If the model is on features and has no encoder, whose reduction is saved.
    """
    if model.config.features is not None and model.encoder is None:
        raise CheckpointError(
            "this FAM Swin has no encoder, and without its reduction no features could be made "
            "for it again; make it with encoder=..."
        )
    return model.config, saved_weights(model.state_dict())


def load_fam_swin(config: FamSwinConfig, card: ModelCard, weights: dict[str, Tensor]) -> FamSwin:
    """The network that was saved, in eval mode.

    Raises:
        CheckpointError: If the weights do not fit, or its image encoder is another one by now.
        WeightsNotAvailableError: If it names an image encoder that is not on this machine.
    """
    encoder = None if config.features is None else load_encoder(config.features)
    model = FamSwin(config, card, encoder=encoder)
    check_same_weights(saved_weights(model.state_dict()), weights)
    model.load_state_dict(weights, strict=False)  # they were compared above
    return model.eval()


def load_torchvision_swin(model: FamSwin, state_dict: Mapping[str, Tensor]) -> None:
    """Load torchvision's `swin3d_t/s/b` weights, unchanged, into a FAM Swin.

    The memory attentions are started anew as copies of their blocks' self-attention, and their
    gates at zero, so the logits are those of the pretrained model bit for bit.

    Args:
        model: Changed in place.
        state_dict: torchvision's key names.

    Raises:
        CheckpointError: If weights are missing, unknown, or of another shape.
    """
    weights = {
        torchvision_key(key): value
        for key, value in state_dict.items()
        if not key.endswith("relative_position_index")  # follows from the window; not saved here
    }
    name = "patch_embedding.proj.weight"
    if name in weights:  # a 3-D convolution there, a linear layer on cut tubelets here
        weights[name] = weights[name].flatten(1)
    own = {k: v for k, v in model.state_dict().items() if not k.startswith("memory.")}
    check_same_weights(own, weights)
    model.load_state_dict(weights, strict=False)  # all but memory, which is not in the file
    model.copy_memory_projections()
    model.close_gates()


def torchvision_key(key: str) -> str:
    """Our name of one of torchvision's `swin3d` weights."""
    for pattern, replacement in _TORCHVISION_KEYS:
        key = re.sub(pattern, replacement, key)
    return key
