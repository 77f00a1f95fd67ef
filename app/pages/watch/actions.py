"""The requests of the page: it opens, it polls and acts, it is closed. No Gradio here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app import sentences
from app.guard.visitor import REMOTE, Visitor
from app.pages.watch.commands import Commands
from app.pages.watch.message import Action, Known, read_message
from app.pages.watch.news import as_json, epoch_of, news_of, range_of
from app.run import wording as run_wording
from app.run.registry import RunRegistry
from app.run.run import Run
from app.sources.live import Reach
from app.sources.shelf import VideoShelf
from app.tools import Tools
from vidmem.errors import ProjectError, VidmemError
from vidmem.projects import Project

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """What goes back to a page."""

    run_id: str
    """The run it has from now on."""

    payload: str
    """What is new, as JSON."""

    is_lively: bool
    """Whether much is going on, so that the page should ask often."""

    has_changed_pace: bool
    """Whether that is news to the page."""


class Handlers:
    """The page's requests, answered from the registry of runs: plain values in and out."""

    def __init__(
        self,
        registry: RunRegistry,
        shelf: VideoShelf,
        tools: Tools,
        project: Project,
        *,
        max_upload_bytes: int,
        reach: Reach | None = None,
    ) -> None:
        self.tools = tools
        self._registry, self._project = registry, project
        self._reach = reach or Reach()
        self._commands = Commands(registry, shelf, self._reach, project, tools.list_models)
        self._max_upload_bytes = max_upload_bytes

    def open_page(self, page: str, run_id: str, visitor: Visitor = REMOTE) -> Reply:
        """A page was opened or reloaded: find its run again, or give it a new one."""
        run, is_new = self._registry.open(run_id, page)
        if is_new:
            self._prepare(run)
            self._offer_interrupted(run)
        else:
            self._commands.show_models(run)
        return self._greet(run, page, visitor)

    def sync(self, page: str, run_id: str, message: str, visitor: Visitor = REMOTE) -> Reply | None:
        """Do what a page asks for, and send what it does not have; `None`: nothing is new."""
        request = read_message(message)
        # Gradio forgets the id when the app starts again; the page still has it. Where neither has
        # one, the page's clock was faster than `open_page`, which will answer: no run of the page
        # was closed, and none is to be made but by the page that waits in vain.
        run_id = run_id or request.run_id
        if not run_id:
            return self.open_page(page, "") if request.is_waiting_in_vain else None
        run = self._registry.find_for_page(run_id, page, is_hidden=request.is_hidden)
        if run is None:
            return self._replace_run(run_id, page, visitor)
        asked, extra = run, dict[str, Any]()
        for action in request.actions:
            run, more = self._carry_out(page, run, action, visitor)
            extra |= more
        if run is not asked:
            return self._greet(run, page, visitor)
        run.tick()
        # Versions and numbers of another run mean nothing for this one.
        known = request.known if request.run_id == run.run_id else Known()
        news = news_of(run, known)
        if request.beat is not None:
            extra["beat"] = request.beat
        if not news and not extra and known.epoch == epoch_of(run):
            return None
        return self._reply(run, known, {**news, **extra})

    def close_page(self, page: str) -> None:
        """A page was closed."""
        self._registry.close_page(page)

    def _prepare(self, run: Run) -> None:
        self._commands.prepare(run)
        self._commands.show_models(run)

    def _offer_interrupted(self, run: Run) -> None:
        """Say what was under way when the app ended, unless the page has something else to say."""
        if run.board.get("notice") is not None:
            return
        try:
            interrupted = self._project.interrupted_runs()
        except ProjectError as error:
            logger.warning("interrupted runs cannot be looked for: %s", error)
            return
        if interrupted:
            newest = interrupted[0]
            name = newest.video or newest.source
            others = len(interrupted) - 1
            text = run_wording.interrupted(name, newest.progress_seconds, others)
            # A camera is watched as it comes: there is nothing to go on with.
            run.notices.post_interrupted(text, newest.run_id if newest.video else "")

    def _carry_out(
        self, page: str, run: Run, action: Action, visitor: Visitor
    ) -> tuple[Run, dict[str, Any]]:
        """Do one action; returns the run that the page has from then on, and what is to be sent.

        A run of the project that plays here already is given to the page, whoever began it.
        """
        played = None
        if action.name == "open_run":
            played = self._registry.find_playing(str(action.value.get("id")))
        if played is not None and played is not run and played.is_of_webcam:
            run.notices.post(run_wording.OTHERS_CAMERA, "note")
            return run, {}
        if played is None or not self._registry.move_page(page, played.run_id):
            return run, self._act(run, action, visitor)
        if action.value.get("play"):  # it may be paused
            return played, self._act(played, Action(name="play", value={}), visitor)
        return played, {}

    def _replace_run(self, run_id: str, page: str, visitor: Visitor) -> Reply:
        run, _ = self._registry.open("", page)
        self._prepare(run)
        run.show_replaced(run_id)
        return self._greet(run, page, visitor)

    def _greet(self, run: Run, page: str, visitor: Visitor) -> Reply:
        hello = {
            "max_upload_bytes": self._max_upload_bytes,
            "may_watch_addresses": self._reach.policy_for(visitor) is not None,
            "page": page,
        }
        return self._reply(run, Known(), {"hello": hello, **news_of(run, Known())})

    def _act(self, run: Run, action: Action, visitor: Visitor) -> dict[str, Any]:
        """Do one action; returns what is to be sent because of it."""
        try:
            if action.name == "view":
                return {"range": range_of(run, action.value)}
            self._commands.carry_out(run, action.name, action.value, visitor)
        except (VidmemError, OSError) as error:
            sentence = sentences.sentence_for(error, run.video.title if run.video else "")
            run.notices.post(sentence, "error")
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            # No page of ours sends it, or it is a bug of ours: so with the traceback, unless the
            # value may hold a password, which a traceback would repeat.
            logger.warning(
                "the action %.40r was ignored: %s",
                action.name,
                type(error).__name__,
                exc_info=action.name != "address",
            )
        return {}

    def _reply(self, run: Run, known: Known, news: Mapping[str, Any]) -> Reply:
        is_lively = run.is_active
        head = {"run": run.run_id, "epoch": epoch_of(run), "lively": is_lively}
        return Reply(
            run_id=run.run_id,
            payload=as_json({**head, **news}),
            is_lively=is_lively,
            has_changed_pace=known.is_lively != is_lively,
        )
