import numpy as np
import pytest

from vidmem.evaluation.metrics import class_scores, confusion_matrix, macro_f1


def test_confusion_counts_labels_in_rows():
    matrix = confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]


def test_scores_are_the_textbooks():
    first, second, third = class_scores(np.array([[1, 1, 0], [0, 1, 0], [0, 1, 0]]))
    assert (first.precision, first.recall) == (1.0, 0.5)
    assert first.f1 == pytest.approx(2 / 3)
    assert (second.precision, second.recall) == (pytest.approx(1 / 3), 1.0)
    assert (third.f1, third.support) == (0.0, 1)
    assert macro_f1([first, second, third]) == pytest.approx((2 / 3 + 1 / 2) / 3)
