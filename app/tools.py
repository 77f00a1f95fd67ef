"""What a run needs of vidmem, gathered here so that tests can give something else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from app.pictures import PictureSource
from app.videos import Video
from vidmem import streaming
from vidmem.processors import fit_threads
from vidmem.streaming import (
    LiveFigures,
    Moment,
    Prediction,
    StateHistory,
    StreamPool,
    StreamSettings,
)

PROBE_SECONDS = 20.0


class Engine(Protocol):
    """The part of `vidmem.streaming.Engine` that the app uses."""

    settings: StreamSettings
    last_clip_pixels: Any
    last_moment: Moment | None

    def __next__(self) -> Prediction:
        """The next prediction."""
        ...

    def update(self, *, model: Any = None, **changes: float | None) -> str | None:
        """Change settings from the next clip on."""
        ...

    def seek(self, seconds: float) -> str:
        """Go on elsewhere from the next clip on."""
        ...

    def keep_history(self, history: StateHistory) -> None:
        """Keep states from here on, to come back to."""
        ...

    def close(self) -> None:
        """Stop and free the decoder."""
        ...

    @property
    def reader_name(self) -> str:
        """Who reads the video."""
        ...

    @property
    def reader_reason(self) -> str:
        """Why that one."""
        ...

    @property
    def model(self) -> Any:
        """The model that judged the newest clip."""
        ...

    @property
    def out(self) -> Path | None:
        """The predictions file being written."""
        ...

    @property
    def info(self) -> Any:
        """What the source says of itself."""
        ...

    def live_figures(self) -> LiveFigures | None:
        """How a live source is now; `None` for a file."""
        ...

    @property
    def storage_error(self) -> Exception | None:
        """Why nothing is written any more."""
        ...


@dataclass(frozen=True)
class ModelChoice:
    """A model on the list."""

    name: str
    title: str
    is_available: bool
    needs: str = ""
    """What would have to be fetched, and from where; empty where nothing."""


@dataclass(frozen=True, kw_only=True)
class EngineRequest:
    """What an engine is opened for."""

    video: Video
    model: Any
    settings: StreamSettings
    start_seconds: float
    out: Path


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Models, readers and engines."""

    load_model: Callable[[str], Any]
    list_models: Callable[[], list[ModelChoice]]
    probe: Callable[[Path], Any]
    open_pictures: Callable[[Path], PictureSource]
    open_engine: Callable[[EngineRequest], Engine]
    fit_threads: Callable[[Any], None]
    """Give a model its number of threads; for the thread that calls it, and for threads to come."""

    open_pool: Callable[[Any], StreamPool] = StreamPool
    """Of a model, for many streams."""


@dataclass
class ModelShelf:
    """Models loaded once per process and shared by all runs; nothing is fetched from a network."""

    load: Callable[[str], Any]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _models: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """The model of a name, loaded with the first call."""
        with self._lock:
            if name not in self._models:
                self._models[name] = self.load(name)
            return self._models[name]

    def title(self, name: str) -> str | None:
        """What a model that is loaded calls itself."""
        model = self._models.get(name)
        return model.card.title if model is not None else None


def vidmem_tools(extra_model: str | None = None) -> Tools:
    """The real ones. Heavy imports happen here, not at the top.

    Args:
        extra_model: A folder with a model of the user's own, listed first.
    """
    from vidmem.models.presets import bundled_models, list_models, load

    shelf = ModelShelf(load)
    titles = {name: _title_in(folder) for name, folder in bundled_models().items()}

    def choices() -> list[ModelChoice]:
        listed = [
            ModelChoice(
                one.name,
                shelf.title(one.name) or titles.get(one.name) or one.title,
                one.is_available,
                one.needs,
            )
            for one in list_models()
        ]
        if extra_model and extra_model not in {one.name for one in listed}:
            folder = Path(extra_model)
            title = shelf.title(extra_model) or _title_in(folder) or folder.name
            listed.insert(0, ModelChoice(extra_model, title, True))
        return listed

    return Tools(
        load_model=shelf.get,
        list_models=choices,
        probe=_probe,
        open_pictures=_open_pictures,
        open_engine=_open_engine,
        fit_threads=fit_threads,
    )


def _title_in(folder: Path) -> str | None:
    """What a saved model calls itself, without loading it."""
    try:
        card = json.loads((folder / "config.json").read_text(encoding="utf-8"))["card"]
        return str(card["title"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # what is wrong with it is said when it is loaded


def _probe(path: Path) -> Any:
    from vidmem.video import probe_safely

    return probe_safely(path, timeout_seconds=PROBE_SECONDS)


def _open_pictures(path: Path) -> PictureSource:
    from vidmem.video import PictureReader

    return PictureReader(path)


def _open_engine(request: EngineRequest) -> Engine:
    files = streaming.RunFiles(out=request.out, on_storage_error="continue")
    video, more = request.video, {}
    if video.webcam is not None:
        more["open_feed"] = video.webcam.open_feed
    return streaming.Engine(
        video.address or video.path,
        request.model,
        request.settings,
        start_seconds=request.start_seconds,
        files=files,
        **more,
    )
