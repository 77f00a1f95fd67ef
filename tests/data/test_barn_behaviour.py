"""The schedule: exact, repeatable, and without a hint at which look-alike a rest is."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from vidmem.data.barn import CLASS_NAMES, LOOK_ALIKES, VISIBLE_CLASSES, BarnConfig, DrawnBout
from vidmem.data.barn.behaviour import majority_label, make_bouts, random_stream
from vidmem.data.barn.pen import make_layout
from vidmem.data.barn.places import Places

SEEDS = range(80)


def make_config(seed: int, minutes: float = 30.0) -> BarnConfig:
    return BarnConfig(minutes=minutes, seed=seed)


def bouts_between_visit_and(bouts: tuple[DrawnBout, ...], index: int) -> list[DrawnBout]:
    start = index
    while bouts[start - 1].place >= 0:
        start -= 1
    return list(bouts[start:index])


def all_rests() -> list[tuple[int, tuple[DrawnBout, ...], int]]:
    """Each rest of many videos: seed, bouts, and its index among them."""
    found = []
    for seed in SEEDS:
        bouts = make_bouts(make_config(seed))
        found += [(seed, bouts, i) for i, b in enumerate(bouts) if b.label in LOOK_ALIKES]
    return found


def rest_features(seed: int, bouts: tuple[DrawnBout, ...], index: int) -> list[float]:
    """What could be seen or counted of a rest and of all since the visit before."""
    rest, between = bouts[index], bouts_between_visit_and(bouts, index)
    place = Places(seed, make_layout(seed)).of(rest.place)
    decided = rest.deciding_seconds
    assert decided is not None
    counts = [sum(b.label == name for b in between) for name in VISIBLE_CLASSES]
    return [
        rest.end_seconds - rest.start_seconds,
        rest.start_seconds - decided,
        rest.start_seconds,
        place.x,
        place.y,
        math.cos(place.angle),
        math.sin(place.angle),
        place.side,
        between[-1].end_seconds - between[-1].start_seconds,
        len(between),
        *counts,
    ]


def test_class_names_are_the_visible_ones_and_two_look_alikes() -> None:
    assert len(VISIBLE_CLASSES) == 7
    assert len(LOOK_ALIKES) == 2
    assert (*VISIBLE_CLASSES, *LOOK_ALIKES) == CLASS_NAMES


def test_bouts_fill_the_video_without_gaps() -> None:
    for seed in range(10):
        bouts = make_bouts(make_config(seed, minutes=7.3))
        assert bouts[0].start_seconds == 0
        assert bouts[-1].end_seconds == 7.3 * 60
        for before, after in pairwise(bouts):
            assert before.end_seconds == after.start_seconds
            assert before.label != after.label


def test_same_seed_gives_same_bouts_and_another_seed_others() -> None:
    assert make_bouts(make_config(4)) == make_bouts(make_config(4))
    assert make_bouts(make_config(4)) != make_bouts(make_config(5))


def test_first_bouts_of_a_seed_stay_as_they_are() -> None:
    """Guards the promise across versions of Python and of this package."""
    bouts = make_bouts(make_config(0, minutes=2))
    assert random_stream(0, "kinds").random() == pytest.approx(0.2763126673, abs=1e-9)
    assert [(b.label, b.start_seconds) for b in bouts[:5]] == [
        ("walking", 0.0),
        ("feeding", 10.594),
        ("walking", 27.058),
        ("nursing", 37.742),
        ("walking", 50.838),
    ]


def test_a_longer_video_starts_like_a_shorter_one() -> None:
    short, long = make_bouts(make_config(6, minutes=5)), make_bouts(make_config(6, minutes=10))
    assert long[: len(short) - 1] == short[:-1]


def test_visible_bouts_last_long_enough_to_be_seen() -> None:
    for seed in range(20):
        for bout in make_bouts(make_config(seed))[:-1]:
            shortest = 6 if bout.label == "walking" else 8
            assert bout.end_seconds - bout.start_seconds >= shortest - 1e-3


def test_every_label_has_its_share_of_the_time() -> None:
    seconds = dict.fromkeys(CLASS_NAMES, 0.0)
    for seed in SEEDS:
        for bout in make_bouts(make_config(seed)):
            seconds[bout.label] += bout.end_seconds - bout.start_seconds
    shares = {name: value / sum(seconds.values()) for name, value in seconds.items()}
    assert min(shares.values()) > 0.06
    for name in LOOK_ALIKES:
        assert 0.07 < shares[name] < 0.12


def test_no_rest_before_a_visit_and_each_rest_knows_the_last_visit() -> None:
    for seed in SEEDS:
        visit: DrawnBout | None = None
        for bout in make_bouts(make_config(seed)):
            if bout.label in ("feeding", "drinking"):
                visit = bout
            assert (bout.deciding_seconds is not None) == (bout.label in LOOK_ALIKES)
            if bout.deciding_seconds is not None:
                assert visit is not None
                assert bout.label == f"resting after {visit.label}"
                assert bout.deciding_seconds == visit.end_seconds


def test_first_visit_comes_early() -> None:
    for seed in SEEDS:
        bouts = make_bouts(make_config(seed))
        assert next(b for b in bouts if b.place < 0 and b.label != "walking").start_seconds < 20


def test_something_else_happens_between_the_visit_and_a_rest() -> None:
    for _, bouts, index in all_rests():
        assert bouts_between_visit_and(bouts, index)


def test_swapping_the_visits_swaps_the_look_alikes_and_moves_nothing_else() -> None:
    swap = {"feeding": "drinking", "drinking": "feeding"}
    swap |= {f"resting after {a}": f"resting after {b}" for a, b in swap.items()}
    for seed in range(20):
        plain = make_bouts(make_config(seed))
        swapped = make_bouts(make_config(seed), swap_visits=True)
        for a, b in zip(plain, swapped, strict=True):
            assert b.label == swap.get(a.label, a.label)
            place = a.place if a.place >= 0 else -3 - a.place
            assert b == replace(a, label=b.label, place=place)


def test_delays_from_visit_to_rest_spread_over_forty_clips() -> None:
    delays = []
    for _, bouts, index in all_rests():
        rest = bouts[index]
        decided = rest.deciding_seconds
        assert decided is not None
        times = np.arange(rest.start_seconds + 2, rest.end_seconds, 4)
        delays.extend((times - decided) / 4)
    shares = np.histogram(delays, bins=[0, 4, 8, 16, 24, 32, 40, 70])[0] / len(delays)
    assert shares.min() > 0.05
    assert shares.max() < 0.30


def test_nothing_countable_tells_the_look_alikes_apart() -> None:
    """A classifier on duration, place, delay and bouts between stays at chance on unseen seeds."""
    rests = all_rests()
    features = np.array([rest_features(*rest) for rest in rests])
    targets = np.array([bouts[i].label == LOOK_ALIKES[0] for _, bouts, i in rests], float)
    visits = len({(seed, bouts[i].deciding_seconds) for seed, bouts, i in rests})
    assert abs(targets.mean() - 0.5) < 2.5 / math.sqrt(visits)
    features = (features - features.mean(0)) / features.std(0).clip(1e-9)
    features = np.hstack([features, features**2, np.ones((len(features), 1))])
    train = np.array([seed % 2 == 0 for seed, _, _ in rests])
    ridge = 10 * np.eye(features.shape[1])
    gram = features[train].T @ features[train] + ridge
    weights = np.linalg.solve(gram, features[train].T @ (targets[train] - 0.5))
    correct = (features[~train] @ weights > 0) == (targets[~train] > 0.5)
    # Rests after one visit share their label, so visits count, not rests: about 400 in this half.
    assert abs(correct.mean() - 0.5) < 3 * 0.5 / math.sqrt(visits / 2)


def test_majority_label_takes_the_longest_and_says_its_share() -> None:
    bouts = [
        DrawnBout(start_seconds=0, end_seconds=5, label="standing"),
        DrawnBout(start_seconds=5, end_seconds=9, label="walking"),
    ]
    assert majority_label(bouts, 4, 8) == ("walking", 0.75)
    assert majority_label(bouts, 3, 7) == ("standing", 0.5)
    with pytest.raises(ValueError, match="no bout between"):
        majority_label(bouts, 9, 10)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("minutes", 0, "at most 1440"),
        ("pace", 0.01, "real time"),
        ("light", "dusk", '"auto", "day" or "night"'),
        ("light_seconds", 1, "at least 5"),
        ("visit_gap_minutes", (3, 2), "must rise"),
    ],
)
def test_impossible_settings_fail_clearly(field, value, message) -> None:
    with pytest.raises(ValueError, match=message):
        replace(BarnConfig(), **{field: value})


def test_pace_one_is_slower() -> None:
    slow = make_bouts(BarnConfig(minutes=120, seed=2, pace=1))
    fast = make_bouts(BarnConfig(minutes=120, seed=2))
    assert len(fast) > 5 * len(slow)
