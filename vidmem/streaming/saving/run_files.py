"""Where a run writes, and what it does when it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """Where a run writes, and what it does when it cannot."""

    out: str | Path | None = None
    """predictions.csv; `None`: predictions are only yielded."""

    state_path: str | Path | None = None
    """The saved stream, to resume from; `None`: none is saved."""

    resume: bool = False
    """Go on from `state_path`. With no file there yet, the run starts at the beginning."""

    save_every_clips: int | None = None
    """`None`: as often as takes 1 % of the time, but at least every half minute."""

    on_storage_error: Literal["stop", "continue"] = "stop"
    """`stop`: raise. `continue`: go on without writing; `Engine.storage_error` says why."""

    @property
    def outputs(self) -> dict[str, str | Path | None]:
        """What is written, by name, for `check_outputs`."""
        state = Path(self.state_path) if self.state_path is not None else None
        beside = None if state is None else state.with_name(f".{state.name}.tmp")
        return {"out": self.out, "state": state, "the file that becomes the state": beside}

    def __post_init__(self) -> None:
        if self.resume and self.state_path is None:
            raise ValueError("resume needs state_path, the file that the stream was saved to")
        if self.save_every_clips is not None and self.save_every_clips < 1:
            raise ValueError(f"save_every_clips must be at least 1, got {self.save_every_clips}")
