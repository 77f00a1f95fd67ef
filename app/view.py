"""What a page shows of a run: predictions in, sections of the board out."""

from __future__ import annotations

import time
from typing import Any

from app import text
from app.board import Board
from app.bouts import BoutBook
from app.costs import CostMeter
from app.pacing import SpeedMeter
from app.strip import Clip, MemoryStrip, thumbnail
from app.timeline import MAX_COLUMNS, Timeline
from vidmem.streaming import MomentScore, Prediction, ScoreMerger, StreamSettings

MAX_CLASSES_SHOWN = 8
MAX_GAPS = 200
REFRESH_SECONDS = 0.4


class RunView:
    """Takes each prediction as it comes (the engine's thread), keeps what can be asked for later.

    What costs something to work out is worked out when a page asks (`refresh`), so a run that
    nobody looks at costs its model alone.
    """

    def __init__(self, board: Board, class_names: tuple[str, ...], epoch: int = 0) -> None:
        self.board = board
        self.epoch = epoch
        self.class_names = class_names
        self.timeline = Timeline(class_names)
        self.strip = MemoryStrip()
        self.meter = SpeedMeter()
        self._merger = ScoreMerger()
        self._bouts = BoutBook(MAX_COLUMNS)
        self._bridge_seconds = 0.0
        self._costs = CostMeter()
        self._started = time.monotonic()
        self._gaps: list[tuple[float, float]] = []
        self._newest: Prediction | None = None
        self._settings: StreamSettings | None = None
        self._is_dirty = False
        self._refreshed = 0.0
        self._shortest_seconds: float | None = None

    @property
    def newest(self) -> Prediction | None:
        """The newest prediction."""
        return self._newest

    def took(self, prediction: Prediction, pixels: Any, settings: StreamSettings) -> None:
        """Show a prediction."""
        self._settings = settings
        best = max(range(len(prediction.probabilities)), key=prediction.probabilities.__getitem__)
        self._draw(prediction, best, settings)
        column = self.timeline.columns.known(best)
        is_shown = prediction.l_mem > 0  # without memory there is no slot for it
        middle = thumbnail(pixels[len(pixels) // 2]) if is_shown and pixels is not None else None
        clip = Clip(
            start=prediction.start_seconds, end=prediction.end_seconds, column=column, jpeg=middle
        )
        self.strip.took(prediction.index, clip, prediction.remembered)
        if prediction.restarted:
            self.meter.restart()
        self.meter.took(prediction.end_seconds)
        self._costs.took(time.monotonic() - self._started, prediction.process_bytes)
        self._gaps += [(gap.start_seconds, gap.end_seconds) for gap in prediction.gaps]
        del self._gaps[:-MAX_GAPS]
        self._newest = prediction
        self._is_dirty = True
        self.board.put("now", self._now(prediction, column, settings))
        self._put_memory(prediction)

    def _draw(self, prediction: Prediction, best: int, settings: StreamSettings) -> None:
        """Put a prediction on the timeline: overlapping windows as the mean over each moment."""
        # A hole shorter than a sampling interval is none: nothing was sampled in it.
        self._bridge_seconds = settings.unseen_seconds + 1 / settings.fps
        moments = self._merger.add(prediction)
        stride = settings.seconds_between_predictions
        if stride >= settings.seconds_per_clip - 1e-9:
            moments += self._merger.flush()  # no later window looks at these moments too
        self._keep(moments)
        start, end = prediction.start_seconds, prediction.end_seconds
        reached = self.timeline.end_seconds
        start = max(start, reached) if reached < end else end - stride
        while start < end - 1e-6 and self._merger.num_open:  # not final yet: drawn, not counted
            piece = min(start + stride, end)
            self.timeline.add(start, piece, best, prediction.probabilities)
            start = piece

    def _keep(self, moments: list[MomentScore]) -> None:
        for moment in moments:
            start, end = moment.start_seconds, moment.end_seconds
            self.timeline.add(start, end, moment.best_class, moment.probabilities)
            column = self.timeline.columns.known(moment.best_class)
            self._bouts.add(start, end, column, self._bridge_seconds)

    def _now(self, prediction: Prediction, column: int, settings: StreamSettings) -> dict[str, Any]:
        order = range(len(self.class_names))
        if len(self.class_names) > MAX_CLASSES_SHOWN + 4:
            ranked = sorted(order, key=prediction.probabilities.__getitem__, reverse=True)
            order = ranked[:MAX_CLASSES_SHOWN]
        known = self.timeline.columns.known
        return {
            "index": prediction.index,
            "label": prediction.label,
            "colour": column,
            "probability": prediction.probability,
            "start_seconds": prediction.start_seconds,
            "end_seconds": prediction.end_seconds,
            "classes": [
                [self.class_names[i], known(i), round(prediction.probabilities[i], 4)]
                for i in order
            ],
            "facts": self._facts(prediction, settings),
        }

    def _facts(self, prediction: Prediction, settings: StreamSettings) -> list[list[str]]:
        span = self.strip.span()
        seconds = prediction.end_seconds - span[0] if span else 0.0
        clips = f"{prediction.num_remembered} of {prediction.l_mem} clips"
        remembers = f"{clips} · back {text.span(seconds)}" if span else "nothing yet"
        facts = [
            ["remembers", remembers if prediction.l_mem else "nothing: memory is off"],
            ["this clip took", f"{prediction.model_seconds:.2f} s model, {_reading(prediction)}"],
            ["state", f"{text.mebibytes(prediction.state_bytes)}, the same at every clip"],
        ]
        if self._shortest_seconds is not None:
            facts.insert(1, ["shortest bout so far", text.span(self._shortest_seconds)])
        if prediction.num_real_frames < settings.clip_frames:
            padded = f"{prediction.num_real_frames} of {settings.clip_frames} frames are real"
            facts.append(["last clip", padded])
        return facts

    def _put_memory(self, prediction: Prediction) -> None:
        self.board.put(
            "memory",
            {
                "l_mem": prediction.l_mem,
                "slots": self.strip.slots(),
                "now_seconds": prediction.end_seconds,
                "note": text.evicted(self.strip.num_evicted()) if prediction.l_mem else "",
            },
        )

    def refresh(self, *, is_forced: bool = False) -> None:
        """Work out what is derived, for a page that asks; at most every `REFRESH_SECONDS`."""
        now = time.monotonic()
        if not is_forced and (not self._is_dirty or now - self._refreshed < REFRESH_SECONDS):
            return
        self._is_dirty, self._refreshed = False, now
        self._put_timeline()
        self._put_bouts()
        self._put_costs()

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
        note = text.settled(facts.settled_seconds)
        self.board.put("bouts", {"rows": sorted(rows, key=lambda row: -row[3]), "note": note})

    def _put_costs(self) -> None:
        curve = self._costs.curve()
        note = ""
        if self._newest and curve.mib:
            state = text.mebibytes(self._newest.state_bytes)
            note = f"{curve.mib[-1]:.0f} MiB · {text.slope(curve.mib_per_hour)} · state {state}"
        self.board.put("cost", {"seconds": curve.seconds, "mib": curve.mib, "note": note})

    def set_settings(self, settings: StreamSettings) -> None:
        """Take over changed settings; bouts are counted anew."""
        self._settings = settings
        self.refresh(is_forced=True)

    def finish(self) -> None:
        """Close what is open at the end of the video."""
        self._keep(self._merger.flush())
        self.refresh(is_forced=True)

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
        column, probability = found
        label = self.timeline.columns.names[column]
        return {"label": label, "probability": probability, "colour": column}


def _reading(prediction: Prediction) -> str:
    if prediction.wait_seconds < 0.005:
        return "reading beside it"
    return f"{prediction.wait_seconds:.2f} s waiting for the reader"
