"""TensorBoard's events, where it is installed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


class Events:
    """Numbers of a run for TensorBoard; nothing is written where it is not installed.

    Args:
        folder: Gets the events.
    """

    def __init__(self, folder: Path) -> None:
        self._writer: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter  # an extra, and slow to import
        except ImportError:
            logger.info(
                "no TensorBoard events are written: pip install 'vidmem[train]' for these; "
                "metrics.jsonl has the same numbers"
            )
            return
        self._writer = SummaryWriter(str(folder))

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Some numbers after a step."""
        if self._writer is not None:
            for name, value in numbers.items():
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is held back."""
        if self._writer is not None:
            self._writer.close()
