"""LoRA beside the linear layers of an image encoder, through `peft`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from vidmem.errors import MissingPackageError
from vidmem.models import Backbone


def add_lora(backbone: Backbone, rank: int) -> None:
    """Freeze an encoder, and put low-rank matrices that learn beside its attention's projections.

    Args:
        backbone: Changed in place; its own weights stay as they are.
        rank: Of the matrices.

    Raises:
        MissingPackageError: If `peft` is not installed.
    """
    try:
        peft: Any = import_module("peft")  # an extra
    except ImportError as error:
        raise MissingPackageError("LoRA needs peft: pip install 'vidmem[train]'") from error
    backbone.encoder.requires_grad_(False)
    names = r".*attention.*\.(query|value|q_proj|v_proj)"
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=names)
    backbone.encoder = peft.inject_adapter_in_model(config, backbone.encoder)
