"""Who is judged next, as properties of a simulated pool: no threads, no clock but a number."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from vidmem.streaming.pool.schedule import WaitingClip, batch_limit, next_batch, next_look_seconds


def clip(stream_id, due_seconds, key="a", turn=None):
    turn = int(due_seconds) if turn is None else turn
    return WaitingClip(stream_id=stream_id, batch_key=key, turn=turn, due_seconds=due_seconds)


def names(batch):
    return [one.stream_id for one in batch]


def test_a_clip_waits_for_others_until_it_is_due():
    waiting = [clip("a", 5.0), clip("b", 6.0)]
    assert next_batch(waiting, now_seconds=4.0, coming_until_seconds=9.0, max_batch=4) == []
    batch = next_batch(waiting, now_seconds=5.0, coming_until_seconds=9.0, max_batch=4)
    assert names(batch) == ["a", "b"]


def test_nobody_waits_where_nobody_is_about_to_come():
    assert names(next_batch([clip("a", 5.0)], now_seconds=1.0, max_batch=4)) == ["a"]
    batch = next_batch([clip("a", 5.0)], now_seconds=1.0, coming_until_seconds=0.5, max_batch=4)
    assert names(batch) == ["a"]


def test_a_full_batch_goes_at_once_but_not_before_one_that_is_due():
    waiting = [clip("odd", 5.0, "b"), *(clip(str(n), 6.0 + n) for n in range(5))]
    full = next_batch(waiting, now_seconds=4.0, coming_until_seconds=9.0, max_batch=3)
    assert names(full) == ["0", "1", "2"]
    due = next_batch(waiting, now_seconds=5.0, coming_until_seconds=9.0, max_batch=3)
    assert names(due) == ["odd"]


def test_only_clips_of_one_kind_share_a_batch():
    waiting = [clip("a", 1.0, "x"), clip("b", 2.0, "y"), clip("c", 3.0, "x")]
    assert names(next_batch(waiting, now_seconds=9.0, max_batch=8)) == ["a", "c"]


def test_the_next_look_is_when_something_changes():
    assert next_look_seconds([], 3.0) == math.inf
    assert next_look_seconds([clip("a", 5.0), clip("b", 4.0)], 9.0) == 4.0
    assert next_look_seconds([clip("a", 5.0)], 3.0) == 3.0


def test_half_of_the_streams_are_read_while_the_others_are_judged():
    assert [batch_limit(n, 8) for n in (1, 2, 3, 4, 5, 8, 15, 16, 100)] == [
        *(1, 2, 3, 2, 3, 4, 8, 8, 8)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_nobody_starves_whatever_the_others_do(seed):
    """Streams of many kinds that come back at random: each is judged within as many batches."""
    turns = itertools.count()
    chance = random.Random(seed)
    num_streams, max_batch = chance.randint(2, 12), chance.randint(1, 6)
    keys = {str(n): chance.choice("xyz") for n in range(num_streams)}
    last_turn = {name: next(turns) for name in keys}
    waiting, passed_over, done = {}, dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)
    for now in range(600):
        for name in keys.keys() - waiting.keys():
            if chance.random() < 0.8:
                waiting[name] = clip(name, now + chance.random(), keys[name], last_turn[name])
        coming = now + chance.choice([-1, 1])
        batch = next_batch(
            list(waiting.values()),
            now_seconds=now,
            coming_until_seconds=coming,
            max_batch=max_batch,
        )
        assert len(batch) <= max_batch
        assert len({one.batch_key for one in batch}) <= 1
        for one in batch:
            del waiting[one.stream_id]
            passed_over[one.stream_id] = 0
            last_turn[one.stream_id] = next(turns)
            done[one.stream_id] += 1
        if batch:
            for name in waiting:
                passed_over[name] += 1
        assert max(passed_over.values()) <= num_streams + 2
    assert min(done.values()) > 600 / (num_streams + 5)


@pytest.mark.parametrize("max_batch", [1, 3, 5, 7])
def test_streams_of_one_kind_take_turns_in_whatever_order_they_come_back(max_batch):
    chance = random.Random(0)
    waiting = {str(n): clip(str(n), 0.0, turn=n) for n in range(7)}
    done = dict.fromkeys(waiting, 0)
    for turn in range(0, 1000, 10):
        batch = next_batch(list(waiting.values()), now_seconds=1e9, max_batch=max_batch)
        for number, one in enumerate(batch):
            done[one.stream_id] += 1
            due_seconds = turn + chance.random()
            waiting[one.stream_id] = clip(one.stream_id, due_seconds, turn=100 + turn + number)
        assert max(done.values()) - min(done.values()) <= 1
