"""What many tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vidmem.models import FamSwin, FamSwinConfig, MemoryConfig, ModelCard

torch.set_num_threads(
    1
)  # the models here are so small that a second thread costs more than it gives

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared_folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"shared/{name} is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def shared_videos() -> Path:
    """Real footage and awkward files; skips where they are absent."""
    return _shared_folder("videos")


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """Numbers from an independent implementation; skips where they are absent."""
    return _shared_folder("reference")


def make_tiny_model(
    *,
    gate: float = 1.0,
    l_mem: int = 4,
    memory_every: int = 1,
    anchors: int = 0,
    num_classes: int = 3,
):
    """A FAM Swin with random weights: 64 x 64 pixels, 8 frames; memory speaks loudly."""
    memory = MemoryConfig(
        l_mem=l_mem, tokens_per_clip=8, memory_every=memory_every, anchors=anchors
    )
    config = FamSwinConfig(
        tubelet_size=(2, 8, 8),
        embed_dim=16,
        depths=(1, 1, 2, 1),
        num_heads=(1, 2, 2, 4),
        attention_window=(2, 4, 4),
        num_classes=num_classes,
        memory=memory,
    )
    card = ModelCard(
        name="tiny",
        title="Tiny",
        class_names=("lying", "standing", "walking"),
        fps=4.0,
        clip_frames=8,
        window_stride=8,
        frame_height=64,
        frame_width=64,
        resize="squash",
        trained_on="Not trained.",
    )
    torch.manual_seed(7)
    model = FamSwin(config, card)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    for attention in model.memory.values():
        torch.nn.init.constant_(attention.gate, gate)
    return model.eval()


@pytest.fixture
def tiny_model():
    """See `make_tiny_model`."""
    return make_tiny_model()
