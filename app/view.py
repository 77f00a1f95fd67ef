"""What a page shows of a run: predictions in, sections of the board out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from app import text
from app.board import Board
from app.bouts import BoutBook
from app.costs import RunCosts, card_section
from app.pacing import SpeedMeter
from app.sections import memory_section
from app.strip import Clip, MemoryStrip, thumbnail
from app.timeline import MAX_COLUMNS, Timeline
from app.waiting import Waiting
from vidmem.streaming import MomentScore, Prediction, ScoreMerger, StreamSettings

MAX_CLASSES_SHOWN = 8
MAX_GAPS = 200
REFRESH_SECONDS = 0.4


class RunView:
    """Takes each prediction as it comes (the engine's thread), keeps what can be asked for later.

    What costs something to work out is worked out when a page asks (`refresh`), so a run that
    nobody looks at costs its model alone.
    """

    def __init__(
        self,
        board: Board,
        class_names: tuple[str, ...],
        before: RunView | None = None,
        *,
        goes_on: bool = False,
    ) -> None:
        """Begin with nothing.

        Args:
            board: Where it is shown.
            class_names: Of the model.
            before: The view in whose place it comes.
            goes_on: Whether what plays plays on, so that what it costs goes on too.
        """
        self.board = board
        self.epoch = before.epoch + 1 if before else 0
        self.costs = before.costs if before and goes_on else RunCosts()
        self.class_names = class_names
        self.timeline = Timeline(class_names)
        self.strip = MemoryStrip()
        self.meter = SpeedMeter()
        self._merger = ScoreMerger()
        self._waiting = Waiting()
        self._num_cut = 0
        self._bouts = BoutBook(MAX_COLUMNS)
        self._bridge_seconds = 0.0
        self._gaps: list[tuple[float, float, str]] = []
        self._newest: Prediction | None = None
        self._settings: StreamSettings | None = None
        self._is_dirty = False
        self._refreshed = 0.0
        self._shortest_seconds: float | None = None

    @property
    def newest(self) -> Prediction | None:
        """The newest prediction."""
        return self._newest

    def took(
        self, prediction: Prediction, pixels: Any, settings: StreamSettings, model: Any = None
    ) -> None:
        """Show a prediction, and what it says anew of windows before it."""
        if model is not None:
            self.costs.took(prediction, model)
        self._settings, self._num_cut = settings, 0
        # A hole shorter than a sampling interval is none: nothing was sampled in it.
        self._bridge_seconds = settings.unseen_seconds + 1 / settings.fps
        self._judge_anew(self._waiting.took(prediction))
        best = _best(prediction)
        if prediction.is_final:
            self._draw(prediction, best, settings)
        else:
            self._keep(self._merger.flush())  # of a model before: this one's windows lie apart
            self._draw_provisional(prediction)
        column = self.timeline.columns.known(best)
        is_window = settings.is_back_to_back
        is_shown = prediction.l_mem > 0 or is_window  # without memory there is no slot for it
        clip = Clip(
            start=prediction.start_seconds,
            end=prediction.end_seconds,
            column=column,
            jpeg=thumbnail(pixels[len(pixels) // 2]) if is_shown and pixels is not None else None,
            is_final=prediction.is_final,
        )
        self.strip.took(prediction.index, clip, prediction.remembered, shows_newest=is_window)
        self._measure(prediction)
        self._newest = prediction
        self._is_dirty = True
        self._put_now(prediction, settings)
        self._put_memory(prediction, settings)

    def _measure(self, prediction: Prediction) -> None:
        """What the clip cost, and what could not be read before it."""
        if prediction.restarted:
            self.meter.restart()
        self.meter.took(prediction.end_seconds)
        self._gaps += [(gap.start_seconds, gap.end_seconds, gap.reason) for gap in prediction.gaps]
        del self._gaps[:-MAX_GAPS]

    def _judge_anew(self, predictions: list[Prediction]) -> None:
        """Put windows that waited for their future in the place of what was said of them before."""
        for one in predictions:
            if one.is_final:
                moment = MomentScore(
                    start_seconds=one.start_seconds,
                    end_seconds=one.end_seconds,
                    probabilities=one.probabilities,
                    num_windows=1,
                )
                self._keep([moment])
            else:
                self._draw_provisional(one)
            column = self.timeline.columns.known(_best(one))
            self.strip.judged(one.index, column, is_final=one.is_final)

    def _draw_provisional(self, prediction: Prediction) -> None:
        start, end = prediction.start_seconds, prediction.end_seconds
        best = _best(prediction)
        self.timeline.add(start, end, best, prediction.probabilities, is_final=False)

    def _draw(self, prediction: Prediction, best: int, settings: StreamSettings) -> None:
        """Put a prediction on the timeline: overlapping windows as the mean over each moment."""
        moments = self._merger.add(prediction)
        stride = settings.seconds_between_predictions
        if stride >= settings.seconds_per_clip - 1e-9:
            moments += self._merger.flush()  # no later window looks at these moments too
        self._keep(moments)
        start, end = prediction.start_seconds, prediction.end_seconds
        reached = self.timeline.end_seconds
        start = max(start, reached) if reached < end else end - stride
        while start < end - 1e-6 and self._merger.num_open:  # later windows: drawn, not counted
            piece = min(start + stride, end)
            self.timeline.add(start, piece, best, prediction.probabilities)
            start = piece

    def _keep(self, moments: list[MomentScore]) -> None:
        for moment in moments:
            start, end = moment.start_seconds, moment.end_seconds
            self.timeline.add(start, end, moment.best_class, moment.probabilities)
            column = self.timeline.columns.known(moment.best_class)
            self._bouts.add(start, end, column, self._bridge_seconds)

    def _put_now(self, prediction: Prediction, settings: StreamSettings) -> None:
        order = range(len(self.class_names))
        if len(self.class_names) > MAX_CLASSES_SHOWN + 4:
            ranked = sorted(order, key=prediction.probabilities.__getitem__, reverse=True)
            order = ranked[:MAX_CLASSES_SHOWN]
        known = self.timeline.columns.known
        now = {
            "index": prediction.index,
            "label": prediction.label,
            "colour": known(_best(prediction)),
            "probability": prediction.probability,
            "start_seconds": prediction.start_seconds,
            "end_seconds": prediction.end_seconds,
            "is_final": prediction.is_final,
            "classes": [
                [self.class_names[i], known(i), round(prediction.probabilities[i], 4)]
                for i in order
            ],
            "facts": self._facts(prediction, settings),
        }
        self.board.put("now", now)

    def _facts(self, prediction: Prediction, settings: StreamSettings) -> list[list[str]]:
        facts = [text.held(prediction, settings, self.strip.start_seconds)]
        if self._shortest_seconds is not None:
            facts.append(["shortest bout so far", text.span(self._shortest_seconds)])
        settled = self._waiting.newest_settled
        if settings.latency_clips or not prediction.is_final or self._num_cut:
            is_cut = self._num_cut > 0
            facts.append(["final", text.final_when(prediction, settings, is_cut=is_cut)])
        if settled is not None and not prediction.is_final:
            facts.append(["newest final", text.final_newest(settled)])
        facts += [
            ["this clip took", f"{prediction.model_seconds:.2f} s model, {_reading(prediction)}"],
            ["state", f"{text.mebibytes(prediction.state_bytes)}, the same at every clip"],
        ]
        if prediction.num_real_frames < settings.clip_frames:
            facts.append(["last clip", text.short_clip(prediction, settings)])
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
        """Work out what is derived, for a page that asks; at most every `REFRESH_SECONDS`."""
        now = time.monotonic()
        if is_active:
            self.costs.sample()  # of what a clip holds only while it is judged
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
                "gaps": list(self._gaps),
                "analysed": self.timeline.end_seconds,
            },
        )

    def _put_bouts(self) -> None:
        min_seconds = self._settings.min_bout_seconds if self._settings else 0.0
        facts = self._bouts.facts(min_seconds)
        self._shortest_seconds = facts.shortest_seconds
        whole = sum(total.num_seconds for total in facts.totals) or 1.0
        rows = []
        for column, name in enumerate(self.timeline.columns.names):
            mine = facts.totals[column]
            if mine.num_bouts:
                share = mine.num_seconds / whole
                row = [name, column, mine.num_bouts, round(mine.num_seconds, 2), round(share, 4)]
                rows.append(row)
        notes = (text.settled(facts.settled_seconds), self._finality_note())
        note = " ".join(filter(None, notes))
        self.board.put("bouts", {"rows": sorted(rows, key=lambda row: -row[3]), "note": note})

    def set_settings(self, settings: StreamSettings) -> None:
        """Take over changed settings; bouts are counted anew."""
        self._settings = settings
        self.refresh(is_forced=True)

    def finish(self, *, is_over: bool = True) -> None:
        """Close what is open at the end of what can be read.

        Args:
            is_over: Nothing more will be seen: what is provisional stays as it was judged last.
        """
        self._keep(self._merger.flush())
        if is_over:
            self._settle()
        self.refresh(is_forced=True)

    def _settle(self) -> None:
        self._num_cut = len(self._waiting) or self._num_cut
        self._judge_anew(self._waiting.settle())
        newest, settings = self._newest, self._settings
        if newest is not None and settings is not None and not newest.is_final:
            self._newest = newest = replace(newest, is_final=True)
            self._put_now(newest, settings)
            self._put_memory(newest, settings)

    def _finality_note(self) -> str:
        """What of the predictions is counted; nothing to say where all are final at once."""
        if self._num_cut:
            return text.cut(self._num_cut)
        return text.counted(len(self._waiting)) if len(self._waiting) else ""

    def judged(self, playhead_seconds: float) -> float:
        """A time inside the newest clip where the playhead is its open end, which nobody judged."""
        newest, settings = self._newest, self._settings
        if newest is None or settings is None or playhead_seconds != newest.end_seconds:
            return playhead_seconds  # in real time, after a jump, before the first clip
        return max(newest.start_seconds, playhead_seconds - 0.5 / settings.fps)

    def said_at(self, seconds: float) -> dict[str, Any]:
        """What was predicted at a time, for the tag of a picture; empty where nothing was."""
        found = self.timeline.at(seconds)
        if found is None:
            return {}
        return {
            "label": self.timeline.columns.names[found.column],
            "probability": found.probability,
            "colour": found.column,
            "is_final": found.is_final,
        }


def _best(prediction: Prediction) -> int:
    return max(range(len(prediction.probabilities)), key=prediction.probabilities.__getitem__)


def _reading(prediction: Prediction) -> str:
    if prediction.wait_seconds < 0.005:
        return "reading beside it"
    return f"{prediction.wait_seconds:.2f} s waiting for the reader"
