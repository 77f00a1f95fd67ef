"""What other threads want of a running engine, kept until it comes to its next clip."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from vidmem.models.interface import StreamModel
from vidmem.streaming.settings import StreamSettings, settings_for


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How the stream is to go on."""

    settings: StreamSettings
    model: StreamModel
    seek_seconds: float | None = None

    def restart_reason(self, settings: StreamSettings, model: StreamModel) -> str | None:
        """Why a stream with these settings and model must empty its memory; `None`: it need not."""
        reasons = []
        if self.model is not model:
            reasons.append(f"the model is now {self.model.card.title}")
        if self.settings.clip_frames != settings.clip_frames:
            now, before = self.settings.clip_frames, settings.clip_frames
            reasons.append(f"clips now have {now} frames instead of {before}")
        if self.seek_seconds is not None:
            reasons.append(f"the video was wound to {self.seek_seconds:.2f} s")
        kept = "window" if self.model.traits.encodes_frames_once else "memory"
        return f"The {kept} starts empty: {', and '.join(reasons)}." if reasons else None


class Wishes:
    """The latest wish; safe to use from several threads."""

    def __init__(self, settings: StreamSettings, model: StreamModel) -> None:
        self._lock = threading.Lock()
        self._wish = Wish(settings=settings, model=model)

    @property
    def has_jump(self) -> bool:
        """Whether somebody wants to go elsewhere in the video."""
        return self._wish.seek_seconds is not None

    def differ_from(self, settings: StreamSettings, model: StreamModel) -> bool:
        """Whether anything is wished for beside going on with these."""
        return self._wish != Wish(settings=settings, model=model)

    def change(self, model: StreamModel | None, changes: Mapping[str, float | None]) -> str | None:
        """Ask for settings or a model; returns why this restarts the stream, if it does."""
        with self._lock:
            before = self._wish
            model = model or before.model
            settings = before.settings
            if model is not before.model:
                settings = settings.for_another(before.model, model)
            settings = settings_for(model, settings.changed(**changes))
            self._wish = Wish(settings=settings, model=model, seek_seconds=before.seek_seconds)
            change_alone = Wish(settings=settings, model=model)
            return change_alone.restart_reason(before.settings, before.model)

    def seek(self, seconds: float) -> str:
        """Ask to go elsewhere; returns what that means for the memory."""
        with self._lock:
            before = self._wish
            self._wish = Wish(settings=before.settings, model=before.model, seek_seconds=seconds)
            reason = self._wish.restart_reason(before.settings, before.model)
        assert reason is not None, "a jump always empties the memory"
        return reason

    def take(self) -> Wish:
        """The wish, whose jump is then fulfilled."""
        with self._lock:
            wish = self._wish
            self._wish = Wish(settings=wish.settings, model=wish.model)
            return wish
