"""The model that a run uses, and the settings that go with it."""

from __future__ import annotations

from typing import Any

from app.board import Board
from app.model_masks import model_masks
from app.sections import model_section, settings_section
from app.tools import Tools
from vidmem.errors import SettingError
from vidmem.streaming import StreamSettings

LIVE_SETTINGS = frozenset(
    {"l_mem", "window_stride", "clip_frames", "fps", "min_bout_seconds", "local_frame_range"}
)


class LiveModel:
    """A model by name, loaded with its first use; told to the board whenever it changes."""

    def __init__(self, board: Board, tools: Tools, name: str) -> None:
        self.name = name
        self.model: Any = None
        self.settings: StreamSettings | None = None
        self._board, self._tools = board, tools

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the model; empty before it is loaded."""
        return tuple(self.model.card.class_names) if self.model is not None else ()

    def load(self) -> Any:
        """The model, loaded with the first call."""
        if self.model is None:
            self._take(self.name, self._tools.load_model(self.name))
        return self.model

    def change(self, name: str) -> None:
        """Take another model, with the sampling it was made for.

        Raises:
            VidmemError: If it cannot be loaded; the one there was then stays.
        """
        choice = next((one for one in self._tools.list_models() if one.name == name), None)
        if choice is None or not choice.is_available:
            raise SettingError(f"the model {name} is not on this machine")
        self._take(name, self._tools.load_model(name))

    def _take(self, name: str, model: Any) -> None:
        self.name, self.model = name, model
        self._board.put("model", model_section(name, model))
        self.set(StreamSettings.for_model(model))

    def set(self, settings: StreamSettings) -> None:
        """Take other settings."""
        self.settings = settings
        self._board.put("settings", settings_section(self.model, settings))
        self._board.put("masks", model_masks(self.model, settings))

    def live_settings(self) -> dict[str, float | None]:
        """What can be changed while it plays, as it is now."""
        values = self.settings.as_dict() if self.settings else {}
        return {name: value for name, value in values.items() if name in LIVE_SETTINGS}

    def checked(self, setting: str, value: float) -> tuple[dict[str, float], StreamSettings]:
        """A change as the settings want it, and what they would then be.

        Raises:
            SettingError: If there is no such setting, or the value is not allowed.
        """
        if setting not in LIVE_SETTINGS:
            raise SettingError(
                f"{setting} cannot be changed here; it must be one of {sorted(LIVE_SETTINGS)}"
            )
        self.load()
        assert self.settings is not None
        if setting == "local_frame_range" and self.settings.local_frame_range is None:
            raise SettingError(f"{self.model.card.title} has no heads that look back or ahead")
        is_real = setting in {"fps", "min_bout_seconds"}
        change: dict[str, float] = {setting: float(value) if is_real else int(value)}
        return change, self.settings.changed(**change)
