"""Whether a run plays and where it is: the engine's thread, the pacer before it, and the status."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from app.run.engine_thread import EngineListener, EngineThread
from app.run.pacing import Pacer
from app.tools import EngineLike

ACTIVE = frozenset({"opening", "playing", "paused"})


class Player:
    """Plays one source at a time: begins, holds, steps, jumps and stops.

    Requests call its methods, one at a time under `commands`; the engine's thread calls those at
    the end.
    """

    def __init__(
        self,
        commands: threading.RLock,
        fit_threads: Callable[[Any], None],
        on_change: Callable[[], None],
    ) -> None:
        """Nothing to play yet.

        Args:
            commands: The lock that each command holds.
            fit_threads: See `app.tools.Tools`.
            on_change: Called when the status, the playhead or the speed changes.
        """
        self.pacer = Pacer()
        self.status = "empty"  # ready, opening, playing, paused, finished, stopped, failed
        self.start_seconds = 0.0
        """Where the next play begins."""

        self.resume_seconds: float | None = None
        """Where the play that was stopped can go on; `None`: there is none."""

        self.engine: EngineLike | None = None
        """Set once it has all changes made while it opened; `None` when it is closed."""

        self.on_change = on_change
        self.commands, self._fit_threads = commands, fit_threads
        self._thread: EngineThread | None = None
        self._is_real_time = False

    @property
    def is_active(self) -> bool:
        """Whether an engine is open, or being opened."""
        return self.status in ACTIVE

    @property
    def is_moving_alone(self) -> bool:
        """Whether the playhead moves between clips."""
        return self._is_real_time and self.status == "playing"

    def make_ready(self) -> None:
        """Another source was chosen: it begins at its beginning."""
        self.forget_stop()
        self.make_pacer()  # the playhead goes back too
        self.set_status("ready")

    def show_past(self, status: str, reached_seconds: float, *, can_resume: bool) -> None:
        """A play of earlier is opened again: it stands where it ended, and goes on from there."""
        self.make_pacer()
        self.pacer.start_at(reached_seconds)
        self.start_seconds = 0.0
        self.resume_seconds = reached_seconds if can_resume and reached_seconds > 0 else None
        self.set_status(status)

    def make_pacer(self) -> None:
        """A new one, at the beginning."""
        self.pacer = Pacer()
        self.pacer.set_real_time(self._is_real_time)

    def begin(
        self,
        pacer: Pacer,
        listener: EngineListener,
        *,
        is_live: bool,
        is_one_step: bool = False,
    ) -> None:
        """Begin another play, once the one before is ended.

        Args:
            pacer: A new one.
            listener: Opens the engine, and gets its events.
            is_live: Its pace is that of the camera.
            is_one_step: Hold after the first clip.
        """
        if self.resume_seconds is not None:
            self.start_seconds, self.resume_seconds = self.resume_seconds, None
        self.pacer = pacer
        self.pacer.set_real_time(self._is_real_time and not is_live)
        self.pacer.start_at(self.start_seconds)
        if is_one_step:
            self.pacer.step()
        self.set_status("opening")
        self._thread = EngineThread(self.pacer, listener, self._fit_threads)
        self._thread.start()

    def go_on(self) -> None:
        """Play on after a pause."""
        self.pacer.play()
        self.set_status("playing" if self.status == "paused" else self.status)

    def pause(self) -> None:
        """Hold before the next clip."""
        if self.status in {"opening", "playing"}:
            self.pacer.pause()
            self.set_status("paused" if self.status == "playing" else "opening")

    def step(self) -> None:
        """Let one clip through, then hold."""
        self.pacer.step()
        self.set_status("opening" if self.status == "opening" else "paused")

    def jump(self, seconds: float, *, is_playing: bool) -> str | None:
        """Go on at another time; returns what that does to the memory, if there is one.

        Raises:
            SettingError: If the time is not in the video.
        """
        sentence, self.resume_seconds = None, None
        if self.engine is not None:
            sentence = self.engine.seek(seconds)
            if not self.is_active:  # it waits at the end of the video
                self.status = "playing" if is_playing else "paused"  # reported below
                self.pacer.play() if is_playing else self.pacer.pause()
        else:
            self.start_seconds = seconds
        self.pacer.start_at(seconds)
        self.on_change()
        return sentence

    def set_speed(self, *, is_real_time: bool) -> None:
        """In real time, or as fast as possible."""
        self._is_real_time = is_real_time
        self.pacer.set_real_time(is_real_time)
        self.on_change()

    def end_thread(self) -> None:
        """End the engine and its thread, if there are any."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()
        self.engine = None

    def mark_stopped(self, *, can_resume: bool = False) -> None:
        """Say that it was stopped; the next play goes on from here, or begins at the beginning."""
        if self.is_active:
            self._end_play("stopped", can_resume=can_resume)
        self.start_seconds = 0.0

    def mark_failed(self, *, can_resume: bool) -> None:
        """Say that it ended early; the next play tries to go on from here."""
        self._end_play("failed", can_resume=can_resume)

    def _end_play(self, status: str, *, can_resume: bool) -> None:
        reached = self.pacer.limit_seconds
        # Where nothing was predicted, there is nothing to go on with.
        self.resume_seconds = reached if can_resume and reached > self.start_seconds else None
        self.set_status(status)

    def forget_stop(self) -> None:
        """The next play begins at the beginning."""
        self.start_seconds, self.resume_seconds = 0.0, None

    # From the engine's thread too

    def mark_finished(self) -> None:
        """Say that the end was reached; the next play begins at the beginning."""
        # Not where this one began: that was after a stop, or where somebody had jumped to.
        self.start_seconds = 0.0
        self.set_status("finished")

    def set_status(self, status: str) -> None:
        """Change the status and report it."""
        self.status = status
        self.on_change()

    def hold_engine(self, engine: EngineLike) -> None:
        """The engine is open: commands go to it from now on."""
        self.engine = engine
        self.set_status("paused" if self.pacer.is_paused else "playing")

    def drop_engine(self) -> None:
        """The engine is closed: no command can reach it any more."""
        self.engine = None
