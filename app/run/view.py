"""The results that a page shows of a run: predictions in, sections of the board out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from app.run import wording as run_wording
from app.run.board import Board
from app.run.pacing import SpeedMeter
from app.run.results.bout_table import RunHistory, bout_rows, bouts_csv
from app.run.results.bouts import BoutBook
from app.run.results.costs import RunCosts, card_section
from app.run.results.predicted_timeline import PredictedTimeline, best_class
from app.run.results.strip import Clip, MemoryStrip, thumbnail
from app.run.results.timeline import MAX_COLUMNS, Columns, Timeline
from app.run.sections import empty_memory, memory_section
from vidmem import units
from vidmem.labels import LabelledVideo
from vidmem.models import CardAxis
from vidmem.streaming import Prediction, StreamSettings

MAX_CLASSES_SHOWN = 8
REFRESH_SECONDS = 0.4


class RunView:
    """Shows each prediction as it comes (in the engine's thread), and keeps what pages need later.

    Sections that take time to compute are computed when a page polls (`refresh`), so a run without
    a page on view costs its model alone.
    """

    def __init__(
        self,
        board: Board,
        class_names: tuple[str, ...],
        before: RunView | None = None,
        *,
        axes: tuple[CardAxis, ...] = (),
        is_same_play: bool = False,
    ) -> None:
        """Begin with nothing.

        Args:
            board: Where it is shown.
            class_names: Of the model.
            before: The view that it replaces.
            axes: Of the model.
            is_same_play: The play of the view before goes on with another model, so what it costs
                stays one timeline.
        """
        self.board = board
        # Pages drop the points and thumbnails that they have of another epoch.
        self.epoch = before.epoch + 1 if before else 0
        self.costs = before.costs if before and is_same_play else RunCosts()
        self.class_names, self.axes = class_names, axes
        self.strip = MemoryStrip()
        columns = Columns(class_names, axes)
        self._bouts = tuple(BoutBook(MAX_COLUMNS) for _ in columns.of_axes or (0,))
        self.predicted = PredictedTimeline(class_names, columns=columns, bouts=self._bouts)
        self._history = RunHistory()
        self._num_cut = 0
        self._num_clips = self._num_unlike = 0
        self._newest: Prediction | None = None
        self._settings: StreamSettings | None = None
        self._is_dirty = False
        self._refreshed = 0.0
        self._shortest_seconds: float | None = None
        self._is_read_back = False

    @property
    def newest(self) -> Prediction | None:
        """The newest prediction."""
        return self._newest

    @property
    def timeline(self) -> Timeline:
        """All predictions as they are drawn."""
        return self.predicted.timeline

    @property
    def meter(self) -> SpeedMeter:
        """How fast predictions come."""
        return self.predicted.meter

    def show_empty(self, settings: StreamSettings | None) -> None:
        """Take what an earlier view showed off the board."""
        self.board.put("now", None)
        self.board.put("memory", empty_memory(settings))
        self.refresh(is_forced=True)

    def add_prediction(
        self, prediction: Prediction, pixels: Any, settings: StreamSettings, model: Any = None
    ) -> None:
        """Show a prediction, and its new judgements of windows before it."""
        if model is not None:
            self.costs.add_prediction(prediction, model)
        self._settings, self._num_cut, self._is_read_back = settings, 0, False
        self._revise_strip(self.predicted.add_prediction(prediction, settings))
        is_window = settings.is_back_to_back
        is_shown = prediction.l_mem > 0 or is_window  # else there is no place for its picture
        clip = Clip(
            start=prediction.start_seconds,
            end=prediction.end_seconds,
            column=self.timeline.columns.known(best_class(prediction)),
            jpeg=thumbnail(pixels[len(pixels) // 2]) if is_shown and pixels is not None else None,
            is_final=prediction.is_final,
        )
        self.strip.add_clip(prediction.index, clip, prediction.remembered, shows_newest=is_window)
        self._newest = prediction
        self._history.add(prediction)
        self._num_clips += 1
        self._num_unlike += prediction.is_unlike_training
        self._is_dirty = True
        self._put_now(prediction, settings)
        self._put_memory(prediction, settings)

    def read_back(
        self, rows: Iterable[Prediction], pending: Sequence[Prediction], settings: StreamSettings
    ) -> None:
        """Show what an earlier play predicted, as after its stop.

        Args:
            rows: Of its file, in order.
            pending: Those that were not final: a play that goes on judges them anew.
            settings: Of the play; what a row says of its own comes first.
        """
        self._is_read_back = True
        known = {"": settings}
        held: deque[Prediction] = deque(maxlen=settings.l_mem * settings.memory_every + 1)
        num_since_empty = 0
        waiting = (replace(one, revised=tuple(pending[:n])) for n, one in enumerate(pending))
        for one in chain(rows, waiting):
            if one.settings not in known:
                known[one.settings] = settings.with_summary(one.settings)
            self._settings = known[one.settings]
            self.predicted.add_prediction(one, self._settings)
            self._history.add(one)
            self._num_clips += 1
            self._num_unlike += one.is_unlike_training
            num_since_empty = num_since_empty + 1 if one.num_remembered else 1
            held.append(one)
        self.meter.restart()
        if not held:
            return
        self._newest = held[-1]
        self._hold_back(held, num_since_empty)
        self.finish()

    def _hold_back(self, held: Sequence[Prediction], num_since_empty: int) -> None:
        """Show the clips that were remembered, without pictures."""
        newest, settings = held[-1], self._settings
        assert settings is not None, "a row was read"
        clips = {
            one.index: Clip(
                start=one.start_seconds,
                end=one.end_seconds,
                column=self.timeline.columns.known(best_class(one)),
                jpeg=None,
                is_final=one.is_final,
            )
            for one in held
        }
        # A file says how many were remembered. Which ones, the next clip says, if there is one.
        every = settings.memory_every
        remembered = newest.remembered or tuple(
            newest.index - every * age for age in range(newest.num_remembered, 0, -1)
        )
        self.strip.put_back(clips, num_since_empty)
        self.strip.add_clip(
            newest.index,
            clips[newest.index],
            remembered,
            shows_newest=settings.is_back_to_back,
        )
        self._put_now(newest, settings)
        self._put_memory(newest, settings)

    def _revise_strip(self, predictions: list[Prediction]) -> None:
        for one in predictions:
            column = self.timeline.columns.known(best_class(one))
            self.strip.revise(one.index, column, is_final=one.is_final)

    def _put_now(self, prediction: Prediction, settings: StreamSettings) -> None:
        known, probabilities = self.timeline.columns.known, prediction.probabilities
        now = {
            "index": prediction.index,
            "label": prediction.label,
            "colour": known(best_class(prediction)),
            "probability": prediction.probability,
            "others": [
                [self.class_names[i], known(i), round(probabilities[i], 4)]
                for i in prediction.best_classes[1:]
            ],
            "start_seconds": prediction.start_seconds,
            "end_seconds": prediction.end_seconds,
            "is_final": prediction.is_final,
            "is_unlike": prediction.is_unlike_training,
            "classes": [
                [self.class_names[i], known(i), round(probabilities[i], 4), *at]
                for at, own in self._shown_classes(probabilities)
                for i in own
            ],
            "facts": self._facts(prediction, settings),
        }
        self.board.put("now", now)

    def _shown_classes(
        self, probabilities: Sequence[float]
    ) -> Iterator[tuple[list[int], Sequence[int]]]:
        """The classes that have a bar, and before those of several axes the number of the axis."""
        sizes = [len(axis.class_names) for axis in self.axes] or [len(self.class_names)]
        # A few classes keep their order, so that bars do not change places with each clip.
        are_few, first = len(self.class_names) <= MAX_CLASSES_SHOWN + 4, 0
        for number, size in enumerate(sizes):
            own: Sequence[int] = range(first, first + size)
            if not are_few:
                ranked = sorted(own, key=probabilities.__getitem__, reverse=True)
                own = ranked[: max(2, MAX_CLASSES_SHOWN // len(sizes))]
            yield [number] if len(sizes) > 1 else [], own
            first += size

    def _facts(self, prediction: Prediction, settings: StreamSettings) -> list[list[str]]:
        facts = [run_wording.seen_clips(prediction, settings, self.strip.start_seconds)]
        if self._is_read_back:  # what it cost is in no file
            return facts
        if self._shortest_seconds is not None:
            facts.append(["shortest bout so far", units.span(self._shortest_seconds)])
        newest_final = self.predicted.newest_final
        if settings.latency_clips or not prediction.is_final or self._num_cut:
            is_cut = self._num_cut > 0
            facts.append(["final", run_wording.final_when(prediction, settings, is_cut=is_cut)])
        if newest_final is not None and not prediction.is_final:
            facts.append(["newest final", run_wording.final_newest(newest_final)])
        facts += [
            [
                "this clip took",
                f"{units.span(prediction.model_seconds)} model, {_reading(prediction)}",
            ],
            ["state", f"{units.memory_size(prediction.state_bytes)}, the same at every clip"],
        ]
        if prediction.num_real_frames < settings.clip_frames:
            facts.append(["last clip", run_wording.short_clip(prediction, settings)])
        return facts

    def _put_memory(self, prediction: Prediction, settings: StreamSettings) -> None:
        section = memory_section(
            settings,
            l_mem=prediction.l_mem,
            slots=self.strip.slots(),
            now_seconds=prediction.end_seconds,
            num_left=self.strip.num_evicted(),
        )
        self.board.put("memory", section)

    def refresh(self, *, is_forced: bool = False, is_active: bool = False) -> None:
        """Compute derived sections for a page that polls; at most every `REFRESH_SECONDS`."""
        now = time.monotonic()
        if is_active:
            self.costs.sample()  # also sees what is held only while a clip is judged
        if not is_forced and (not self._is_dirty or now - self._refreshed < REFRESH_SECONDS):
            return
        self._is_dirty, self._refreshed = False, now
        self._put_timeline()
        self._put_bouts()
        self.board.put("cost", card_section(self.costs.record()))

    def _put_timeline(self) -> None:
        self.board.put(
            "timeline",
            {
                "classes": self.timeline.columns.names,
                "axes": self.timeline.columns.of_axes,
                "gaps": list(self.predicted.gaps),
                "analysed": self.timeline.end_seconds,
            },
        )

    def _put_bouts(self) -> None:
        of_axes = [book.facts(self._min_bout_seconds) for book in self._bouts]
        shortest = [x.shortest_seconds for x in of_axes if x.shortest_seconds is not None]
        self._shortest_seconds = min(shortest, default=None)
        settled_seconds = max(facts.settled_seconds for facts in of_axes)
        notes = (run_wording.settled_bouts(settled_seconds), self._finality_note())
        section = {
            "rows": [row for facts in of_axes for row in bout_rows(facts, self.timeline)],
            "note": " ".join(filter(None, notes)),
            "warning": run_wording.unlike_clips(self._num_unlike, self._num_clips),
        }
        self.board.put("bouts", section)

    def bouts_csv(self, video: LabelledVideo) -> bytes:
        """The bouts so far, one a row, with the filter that is set; a file that says what it is of.

        Args:
            video: What is known of the video.
        """
        seconds, history = self._min_bout_seconds, self._history
        return bouts_csv(self._bouts, self.timeline, seconds, video=video, history=history)

    @property
    def _min_bout_seconds(self) -> float:
        return self._settings.min_bout_seconds if self._settings else 0.0

    def set_settings(self, settings: StreamSettings) -> None:
        """Take over changed settings; bouts are counted anew."""
        self._settings = settings
        if self._newest is None:  # how many clips the model could hold
            self.board.put("memory", empty_memory(settings))
        self.refresh(is_forced=True)

    def finish(self, *, is_over: bool = True) -> None:
        """Close what is open at the end of what can be read.

        Args:
            is_over: Nothing more will be seen: what is provisional stays as it was judged last.
        """
        self.predicted.flush()
        if is_over:
            self._settle()
        self.refresh(is_forced=True)
        # Its facts name the shortest bout: of the bouts that are counted now.
        if self._newest is not None and self._settings is not None:
            self._put_now(self._newest, self._settings)

    def reopen(self) -> None:
        """Go on where it was finished: the next prediction is of the clip after the newest one."""
        self.predicted.reopen()

    def _settle(self) -> None:
        # `or`: settled a second time, nothing is provisional any more.
        self._num_cut = self.predicted.num_provisional or self._num_cut
        self._revise_strip(self.predicted.settle())
        newest, settings = self._newest, self._settings
        if newest is not None and settings is not None and not newest.is_final:
            self._newest = newest = replace(newest, is_final=True)
            self._put_now(newest, settings)
            self._put_memory(newest, settings)

    def _finality_note(self) -> str:
        """Which predictions are counted; empty where all are final at once."""
        if self._num_cut:
            return run_wording.counted_early(self._num_cut)
        count = self.predicted.num_provisional
        return run_wording.not_counted(count) if count else ""

    def picture_seconds(self, playhead_seconds: float) -> float:
        """The time whose picture goes with the playhead.

        Where the playhead is the open end of the newest clip, which is in no clip, it is a time
        inside that clip.
        """
        newest, settings = self._newest, self._settings
        if newest is None or settings is None or playhead_seconds != newest.end_seconds:
            return playhead_seconds  # in real time, after a jump, before the first clip
        return max(newest.start_seconds, playhead_seconds - 0.5 / settings.fps)

    def prediction_at(self, seconds: float) -> dict[str, Any]:
        """What was predicted at a time, for the label of a picture; empty where nothing was."""
        label = self.timeline.at(seconds)
        if label is None:
            return {}
        names = self.timeline.columns.names
        return {
            "label": names[label.column],
            "probability": label.probability,
            "colour": label.column,
            "is_final": label.is_final,
            "others": [[names[column], share] for column, share in label.others],
        }


def _reading(prediction: Prediction) -> str:
    if prediction.wait_seconds < 0.005:
        return "read meanwhile"
    return f"{units.span(prediction.wait_seconds)} waiting for the reader"
