"""The model that a run uses, and the settings that go with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.explain.model_masks import model_masks
from app.run.board import Board
from app.run.sections import allowed_settings, chips, model_section, settings_section
from app.tools import EngineLike, Tools
from vidmem.errors import SettingError
from vidmem.models import CardAxis
from vidmem.streaming import SettingsChange, StreamSettings, change_settings


class RunModel:
    """The model by name and its settings; put on the board whenever they change.

    While an engine is open it holds the settings, and what `update` gives back is shown. Here they
    are kept only as long as there is none: before a play, while it opens, and after it.
    """

    def __init__(
        self,
        board: Board,
        tools: Tools,
        name: str,
        on_change: Callable[[SettingsChange, bool], None],
    ) -> None:
        """Take a model that is loaded when it is first used.

        Args:
            board: Shows the model and its settings.
            tools: Load models.
            name: Of the model.
            on_change: Called with each change, and whether the model predicts other classes now.
        """
        self.name = name
        self._on_change = on_change
        self.model: Any = None
        self._board, self._tools = board, tools
        self._engine: EngineLike | None = None
        self._settings: StreamSettings | None = None  # not used while there is an engine

    @property
    def settings(self) -> StreamSettings | None:
        """Those of the next clip; `None` before the model is loaded."""
        engine = self._engine
        return self._settings if engine is None else engine.next_settings

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the model; empty before it is loaded."""
        return tuple(self.model.card.class_names) if self.model is not None else ()

    @property
    def axes(self) -> tuple[CardAxis, ...]:
        """Of the model, where it has several."""
        return self.model.card.several_axes if self.model is not None else ()

    def load(self) -> Any:
        """The model, loaded with the first call."""
        if self.model is None:
            self.model = self._tools.load_model(self.name)
            self._settings = StreamSettings.for_model(self.model)
            self._show_model()
            self._show_settings(self._settings)
        return self.model

    def update(self, **changes: float | None) -> SettingsChange:
        """Change settings from the next clip on.

        Raises:
            SettingError: If a value is not allowed; it names the allowed ones.
        """
        self.load()
        change = self._change(None, changes)
        self._show_settings(change.settings)
        self._on_change(change, False)
        return change

    def change_model(self, name: str) -> SettingsChange:
        """Use another model from the next clip on, with the sampling it was made for.

        What people had changed stays where the model has a place for it.

        Raises:
            VidmemError: If it cannot be loaded; the one there was then stays.
        """
        choice = next((one for one in self._tools.list_models() if one.name == name), None)
        if choice is None or not choice.is_available:
            raise SettingError(f"the model {name} is not on this machine")
        model = self._tools.load_model(name)
        if self.model is None:  # the one before could not be loaded
            self.model, self._settings = model, StreamSettings.for_model(model)
        before = self.class_names, self.axes  # of the model that is still in use
        change = self._change(model, self._settings_for(model).changeable())
        self.name, self.model = name, model
        self._show_model()
        self._show_settings(change.settings)
        self._on_change(change, before != (self.class_names, self.axes))
        return change

    def chosen_settings(self) -> dict[str, Any]:
        """What people changed, by name: the rest is as the model was made for."""
        if self.model is None or self.settings is None:
            return {}
        made_for = StreamSettings.for_model(self.model).changeable()
        now = self.settings.changeable()
        return {name: value for name, value in now.items() if value != made_for[name]}

    def _settings_for(self, model: Any) -> StreamSettings:
        settings = StreamSettings.for_model(model)
        offered = allowed_settings(model, settings)
        for name, value in self.chosen_settings().items():
            if len(offered.get(name, ())) > 1 and value is not None:
                with contextlib.suppress(SettingError):  # it does not suit this model
                    settings = settings.changed(**{name: value})
        return settings

    def _change(self, model: Any, changes: dict[str, Any]) -> SettingsChange:
        if self._engine is not None:
            return self._engine.update(model=model, **changes)
        assert self._settings is not None, "the model is loaded"
        change = change_settings(self._settings, self.model, model, changes)
        self._settings = change.settings
        return replace(change, restarted=None)  # nothing is remembered yet

    def hand_to(self, engine: EngineLike) -> SettingsChange:
        """Let an engine that has opened hold the settings, with what was changed meanwhile."""
        assert self._settings is not None, "an engine is opened for a model that is loaded"
        change = engine.update(model=self.model, **self._settings.changeable())
        self._engine = engine
        self._show_chips()
        return change

    def take_back(self) -> None:
        """Keep the settings here again: the engine is closed."""
        self._settings, self._engine = self.settings, None  # `settings` is still the engine's here

    def _show_model(self) -> None:
        self._board.put("model", model_section(self.name, self.model))
        self._show_chips()

    def _show_chips(self) -> None:
        reader = self._engine.reader_name if self._engine is not None else None
        self._board.put("chips", chips(self.model, reader))

    def _show_settings(self, settings: StreamSettings) -> None:
        self._board.put("settings", settings_section(self.model, settings))
        self._board.put("masks", model_masks(self.model, settings))
