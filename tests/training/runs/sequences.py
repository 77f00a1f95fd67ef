"""A tiny task on sequences of features, and configs for it."""

from __future__ import annotations

import numpy as np


def write_features(path, *, num=24, frames=8, tokens=4, width=3, seed=0):
    """Whether the first feature of a frame is above zero: a linear head can tell."""
    rng, arrays = np.random.default_rng(seed), {}
    for split in ("train", "valid", "test"):
        features = rng.normal(size=(num, frames, tokens, width)).astype(np.float32)
        classes = (features[..., 0].mean(-1) > 0).astype(np.int64)
        classes[:, 0] = -1
        arrays |= {f"{split}_features": features, f"{split}_classes": classes}
    np.savez(path, **arrays)
    return path


def config_values(path, kind="gru", **tables):
    """Plain values of a config; `optimizer={...}` and the like add to its tables."""
    values = {
        "name": "tiny",
        "seed": 3,
        "task": {"kind": "feature-file", "path": str(path)},
        "model": {"kind": kind},
        "optimizer": {"steps": 12, "batch": 4, "learning_rate": 0.01, "warmup_steps": 2},
        "stop": {"check_every": 4},
        "checkpoints": {"every": 3},
    }
    for name, value in tables.items():
        values[name] = values[name] | value if isinstance(value, dict) else value
    return values
