"""Changes that other threads request of a running engine, kept until its next clip."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from vidmem.models.interface import StreamModel
from vidmem.streaming.settings import (
    SettingsChange,
    StreamSettings,
    change_settings,
    restart_reason,
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """How the stream is to go on: all changes since its last clip in one."""

    settings: StreamSettings
    model: StreamModel
    seek_seconds: float | None = None
    """`None`: where it is."""

    def restart_reason(self, settings: StreamSettings, model: StreamModel) -> str | None:
        """Why a stream with these settings and model must empty its memory; `None`: it need not."""
        return restart_reason(
            settings, model, self.settings, self.model, jump_seconds=self.seek_seconds
        )


class PendingChanges:
    """The changes that wait, joined in one; safe to use from several threads."""

    def __init__(self, settings: StreamSettings, model: StreamModel) -> None:
        self._lock = threading.Lock()
        # Both are values that are replaced whole, so the properties read them without the lock.
        self._next = self._applied = Change(settings=settings, model=model)

    @property
    def settings(self) -> StreamSettings:
        """Those of the next clip."""
        return self._next.settings

    @property
    def has_jump(self) -> bool:
        """Whether the next clip is elsewhere in the video."""
        return self._next.seek_seconds is not None

    @property
    def is_empty(self) -> bool:
        """Whether the stream goes on as it is."""
        return self._next == self._applied

    def change(
        self, model: StreamModel | None, changes: Mapping[str, float | None]
    ) -> SettingsChange:
        """Add a change of settings or model to those that wait; raises `SettingError`."""
        with self._lock:
            before = self._next
            change = change_settings(before.settings, before.model, model, changes)
            self._next = replace(before, settings=change.settings, model=change.model)
            return change

    def seek(self, seconds: float) -> str:
        """Go elsewhere with the next clip; returns what that means for the memory."""
        with self._lock:
            before = self._next
            self._next = replace(before, seek_seconds=seconds)
            reason = self._next.restart_reason(before.settings, before.model)
        assert reason is not None, "a jump always empties the memory"
        return reason

    def begin(self) -> Change:
        """The change to apply now; `end` follows where that succeeds."""
        with self._lock:
            change = self._next
            # A jump is tried once: if it fails, later clips must not try it again and again.
            self._next = replace(change, seek_seconds=None)
            return change

    def end(self, change: Change) -> None:
        """Note that a change has been applied; what was requested meanwhile still waits."""
        self._applied = replace(change, seek_seconds=None)
