"""A grid of runs that take no time."""

from __future__ import annotations

from typing import Any

BASE: dict[str, Any] = {
    "name": "small",
    "task": {
        "kind": "four-questions",
        "num_sequences": 4,
        "sequence": {"num_frames": 16, "reach": 2, "apart": 4},
    },
    "model": {"kind": "gru", "hidden": 4},
    "optimizer": {"steps": 2, "batch": 2},
    "stop": {"check_every": 2},
    "checkpoints": {"every": 2},
}
MISFIT = {"name": "misfit", "model": {"kind": "spool", "num_heads": 3}}
"""A row whose network cannot be made."""
