"""Video classifiers of torchvision and pytorchvideo, on clips as vidmem has them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vidmem.errors import CheckpointError, MissingPackageError

_TORCHVISION = ("mvit_v1_b", "mvit_v2_s", "swin3d_t", "r3d_18", "r2plus1d_18", "s3d")
_PYTORCHVIDEO = ("slowfast_r50", "i3d_r50")
PACKAGED_VIDEO = (*_TORCHVISION, *_PYTORCHVIDEO)
"""The names that are known."""

_SLOW_EVERY = 4
"""The slow way of a SlowFast sees every fourth frame (Feichtenhofer et al., arXiv:1812.03982)."""


class PackagedVideoClassifier(nn.Module):
    """A classifier of clips.

    Args:
        network: Takes `[B, 3, T, H, W]`.
        is_slowfast: It takes a list: every fourth frame, and all.
    """

    def __init__(self, network: nn.Module, *, is_slowfast: bool) -> None:
        super().__init__()
        self.network, self._is_slowfast = network, is_slowfast

    def forward(self, clips: Tensor) -> Tensor:
        """`[B, T, 3, H, W]` to logits `[B, C]`."""
        clips_BCTHW = clips.transpose(1, 2)
        if self._is_slowfast:
            return self.network([clips_BCTHW[:, :, ::_SLOW_EVERY], clips_BCTHW])
        return self.network(clips_BCTHW)


def make_packaged_video(
    name: str, *, num_classes: int, weights: str = ""
) -> PackagedVideoClassifier:
    """A classifier of random weights, or those of a file.

    Args:
        name: One of `PACKAGED_VIDEO`.
        num_classes: C.
        weights: A file of a state dict; its head is left out where it has other classes.

    Raises:
        MissingPackageError: If its package is not installed.
        CheckpointError: If the file is damaged, or of another network.
    """
    network = _maker(name)(num_classes)
    if weights:
        _load(network, Path(weights))
    return PackagedVideoClassifier(network, is_slowfast=name.startswith("slowfast"))


def _maker(name: str) -> Callable[[int], nn.Module]:
    package = "torchvision" if name in _TORCHVISION else "pytorchvideo"
    home = "torchvision.models.video" if package == "torchvision" else "pytorchvideo.models.hub"
    try:
        models: Any = import_module(home)
    except (ImportError, RuntimeError) as error:  # RuntimeError: it was built for another torch
        raise MissingPackageError(
            f"{name} needs {package}, for the torch that is here: pip install {package} ({error})"
        ) from error
    if package == "torchvision":
        return lambda num_classes: getattr(models, name)(num_classes=num_classes)
    return lambda num_classes: getattr(models, name)(pretrained=False, model_num_class=num_classes)


def _load(network: nn.Module, path: Path) -> None:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch.load raises depends on how the file is damaged
        raise CheckpointError(f"{path} cannot be read as weights: {error}") from error
    found = found.get("model_state", found)  # as pytorchvideo has it
    own = network.state_dict()
    other = [name for name in own if name not in found or found[name].shape != own[name].shape]
    # The head is the last layer: its weight and its bias.
    if not set(other) <= set(list(own)[-2:]):
        raise CheckpointError(
            f"{path} is of another network: {other[0]} is not there, or otherwise"
        )
    network.load_state_dict({**own, **{k: v for k, v in found.items() if k not in other}})
