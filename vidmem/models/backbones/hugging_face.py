"""Hugging Face's image encoders: making them, reading their weights, and what they give."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from logging import CRITICAL
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor, nn

from vidmem.errors import CheckpointError
from vidmem.models.backbones.family import EncodedPictures, EncoderFamily
from vidmem.models.backbones.files import CONFIG_FILE

_NEVER_USED = ("mask_token",)  # for pretraining with masked patches; some files lack it
_LAYER_KEY = re.compile(r"^(?!text_model\.)(.*\.)?layers?\.\d+\.")  # not of a text tower


@dataclass(frozen=True)
class HuggingFaceFamily(EncoderFamily):
    """Vision transformers of one of Hugging Face's model types."""

    model_type: str
    config_class: str
    model_class: str
    has_class_token: bool = True
    must_ask_to_interpolate: bool = True
    """Whether frames of another size than the one trained on need a flag."""

    has_learned_places: bool = True
    """Whether places are learned, on a square, and not rotary."""

    fixed_options: Mapping[str, Any] = field(default_factory=dict)
    """Set in every config of the family: they leave out parts that give no patch tokens."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Given to the model class, always; for the same reason."""

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse learned places of another shape than a square."""
        size = options.get("image_size", 0)
        if self.has_learned_places and isinstance(size, list | tuple) and len({*size}) > 1:
            raise ValueError(
                f"image_size must be one number, got {size}: places are learned on a square and "
                "interpolated for frames of other shapes"
            )

    def make(self, options: Mapping[str, Any]) -> nn.Module:
        """An encoder with random weights."""
        import transformers

        config = self._config(options)
        with _silent_transformers():
            return getattr(transformers, self.model_class)(config, **self.arguments)

    def load(self, folder: Path, options: Mapping[str, Any]) -> nn.Module:
        """An encoder with the weights of a folder, in float32.

        Raises:
            CheckpointError: If they are damaged, or do not fit the options.
        """
        import transformers

        config = self._config(options)
        try:
            with _silent_transformers():
                encoder, report = getattr(transformers, self.model_class).from_pretrained(
                    folder,
                    config=config,
                    local_files_only=True,
                    use_safetensors=True,
                    dtype=torch.float32,
                    ignore_mismatched_sizes=True,  # reported below, all of them
                    output_loading_info=True,
                    **self.arguments,
                )
        except (OSError, ValueError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
            raise CheckpointError(f"the weights in {folder} cannot be read: {error}") from error
        _check_report(folder, report)
        return encoder

    def width(self, encoder: nn.Module) -> int:
        """D."""
        return int(_options(encoder).hidden_size)

    def patch_size(self, encoder: nn.Module) -> tuple[int, int]:
        """Height and width of a patch in pixels."""
        size = _options(encoder).patch_size
        return (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))

    def encode(self, encoder: nn.Module, pictures: Tensor) -> EncodedPictures:
        """The patch tokens, and the class token or else the mean of the patch tokens."""
        flags = {"interpolate_pos_encoding": True} if self.must_ask_to_interpolate else {}
        # [N, L, D]: class and register tokens first, then the patches, row by row.
        tokens_NLD = encoder(pixel_values=pictures, **flags).last_hidden_state
        height, width = pictures.shape[-2:]
        grid, num_others = self.patch_grid(encoder, height, width), self._num_others(encoder)
        if tokens_NLD.shape[1] != num_others + math.prod(grid):
            raise CheckpointError(
                f"a {self.model_type} must give {grid[0]} x {grid[1]} patch tokens and "
                f"{num_others} others for {height} x {width} pixels, got {tokens_NLD.shape[1]}"
            )
        patches_NPD = tokens_NLD[:, num_others:]
        # A copy: a view would keep all tokens where the patches are pooled.
        summary = tokens_NLD[:, 0].clone() if self.has_class_token else patches_NPD.mean(1)
        return EncodedPictures(patches=patches_NPD, summary=summary)

    def _num_others(self, encoder: nn.Module) -> int:
        """Class and register tokens; they come first."""
        registers = getattr(_options(encoder), "num_register_tokens", 0)
        return int(self.has_class_token) + int(registers)

    def _config(self, options: Mapping[str, Any]) -> Any:
        import transformers

        config_class = getattr(transformers, self.config_class)
        try:
            with _silent_transformers():
                return config_class.from_dict({**options, **self.fixed_options})
        except Exception as error:  # its validation has its own tree of errors
            raise CheckpointError(
                f"these are no options of a {self.model_type}: {error}"
            ) from error


HUGGING_FACE: dict[str, HuggingFaceFamily] = {
    family.model_type: family
    for family in (
        HuggingFaceFamily("dinov2", "Dinov2Config", "Dinov2Model", must_ask_to_interpolate=False),
        HuggingFaceFamily(
            "dinov2_with_registers",
            "Dinov2WithRegistersConfig",
            "Dinov2WithRegistersModel",
            must_ask_to_interpolate=False,
        ),
        HuggingFaceFamily(
            "dinov3_vit",
            "DINOv3ViTConfig",
            "DINOv3ViTModel",
            must_ask_to_interpolate=False,
            has_learned_places=False,
        ),
        HuggingFaceFamily("vit", "ViTConfig", "ViTModel", arguments={"add_pooling_layer": False}),
        HuggingFaceFamily("clip_vision_model", "CLIPVisionConfig", "CLIPVisionModel"),
        HuggingFaceFamily(
            "siglip_vision_model",
            "SiglipVisionConfig",
            "SiglipVisionModel",
            has_class_token=False,
            fixed_options={"vision_use_head": False},
        ),
    )
}
"""By model type."""


def _options(encoder: nn.Module) -> Any:
    """The Hugging Face config, with its defaults."""
    return encoder.config


def _check_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Refuse weights that are missing or of another shape, and layers that would be left out."""
    # Only unread layers count: files may hold a text tower, a pooler or a classifier beside.
    missing = [key for key in report["missing_keys"] if not key.endswith(_NEVER_USED)]
    mismatched = [
        f"{key} of {list(got)} for {list(want)}" for key, got, want in report["mismatched_keys"]
    ]
    unread = [key for key in report["unexpected_keys"] if _LAYER_KEY.match(key)]
    troubles = {"missing": missing, "of another shape": mismatched, "of unknown layers": unread}
    problems = [
        f"{len(keys)} {trouble} ({', '.join(sorted(keys)[:3])}{', ...' * (len(keys) > 3)})"
        for trouble, keys in troubles.items()
        if keys
    ]
    problems += report.get("error_msgs", [])
    if problems:
        raise CheckpointError(
            f"the weights in {folder} do not fit its {CONFIG_FILE}: {'; '.join(problems)}"
        )


@contextlib.contextmanager
def _silent_transformers() -> Iterator[None]:
    """Without the library's progress bars and reports; its settings are put back."""
    from transformers.utils import logging

    verbosity, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bars:
            logging.enable_progress_bar()
