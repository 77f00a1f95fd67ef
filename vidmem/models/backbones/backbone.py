"""Pretrained image encoders: frames to patch tokens, and to one vector that sums each up.

Shapes: B batch, T frames, C colours, H W pixels, P tokens per frame, D width, G width of a summary,
N = B * T.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidmem.errors import CheckpointError
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.backbones.families import EFFICIENTNET_LITE, FAMILIES
from vidmem.models.backbones.files import (
    CONFIG_FILE,
    Preprocessing,
    find_backbone,
    read_json,
    read_preprocessing,
)
from vidmem.models.backbones.hugging_face import HUGGING_FACE
from vidmem.models.backbones.packaged import PACKAGED

_VISION_TOWERS = {"clip": "clip_vision_model", "siglip": "siglip_vision_model"}
_NOT_OPTIONS = {
    *("transformers_version", "architectures", "dtype", "torch_dtype", "model_type"),
    *("stage_names", "out_features", "out_indices", "id2label", "label2id", "num_labels"),
}
"""Left out of a Hugging Face config: its origin, and outputs that vidmem does not use."""


@dataclass(frozen=True)
class EncodedFrames:
    """What an encoder makes of frames, in the dtype of its weights."""

    tokens: Tensor
    """`[B, T, P, D]`, rows of the picture one after the other."""

    summary: Tensor
    """`[B, T, G]`: the pooled head of EfficientNet-Lite, else the class token, or the mean of the
    patch tokens where there is none."""


class Backbone(nn.Module):
    """A pretrained image encoder, applied to every frame.

    Args:
        config: Which encoder. Its weights are random; `load_backbone` has the trained ones.
        encoder: A network of that kind to wrap instead of making one.

    Raises:
        CheckpointError: If the options are not those of such an encoder.
    """

    def __init__(self, config: BackboneConfig, encoder: nn.Module | None = None) -> None:
        super().__init__()
        self.config = config
        self._family = FAMILIES[config.model_type]
        self.encoder = self._family.make(config.options) if encoder is None else encoder
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
        return self._family.width(self.encoder)

    @property
    def summary_dim(self) -> int:
        """G, the width of a frame's summary."""
        return self._family.summary_width(self.encoder)

    @property
    def preprocessing(self) -> Preprocessing:
        """The pictures that the encoder knows."""
        return self.config.preprocessing

    @property
    def patch_size(self) -> tuple[int, int]:
        """Height and width of a patch in pixels."""
        return self._family.patch_size(self.encoder)

    def patch_grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of patches in a frame.

        Pixels beyond the last whole patch are unseen, but by EfficientNet-Lite, which sees all.
        """
        return self._family.patch_grid(self.encoder, height, width)

    def token_grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the tokens given for a frame: their product is P."""
        patches = self.patch_grid(height, width)
        wanted = self.config.tokens_per_frame
        if wanted is None or wanted >= math.prod(patches):
            return patches
        return pooled_grid(patches, wanted)

    def forward(self, frames: Tensor) -> Tensor:
        """The tokens of frames, `[B, T, P, D]`; see `encode`."""
        return self.encode(frames).tokens

    def encode(self, frames: Tensor) -> EncodedFrames:
        """Encode frames, at most `frames_per_batch` at a time.

        Args:
            frames: `[B, T, 3, H, W]`, normalised as `preprocessing` says; any size of at least a
                patch, positions being interpolated.

        Returns:
            Tokens and summaries. Those of a frame do not depend on the other frames.

        Raises:
            ValueError: If the frames have another shape.
            CheckpointError: If the encoder does not give a token for each patch.
        """
        self._check_frames(frames)
        # A few frames at a time: hours of video in one batch would not fit into memory.
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.config.is_frozen):
            pieces_NCHW = frames.flatten(0, 1).split(self._frames_at_once(frames.device))
            pieces = [self._encode(piece_NCHW) for piece_NCHW in pieces_NCHW]
            tokens_NPD = torch.cat([tokens for tokens, _ in pieces])
            summary_NG = torch.cat([summary for _, summary in pieces])
        shape = frames.shape[:2]
        return EncodedFrames(tokens_NPD.unflatten(0, shape), summary_NG.unflatten(0, shape))

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

    def _frames_at_once(self, device: torch.device) -> int:
        most = self._family.most_pictures_on_cpu
        asked = self.config.frames_per_batch
        return asked if most is None or device.type != "cpu" else min(asked, most)

    def _encode(self, frames_NCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens `[N, P, D]` and summaries `[N, G]`."""
        encoded = self._family.encode(self.encoder, frames_NCHW)
        height, width = frames_NCHW.shape[-2:]
        grid, pooled = self.patch_grid(height, width), self.token_grid(height, width)
        if pooled == grid:
            return encoded.patches, encoded.summary
        maps_NDhw = encoded.patches.transpose(1, 2).unflatten(-1, grid)
        tokens = F.adaptive_avg_pool2d(maps_NDhw, pooled).flatten(2).transpose(1, 2)
        return tokens, encoded.summary

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
    """Load an EfficientNet-Lite, DINOv2 (with registers or without), DINOv3, ViT, CLIP or SigLIP.

    Args:
        name_or_folder: `lite2` or `lite0`, which come with the extra `teach`; a name on the Hugging
            Face hub (`facebook/dinov2-small`), or a folder as `save_pretrained` writes it (one that
            is called `lite2` is `./lite2`).
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
    name = str(name_or_folder)
    if name in PACKAGED:
        stored = _packaged(name)
    else:
        stored = _in_folder(find_backbone(name_or_folder, may_fetch=may_fetch))
    config = BackboneConfig(
        model_type=stored.model_type,
        options=stored.options,
        tokens_per_frame=tokens_per_frame,
        is_frozen=is_frozen,
        frames_per_batch=frames_per_batch,
        preprocessing=preprocessing or stored.read_preprocessing(),
    )
    return Backbone(config, stored.load()).eval()


@dataclass(frozen=True)
class _StoredEncoder:
    """An encoder where it lies, without its weights."""

    model_type: str
    options: dict[str, Any]
    read_preprocessing: Callable[[], Preprocessing]
    load: Callable[[], nn.Module]


def _packaged(name: str) -> _StoredEncoder:
    encoder = PACKAGED[name]
    return _StoredEncoder(
        EFFICIENTNET_LITE, {"variant": name}, lambda: encoder.preprocessing, encoder.load
    )


def _in_folder(folder: Path) -> _StoredEncoder:
    values = read_json(folder / CONFIG_FILE)
    model_type = str(values.get("model_type"))
    if model_type in _VISION_TOWERS:
        model_type, values = _VISION_TOWERS[model_type], values.get("vision_config") or {}
    if model_type not in HUGGING_FACE:
        known = ", ".join([*HUGGING_FACE, *_VISION_TOWERS])
        raise CheckpointError(
            f"{folder / CONFIG_FILE} is of a {model_type}; vidmem knows the encoders {known}"
        )
    options = {k: v for k, v in values.items() if k not in _NOT_OPTIONS and k[:1] != "_"}
    family = HUGGING_FACE[model_type]
    return _StoredEncoder(
        model_type,
        options,
        lambda: read_preprocessing(folder),
        lambda: family.load(folder, options),
    )


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
