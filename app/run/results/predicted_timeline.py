"""The predictions of a video so far: on a timeline, in bouts, with gaps and speed."""

from __future__ import annotations

from collections.abc import Sequence

from app.run.pacing import SpeedMeter
from app.run.results.bouts import BoutBook
from app.run.results.provisional import FinalPrediction, ProvisionalPredictions
from app.run.results.timeline import MAX_POINTS, Columns, Timeline
from vidmem.streaming import (
    MomentScore,
    Prediction,
    ScoreMerger,
    StreamSettings,
    best_classes,
)

MAX_GAPS = 200


class PredictedTimeline:
    """Puts each prediction where it belongs, provisional ones again with every clip.

    A provisional prediction is drawn as it was judged last, and counts in no bout until it is
    final. Where windows overlap, the mean over each moment counts. One thread adds.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        max_points: int = MAX_POINTS,
        columns: Columns | None = None,
        bouts: Sequence[BoutBook] = (),
    ) -> None:
        """Begin with nothing.

        Args:
            class_names: Of the model.
            max_points: Of the timeline; see there.
            columns: Shared with other timelines, so that a class has one colour.
            bouts: Where final moments are counted, one for each axis; empty: nowhere.
        """
        self.timeline = Timeline(class_names, max_points, columns)
        self.meter = SpeedMeter()
        self.gaps: list[tuple[float, float, str]] = []
        self._bouts = bouts
        self._merger = ScoreMerger()
        self._provisional = ProvisionalPredictions()
        self.bridge_seconds = 0.0
        """A hole up to so long is no gap: nothing is sampled within it."""

    @property
    def num_provisional(self) -> int:
        """Predictions that are not final yet."""
        return len(self._provisional)

    @property
    def newest_final(self) -> FinalPrediction | None:
        """The newest prediction that will not change any more."""
        return self._provisional.newest_final

    def add_prediction(self, prediction: Prediction, settings: StreamSettings) -> list[Prediction]:
        """Add the newest prediction, and its new judgements of windows before it.

        Returns:
            Those windows, as they are judged now.
        """
        if prediction.restarted:
            self.meter.restart()
        self.meter.add_clip(prediction.end_seconds)
        self.gaps += [(gap.start_seconds, gap.end_seconds, gap.reason) for gap in prediction.gaps]
        del self.gaps[:-MAX_GAPS]
        self.bridge_seconds = settings.unseen_seconds + 1 / settings.fps
        revised = self._provisional.add_prediction(prediction)
        self._revise(revised)
        if prediction.is_final:
            self._draw_final(prediction, settings)
        else:
            # Windows that are still open are of the model before: those of a model that looks ahead
            # do not overlap.
            self.flush()
            self._draw_provisional(prediction)
        return revised

    def flush(self) -> None:
        """Count the moments that later windows might have seen too: none of them will come."""
        self._count(self._merger.flush())

    def settle(self) -> list[Prediction]:
        """Make final what is provisional, since nothing more will be seen; returns it."""
        revised = self._provisional.settle()
        self._revise(revised)
        return revised

    def reopen(self) -> None:
        """Let what `settle` made final be judged anew: the video is watched further after all."""
        self._provisional.reopen()
        self.meter.restart()

    def _revise(self, predictions: list[Prediction]) -> None:
        for one in predictions:
            if not one.is_final:
                self._draw_provisional(one)
                continue
            moment = MomentScore(
                start_seconds=one.start_seconds,
                end_seconds=one.end_seconds,
                probabilities=one.probabilities,
                num_windows=1,
            )
            self._count([moment])

    def _draw_provisional(self, one: Prediction) -> None:
        self.timeline.add(
            one.start_seconds, one.end_seconds, best_class(one), one.probabilities, is_final=False
        )

    def _draw_final(self, prediction: Prediction, settings: StreamSettings) -> None:
        moments = self._merger.add(prediction)
        stride = settings.seconds_between_predictions
        if stride >= settings.seconds_per_clip - 1e-9:
            moments += self._merger.flush()  # no later window sees these moments too
        self._count(moments)
        # What later windows will see too is drawn already, and counted once they have.
        start, end = prediction.start_seconds, prediction.end_seconds
        reached = self.timeline.end_seconds
        start = max(start, reached) if reached < end else end - stride
        while start < end - 1e-6 and self._merger.num_open:
            piece = min(start + stride, end)
            self.timeline.add(start, piece, best_class(prediction), prediction.probabilities)
            start = piece

    def _count(self, moments: list[MomentScore]) -> None:
        for moment in moments:
            start, end = moment.start_seconds, moment.end_seconds
            columns = self.timeline.columns
            best = best_classes(moment.probabilities, columns.axes)
            self.timeline.add(start, end, best[0], moment.probabilities)
            for book, index in zip(self._bouts, best, strict=False):
                book.add(start, end, columns.known(index), self.bridge_seconds)


def best_class(prediction: Prediction) -> int:
    """The index of the likeliest class, of the first axis."""
    return prediction.best_classes[0]
