"""A model in a folder: its weights, its config and its card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from vidmem.errors import CheckpointError, StorageError
from vidmem.files import read_json
from vidmem.models.architectures import ARCHITECTURES, architecture_of
from vidmem.models.interface import ModelCard, ModelConfig, Network, config_values
from vidmem.models.look import Look, look_of
from vidmem.models.weights import check_same_weights, read_outline, read_weights
from vidmem.plain import from_plain

FORMAT_VERSION = 1
WEIGHTS_FILE, CONFIG_FILE = "model.safetensors", "config.json"


def save(model: Network, folder: str | Path) -> None:
    """Write a model to a folder: `model.safetensors` and `config.json`.

    A Spool's backbone is written too where its weights are its own: fine-tuned, or trained here
    (`SpoolConfig.backbone_config`). A frozen one from elsewhere is named, and found again by name.

    Args:
        model: Any of vidmem's networks.
        folder: Made if it is not there; an older checkpoint in it is replaced, each file at once.

    Raises:
        StorageError: If the folder cannot be written.
        CheckpointError: If a Spool's own backbone is missing.
        SettingError: If the model is of no architecture that vidmem knows.
    """
    folder = Path(folder)
    architecture = architecture_of(model.config)
    config, weights = architecture.contents(model)
    document = {
        "format": "vidmem",
        "format_version": FORMAT_VERSION,
        "architecture": architecture.name,
        "config": config_values(config),
        "card": _card_values(model.card),
    }
    # safetensors refuses views that are not contiguous.
    weights = {name: value.contiguous().cpu() for name, value in weights.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Written beside and renamed: a crash or a full disk leaves the older file whole.
        part = folder / f".{WEIGHTS_FILE}.part"
        part.write_bytes(safetensors.torch.save(weights))
        part.replace(folder / WEIGHTS_FILE)
        part = folder / f".{CONFIG_FILE}.part"
        part.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        part.replace(folder / CONFIG_FILE)
        if (look := look_of(model)) is not None:
            look.write(folder)
    except (OSError, safetensors.SafetensorError) as error:
        raise StorageError(f"the model could not be written to {folder}: {error}") from error


def _card_values(card: ModelCard) -> dict[str, Any]:
    values = asdict(card)
    # Earlier versions refuse a field that they do not know.
    for name in ("axes", "follow", "hides_clock"):
        if not values[name]:
            del values[name]
    return values


def load_folder(folder: str | Path) -> Network:
    """Read a model that `save` wrote: on the CPU, in float32, in eval mode.

    Raises:
        CheckpointError: If a file is missing, damaged, or of another program.
        WeightsNotAvailableError: If a Spool names a backbone that is not on this machine.
    """
    folder = Path(folder)
    config, card = read_description(folder)
    architecture, path = architecture_of(config), folder / WEIGHTS_FILE
    outline = read_outline(path)
    try:
        # Before anything is allocated: a config of a kilobyte can ask for terabytes.
        wanted = architecture.outline(config, card, outline)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        title = architecture.title
        raise CheckpointError(
            f"{folder / CONFIG_FILE} does not describe a {title}: {error}"
        ) from error
    check_same_weights(wanted, outline)
    model = architecture.load(config, card, read_weights(path))
    model.look = Look.read(folder)
    return model


def read_description(folder: str | Path) -> tuple[ModelConfig, ModelCard]:
    """The architecture and the card of a model that `save` wrote, without its weights.

    Raises:
        CheckpointError: If the file is missing, damaged, or of another program.
    """
    path = Path(folder) / CONFIG_FILE
    document = _read_document(path)
    by_name = {one.name: (config_class, one) for config_class, one in ARCHITECTURES.items()}
    version, name = document.get("format_version"), document.get("architecture")
    if version != FORMAT_VERSION or not isinstance(name, str) or name not in by_name:
        raise CheckpointError(
            f"{path} is of format {version}, architecture {name!r}; this vidmem reads "
            f"{FORMAT_VERSION}, {' and '.join(map(repr, by_name))}"
        )
    config_class, architecture = by_name[name]
    try:
        config = from_plain(config_class, document["config"], "config")
        card = from_plain(ModelCard, document["card"], "card")
        num_names = len(card.class_names)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointError(
            f"{path} does not describe a {architecture.title}: {error}"
        ) from error
    if num_names != config.num_classes:
        raise CheckpointError(f"{path} names {num_names} classes for {config.num_classes} logits")
    return config, card


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = read_json(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is no model: it has no {path.name}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{path} cannot be read as JSON: {reason}") from error
    if not isinstance(document, dict) or document.get("format") != "vidmem":
        raise CheckpointError(f"{path} was not written by vidmem.save")
    return document
