"""Predictions that are not final yet: a model that looks ahead judges them anew with each clip."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vidmem.streaming import Prediction


@dataclass(frozen=True)
class FinalPrediction:
    """A prediction that will not change any more."""

    prediction: Prediction
    first_labels: tuple[str, ...]
    """What its window was judged to be when it was the newest, on each axis."""


class ProvisionalPredictions:
    """The provisional predictions of a run, by the index of their window.

    It holds what the newest prediction calls provisional and nothing else: as bounded as the window
    of the model.
    """

    def __init__(self) -> None:
        self._provisional: dict[int, Prediction] = {}
        self._first_labels: dict[int, tuple[str, ...]] = {}
        self._cut: tuple[dict[int, Prediction], dict[int, tuple[str, ...]]] = ({}, {})
        self.newest_final: FinalPrediction | None = None

    def __len__(self) -> int:
        return len(self._provisional)

    def add_prediction(self, newest: Prediction) -> list[Prediction]:
        """Add the newest prediction.

        Returns:
            The windows that were provisional, as they are judged now, in order. One that the newest
            does not mention any more stays as it was judged last. Windows that were not provisional
            here are left out: they are of an earlier play.
        """
        revised = {one.index: one for one in newest.revised}
        judged = [revised.get(index, replace(one, is_final=True)) for index, one in self._ordered()]
        self._hold([*judged, replace(newest, revised=())])
        return judged

    def settle(self) -> list[Prediction]:
        """Make all final as they were judged last, since nothing more will be seen."""
        judged = [replace(one, is_final=True) for _, one in self._ordered()]
        self._cut = self._provisional, self._first_labels
        self._hold(judged)
        return judged

    def reopen(self) -> None:
        """Take back what `settle` did: the clips after these will be seen after all."""
        self._provisional, self._first_labels = self._cut

    def _ordered(self) -> list[tuple[int, Prediction]]:
        return sorted(self._provisional.items())

    def _hold(self, judged: list[Prediction]) -> None:
        first = {one.index: self._first_labels.get(one.index, one.labels) for one in judged}
        final = [one for one in judged if one.is_final]
        if final:
            self.newest_final = FinalPrediction(final[-1], first[final[-1].index])
        provisional = {one.index: one for one in judged if not one.is_final}
        self._first_labels = {index: first[index] for index in provisional}
        # In one assignment: requests read it while the engine's thread adds.
        self._provisional = provisional
