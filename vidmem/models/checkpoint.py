"""Weights with their config: saved, loaded, and converted from torchvision's names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from safetensors.torch import load_file
from torch import Tensor

from vidmem.errors import CheckpointError, StorageError
from vidmem.models.backbones import Backbone, load_backbone
from vidmem.models.fam_swin import FamSwin
from vidmem.models.fam_swin_config import FamSwinConfig, MemoryConfig
from vidmem.models.interface import ModelCard
from vidmem.models.spool import Spool
from vidmem.models.spool_config import SpoolConfig

FORMAT_VERSION = 1
FAM_SWIN, SPOOL = "fam_swin", "spool"
WEIGHTS_FILE, CONFIG_FILE = "model.safetensors", "config.json"

_TORCHVISION_KEYS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^patch_embed\.", "patch_embedding."),
    (r"^features\.([0246])\.(\d+)\.", lambda m: f"stages.{int(m[1]) // 2}.blocks.{m[2]}."),
    (r"^features\.([135])\.", lambda m: f"merges.{int(m[1]) // 2}."),
    (r"\.attn\.", ".attention."),
    (r"\.mlp\.3\.", ".mlp.2."),
)
"""The one place that knows torchvision's names of `SwinTransformer3d`."""


def save(model: FamSwin | Spool, folder: str | Path) -> None:
    """Write a model to a folder: `model.safetensors` and `config.json`.

    A Spool's backbone is written too where its weights are its own: fine-tuned, or trained here
    (`SpoolConfig.backbone_config`). A frozen one from elsewhere is named, and found again by name.

    Args:
        model: Any of vidmem's networks.
        folder: Made if it is not there; an older checkpoint in it is replaced, each file at once.

    Raises:
        StorageError: If the folder cannot be written.
        CheckpointError: If a Spool's own backbone is missing.
    """
    folder = Path(folder)
    config = model.config
    own_weights = model.state_dict()
    if isinstance(config, SpoolConfig):
        backbone = model.backbone
        if isinstance(backbone, Backbone):
            if not (config.is_backbone_frozen and backbone.config.is_frozen):
                own_config = asdict(backbone.config)
                config = replace(config, backbone_config=own_config, is_backbone_frozen=False)
        elif config.backbone_config is not None:
            raise CheckpointError(
                "this Spool has no backbone to be saved, though its config says it is its own"
            )
        if config.backbone_config is None:
            own_weights = _without_backbone(own_weights)
    document = {
        "format": "vidmem",
        "format_version": FORMAT_VERSION,
        "architecture": SPOOL if isinstance(config, SpoolConfig) else FAM_SWIN,
        "config": asdict(config),
        "card": asdict(model.card),
    }
    weights = {name: value.contiguous().cpu() for name, value in own_weights.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{WEIGHTS_FILE}.part"
        part.write_bytes(safetensors.torch.save(weights))
        part.replace(folder / WEIGHTS_FILE)
        part = folder / f".{CONFIG_FILE}.part"
        part.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        part.replace(folder / CONFIG_FILE)
    except (OSError, safetensors.SafetensorError) as error:
        raise StorageError(f"the model could not be written to {folder}: {error}") from error


def load_folder(folder: str | Path) -> FamSwin | Spool:
    """Read a model that `save` wrote: on the CPU, in float32, in eval mode.

    Raises:
        CheckpointError: If a file is missing, damaged, or of another program.
        WeightsNotAvailableError: If a Spool names a backbone that is not on this machine.
    """
    folder = Path(folder)
    config, card = read_description(folder)
    weights = _read_weights(folder / WEIGHTS_FILE)
    if isinstance(config, SpoolConfig):
        return _load_spool(config, card, weights)
    model = FamSwin(config, card)
    check_same_weights(model.state_dict(), weights)
    model.load_state_dict(weights)
    return model.eval()


def read_description(folder: str | Path) -> tuple[FamSwinConfig | SpoolConfig, ModelCard]:
    """The architecture and the card of a model that `save` wrote, without its weights.

    Raises:
        CheckpointError: If the file is missing, damaged, or of another program.
    """
    path = Path(folder) / CONFIG_FILE
    document = _read_config(path)
    architecture = document["architecture"]
    try:
        make_config = spool_config if architecture == SPOOL else fam_swin_config
        config = make_config(document["config"])
        card = ModelCard(**_tuples(document["card"]))
        num_names = len(card.class_names)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        name = "Spool" if architecture == SPOOL else "FAM Swin"
        raise CheckpointError(f"{path} does not describe a {name}: {error}") from error
    if num_names != config.num_classes:
        raise CheckpointError(f"{path} names {num_names} classes for {config.num_classes} logits")
    return config, card


def _load_spool(config: SpoolConfig, card: ModelCard, weights: dict[str, Tensor]) -> Spool:
    if config.backbone_config is not None:
        backbone = Backbone.from_config(config.backbone_config)
    else:
        backbone = load_backbone(config.backbone, tokens_per_frame=config.tokens_per_frame)
    model = Spool(config, card, backbone=backbone)
    own = model.state_dict()
    check_same_weights(own if config.backbone_config else _without_backbone(own), weights)
    model.load_state_dict(weights, strict=False)  # they were compared above
    return model.eval()


def _without_backbone(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in weights.items() if not name.startswith("backbone.")}


def spool_config(values: Mapping[str, Any]) -> SpoolConfig:
    """A config from what JSON made of it."""
    if not isinstance(values.get("backbone_config"), Mapping | None):
        raise TypeError("backbone_config must be an object or null")
    return SpoolConfig(**values)


def fam_swin_config(values: Mapping[str, Any]) -> FamSwinConfig:
    """A config from what JSON made of it (lists for tuples, a dictionary for the memory)."""
    values = _tuples(values)
    memory = values.pop("memory", None)
    return FamSwinConfig(
        **values, memory=None if memory is None else MemoryConfig(**_tuples(memory))
    )


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
    model.close_gates()


def torchvision_key(key: str) -> str:
    """Our name of one of torchvision's `swin3d` weights."""
    for pattern, replacement in _TORCHVISION_KEYS:
        key = re.sub(pattern, replacement, key)
    return key


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


def _read_config(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is no model: it has no {path.name}") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != "vidmem":
        raise CheckpointError(f"{path} was not written by vidmem.save")
    version, architecture = document.get("format_version"), document.get("architecture")
    if version != FORMAT_VERSION or architecture not in (FAM_SWIN, SPOOL):
        raise CheckpointError(
            f"{path} is of format {version}, architecture {architecture!r}; this vidmem reads "
            f"{FORMAT_VERSION}, {FAM_SWIN!r} and {SPOOL!r}"
        )
    return document


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is no model: it has no {path.name}") from error
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} is damaged: {error}; fetch or save it again") from error


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
