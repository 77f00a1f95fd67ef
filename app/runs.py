"""A run: one visitor's video being watched, with its engine thread."""

from __future__ import annotations

import threading
from typing import Any

from app import live_text, text
from app.board import Board
from app.downloads import CsvFolder, RunFiles
from app.engine_thread import EngineThread
from app.inside import Inside
from app.live import LivePictures
from app.live_model import LiveModel
from app.pacing import Pacer
from app.pictures import PictureWorker
from app.sections import chips, empty_memory, play_section
from app.tools import Engine, EngineRequest, Tools
from app.turns import in_turn
from app.videos import Video
from app.view import RunView
from app.watched import Watched
from vidmem.streaming import Prediction

ACTIVE = frozenset({"opening", "playing", "paused"})


class Run:
    """What one page watches: a video, a model, settings, and while it plays an engine in a thread.

    Commands come from the page's requests, one at a time (`commands`); predictions come from the
    engine's thread. Everything the page shows is on the `board`.
    """

    def __init__(self, run_id: str, tools: Tools, model_name: str, files: CsvFolder) -> None:
        self.run_id = run_id
        self.board = Board()
        self.pacer = Pacer()
        self.commands = threading.RLock()
        self._tools, self._files = tools, RunFiles(self.board, files, run_id)
        self.live = LiveModel(self.board, tools, model_name)
        self._watched: Watched | None = None
        self.view: RunView | None = None
        self.inside = Inside(tools)
        self.judging = self.inside.judging  # around a step of the engine
        self._thread: EngineThread | None = None
        self._request: EngineRequest | None = None
        self._told: str | None = None
        self.status = "empty"  # ready, opening, playing, paused, finished, stopped, failed
        self._is_real_time = False
        self._start_seconds = 0.0
        self._look: float | None = None
        self.put_play()

    @property
    def is_active(self) -> bool:
        """Whether it holds an engine."""
        return self.status in ACTIVE

    @property
    def video(self) -> Video | None:
        """What is watched, or can be."""
        return self._watched.video if self._watched else None

    @property
    def pictures(self) -> PictureWorker | LivePictures | None:
        """Of the video."""
        return self._watched.pictures if self._watched else None

    @property
    def is_live(self) -> bool:
        """Whether what is watched comes as it happens."""
        return self.video is not None and self.video.is_live

    def use_model(self) -> Any:
        """The model, loaded with the first call."""
        model = self.live.load()
        self._put_chips()
        return model

    def _put_chips(self) -> None:
        reader = self._engine.reader_name if self._engine else None
        self.board.put("chips", chips(self.live.model, reader))

    # Commands

    def choose(self, video: Video) -> None:
        """Take another video; the one that plays is stopped.

        Raises:
            VidmemError: If it cannot be read; the run then keeps what it had.
        """
        watched = Watched(video, self._tools)
        self.close()
        self._watched = watched
        watched.open_pictures(self._no_picture)
        self.inside.choose(video.path, watched.info, watched.kept)
        self._start_seconds, self._look = 0.0, None
        self._forget_results()
        self._files.leave()
        self._set_status("ready")
        self.board.put("look", None)
        self.board.put("source", watched.section())

    def _forget_results(self, *, goes_on: bool = False) -> None:
        self.view = RunView(self.board, self.live.class_names, self.view, goes_on=goes_on)
        self.board.put("now", None)
        self.board.put("memory", empty_memory(self.live.settings))
        self.view.refresh(is_forced=True)

    def play(self) -> None:
        """Begin, or go on after a pause."""
        if self.video is None or self.status == "playing":
            return
        self.look(None)
        if not self.is_active:
            self._begin()
            return
        self.pacer.play()
        if self.status == "paused":
            if self.view:
                self.view.meter.restart()
            self.status = "playing"
        self.put_play()

    def _begin(self, *, is_one_step: bool = False) -> None:
        self._end_thread()
        self.dismiss()
        self.pacer = Pacer()
        self.pacer.set_real_time(self._is_real_time and not self.is_live)
        self.pacer.start_at(self._start_seconds)
        if is_one_step:
            self.pacer.step()
        self._set_status("opening")
        self._thread = EngineThread(self.pacer, self._open_engine, self, self._tools.fit_threads)
        self._thread.start()

    def pause(self) -> None:
        """Hold before the next clip."""
        if self.status in {"opening", "playing"}:
            self.pacer.pause()
            self._set_status("paused" if self.status == "playing" else "opening")

    def step(self) -> None:
        """Analyse one clip, then hold."""
        self.look(None)
        if self.is_active:
            self.pacer.step()
            self._set_status("opening" if self.status == "opening" else "paused")
        elif self.video is not None and self.status != "finished":
            self._begin(is_one_step=True)

    def stop(self) -> None:
        """End the engine; what was predicted stays, on the page and on the disk."""
        self._end_thread()
        if self.view is not None:
            self.view.finish()
        if self.is_active:
            self._set_status("stopped")
        self._start_seconds = 0.0

    def _end_thread(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def jump(self, seconds: float, *, is_playing: bool) -> None:
        """Go on at another time in the video.

        Raises:
            SettingError: If the time is not in the video.
        """
        if self._watched is None:
            return
        self._watched.check_time(seconds)
        self.look(None)
        engine = self._engine
        if engine is not None:
            self._tell(engine.seek(seconds))
            if not self.is_active:  # it waits at the end of the video
                self._set_status("playing" if is_playing else "paused")
                self.pacer.play() if is_playing else self.pacer.pause()
        else:
            self._start_seconds = seconds
        self.pacer.start_at(seconds)
        if self.view:
            self.view.meter.restart()
        if is_playing:
            self.play()
        elif self.pictures:
            self.pictures.want(seconds, is_urgent=True)
        self.put_play()

    @property
    def _engine(self) -> Engine | None:
        """The engine, once it is told of all that was changed while it opened (`opened`)."""
        thread = None if self.status == "opening" else self._thread
        return thread.engine if thread is not None and thread.is_alive else None

    def set_speed(self, *, is_real_time: bool) -> None:
        """In real time, or as fast as possible."""
        self._is_real_time = is_real_time
        self.pacer.set_real_time(is_real_time)
        if self.view:
            self.view.meter.restart()
        self.put_play()

    def look(self, seconds: float | None) -> None:
        """Show the picture at a time, `None`: the one at the playhead again."""
        before, self._look = self._look, seconds
        self.board.put("look", None if seconds is None else {"seconds": seconds})
        if self.pictures is not None and (before, seconds) != (None, None):
            wanted = self._picture_seconds() if seconds is None else seconds
            self.pictures.want(wanted, is_urgent=True)

    def back(self) -> None:
        """Hold, and look one clip further back than what is shown."""
        self.pause()
        settings = self.live.settings
        stride = settings.seconds_between_predictions if settings else 1.0
        shown = self.pacer.playhead_seconds if self._look is None else self._look
        self.look(max(0.0, shown - stride))

    def change(self, setting: str, value: float) -> None:
        """Change a live setting; it is felt with the next clip.

        Raises:
            SettingError: If the value is not allowed; it names the allowed ones.
        """
        change, changed = self.live.checked(setting, value)
        if engine := self._engine:
            self._tell(engine.update(**change))
        self.live.set(changed)
        if self.view is not None:
            self.view.set_settings(changed)
        self._show_places()

    def change_model(self, name: str) -> None:
        """Use another model, with the sampling it was made for.

        Raises:
            VidmemError: If it cannot be loaded; the run then keeps the one it had.
        """
        before = self.live.class_names
        self.live.change(name)
        self._put_chips()
        if engine := self._engine:
            self._tell(engine.update(model=self.live.model, **self.live.live_settings()))
        if before != self.live.class_names:
            self._forget_results(goes_on=True)
        self._show_places()

    def _show_places(self) -> None:
        """Before the first clip: how many the model could hold."""
        if self.view is not None and self.view.newest is None:
            self.board.put("memory", empty_memory(self.live.settings))

    def _tell(self, sentence: str | None) -> None:
        """Say what a change does to the memory, now: the next prediction need not say it again."""
        self._told = sentence or self._told
        self.notify(sentence)

    def notify(self, sentence: str | None, level: str = "info") -> None:
        """Put a sentence on the page; those of level "info" leave by themselves."""
        if sentence:
            self.board.put("notice", {"level": level, "text": sentence})

    def replaces(self, run_id: str) -> None:
        """Say that an earlier run of the page was closed, and where its files are."""
        said = {"level": "note", "text": text.CLOSED, "links": self._files.links_of(run_id)}
        self.board.put("notice", said)

    def dismiss(self) -> None:
        """Take the sentence away."""
        self.board.put("notice", None)

    def close(self) -> None:
        """Free everything: thread, decoder, pictures."""
        self.stop()
        self.inside.close()
        if self._watched is not None:
            self._watched.close()

    # What the engine's thread tells

    def _open_engine(self) -> Engine:
        self.use_model()
        with in_turn(self.commands, self.pacer):
            assert self.video is not None and self.live.settings is not None
            self.inside.forget()
            self._forget_results()
            self._request = request = EngineRequest(
                video=self.video,
                model=self.live.model,
                settings=self.live.settings,
                start_seconds=self._start_seconds,
                out=self._files.begin(self.video.path),
            )
        return self._tools.open_engine(request)

    def opened(self, engine: Engine) -> None:
        """The video is open: pass on what was changed meanwhile, and say who reads it."""
        with in_turn(self.commands, self.pacer):
            self._catch_up(engine)
            self._files.show()
            assert self._watched is not None
            self._watched.opened(engine)
            self.inside.info = self._watched.info
            self.board.put("source", self._watched.section(engine.reader_reason))
            self._set_status("paused" if self.pacer.is_paused else "playing")
            self._put_chips()

    def _catch_up(self, engine: Engine) -> None:
        """Tell the engine what was changed since it was asked for."""
        asked, live = self._request, self.live
        assert asked is not None
        self.inside.begin(engine, None if asked.video.is_live else asked.video.path)
        changes, before = live.live_settings(), asked.settings.as_dict()
        if live.model is not asked.model:
            self._tell(engine.update(model=live.model, **changes))
        else:
            changes = {name: now for name, now in changes.items() if now != before[name]}
            self._tell(engine.update(**changes))
        if self._start_seconds != asked.start_seconds:
            self._tell(engine.seek(self._start_seconds))

    def took(self, engine: Engine, prediction: Prediction) -> None:
        """A clip was judged: show it."""
        self.inside.took(engine)
        if self.view is not None and prediction.class_names == self.view.class_names:
            self.view.took(prediction, engine.last_clip_pixels, engine.settings, engine.model)
        if self._watched is not None:
            self._watched.took(engine, prediction)
        if prediction.restarted != self._told:
            self.notify(prediction.restarted)
        self._told = None
        self._files.went_on(engine.out)
        if engine.storage_error is not None:
            self._files.failed(engine.storage_error, prediction.start_seconds)
        self.put_play()

    def finished(self, error: Exception | None) -> None:
        """Nothing more can be read from here on; after an error a jump may go on."""
        self._ended(error, is_over=error is None)

    def closed(self, error: Exception | None) -> None:
        """The engine is gone."""
        if error is not None:
            self._ended(error, is_over=True)

    def _ended(self, error: Exception | None, *, is_over: bool) -> None:
        if self.view is not None:
            self.view.finish(is_over=is_over)
        self._set_status("finished" if error is None else "failed")
        if error is not None:
            self.notify(text.sentence_about(error, self.video), "error")

    def _no_picture(self, error: Exception) -> None:
        if self.status not in {"failed", "stopped"}:
            self.notify(text.NO_PICTURE.format(reason=text.sentence_about(error, self.video)))

    # For the page

    def _set_status(self, status: str) -> None:
        self.status = status
        self.put_play()
        if status in {"finished", "stopped"} and self._look is None and self.pictures is not None:
            # No tick wishes for pictures from here on: the last one is to be the playhead's.
            self.pictures.want(self._picture_seconds(), is_urgent=True)

    def put_play(self) -> None:
        """Tell the page where the run is."""
        view, watched, engine = self.view, self._watched, self._engine
        pace = f"{text.STATUS.get(self.status, '')} {self._files.unsaved}".strip()
        is_told = self.status == "playing" or (self.status == "paused" and self.is_live)
        if is_told and view is not None and watched is not None:
            figures = engine.live_figures() if engine is not None and self.is_live else None
            told = watched.pace(view.meter, self.pacer, figures)
            pace = f"{pace} {told}".strip() if self.status == "paused" else told
        analysed = view.timeline.end_seconds if view else 0.0
        has_video = self.video is not None
        self.board.put("play", play_section(self.status, self.pacer, has_video, analysed, pace))

    def tick(self) -> None:
        """What is due because a page is looking: derived sections, the picture at the playhead."""
        if self.view is not None:
            self.view.refresh(is_active=self.is_active)
        is_open = self.status in {"playing", "paused"}
        if self._watched is not None and self._watched.is_lost and is_open:
            with self.commands:
                self.stop()
            self.notify(live_text.LOST, "error")
        if (self._is_real_time and self.status == "playing") or (self.is_live and self.is_active):
            self.put_play()
        if self._look is None and self.pictures is not None and self.is_active:
            self.pictures.want(self._picture_seconds())

    def _picture_seconds(self) -> float:
        head = self.pacer.playhead_seconds
        return self.view.judged(head) if self.view else head
