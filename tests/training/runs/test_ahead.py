"""Batches made ahead are those that are asked for."""

import pytest

from vidmem.training.runs.ahead import Batches
from vidmem.training.runs.kinds import Draw


class Recorder:
    """A task that notes what it was asked for."""

    def __init__(self):
        self.asked = []

    def batch(self, draw):
        self.asked.append((draw.step, draw.part))
        if draw.step == 9:
            raise ValueError("no such step")
        return draw.step, draw.part


def draw(step, part):
    return Draw(seed=0, step=step, part=part, num_parts=4, size=1)


def test_each_is_made_once_and_none_behind_the_last_step():
    task = Recorder()
    batches = Batches(task, is_ahead=True, own_parts=[1, 3], num_steps=3)
    order = [(step, part) for step in range(3) for part in (1, 3)]
    assert [batches.batch(draw(*place)) for place in order] == order
    batches.close()
    assert task.asked == order


def test_after_a_leap_it_is_the_one_that_was_asked_for():
    task = Recorder()
    batches = Batches(task, is_ahead=True, own_parts=[0], num_steps=20)
    assert [batches.batch(draw(step, 0)) for step in (0, 5, 6)] == [(0, 0), (5, 0), (6, 0)]
    batches.close()


@pytest.mark.parametrize("is_ahead", [True, False])
def test_what_goes_wrong_is_raised_where_it_is_asked_for(is_ahead):
    batches = Batches(Recorder(), is_ahead=is_ahead, own_parts=[0], num_steps=20)
    assert batches.batch(draw(8, 0)) == (8, 0)
    with pytest.raises(ValueError, match="no such step"):
        batches.batch(draw(9, 0))
    batches.close()
