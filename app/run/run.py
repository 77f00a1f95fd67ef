"""A run: one visitor's video being watched, and the commands that its page gives."""

from __future__ import annotations

import threading

from app.explain.inspector import Inspector
from app.run.board import Board
from app.run.kept.downloads import RunDownloads
from app.run.kept.files import KeptFiles
from app.run.kept.reopening import PastPlay
from app.run.model import RunModel
from app.run.notices import Notices
from app.run.pacing import Pacer
from app.run.play_listener import PlayListener
from app.run.play_section import play_section
from app.run.player import Player
from app.run.source import OpenSource
from app.run.view import RunView
from app.sources import wording as source_wording
from app.sources.shelf import Video
from app.tools import Tools
from vidmem.projects import KeptRun
from vidmem.streaming import SettingsChange


class Run:
    """What one page watches: a source, a model with settings, and while it plays an engine.

        chosen    the model and its settings
        source    what is watched, and what was predicted of it (`view`)
        player    whether it plays, and where it is
        inside    what the model saw
        board     everything that the page shows

    Commands come from the page's requests, one at a time (`commands`); a `PlayListener` gets the
    events of the engine's thread.
    """

    def __init__(self, run_id: str, tools: Tools, model_name: str, files: KeptFiles) -> None:
        self.run_id = run_id
        self.board = Board()
        self.commands = threading.RLock()
        self.notices = Notices(self.board)
        self.chosen = RunModel(self.board, tools, model_name, self._show_change)
        self.source: OpenSource | None = None
        self.player = Player(self.commands, tools.fit_threads, self._show_play)
        self.inside = Inspector(tools, run_id)
        self.ends_with_page = False
        """Whether it is stopped once no page shows it any more; else it goes on to its end."""

        self._tools, self._files = tools, RunDownloads(self.board, files, run_id)
        self._show_play()

    @property
    def status(self) -> str:
        """See `Player.status`."""
        return self.player.status

    @property
    def is_active(self) -> bool:
        """Whether it holds an engine."""
        return self.player.is_active

    @property
    def kept_id(self) -> str:
        """Of the run of the project that its newest play is; empty where that is not kept."""
        return self._files.kept_id

    @property
    def goes_on_alone(self) -> bool:
        """Whether it is to be left alone when its last page is closed: it plays, and may."""
        is_playing = self.status in {"opening", "playing"} and not self.player.pacer.is_paused
        # The pictures of a webcam come from its page.
        return is_playing and not self.is_of_webcam and not self.ends_with_page

    @property
    def is_of_webcam(self) -> bool:
        """Whether it watches the camera of a visitor's own device."""
        return self.video is not None and self.video.webcam is not None

    @property
    def has_played(self) -> bool:
        """Whether anything was predicted of what is watched now."""
        return self.status not in {"empty", "ready"}

    @property
    def video(self) -> Video | None:
        """What is watched, or can be."""
        return self.source.video if self.source else None

    @property
    def view(self) -> RunView | None:
        """What was predicted of it."""
        return self.source.view if self.source else None

    # What is watched

    def choose(self, video: Video) -> None:
        """Take another video; the one that plays is stopped.

        Raises:
            VidmemError: If it cannot be read; the run then keeps what it had.
        """
        # First, since it may fail, and what plays must go on then.
        source = OpenSource(video, self._tools, self.board, self.source, self.run_id)
        self.close()
        self.source = source
        source.open(self.chosen, self._on_picture_error)
        self.inside.choose(video.path, source.info, source.kept_pictures)
        self._files.leave()
        self.player.make_ready()

    def _on_picture_error(self, error: Exception) -> None:
        if self.status not in {"failed", "stopped"}:
            self.notices.post_no_picture(error, self.video)

    def close(self, *, is_interrupted: bool = False) -> None:
        """Free everything: thread, decoder, pictures.

        Args:
            is_interrupted: The app ends: what plays is not stopped by anybody, and is offered for
                resuming when the app is back.
        """
        if is_interrupted:
            self._files.let_go()
        self.stop()
        self.inside.close()
        if self.source is not None:
            self.source.close()

    def open_kept(self, kept: KeptRun, video: Video) -> str:
        """Show a run of the project as after its stop; the next play goes on with it, if it can.

        Args:
            kept: The run, which nobody plays now.
            video: Its video, as this machine has it now.

        Returns:
            Why it cannot go on, in a sentence; empty where it can, or has come to its end.

        Raises:
            VidmemError: If the video cannot be read; this run then keeps what it had.
        """
        self.choose(video)
        assert self.source is not None, "it was chosen"
        past = PastPlay(kept, self._files.take_up(kept), self._tools)
        trouble = past.show(self.chosen, self.source)
        status = kept.state if kept.state in {"finished", "failed"} else "stopped"
        self.player.show_past(status, past.reached_seconds, can_resume=past.place is not None)
        return trouble or (video.past.why if video.past is not None else "")

    def forget_kept(self) -> None:
        """What it played last was deleted: the next play begins anew."""
        self._files.forget()
        self.player.forget_stop()
        self._show_play()

    # Play

    def play(self) -> None:
        """Begin, or go on after a pause."""
        if self.source is None or not self.source.can_play or self.status == "playing":
            return
        self.look(None)
        if not self.is_active:
            self._begin(self.source)  # or goes on where it was stopped
            return
        if self.status == "paused":
            self._restart_meter()
        self.player.go_on()

    def pause(self) -> None:
        """Hold before the next clip."""
        self.player.pause()

    def step(self) -> None:
        """Analyse one clip, then hold."""
        self.look(None)
        if self.is_active:
            self.player.step()
        elif self.source is not None and self.source.can_play and self.status != "finished":
            self._begin(self.source, is_one_step=True)

    def start_over(self) -> None:
        """Begin at the beginning, instead of going on where it was stopped."""
        if not self.is_active:
            self.player.forget_stop()
            self.play()

    def _begin(self, source: OpenSource, *, is_one_step: bool = False) -> None:
        self._end_engine()
        self.notices.dismiss()
        # Each play has its own: the thread of the one before may not have seen its stop yet.
        pacer = Pacer()
        listener = PlayListener(
            tools=self._tools,
            pacer=pacer,
            player=self.player,
            chosen=self.chosen,
            source=source,
            inspector=self.inside,
            files=self._files,
            notices=self.notices,
            is_resumed=self.player.resume_seconds is not None,
        )
        is_live = source.video.is_live
        self.player.begin(pacer, listener, is_live=is_live, is_one_step=is_one_step)

    def stop(self) -> None:
        """End the engine; what was predicted stays, on the page and on the disk."""
        can_resume = self.player.engine is not None and self._files.has_state
        self._end_engine()
        if self.view is not None:
            self.view.finish()
        self.player.mark_stopped(can_resume=can_resume)
        self._files.clean_up()

    def _end_engine(self) -> None:
        self.player.end_thread()
        self.chosen.take_back()

    def jump(self, seconds: float, *, is_playing: bool) -> None:
        """Go on at another time in the video.

        Raises:
            SettingError: If the time is not in the video.
        """
        if self.source is None:
            return
        self.source.check_time(seconds)
        self.look(None)
        self.notices.post_restart(self.player.jump(seconds, is_playing=is_playing))
        self._restart_meter()
        if is_playing:
            self.play()
        else:
            self.source.follow(seconds, is_urgent=True)

    def set_speed(self, *, is_real_time: bool) -> None:
        """In real time, or as fast as possible."""
        self._restart_meter()
        self.player.set_speed(is_real_time=is_real_time)

    def set_ends_with_page(self, *, ends_with_page: bool) -> None:
        """Whether it is stopped when its last page is closed."""
        self.ends_with_page = ends_with_page
        self._show_play()

    def _restart_meter(self) -> None:
        # After a pause, a jump or a change of pace, the clips before say nothing of the speed.
        if self.view is not None:
            self.view.meter.restart()

    # Look

    def look(self, seconds: float | None) -> None:
        """Show the picture at a time, `None`: the one at the playhead again."""
        if self.source is not None:
            self.source.look(seconds, self.player.pacer.playhead_seconds)

    def look_back(self) -> None:
        """Hold, and look one clip further back than what is shown."""
        self.pause()
        settings = self.chosen.settings
        step_seconds = settings.seconds_between_predictions if settings else 1.0
        if self.source is not None:
            self.source.look_back(self.player.pacer.playhead_seconds, step_seconds)

    # For the page

    def _show_change(self, change: SettingsChange, has_other_classes: bool) -> None:
        if self.source is not None and has_other_classes:
            self.source.begin_view(self.chosen, is_same_play=True)
        self.notices.post_restart(change.restarted)
        if self.view is not None:
            self.view.set_settings(change.settings)

    def show_replaced(self, run_id: str) -> None:
        """Say that an earlier run of the page was closed, and where its files are."""
        plays = self._files.plays_of(run_id)
        interrupted = [one.run_id for one in plays if one.state == "interrupted"]
        resume = interrupted[-1] if interrupted else ""
        self.notices.post_closed(self._files.links_of(run_id), resume)

    def _show_play(self) -> None:
        ends_with_page = self.ends_with_page
        section = play_section(
            self.player, self.source, self._files.unsaved, ends_with_page=ends_with_page
        )
        self.board.put("play", section)
        self._files.note(self.status, self.player.pacer.limit_seconds)
        if self.status in {"finished", "stopped"} and self.source is not None:
            # No tick asks for pictures any more: let the last one be that of the playhead.
            self.source.follow(self.player.pacer.playhead_seconds, is_urgent=True)

    def tick(self) -> None:
        """Do what is due while a page polls: derived sections, the picture at the playhead."""
        source, is_active = self.source, self.is_active
        if source is None:
            return
        if source.view is not None:
            source.view.refresh(is_active=is_active)
        if source.is_lost and self.status in {"playing", "paused"}:
            with self.commands:  # a tick is no command, and does not hold it yet
                self.stop()
            self.notices.post(source_wording.LOST, "error")
        if self.player.is_moving_alone or (source.video.is_live and self.is_active):
            self._show_play()
        if self.is_active:
            is_model_idle = self.status == "paused"
            source.follow(self.player.pacer.playhead_seconds, is_model_idle=is_model_idle)
