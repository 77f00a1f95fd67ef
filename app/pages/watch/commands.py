"""What each action of a page does to its run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from app import sentences
from app.budget import process_budget
from app.guard.visitor import Visitor
from app.pages.watch.message import number_in
from app.pages.watch.words import WORDS
from app.projects.kept_videos import video_of
from app.run import wording as run_wording
from app.run.registry import RunRegistry
from app.run.run import Run
from app.sources.live import Reach, address_video, webcam_video
from app.sources.shelf import Video, VideoShelf
from app.tools import ModelChoice
from vidmem.errors import ProjectError, SettingError, VidmemError
from vidmem.projects import Project
from vidmem.streaming import StreamSettings
from vidmem.video import AddressPolicy

Value = Mapping[str, Any]


class Commands:
    """Actions by name; those that may start an engine keep to the limit of the machine."""

    def __init__(
        self,
        registry: RunRegistry,
        shelf: VideoShelf,
        reach: Reach,
        project: Project,
        list_models: Callable[[], list[ModelChoice]],
    ) -> None:
        self._registry, self._shelf, self._reach = registry, shelf, reach
        self._project, self._list_models = project, list_models
        # Held from "may one more begin?" until it has: two could pass the limit together.
        self._beginning = threading.Lock()
        self._by_name: dict[str, Callable[[Run, Value], object]] = {
            "play": lambda run, value: self._begin(run, run.play),
            "pause": lambda run, value: run.pause(),
            "step": lambda run, value: self._begin(run, run.step),
            "restart": lambda run, value: self._begin(run, run.start_over),
            "stop": lambda run, value: run.stop(),
            "jump": self._jump,
            "back": lambda run, value: run.look_back(),
            "look": lambda run, value: run.look(number_in(value, "seconds") if value else None),
            "speed": lambda run, value: run.set_speed(is_real_time=value["speed"] == "real"),
            "set": lambda run, value: run.chosen.update(**{str(value["setting"]): value["value"]}),
            "model": self._change_model,
            "models": lambda run, value: self.show_models(run),
            "choose": self._choose,
            "uploaded": self._add_upload,
            "webcam": self._watch_webcam,
            "open_run": self._open_run,
            "end_with_page": lambda run, value: run.set_ends_with_page(
                ends_with_page=bool(value["is_on"])
            ),
            "dismiss": lambda run, value: run.notices.dismiss(),
        }

    def carry_out(self, run: Run, name: str, value: Value, visitor: Visitor) -> None:
        """Carry out an action of a visitor.

        Raises:
            VidmemError: If it cannot be done, with a sentence for people.
            LookupError: If there is no such action, or something is not in its value.
            TypeError: If something in its value is of another kind.
            ValueError: If something in its value cannot be.
        """
        if name == "address":  # the one action that not every visitor may do
            policy = self._reach.policy_for(visitor)
            command = partial(self._watch_address, policy=policy)
        else:
            command = self._by_name[name]
        lease = process_budget.take("command", run.run_id)
        if lease is None:  # no page of ours asks for so much before it has an answer
            raise SettingError(run_wording.TOO_MANY_COMMANDS)
        with lease, run.commands:
            command(run, value)

    def prepare(self, run: Run) -> None:
        """Give a new run its model, and the first video of the shelf."""
        run.board.put("videos", self._shelf.groups(run.run_id))
        run.board.put("source", None)
        first = self._shelf.first
        with run.commands:
            for step in (run.chosen.load, lambda: run.choose(first) if first else None):
                try:
                    step()
                except (VidmemError, OSError) as error:
                    title = first.title if first else ""
                    run.notices.post(sentences.sentence_for(error, title), "error")

    def show_models(self, run: Run) -> None:
        """Say which models there are now, and how the project colours its behaviours."""
        choices = self._list_models()
        run.board.put(
            "models", [[one.name, one.title, one.is_available, one.needs] for one in choices]
        )
        with contextlib.suppress(ProjectError):  # which the page says where it matters
            colours = {one.name: one.colour for one in self._project.ethogram}
            run.board.put("behaviour_colours", colours)

    def _begin(self, run: Run, begin: Callable[[], None]) -> None:
        """Do what may start an engine, unless as many as allowed are open."""
        with self._beginning:
            if run.is_active or self._registry.may_begin(run):
                begin()
            else:
                limit = self._registry.max_runs
                run.notices.post(run_wording.busy(self._registry.num_active, limit), "error")

    def _change_model(self, run: Run, value: Value) -> None:
        before, chosen = run.chosen.settings, run.chosen.chosen_settings()
        change = run.chosen.change_model(str(value["model"]))
        self.show_models(run)  # it may have been taught since they were listed
        now = change.settings.changeable()
        is_kept = {name: now[name] == setting for name, setting in chosen.items()}
        kept = [_shown_name(name, change.settings) for name in chosen if is_kept[name]]
        # What is gone is called as people knew it.
        lost = [_shown_name(name, before) for name in chosen if not is_kept[name]]
        note = run_wording.settings_of_another_model(kept, lost, run.chosen.model.card.title)
        if note:
            run.notices.post(f"{change.restarted or ''} {note}".strip(), "note")

    def _jump(self, run: Run, value: Value) -> None:
        seconds, is_playing = number_in(value, "seconds"), bool(value.get("play"))
        self._begin(run, lambda: run.jump(seconds, is_playing=is_playing))

    def _choose(self, run: Run, value: Value) -> None:
        before, key = run.board.get("source"), str(value["video"])
        path: Path | None = None
        try:
            video = self._shelf.find(run.run_id, key)
            path = video.path
            run.notices.dismiss()
            run.choose(video)
        except (VidmemError, OSError) as error:
            run.notices.post(sentences.sentence_for(error, key.rsplit("/", 1)[-1], path), "error")
            # Put again, so that the list on the page goes back to the video that stays.
            run.board.put("source", None)
            run.board.put("source", before)
        run.board.put("videos", self._shelf.groups(run.run_id))

    def _open_run(self, run: Run, value: Value) -> None:
        """Show a run of the project that nobody plays here, and go on with it where that is wanted.

        The id only looks it up; what is opened is the video that the project has for it.
        """
        kept = self._project.runs[str(value["id"])]
        run.notices.dismiss()
        trouble = run.open_kept(kept, video_of(self._project, kept, self._shelf, run.run_id))
        run.board.put("videos", self._shelf.groups(run.run_id))
        if trouble:
            run.notices.post(trouble, "note")
        elif value.get("play"):
            self._begin(run, run.play)

    def _add_upload(self, run: Run, value: Value) -> None:
        name = str(value["name"])
        video = self._shelf.add_upload(run.run_id, str(value["path"]), name)
        try:
            run.choose(video)
            run.notices.dismiss()
        except (VidmemError, OSError) as error:  # no video, so not on the list, nor on the disk
            self._shelf.drop_upload(run.run_id, video)
            run.notices.post(sentences.sentence_for(error, name, video.path), "error")
        run.board.put("videos", self._shelf.groups(run.run_id))

    def _watch_address(self, run: Run, value: Value, policy: AddressPolicy | None) -> None:
        self._watch_live(run, address_video(str(value["address"]), policy))

    def _watch_webcam(self, run: Run, value: Value) -> None:
        width, height = (int(number_in(value, side)) for side in ("width", "height"))
        self._watch_live(run, webcam_video(width, height))

    def _watch_live(self, run: Run, video: Video) -> None:
        run.notices.dismiss()
        run.choose(video)
        self._begin(run, run.play)


def _shown_name(setting: str, settings: StreamSettings | None) -> str:
    """A setting as its slider is called: clips of a Spool model are no queue, but its window."""
    is_window = setting == "l_mem" and settings is not None and settings.is_back_to_back
    return WORDS["l_mem_window" if is_window else setting]
