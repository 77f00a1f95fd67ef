"""Predictions that are not final yet: a model that looks ahead judges them anew with each clip."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vidmem.streaming import Prediction


@dataclass(frozen=True)
class Settled:
    """A prediction that will not change any more."""

    prediction: Prediction
    first_label: str
    """What was said of its window when it was the newest."""


class Waiting:
    """The provisional predictions of a run, by the index of their window.

    What the newest prediction calls provisional is held and nothing else: as bounded as the window
    of the model.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Prediction] = {}
        self._first_labels: dict[int, str] = {}
        self.newest_settled: Settled | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def took(self, newest: Prediction) -> list[Prediction]:
        """Take the newest prediction.

        Returns:
            The windows that waited, as they are judged now, in their order. One that is not spoken
            of any more stays as it was judged last. Windows that did not wait here are left out:
            they are of a play that is over.
        """
        told = {one.index: one for one in newest.revised}
        judged = [told.get(index, replace(one, is_final=True)) for index, one in self._in_order()]
        self._take([*judged, replace(newest, revised=())])
        return judged

    def settle(self) -> list[Prediction]:
        """Nothing more will be seen: what waited stays as it was judged last."""
        judged = [replace(one, is_final=True) for _, one in self._in_order()]
        self._take(judged)
        return judged

    def _in_order(self) -> list[tuple[int, Prediction]]:
        return sorted(self._waiting.items())

    def _take(self, judged: list[Prediction]) -> None:
        first = {one.index: self._first_labels.get(one.index, one.label) for one in judged}
        settled = [one for one in judged if one.is_final]
        if settled:
            self.newest_settled = Settled(settled[-1], first[settled[-1].index])
        waiting = {one.index: one for one in judged if not one.is_final}
        self._first_labels = {index: first[index] for index in waiting}
        self._waiting = waiting  # as a whole: requests read it while the engine's thread takes
