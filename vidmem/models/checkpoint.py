"""Weights with their config: saved, loaded, and converted from torchvision's names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from safetensors.torch import load_file
from torch import Tensor

from vidmem.errors import CheckpointError, SettingError, StorageError
from vidmem.models.fam_swin import FamSwin
from vidmem.models.fam_swin_config import FamSwinConfig, MemoryConfig
from vidmem.models.interface import ModelCard

FORMAT_VERSION = 1
WEIGHTS_FILE, CONFIG_FILE = "model.safetensors", "config.json"

_TORCHVISION_KEYS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^patch_embed\.", "patch_embedding."),
    (r"^features\.([0246])\.(\d+)\.", lambda m: f"stages.{int(m[1]) // 2}.blocks.{m[2]}."),
    (r"^features\.([135])\.", lambda m: f"merges.{int(m[1]) // 2}."),
    (r"\.attn\.", ".attention."),
    (r"\.mlp\.3\.", ".mlp.2."),
)
"""The one place that knows torchvision's names of `SwinTransformer3d`."""


def save(model: FamSwin, folder: str | Path) -> None:
    """Write a model to a folder: `model.safetensors` and `config.json`.

    Args:
        model: Any of vidmem's networks.
        folder: Made if it is not there; an older checkpoint in it is replaced, each file at once.

    Raises:
        StorageError: If the folder cannot be written.
    """
    folder = Path(folder)
    document = {
        "format": "vidmem",
        "format_version": FORMAT_VERSION,
        "architecture": "fam_swin",
        "config": asdict(model.config),
        "card": asdict(model.card),
    }
    weights = {name: value.contiguous().cpu() for name, value in model.state_dict().items()}
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


def load_folder(folder: str | Path) -> FamSwin:
    """Read a model that `save` wrote: on the CPU, in float32, in eval mode.

    Raises:
        CheckpointError: If a file is missing, damaged, or of another program.
    """
    folder = Path(folder)
    document = _read_config(folder / CONFIG_FILE)
    try:
        config = fam_swin_config(document["config"])
        card = ModelCard(**_tuples(document["card"]))
        num_names = len(card.class_names)
    except (KeyError, TypeError, AttributeError, SettingError) as error:
        raise CheckpointError(
            f"{folder / CONFIG_FILE} does not describe a FAM Swin: {error}"
        ) from error
    if num_names != config.num_classes:
        raise CheckpointError(
            f"{folder / CONFIG_FILE} names {num_names} classes for {config.num_classes} logits"
        )
    model = FamSwin(config, card)
    weights = _read_weights(folder / WEIGHTS_FILE)
    check_same_weights(model.state_dict(), weights)
    model.load_state_dict(weights)
    return model.eval()


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
    if version != FORMAT_VERSION or architecture != "fam_swin":
        raise CheckpointError(
            f"{path} is of format {version}, architecture {architecture!r}; this vidmem reads "
            f"{FORMAT_VERSION}, 'fam_swin'"
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
