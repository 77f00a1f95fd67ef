"""A miniature dataset in Kinetics' own layout, and configs for it."""

from __future__ import annotations

from tests.data.footage import write_pen
from tests.data.manifest.miniatures import kinetics
from vidmem.models import ModelCard

FAM = {
    "tubelet_size": [2, 8, 8],
    "embed_dim": 8,
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 1, 2],
    "attention_window": [2, 2, 2],
    "memory": {"l_mem": 3, "tokens_per_clip": 8},
}
VIT = {
    "model_type": "vit",
    "options": {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 8,
        "patch_size": 16,
        "image_size": 32,
    },
}
VIDEO = {"fps": 4.0, "clip_frames": 4, "height": 32, "width": 32}


def write_miniature(folder):
    """Two classes, two samples to learn from, and one to be scored on."""
    video = write_pen(folder / "pen.mp4", 2, width=64, height=48, fps=8)
    return kinetics(folder / "kinetics", video)


def config_values(path, model, kind="videos", **tables):
    """Plain values of a config of a few steps."""
    values = {
        "name": "miniature",
        "task": {"kind": kind, "path": str(path), **VIDEO},
        "model": model,
        "optimizer": {"steps": 2, "batch": 2, "learning_rate": 1e-3, "warmup_steps": 1},
        "stop": {"check_every": 2},
        "checkpoints": {"every": 2},
    }
    for name, value in tables.items():
        values[name] = values[name] | value if isinstance(value, dict) else value
    return values


def make_card(**more):
    """As the tasks of `VIDEO` make it."""
    given = {"fps": 4.0, "clip_frames": 4, "window_stride": 4} | more
    return ModelCard(
        name="trained",
        title="Trained",
        class_names=("shearing sheep", "tai chi"),
        frame_height=32,
        frame_width=32,
        **given,
    )
