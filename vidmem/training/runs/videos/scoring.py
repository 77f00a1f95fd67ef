"""Scores of what a network says of samples or moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidmem.evaluation.metrics import (
    class_scores,
    confusion_matrix,
    macro_f1,
    mean_average_precision,
    top_share,
)


@dataclass(frozen=True)
class Predictions:
    """Probabilities beside the classes that are right."""

    probabilities: NDArray[np.float32]
    """`[N, C]`"""

    classes: NDArray[np.int64]
    """`[N]`"""

    def scores(self) -> dict[str, float]:
        """`top1` (accuracy), `top5`, `macro_f1` and `mean_average_precision`.

        Macro-F1 and mean average precision are over the classes that occur among `classes`.
        """
        is_there = np.bincount(self.classes, minlength=self.probabilities.shape[1]) > 0
        own = [
            one
            for one, there in zip(class_scores(self.confusion()), is_there, strict=True)
            if there
        ]
        return {
            "top1": top_share(self.probabilities, self.classes, 1),
            "top5": top_share(self.probabilities, self.classes, 5),
            "macro_f1": macro_f1(own),
            "mean_average_precision": mean_average_precision(self.probabilities, self.classes),
        }

    def confusion(self) -> NDArray[np.int64]:
        """Rows are classes, columns what was predicted, `[C, C]`."""
        predicted = self.probabilities.argmax(1)
        return confusion_matrix(self.classes, predicted, self.probabilities.shape[1])
