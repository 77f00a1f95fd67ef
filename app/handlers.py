"""What each request of the page does: plain values in, plain values out. No Gradio here."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import live_text, text
from app.live import address_video, webcam_video
from app.registry import RunRegistry
from app.runs import Run
from app.timeline import MAX_BUCKETS, Point
from app.tools import Tools
from app.videos import Video, VideoShelf
from vidmem.errors import SettingError, VidmemError

logger = logging.getLogger(__name__)

MAX_ACTIONS = 50


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
    """The page's requests, answered from the registry of runs."""

    def __init__(
        self,
        registry: RunRegistry,
        shelf: VideoShelf,
        tools: Tools,
        *,
        max_upload_bytes: int,
        may_watch_addresses: bool = True,
    ) -> None:
        self._registry, self._shelf, self.tools = registry, shelf, tools
        self._max_upload_bytes = max_upload_bytes
        self._may_watch_addresses = may_watch_addresses
        self._beginning = threading.Lock()  # held from "may one more begin?" until it has

    def open_page(self, page: str, run_id: str) -> Reply:
        """A page was opened or reloaded: find its run again, or give it a new one."""
        run, is_new = self._registry.open(run_id, page)
        if is_new:
            self._fill(run)
        return self._greet(run, page)

    def _greet(self, run: Run, page: str) -> Reply:
        """All that a page needs when it has nothing."""
        hello = {
            "max_upload_bytes": self._max_upload_bytes,
            "may_watch_addresses": self._may_watch_addresses,
            "page": page,
        }
        return self._send(run, {}, {"hello": hello, **_news(run, {})})

    def _fill(self, run: Run) -> None:
        run.board.put("videos", self._shelf.groups(run.run_id))
        run.board.put("source", None)
        first = self._shelf.first
        with run.commands:
            for prepare in (run.use_model, lambda: run.choose(first) if first else None):
                try:
                    prepare()
                except (VidmemError, OSError) as error:
                    run.notify(text.sentence_for(error, first.title if first else ""), "error")
        choices = self.tools.list_models()
        models = [[one.name, one.title, one.is_available, one.needs] for one in choices]
        run.board.put("models", models)

    def sync(self, page: str, run_id: str, message: str) -> Reply | None:
        """Do what a page asks for, and send what it does not have; `None`: nothing is new."""
        asked = _parse(message)
        run = self._registry.looked_at(run_id, page, is_hidden=bool(asked.get("is_hidden")))
        if run is None:
            run, _ = self._registry.open("", page)
            self._fill(run)
            run.replaces(run_id)
            return self._greet(run, page)
        extra: dict[str, Any] = {}
        for action in asked.get("actions", ())[:MAX_ACTIONS]:
            extra |= self._act(run, str(action.get("name")), action.get("value") or {})
        run.tick()
        known = asked.get("known") or {}
        if asked.get("run") != run.run_id:
            known = {}
        news = _news(run, known)
        if beat := asked.get("beat"):  # the page has not heard of us for a while
            extra["beat"] = beat
        if not news and not extra and known.get("epoch") == (run.view.epoch if run.view else -1):
            return None
        return self._send(run, known, {**news, **extra})

    def left(self, page: str) -> None:
        """A page was closed."""
        self._registry.left(page)

    def _act(self, run: Run, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
        action = ACTIONS.get(name)
        if action is None:
            logger.warning("unknown action %r", name)
            return {}
        try:
            if name == "view":
                return {"range": _range(run, value)}
            with run.commands:
                action(self, run, value)
        except (VidmemError, OSError) as error:
            run.notify(text.sentence_for(error, run.video.title if run.video else ""), "error")
        except (KeyError, TypeError, ValueError):
            said = "a value" if name == "address" else value  # which may hold a password
            logger.warning("action %s came with %r", name, said, exc_info=name != "address")
        return {}

    def _begin(self, run: Run, begin: Callable[[], None]) -> None:
        """Do what may start an engine, within the limit."""
        with self._beginning:
            if run.is_active or self._registry.may_begin(run):
                begin()
            else:
                limit = self._registry.max_runs
                run.notify(text.busy(self._registry.num_active, limit), "error")

    def _play(self, run: Run, value: Mapping[str, Any]) -> None:
        self._begin(run, run.play)

    def _step(self, run: Run, value: Mapping[str, Any]) -> None:
        self._begin(run, run.step)

    def _jump(self, run: Run, value: Mapping[str, Any]) -> None:
        seconds, is_playing = float(value["seconds"]), bool(value.get("play"))
        self._begin(run, lambda: run.jump(seconds, is_playing=is_playing))

    def _look(self, run: Run, value: Mapping[str, Any]) -> None:
        run.look(float(value["seconds"]) if value else None)

    def _choose(self, run: Run, value: Mapping[str, Any]) -> None:
        before, key = run.board.get("source"), str(value["video"])
        path: Path | None = None
        try:
            video = self._shelf.find(run.run_id, key)
            path = video.path
            run.dismiss()
            run.choose(video)
        except (VidmemError, OSError) as error:
            run.notify(text.sentence_for(error, key.rsplit("/", 1)[-1], path), "error")
            run.board.put("source", None)
            run.board.put("source", before)
        run.board.put("videos", self._shelf.groups(run.run_id))

    def _uploaded(self, run: Run, value: Mapping[str, Any]) -> None:
        name = str(value["name"])
        video = self._shelf.add_upload(run.run_id, str(value["path"]), name)
        try:
            run.choose(video)
            run.dismiss()
        except (VidmemError, OSError) as error:
            self._shelf.drop_upload(run.run_id, video)
            run.notify(text.sentence_for(error, name, video.path), "error")
        run.board.put("videos", self._shelf.groups(run.run_id))

    def _watch_address(self, run: Run, value: Mapping[str, Any]) -> None:
        if not self._may_watch_addresses:
            raise SettingError(live_text.NOT_ALLOWED)
        self._watch_live(run, address_video(str(value["address"])))

    def _watch_webcam(self, run: Run, value: Mapping[str, Any]) -> None:
        self._watch_live(run, webcam_video(int(value["width"]), int(value["height"])))

    def _watch_live(self, run: Run, video: Video) -> None:
        run.dismiss()
        run.choose(video)
        self._begin(run, run.play)

    def _send(self, run: Run, known: Mapping[str, Any], news: Mapping[str, Any]) -> Reply:
        epoch, is_lively = run.view.epoch if run.view else -1, run.is_active
        payload = {"run": run.run_id, "epoch": epoch, "lively": is_lively, **news}
        return Reply(
            run_id=run.run_id,
            payload=json.dumps(payload, separators=(",", ":")),
            is_lively=is_lively,
            has_changed_pace=known.get("lively") != is_lively,
        )


ACTIONS: dict[str, Callable[[Handlers, Run, Mapping[str, Any]], None]] = {
    "play": Handlers._play,
    "pause": lambda handlers, run, value: run.pause(),
    "step": Handlers._step,
    "stop": lambda handlers, run, value: run.stop(),
    "jump": Handlers._jump,
    "back": lambda handlers, run, value: run.back(),
    "look": Handlers._look,
    "speed": lambda handlers, run, value: run.set_speed(is_real_time=value["speed"] == "real"),
    "set": lambda handlers, run, value: run.change(str(value["setting"]), value["value"]),
    "model": lambda handlers, run, value: run.change_model(str(value["model"])),
    "choose": Handlers._choose,
    "uploaded": Handlers._uploaded,
    "address": Handlers._watch_address,
    "webcam": Handlers._watch_webcam,
    "dismiss": lambda handlers, run, value: run.dismiss(),
    "view": lambda handlers, run, value: None,
}


def _parse(message: str) -> dict[str, Any]:
    try:
        asked = json.loads(message or "{}")
    except (TypeError, ValueError):
        return {}
    return asked if isinstance(asked, dict) else {}


def _range(run: Run, value: Mapping[str, Any]) -> dict[str, Any]:
    buckets = min(MAX_BUCKETS, int(value.get("buckets", MAX_BUCKETS)))
    start, end = float(value["from"]), float(value["to"])
    if run.view is None:
        return {
            "from": start,
            "to": end,
            "through": -1,
            "start": [],
            "end": [],
            "column": [],
            "values": [],
            "provisional": [],
        }
    return {"from": start, "to": end, **run.view.timeline.range(start, end, buckets)}


def _news(run: Run, known: Mapping[str, Any]) -> dict[str, Any]:
    """What the run has and the page has not."""
    news: dict[str, Any] = {}
    view = run.view
    if view is not None:
        is_same = known.get("epoch") == view.epoch
        points = view.timeline.since(int(known.get("point", -1)) if is_same else -1)
        if points is None:
            news["is_behind"] = True
        elif points:
            width = len(view.timeline.columns.names)
            news["points"] = [_plain(point, width) for point in points]
        if fresh := view.strip.thumbnails(int(known.get("thumbnail", -1)) if is_same else -1):
            news["thumbnails"] = fresh
    if picture := _picture(run, int(known.get("picture", -1))):
        news["picture"] = picture
    if sections := run.board.changes(known.get("versions") or {}):
        news["sections"] = sections
    return news


def _plain(point: Point, num_columns: int) -> list[Any]:
    start, end, values = round(point.start, 3), round(point.end, 3), point.values[:num_columns]
    return [point.number, start, end, point.column, list(values), int(point.is_final)]


def _picture(run: Run, known: int) -> dict[str, Any] | None:
    """The newest picture, if the page does not have it: with its own video, time and label."""
    pictures = run.pictures
    shown = pictures.shown if pictures else None
    if pictures is None or shown is None or shown.number <= known:
        return None
    return {
        **(run.view.said_at(shown.seconds) if run.view else {}),
        "number": shown.number,
        "seconds": round(shown.seconds, 3),
        "video": pictures.video.key,
        "jpeg": base64.b64encode(shown.jpeg).decode("ascii"),
    }
