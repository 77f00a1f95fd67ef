"""Weights from elsewhere (so far: torchvision) into our names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from vidmem.errors import CheckpointError
from vidmem.models.fam_swin import FamSwin

_TORCHVISION_KEYS = (
    (r"^patch_embed\.", "patch_embedding."),
    (r"^features\.([0246])\.(\d+)\.", lambda m: f"stages.{int(m[1]) // 2}.blocks.{m[2]}."),
    (r"^features\.([135])\.", lambda m: f"merges.{int(m[1]) // 2}."),
    (r"\.attn\.", ".attention."),
    (r"\.mlp\.3\.", ".mlp.2."),
)
"""The one place that knows torchvision's names of `SwinTransformer3d`."""


def torchvision_key(key: str) -> str:
    """Our name of one of torchvision's `swin3d` weights."""
    for pattern, replacement in _TORCHVISION_KEYS:
        key = re.sub(pattern, replacement, key)
    return key


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
        if not key.endswith("relative_position_index")
    }
    name = "patch_embedding.proj.weight"
    if name in weights:  # a 3-D convolution there, a linear layer on cut tubelets here
        weights[name] = weights[name].flatten(1)
    own = {k: v for k, v in model.state_dict().items() if not k.startswith("memory.")}
    check_same_weights(own, weights)
    model.load_state_dict(weights, strict=False)
    model.copy_memory_projections()
    for attention in model.memory.values():
        attention.gate.data.zero_()


def check_same_weights(want: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> None:
    """Refuse weights that do not fit, before any of them is loaded.

    Raises:
        CheckpointError: Naming the first of the weights that differ.
    """
    missing, unknown = sorted(want.keys() - got.keys()), sorted(got.keys() - want.keys())
    if missing or unknown:
        raise CheckpointError(
            f"the checkpoint is of another model: {len(missing)} weights are missing "
            f"({', '.join(missing[:3]) or 'none'}), {len(unknown)} unknown "
            f"({', '.join(unknown[:3]) or 'none'})"
        )
    for key, tensor in want.items():
        if tensor.shape != got[key].shape:
            raise CheckpointError(
                f"{key} must have shape {list(tensor.shape)}, the checkpoint has "
                f"{list(got[key].shape)}: it was made with another size or number of classes"
            )
