import numpy as np
import pytest

from tests.conftest import make_tiny_model
from vidmem.data.barn import CLASS_NAMES, LOOK_ALIKES
from vidmem.evaluation.barn import UNSEEN_SEEDS, evaluate_barn, score_barn, scores_as_markdown
from vidmem.training.barn import BarnTraining

FED, DRANK = (CLASS_NAMES.index(name) for name in LOOK_ALIKES)


def certain(classes):
    """Probabilities of a model that is sure of these classes."""
    return np.eye(len(CLASS_NAMES))[np.array(classes)]


def test_a_perfect_model_scores_one_at_every_delay():
    labels = np.array([*range(len(CLASS_NAMES)), FED, DRANK])
    delays = np.where(np.isin(labels, [FED, DRANK]), np.arange(len(labels)) % 8 + 1, -1)
    scores = score_barn(labels, certain(labels), delays, 2, 8, 1)
    assert scores.visible_macro_f1 == scores.look_alike_macro_f1 == 1
    assert sum(delay.num_clips for delay in scores.by_delay) == 4
    assert all(delay.accuracy == 1 for delay in scores.by_delay if delay.num_clips)
    assert "| 2 | 1.000 | 1.000 | 1.000 |" in scores_as_markdown([scores])


def test_one_answer_for_both_look_alikes_is_chance():
    labels = np.array([FED, DRANK] * 5)
    scores = score_barn(labels, certain([FED] * 10), np.full(10, 3), 2, 8, 1)
    assert scores.look_alike_accuracy == 0.5
    assert scores.look_alike_macro_f1 < 0.5


def test_a_visible_error_lowers_only_the_visible_score():
    labels = np.array([0, 1, 2, 3, 4, 5, 6, FED, DRANK])
    predicted = labels.copy()
    predicted[0] = 1
    scores = score_barn(labels, certain(predicted), np.where(labels > 6, 1, -1), 2, 8, 1)
    assert scores.visible_macro_f1 < 1
    assert scores.look_alike_macro_f1 == 1


def test_training_never_sees_the_videos_of_the_evaluation():
    assert BarnTraining().num_videos < UNSEEN_SEEDS.start


def test_a_model_of_other_classes_is_refused():
    with pytest.raises(ValueError, match="barn's classes"):
        evaluate_barn(make_tiny_model(), l_mems=(4,))
