"""The events of an engine's thread, passed on to the parts of a run that show or keep them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from app import sentences
from app.explain.inspector import Inspector
from app.run import wording as run_wording
from app.run.engine_thread import StoppedError, engine_turn
from app.run.kept.downloads import PlayFiles, PlayStart, RunDownloads
from app.run.model import RunModel
from app.run.notices import Notices
from app.run.pacing import Pacer
from app.run.player import Player
from app.run.source import OpenSource
from app.tools import EngineLike, EngineRequest, Tools
from vidmem.errors import ProjectError, StateError
from vidmem.streaming import Prediction, StreamSettings


@dataclass(kw_only=True)
class PlayListener:
    """Opens the engine of one play, and passes each event on to the parts of the run.

    All of it runs in the engine's thread. What commands use too is changed while it holds their
    lock (`_turn`).
    """

    tools: Tools
    pacer: Pacer
    """Of this play: once it is stopped, later events of the play are ignored."""

    player: Player
    chosen: RunModel
    source: OpenSource
    inspector: Inspector
    files: RunDownloads
    notices: Notices
    is_resumed: bool = False
    """Go on where the play before was stopped, with what it remembered and predicted."""

    _opened_at_seconds: float = field(default=0.0, init=False)

    def open_engine(self) -> EngineLike:
        """Open the source as the settings are now."""
        self.chosen.load()  # before the turn, since it may take long
        if self.is_resumed:
            try:
                return self.tools.open_engine(self._request(is_resumed=True))
            # Of another model, the file is gone, or somebody else resumed it.
            except (StateError, ProjectError) as error:
                with self._turn():
                    self.notices.post(run_wording.not_resumed(error), "error")
        # Before the turn too: an upload may have to be copied.
        trouble = self.files.keep_video(self.source.video, self.source.info)
        with self._turn():
            self.notices.post(trouble, "note")
        return self.tools.open_engine(self._request(is_resumed=False))

    def _request(self, *, is_resumed: bool) -> EngineRequest:
        with self._turn():
            self.inspector.forget()
            if not is_resumed:
                self.source.begin_view(self.chosen)
            elif self.source.view is not None:
                self.source.view.reopen()
            self._opened_at_seconds = self.player.start_seconds
            video, settings = self.source.video, self.chosen.settings
            assert settings is not None, "the model is loaded"
            files = self.files.resume() if is_resumed else self._begin_files(settings)
            return EngineRequest(
                video=video,
                model=self.chosen.model,
                settings=settings,
                # What was saved says itself where it goes on.
                start_seconds=0.0 if is_resumed else self._opened_at_seconds,
                out=files.out,
                state=files.state,
                is_resumed=is_resumed,
            )

    def _begin_files(self, settings: StreamSettings) -> PlayFiles:
        start = PlayStart(
            video=self.source.video,
            model=self.chosen.name,
            settings=settings,
            start_seconds=self._opened_at_seconds,
        )
        return self.files.begin(start)

    def on_opened(self, engine: EngineLike) -> None:
        """Hand over what was changed while it opened; commands go to the engine from now on."""
        with self._turn():
            video = self.source.video
            self.inspector.begin(engine, None if video.is_live else video.path)
            self.notices.post_restart(self.chosen.hand_to(engine).restarted)
            if self.player.start_seconds != self._opened_at_seconds:  # a jump while it opened
                self.notices.post_restart(engine.seek(self.player.start_seconds))
            self.files.show()
            self.source.on_opened(engine)
            self.inspector.info = self.source.info
            self.player.hold_engine(engine)

    def around_step(self) -> AbstractContextManager[None]:
        """Let the inspector watch the step, if a page looks."""
        return self.inspector.judging()

    def on_prediction(self, engine: EngineLike, prediction: Prediction) -> None:
        """A clip was judged."""
        self.inspector.on_prediction(engine)
        self.source.on_prediction(engine, prediction)
        self.notices.on_prediction(prediction)
        self.files.on_prediction(engine, prediction, self.chosen.name)
        self.player.on_change()

    def on_finished(self, error: Exception | None) -> None:
        """Nothing more can be read from here on; after an error a jump may go on."""
        self._end(error, is_over=error is None)

    def on_closed(self, error: Exception | None) -> None:
        """The engine is closed."""
        if error is None:  # it was stopped, and the command that did it cleans up
            return
        try:
            with self._turn():
                self.chosen.take_back()
                self.player.drop_engine()
        except StoppedError:  # the command that stopped it cleans up
            return
        self._end(error, is_over=True)

    def _turn(self) -> AbstractContextManager[None]:
        return engine_turn(self.player.commands, self.pacer)

    def _end(self, error: Exception | None, *, is_over: bool) -> None:
        if self.source.view is not None:
            self.source.view.finish(is_over=is_over)
        if error is None:
            self.player.mark_finished()
        else:
            self.files.note_failure(sentences.sentence_about(error, self.source.video))
            self.notices.post_error(error, self.source.video)
            self.player.mark_failed(can_resume=not self.source.video.is_live)
