"""Pretrained image encoders: frames to patch tokens, the pictures' class tokens left out.

Shapes: B batch, T frames, C colours, H W pixels, P tokens per frame, D width, N = B * T.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from logging import CRITICAL
from pathlib import Path
from typing import Any, Self

import safetensors
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidmem.errors import CheckpointError
from vidmem.models.backbones.config import FAMILIES, BackboneConfig
from vidmem.models.backbones.files import (
    CONFIG_FILE,
    Preprocessing,
    find_backbone,
    read_json,
    read_preprocessing,
)

_VISION_TOWERS = {"clip": "clip_vision_model", "siglip": "siglip_vision_model"}
_NOT_OPTIONS = {
    *("transformers_version", "architectures", "dtype", "torch_dtype", "model_type"),
    *("stage_names", "out_features", "out_indices", "id2label", "label2id", "num_labels"),
}
"""Left out of a Hugging Face config: its origin, and outputs that vidmem does not use."""

_NEVER_USED = ("mask_token",)  # for pretraining with masked patches; some files lack it
_LAYER_KEY = re.compile(r"^(?!text_model\.)(.*\.)?layers?\.\d+\.")  # not of a text tower


class Backbone(nn.Module):
    """A pretrained image encoder, applied to every frame.

    Args:
        config: Which encoder. Its weights are random; `load_backbone` has the trained ones.
        encoder: One of Hugging Face's models to wrap instead of making one.

    Raises:
        CheckpointError: If the options are not those of such an encoder.
    """

    def __init__(self, config: BackboneConfig, encoder: nn.Module | None = None) -> None:
        super().__init__()
        self.config = config
        self.encoder = _make_encoder(config) if encoder is None else encoder
        self._family = FAMILIES[config.model_type]
        if config.is_frozen:
            self.encoder.requires_grad_(False)
        self.train(self.training)  # puts a frozen encoder into eval mode

    @classmethod
    def from_config(cls, values: Mapping[str, Any]) -> Self:
        """An encoder with random weights from a dictionary, without any file or network.

        Args:
            values: The fields of `BackboneConfig`, as `asdict(backbone.config)` or JSON has them.

        Raises:
            CheckpointError: If they describe no encoder.
        """
        try:
            config = BackboneConfig.from_dict(values)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"this is no backbone's config: {error}") from error
        return cls(config)

    @property
    def embed_dim(self) -> int:
        """D, the width of a token."""
        return int(self._options.hidden_size)

    @property
    def preprocessing(self) -> Preprocessing:
        """The pictures that the encoder knows."""
        return self.config.preprocessing

    @property
    def patch_size(self) -> tuple[int, int]:
        """Height and width of a patch in pixels."""
        size = self._options.patch_size
        return (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))

    def patch_grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of patches in a frame; pixels beyond the last whole patch are unseen."""
        return height // self.patch_size[0], width // self.patch_size[1]

    def token_grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the tokens given for a frame: their product is P."""
        patches = self.patch_grid(height, width)
        wanted = self.config.tokens_per_frame
        if wanted is None or wanted >= math.prod(patches):
            return patches
        return pooled_grid(patches, wanted)

    def forward(self, frames: Tensor) -> Tensor:
        """Encode frames, at most `frames_per_batch` at a time.

        Args:
            frames: `[B, T, 3, H, W]`, normalised as `preprocessing` says; any size of at least a
                patch, positions being interpolated.

        Returns:
            `[B, T, P, D]` in the dtype of the weights, rows of the picture one after the other.

        Raises:
            ValueError: If the frames have another shape.
            CheckpointError: If the encoder does not give a token for each patch.
        """
        self._check_frames(frames)
        # A few frames at a time: hours of video in one batch would not fit into memory.
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.config.is_frozen):
            pieces_NCHW = frames.flatten(0, 1).split(self.config.frames_per_batch)
            tokens_NPD = torch.cat([self._encode(piece_NCHW) for piece_NCHW in pieces_NCHW])
        return tokens_NPD.unflatten(0, frames.shape[:2])

    def train(self, mode: bool = True) -> Self:
        """Training mode or not; a frozen encoder stays in eval mode."""
        super().train(mode)
        self.encoder.train(mode and not self.config.is_frozen)
        return self

    def fingerprint(self) -> str:
        """SHA-256 of everything that features depend on: weights, dtype, pooling, pictures.

        All weights are read: about a tenth of a second for 100 MB.
        """
        values = asdict(self.config)
        for name in ("is_frozen", "frames_per_batch"):  # these change no feature
            del values[name]
        # A key in a cache on disk: it must not depend on the order of options or weights.
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
        for name, tensor in sorted(self.encoder.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(memoryview(data.numpy()))
        return digest.hexdigest()

    def _encode(self, frames_NCHW: Tensor) -> Tensor:
        flags = {"interpolate_pos_encoding": True} if self._family.must_ask_to_interpolate else {}
        # [N, L, D]: class and register tokens first, then the patches, row by row.
        tokens_NLD = self.encoder(pixel_values=frames_NCHW, **flags).last_hidden_state
        height, width = frames_NCHW.shape[-2:]
        grid, num_others = self.patch_grid(height, width), self._num_other_tokens
        if tokens_NLD.shape[1] != num_others + math.prod(grid):
            raise CheckpointError(
                f"a {self.config.model_type} must give {grid[0]} x {grid[1]} patch tokens and "
                f"{num_others} others for {height} x {width} pixels, got {tokens_NLD.shape[1]}"
            )
        patches_NPD = tokens_NLD[:, num_others:]
        pooled = self.token_grid(height, width)
        if pooled == grid:
            return patches_NPD
        maps_NDhw = patches_NPD.transpose(1, 2).unflatten(-1, grid)
        return F.adaptive_avg_pool2d(maps_NDhw, pooled).flatten(2).transpose(1, 2)

    @property
    def _options(self) -> Any:
        """The Hugging Face config, with its defaults."""
        return self.encoder.config

    @property
    def _num_other_tokens(self) -> int:
        """Class and register tokens; they come first."""
        registers = getattr(self._options, "num_register_tokens", 0)
        return int(self._family.has_class_token) + int(registers)

    def _check_frames(self, frames: Tensor) -> None:
        if frames.ndim != 5 or frames.shape[2] != 3:
            raise ValueError(f"frames must have shape [B, T, 3, H, W], got {list(frames.shape)}")
        height, width = frames.shape[-2:]
        if 0 in self.patch_grid(height, width):
            raise ValueError(
                f"frames must hold at least a patch of {self.patch_size[0]} x "
                f"{self.patch_size[1]} pixels, got {height} x {width}"
            )

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        # `to(bfloat16)` must leave the frequencies of rotary positions in float32: rounded, they
        # would move every patch. They are the non-persistent floating-point buffers.
        constants = [
            (module, name, buffer)
            for module in self.encoder.modules()
            for name, buffer in module.named_buffers(recurse=False)
            if name in module._non_persistent_buffers_set and buffer.is_floating_point()
        ]
        super()._apply(fn, recurse)
        for module, name, buffer in constants:
            setattr(module, name, buffer.to(getattr(module, name).device))
        return self


def load_backbone(
    name_or_folder: str | Path,
    *,
    tokens_per_frame: int | None = 64,
    is_frozen: bool = True,
    frames_per_batch: int = 32,
    preprocessing: Preprocessing | None = None,
    may_fetch: bool = False,
) -> Backbone:
    """Load a DINOv2 (with registers or without), DINOv3, ViT, CLIP or SigLIP image encoder.

    Args:
        name_or_folder: A folder as `save_pretrained` writes it, or a name on the Hugging Face
            hub (`facebook/dinov2-small`).
        tokens_per_frame: See `BackboneConfig`, for this and the next two.
        is_frozen: Give no gradients, and stay in eval mode.
        frames_per_batch: Bounds the memory of long clips.
        preprocessing: Instead of what the encoder's own files say.
        may_fetch: Whether the hub may be contacted where the files are not on this machine.

    Returns:
        On the CPU, in float32, in eval mode.

    Raises:
        WeightsNotAvailableError: If the files are not there, with what to put where.
        CheckpointError: If they are damaged, of another kind of model, or do not fit together.
        ValueError: If a setting is outside its allowed values.
    """
    folder = find_backbone(name_or_folder, may_fetch=may_fetch)
    values = read_json(folder / CONFIG_FILE)
    model_type = str(values.get("model_type"))
    if model_type in _VISION_TOWERS:
        model_type, values = _VISION_TOWERS[model_type], values.get("vision_config") or {}
    if model_type not in FAMILIES:
        known = ", ".join([*FAMILIES, *_VISION_TOWERS])
        raise CheckpointError(
            f"{folder / CONFIG_FILE} is of a {model_type}; vidmem knows the encoders {known}"
        )
    options = {k: v for k, v in values.items() if k not in _NOT_OPTIONS and k[:1] != "_"}
    config = BackboneConfig(
        model_type=model_type,
        options=options,
        tokens_per_frame=tokens_per_frame,
        is_frozen=is_frozen,
        frames_per_batch=frames_per_batch,
        preprocessing=preprocessing or read_preprocessing(folder),
    )
    return Backbone(config, _load_encoder(folder, config)).eval()


def pooled_grid(patches: tuple[int, int], num_tokens: int) -> tuple[int, int]:
    """Rows and columns whose product is `num_tokens`, cells being as near to square as can be.

    >>> pooled_grid((16, 16), 64)
    (8, 8)
    >>> pooled_grid((12, 20), 60)
    (6, 10)
    """
    # Compared by logarithm: half as wide is as far off as twice as wide.
    aspect = patches[0] / patches[1]
    shapes = [
        (rows, num_tokens // rows) for rows in range(1, num_tokens + 1) if num_tokens % rows == 0
    ]
    return min(shapes, key=lambda shape: abs(math.log(shape[0] / shape[1] / aspect)))


def _make_encoder(config: BackboneConfig) -> nn.Module:
    import transformers

    family = FAMILIES[config.model_type]
    options = _hugging_face_config(config)
    with _silent_transformers():
        return getattr(transformers, family.model_class)(options, **family.arguments)


def _hugging_face_config(config: BackboneConfig) -> Any:
    import transformers

    family = FAMILIES[config.model_type]
    config_class = getattr(transformers, family.config_class)
    try:
        with _silent_transformers():
            return config_class.from_dict({**config.options, **family.options})
    except Exception as error:  # its validation has its own tree of errors
        raise CheckpointError(f"these are no options of a {config.model_type}: {error}") from error


def _load_encoder(folder: Path, config: BackboneConfig) -> nn.Module:
    import transformers

    family = FAMILIES[config.model_type]
    options = _hugging_face_config(config)
    try:
        with _silent_transformers():
            encoder, report = getattr(transformers, family.model_class).from_pretrained(
                folder,
                config=options,
                local_files_only=True,
                use_safetensors=True,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # reported below, all of them
                output_loading_info=True,
                **family.arguments,
            )
    except (OSError, ValueError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"the weights in {folder} cannot be read: {error}") from error
    _check_report(folder, report)
    return encoder


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
