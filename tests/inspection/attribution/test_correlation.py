import itertools

import pytest

from vidmem.inspection import ClipEffect, Score, attention_agreement, spearman


def brute_force(first, second):
    """Pearson's correlation of ranks counted by comparing every pair."""

    def ranks(values):
        return [
            sum(other < value for other in values)
            + (sum(other == value for other in values) + 1) / 2
            for value in values
        ]

    a, b = ranks(first), ranks(second)
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    bottom = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return top / bottom**0.5 if bottom else None


@pytest.mark.parametrize("first", list(itertools.product((0.1, 0.5, 2.0), repeat=4)))
def test_spearman_matches_its_definition_with_and_without_ties(first):
    for second in ([3, 1, 4, 2], [1, 1, 2, 2], [5, 5, 5, 5], [-1, 0, 0, 0]):
        want = brute_force(first, second)
        assert spearman(first, second) == (None if want is None else pytest.approx(want))


def test_order_alone_counts():
    assert spearman([1, 2, 3], [10, 1000, 1001]) == 1
    assert spearman([1, 2, 3, 4], [8, 4, 2, 1]) == -1


def test_there_is_none_for_fewer_than_three():
    assert spearman([], []) is None
    assert spearman([1, 2], [1, 2]) is None


def test_what_is_no_number_has_no_rank():
    with pytest.raises(ValueError, match="finite"):
        spearman([1, float("nan"), 2], [1, 2, 3])
    with pytest.raises(ValueError, match="got 2 and 3"):
        spearman([1, 2], [1, 2, 3])


def test_attention_is_held_against_movement_in_either_direction():
    score = Score(0.0)
    effects = [
        ClipEffect(clip=clip, score=score, without=Score(-effect))
        for clip, effect in {3: 0.1, 4: -2.0, 5: 1.0, 6: 9.0}.items()
    ]
    shares = {3: 0.1, 4: 0.6, 5: 0.2, 9: 0.1}  # 6 has no share, and 9 no effect
    assert attention_agreement(shares, effects) == 1
    assert attention_agreement({3: 0.5, 4: 0.5}, effects) is None
