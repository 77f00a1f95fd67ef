"""The parts of vidmem that the app uses, gathered here so that tests can replace them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from app.budget import process_budget
from app.projects.taught_models import CONFIG, PREFIX, TaughtModels
from app.projects.without_paths import without_paths
from app.sources.kept import KeptOfFiles
from app.sources.pictures import PictureSource
from app.sources.shelf import Video
from vidmem import streaming
from vidmem.errors import SettingError
from vidmem.files import read_json
from vidmem.processors import fit_threads
from vidmem.streaming import (
    LiveFigures,
    Moment,
    Prediction,
    SavedPlace,
    SettingsChange,
    StateHistory,
    StreamPool,
    StreamSettings,
)

PROBE_SECONDS = 20.0
MAX_TAUGHT_LOADED = 4
"""Models of the project that are held for the next who asks; each has an image encoder of its own,
some 20 MB. Runs hold theirs themselves."""

TOO_MANY_PROBES = (
    "Several videos are being opened here right now. Choose this one again in a moment."
)


class EngineLike(Protocol):
    """The part of `vidmem.streaming.Engine` that the app uses."""

    def __next__(self) -> Prediction:
        """The next prediction."""
        ...

    @property
    def settings(self) -> StreamSettings:
        """Those of the newest clip."""
        ...

    @property
    def next_settings(self) -> StreamSettings:
        """Those of the next clip."""
        ...

    @property
    def last_clip_pixels(self) -> Any:
        """The newest clip as the model saw it, `(frames, height, width, 3)`."""
        ...

    @property
    def last_moment(self) -> Moment | None:
        """Where the newest clip was judged."""
        ...

    def update(self, *, model: Any = None, **changes: float | None) -> SettingsChange:
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
        """The name of the reader of the video."""
        ...

    @property
    def reader_reason(self) -> str:
        """Why that reader was chosen."""
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
        """Size, length and codec of the source, as far as it states them."""
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

    is_taught: bool = False
    """In the project that is open."""


@dataclass(frozen=True, kw_only=True)
class EngineRequest:
    """What an engine is opened for."""

    video: Video
    model: Any
    settings: StreamSettings
    start_seconds: float
    out: Path | None = None
    """Where its predictions are written; `None`: nowhere."""

    state: Path | None = None
    """Where the stream is saved now and then, and when it is closed, so that it can go on later,
    after a kill -9 too; `None`: nowhere."""

    is_resumed: bool = False
    """Go on with the stream saved there, and with the rows of `out`."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Models, readers and engines."""

    load_model: Callable[[str], Any]
    list_models: Callable[[], list[ModelChoice]]
    probe: Callable[[Path], Any]
    open_pictures: Callable[[Path], PictureSource]
    open_engine: Callable[[EngineRequest], EngineLike]
    fit_threads: Callable[[Any], None]
    """Give a model its number of threads; for the thread that calls it, and for threads to come."""

    read_place: Callable[[Path, Any, Path], SavedPlace] = SavedPlace.read
    """Of a state file, a model and a video: where a run can go on."""

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
        # Locked while it loads: two pages that open at once would load the model twice.
        with self._lock:
            if name not in self._models:
                self._models[name] = self.load(name)
            return self._models[name]

    def title(self, name: str) -> str | None:
        """The title of a model that is loaded."""
        # Not locked: a list of models must not wait until one is loaded.
        model = self._models.get(name)
        return model.card.title if model is not None else None


def vidmem_tools(extra_model: str | None = None) -> Tools:
    """The tools of vidmem itself; heavy imports happen here, not at the top.

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


def with_taught_models(tools: Tools, models: TaughtModels) -> Tools:
    """The same tools, that list and load the models of a project, too: first, the newest first.

    Args:
        tools: For all other models.
        models: Of the project.
    """
    from vidmem.models.presets import load

    lock = threading.Lock()
    # Of a folder as it is now: a model that was taught anew in its place is another one.
    loaded: KeptOfFiles[Any] = KeptOfFiles(MAX_TAUGHT_LOADED)

    def load_any(name: str) -> Any:
        if not name.startswith(PREFIX):
            return tools.load_model(name)
        model = models.find(name)
        with lock, without_paths(model.title, model.folder):
            return loaded.get(model.folder / CONFIG, lambda _: load(str(model.folder)))

    def choices() -> list[ModelChoice]:
        listed = tools.list_models()
        known = {one.name for one in listed}
        taught = [ModelChoice(one.name, one.title, True, is_taught=True) for one in models.list()]
        return [*(one for one in taught if one.name not in known), *listed]

    return replace(tools, load_model=load_any, list_models=choices)


def _title_in(folder: Path) -> str | None:
    """The title of a saved model, without loading it."""
    try:
        card = read_json(folder / "config.json")["card"]
        return str(card["title"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # to load it raises an error that explains this


_infos: KeptOfFiles[Any] = KeptOfFiles(256)


def _probe(path: Path) -> Any:
    """What a file is, read by a child process the first time.

    Raises:
        VidmemError: If it cannot be read, or so many are looked at now that this one has to wait.
    """
    return _infos.get(path, _probe_anew)


def _probe_anew(path: Path) -> Any:
    from vidmem.video import probe_safely

    lease = process_budget.take("probe", str(path))
    if lease is None:
        raise SettingError(TOO_MANY_PROBES)
    with lease:
        return probe_safely(path, timeout_seconds=PROBE_SECONDS)


def _open_pictures(path: Path) -> PictureSource:
    from vidmem.video import PictureReader

    return PictureReader(path)


def _open_engine(request: EngineRequest) -> EngineLike:
    # A full disk ends the file, not the run: the page shows from when on nothing is saved.
    files = streaming.RunFiles(
        out=request.out,
        state_path=None if request.video.is_live else request.state,
        resume=request.is_resumed,
        # As `vidmem watch` does: as often as takes 1 % of the time, at least every half minute. On
        # two cores that were busy besides, states of the bundled models, 0.4 and 1 MB, took 10 to
        # 20 ms each, 84 ms once; a play took no longer with them than without.
        save_every_clips=None,
        on_storage_error="continue",
    )
    video = request.video
    return streaming.Engine(
        video.address or video.path,
        request.model,
        # A stream that goes on has its own; what was changed meanwhile counts from its next clip.
        None if request.is_resumed else request.settings,
        start_seconds=request.start_seconds,
        files=files,
        **video.feed_options,
    )
