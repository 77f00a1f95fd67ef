"""An engine, a reader and a model that cost nothing, with the shapes of the real ones."""

from __future__ import annotations

import io
import math
import os
import pickle
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from app.tools import EngineRequest, ModelChoice, Tools
from vidmem.errors import NotAVideoError, SettingError, VideoNotFoundError
from vidmem.models import ModelCard, SpoolConfig, StreamTraits
from vidmem.streaming import (
    Prediction,
    SavedPlace,
    SettingsChange,
    StreamSettings,
    change_settings,
)
from vidmem.streaming.saving.predictions_csv import csv_line, header_line, prediction_row
from vidmem.units import clock
from vidmem.video.sampling import Window

BEHAVIOURS = (
    "lying lateral",
    "lying sternal",
    "standing",
    "nursing",
    "feeding",
    "drinking",
    "walking",
)


class FakeModel:
    device, dtype = "cpu", "torch.float32"

    def __init__(
        self, name: str = "fake", class_names: tuple[str, ...] = BEHAVIOURS, l_mem: int = 25
    ):
        self.card = ModelCard(
            name=name,
            title="FAM Swin nano" if name == "fake" else name,
            class_names=class_names,
            fps=4.0,
            clip_frames=16,
            window_stride=16,
            trained_on="Trained on generated barn videos. On other footage its labels mean nothing "
            "until you teach it.",
        )
        self.config = SimpleNamespace(tubelet_size=(2, 4, 4))
        self.traits = StreamTraits(l_mem=l_mem, frames_multiple=2)


class FakeSpool(FakeModel):
    """Sees a window of clips; each prediction waits for `lookahead_layers` times the range."""

    def __init__(self, name: str = "spool", *, num_lookahead_heads: int = 2, **card: Any):
        super().__init__(name, **card)
        self.card = replace(self.card, title="Spool nano", fps=2.0, clip_frames=8, window_stride=8)
        self.config = SpoolConfig(
            num_heads=4,
            num_lookback_heads=4 - num_lookahead_heads,
            num_lookahead_heads=num_lookahead_heads,
            local_frame_range=8,
            window_frames=136,
        )
        self.traits = StreamTraits(
            l_mem=16,
            encodes_frames_once=True,
            local_frame_range=8,
            lookahead_layers=4 if num_lookahead_heads else 0,
        )


def draw(seconds: float, width: int, height: int) -> np.ndarray:
    image = Image.new("RGB", (width, height), (70, 66, 58))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width, height * 0.09), fill=(95, 100, 104))
    x, y = (
        width * (0.5 + 0.25 * math.sin(seconds / 7)),
        height * (0.55 + 0.2 * math.cos(seconds / 11)),
    )
    pen.ellipse(
        (x - width * 0.14, y - height * 0.1, x + width * 0.14, y + height * 0.1),
        fill=(222, 180, 165),
    )
    pen.ellipse(
        (x + width * 0.1, y - height * 0.06, x + width * 0.2, y + height * 0.06),
        fill=(226, 186, 172),
    )
    return np.asarray(image)


@dataclass
class FakeInfo:
    path: Path
    duration_seconds: float
    width: int = 1280
    height: int = 720
    fps: float = 25.0
    codec: str = "h264"
    size_bytes: int = 2_700_000
    display_width: int = 1280
    display_height: int = 720
    mime: str = 'video/mp4; codecs="avc1.64001f"'
    has_sound: bool = False
    recorded_at: str = ""


@dataclass
class FakePicture:
    jpeg: bytes
    pts_seconds: float


@dataclass
class FakePictures:
    machine: FakeMachine

    def picture(self, seconds: float) -> FakePicture:
        time.sleep(self.machine.picture_seconds)
        if self.machine.picture_error is not None:
            raise self.machine.picture_error
        buffer = io.BytesIO()
        Image.fromarray(draw(seconds, 640, 360)).save(buffer, "JPEG", quality=80)
        return FakePicture(buffer.getvalue(), seconds - seconds % 0.125)  # the frame on display

    def close(self) -> None: ...


def probabilities_at(seconds: float, count: int) -> list[float]:
    best = int(seconds / 23 + 2 * math.sin(seconds / 31)) % count
    scores = [0.15 * (1 + math.sin(seconds / (5 + i) + i)) for i in range(count)]
    scores[best] += 3.2
    weights = [math.exp(score * 1.4) for score in scores]
    return [weight / sum(weights) for weight in weights]


@dataclass
class FakeEngine:
    """What looks ahead says something else at first: what it would say of a little later."""

    request: EngineRequest
    duration: float
    clip_seconds: float = 0.05
    reader_name: str = "decord"
    reader_reason: str = "it reads H.264 in MP4 at the model's size."
    storage_error: Exception | None = None
    error_at: tuple[float, Exception] | None = None
    last_clip_pixels: Any = None
    last_moment: Any = None
    closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.settings = self.request.settings
        self.model = self.request.model
        self.out = self.request.out
        self._index, self._position = 0, self.request.start_seconds
        self._memory: list[int] = []
        self._waiting: list[Prediction] = []
        if self.request.is_resumed:
            with self.request.state.open("rb") as file:
                place = pickle.load(file)
            self._index, self._position, self._memory, self._waiting, num_bytes, _ = place
            os.truncate(self.out, num_bytes)
        elif self.out is not None:
            self.out.write_bytes(header_line(self.model.card.class_names))
        self._settled: list[Prediction] = []
        self._restarted: str | None = None

    def __iter__(self) -> FakeEngine:
        return self

    def __next__(self) -> Prediction:
        if self.closed.wait(self.clip_seconds) or self._position >= self.duration - 1e-6:
            raise StopIteration
        if self.error_at and self._position >= self.error_at[0]:
            raise self.error_at[1]
        settings = self.settings
        start = self._position
        end = min(start + settings.seconds_per_clip, self.duration)
        self._position += settings.seconds_between_predictions
        names = self.model.card.class_names
        values = probabilities_at((start + end) / 2, len(names))
        best = max(range(len(names)), key=values.__getitem__)
        remembered = tuple(
            self._memory[len(self._memory) - min(settings.l_mem, len(self._memory)) :]
        )
        self._memory = [*remembered, self._index][-settings.l_mem or len(remembered) + 1 :]
        self.last_clip_pixels = np.stack([draw(start, 96, 72)] * 2)
        real = max(1, min(settings.clip_frames, round((end - start) * settings.fps)))
        window = Window(
            index=self._index,
            start_frame=round(start * settings.fps),
            num_frames=settings.clip_frames,
            num_real_frames=real,
            start_seconds=start,
            end_seconds=end,
            is_last=end >= self.duration,
        )
        restarted, self._restarted = self._restarted, None
        self._index += 1
        newest = Prediction(
            index=self._index - 1,
            window=window,
            start_seconds=start,
            end_seconds=end,
            label=names[best],
            probability=values[best],
            probabilities=tuple(values),
            class_names=names,
            num_real_frames=real,
            num_remembered=len(remembered),
            remembered=remembered,
            l_mem=settings.l_mem,
            state_bytes=900_000,
            model_seconds=self.clip_seconds,
            process_bytes=int((600 + 10 * math.tanh(self._index / 10)) * 2**20),
            restarted=restarted,
            final_after_seconds=settings.latency_seconds,
        )
        return self._judged(newest)

    def _judged(self, newest: Prediction) -> Prediction:
        """The newest prediction with those before it, as they are judged now."""
        settled, self._settled = self._settled, []
        judged = []
        for age, one in enumerate(reversed([*self._waiting, newest])):
            ahead = max(0, self.settings.latency_clips - age)
            is_final = newest.window.is_last or ahead == 0
            middle = (one.start_seconds + one.end_seconds) / 2
            values = probabilities_at(middle + 5 * ahead, len(one.class_names))
            judged.insert(0, one.judged_anew(tuple(values), is_final=is_final))
        self._write([one for one in judged if one.is_final])
        self._waiting = [one for one in judged if not one.is_final]
        return replace(judged[-1], revised=(*settled, *judged[:-1]))

    def _write(self, settled: list[Prediction]) -> None:
        if self.out is None:
            return
        last = ["", "", self.model.card.name, self.settings.summary]
        with self.out.open("ab") as file:
            for one in settled:
                file.write(csv_line([*prediction_row(one), *last]))

    def _settle(self) -> None:
        self._settled += [replace(one, is_final=True) for one in self._waiting]
        self._write(self._waiting)
        self._waiting = []

    @property
    def next_settings(self) -> StreamSettings:
        return self.settings

    def update(self, *, model: Any = None, **changes: float | None) -> SettingsChange:
        change = change_settings(self.settings, self.model, model, changes)
        self.settings, self.model = change.settings, change.model
        if change.restarted is not None:
            self._memory = []
            self._settle()
            self._restarted = change.restarted
        return change

    def seek(self, seconds: float) -> str:
        self._position, self._memory = seconds, []
        self._settle()
        self._restarted = f"The memory starts empty: the video jumped to {clock(seconds)}."
        return self._restarted

    def keep_history(self, history: Any) -> None: ...

    def live_figures(self) -> None: ...

    def close(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            place = (self._index, self._position, self._memory, self._waiting)
            if self.request.state is not None:
                num_bytes = self.out.stat().st_size
                saved = (*place, num_bytes, self.settings)
                self.request.state.write_bytes(pickle.dumps(saved))
            self._settle()


@dataclass
class FakeMachine:
    """Tools whose videos are text files: `seconds 60`, or whatever else is no video."""

    clip_seconds: float = 0.05
    models: dict[str, FakeModel] = field(default_factory=lambda: {"fake": FakeModel()})
    engines: list[FakeEngine] = field(default_factory=list)
    requests: list[EngineRequest] = field(default_factory=list)
    """Of engines, the one that is being opened included."""

    fitted: list[tuple[str, str]] = field(default_factory=list)
    """Models that were given threads, and in which thread."""

    opening_seconds: float = 0.0
    picture_seconds: float = 0.0
    picture_error: Exception | None = None
    error_at: tuple[float, Exception] | None = None

    def tools(self) -> Tools:
        return Tools(
            load_model=lambda name: self.models[name],
            list_models=lambda: [
                ModelChoice(name, m.card.title, True) for name, m in self.models.items()
            ],
            probe=self.probe,
            open_pictures=lambda path: FakePictures(self),
            open_engine=self.open_engine,
            fit_threads=self.fit_threads,
            read_place=self.read_place,
        )

    def read_place(self, state: Path, model: FakeModel, video: Path) -> SavedPlace:
        index, position, _, waiting, num_bytes, settings = pickle.loads(state.read_bytes())
        out = state.with_suffix(".csv")
        return SavedPlace(
            seconds=position,
            next_index=index,
            is_finished=position >= self.probe(video).duration_seconds,
            settings=settings,
            pending=tuple(waiting),
            file_name=out.name,
            num_rows=out.read_bytes()[:num_bytes].count(b"\n") - 1,
            num_bytes=num_bytes,
        )

    def fit_threads(self, model: FakeModel) -> None:
        self.fitted.append((model.card.name, threading.current_thread().name))

    def probe(self, path: Path) -> FakeInfo:
        if not path.is_file():
            raise VideoNotFoundError(f"there is no file {path.name}")
        words = path.read_bytes()[:40].split()
        if len(words) != 2 or words[0] != b"seconds":
            raise NotAVideoError(f"{path.name} is not a video: it begins like a text")
        return FakeInfo(path, float(words[1]))

    def open_engine(self, request: EngineRequest) -> FakeEngine:
        self.requests.append(request)
        time.sleep(self.opening_seconds)
        info = self.probe(request.video.path)
        if request.start_seconds >= info.duration_seconds:
            raise SettingError("start_seconds must be in the video")
        engine = FakeEngine(
            request, info.duration_seconds, clip_seconds=self.clip_seconds, error_at=self.error_at
        )
        self.engines.append(engine)
        return engine


def write_video(path: Path, seconds: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"seconds {seconds}")
    return path
