import pytest
import torch

from vidmem.nn.memory import MemoryAttention, MemoryQueue, age_bucket

M, D = 3, 4


def empty(batch=2, l_mem=4, anchors=0):
    return MemoryQueue.empty(batch, l_mem, (M, D), like=torch.zeros(1), anchors=anchors)


def push(queue, clip, is_write=None):
    """Push a clip whose tokens are its number."""
    batch = len(queue.tokens)
    clips = torch.full((batch,), clip)
    return queue.push(
        torch.full((batch, M, D), float(clip)),
        clips,
        torch.stack([clips, clips + 1], 1).double(),
        torch.ones(batch, dtype=torch.bool) if is_write is None else torch.tensor(is_write),
    )


def test_the_last_l_mem_clips_remain_oldest_first():
    queue = empty()
    for clip in range(11):
        queue = push(queue, clip)
    assert queue.slot_clips.tolist() == [[7, 8, 9, 10]] * 2
    assert queue.tokens[:, :, 0, 0].tolist() == [[7.0, 8.0, 9.0, 10.0]] * 2
    assert queue.slot_seconds[0, 0].tolist() == [7.0, 8.0]


def test_push_leaves_the_old_queue_as_it_was():
    before = push(empty(), 0)
    tokens = before.tokens.clone()
    push(before, 1)
    assert torch.equal(before.tokens, tokens)
    assert before.num_clips.tolist() == [1, 1]


def test_bytes_do_not_depend_on_how_full_it_is():
    queue = empty()
    sizes = set()
    for clip in range(9):
        sizes.add(queue.num_bytes)
        queue = push(queue, clip)
    assert len(sizes) == 1


def test_streams_of_different_age_share_a_batch():
    queue = push(push(empty(), 0, [True, False]), 1)
    assert queue.num_clips.tolist() == [2, 1]
    assert queue.slot_clips.tolist() == [[-1, -1, 0, 1], [-1, -1, -1, 1]]


def test_anchors_are_never_evicted():
    queue = empty(anchors=2)
    for clip in range(10):
        queue = push(queue, clip)
    assert queue.slot_clips[0].tolist() == [0, 1, 8, 9]
    assert queue.resized(3).slot_clips[0].tolist() == [0, 1, 9]


def test_later_clips_do_not_become_anchors_when_room_is_made_for_them():
    queue = empty(anchors=2)
    for clip in range(10):
        queue = push(queue, clip)
    without, with_one = queue.resized(0).resized(4), queue.resized(2).resized(4)
    for clip in range(10, 20):
        without, with_one = push(without, clip), push(with_one, clip)
    assert without.slot_clips[0].tolist() == [16, 17, 18, 19]
    assert with_one.slot_clips[0].tolist() == [0, 17, 18, 19]


def test_the_newest_clip_finds_room_beside_too_many_anchors():
    queue = empty(anchors=9)
    for clip in range(6):
        queue = push(queue, clip)
    assert queue.slot_clips[0].tolist() == [0, 1, 2, 5]
    assert queue.resized(3).slot_clips[0].tolist() == [0, 1, 5]
    assert queue.resized(1).slot_clips[0].tolist() == [5]


def test_each_stream_of_a_batch_has_its_own_anchors():
    queue = empty(anchors=1)
    for clip in range(8):  # the second stream misses its first clip
        queue = push(queue, clip, [True, clip > 0])
    assert queue.slot_clips.tolist() == [[0, 5, 6, 7], [4, 5, 6, 7]]


@pytest.mark.parametrize(("l_mem", "want"), [(0, []), (2, [4, 5]), (6, [-1, -1, 2, 3, 4, 5])])
def test_resizing_keeps_the_newest(l_mem, want):
    queue = empty()
    for clip in range(6):
        queue = push(queue, clip)
    resized = queue.resized(l_mem)
    assert resized.slot_clips[0].tolist() == want
    assert resized.tokens[0, :, 0, 0].tolist() == [max(0, w) for w in want]
    if l_mem:
        assert push(resized, 6).slot_clips[0, -1] == 6


def test_select_takes_rows():
    queue = push(push(empty(), 0, [True, False]), 1)
    assert queue.select(torch.tensor([1])).slot_clips.tolist() == [[-1, -1, -1, 1]]


def test_ages_are_exact_when_young_and_bounded_when_old():
    ages = torch.tensor([1, 2, 31, 40, 400, 21_600, 10**9])
    buckets = age_bucket(ages, 64)
    assert buckets[:3].tolist() == [1, 2, 31]
    assert buckets.tolist() == sorted(buckets.tolist())
    assert buckets.max() == 63


def make_attention():
    torch.manual_seed(1)
    attention = MemoryAttention(D * 2, num_heads=2)
    torch.nn.init.normal_(attention.age.weight)
    torch.nn.init.ones_(attention.gate)
    return attention


def test_cached_keys_and_values_equal_re_projected_tokens():
    attention = make_attention()
    raw = MemoryQueue.empty(2, 3, (M, 2 * D), like=torch.zeros(1))
    cached = MemoryQueue.empty(2, 3, (M, 4 * D), like=torch.zeros(1))
    for clip in range(5):
        tokens = torch.randn(2, M, 2 * D)
        clips, seconds = torch.full((2,), clip), torch.zeros(2, 2)
        written = torch.tensor([True, clip % 2 == 0])
        raw = raw.push(tokens, clips, seconds, written)
        cached = cached.push(attention.project(tokens), clips, seconds, written)
    now, x = torch.full((2,), 5), torch.randn(2, 7, 2 * D)
    want = attention(x, attention.keys_values(raw, now, is_projected=False))
    got = attention(x, attention.keys_values(cached, now, is_projected=True))
    torch.testing.assert_close(got, want)


@torch.no_grad()
def test_what_is_read_is_gate_times_attention_over_normed_memory_and_the_no_memory_token():
    attention = make_attention()
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter)
    queue = MemoryQueue.empty(1, 4, (M, 2 * D), like=torch.zeros(1))
    remembered = torch.randn(2, M, 2 * D)
    for clip, tokens in enumerate(remembered):
        queue = queue.push(
            tokens[None], torch.tensor([clip]), torch.zeros(1, 2), torch.ones(1).bool()
        )
    x = torch.randn(1, 5, 2 * D)
    got = attention(x, attention.keys_values(queue, torch.tensor([2]), is_projected=False))

    normed = attention.memory_norm(torch.cat([attention.no_memory[None], *remembered]))
    ages = attention.age(torch.tensor([2] * M + [1] * M))
    keys = attention.key(normed) + torch.cat([torch.zeros(1, 2 * D), ages])
    values, queries = attention.value(normed), attention.query(attention.norm(x[0]))
    heads = []
    for columns in (slice(0, D), slice(D, 2 * D)):
        scores = queries[:, columns] @ keys[:, columns].T / D**0.5
        heads.append(scores.softmax(-1) @ values[:, columns])
    want = attention.gate * attention.proj(torch.cat(heads, -1))
    torch.testing.assert_close(got[0], want)


@pytest.mark.parametrize("is_projected", [False, True])
def test_a_queue_of_another_dtype_is_read(is_projected):
    attention = make_attention()
    width = (4 if is_projected else 2) * D
    queue = MemoryQueue.empty(2, 3, (M, width), like=torch.zeros(1))
    now, x = torch.ones(2, dtype=torch.long), torch.randn(2, 7, 2 * D)
    queue = queue.push(torch.randn(2, M, width), now - 1, torch.zeros(2, 2), now > 0)
    want = attention(x, attention.keys_values(queue, now, is_projected=is_projected))
    attention.bfloat16()
    got = attention(x.bfloat16(), attention.keys_values(queue, now, is_projected=is_projected))
    torch.testing.assert_close(got.float(), want, rtol=0.05, atol=0.05)


def test_empty_slots_add_nothing():
    attention = make_attention()
    small = MemoryQueue.empty(2, 2, (M, 2 * D), like=torch.zeros(1))
    large = MemoryQueue.empty(2, 9, (M, 2 * D), like=torch.zeros(1))
    tokens, clips = torch.randn(2, M, 2 * D), torch.zeros(2, dtype=torch.long)
    written = torch.tensor([True, False])
    x, now = torch.randn(2, 5, 2 * D), torch.ones(2, dtype=torch.long)
    results = [
        attention(
            x,
            attention.keys_values(
                queue.push(tokens, clips, torch.zeros(2, 2), written), now, is_projected=False
            ),
        )
        for queue in (small, large)
    ]
    torch.testing.assert_close(*results)


def test_age_counts_from_now():
    attention = make_attention()
    queue = MemoryQueue.empty(1, 4, (M, 2 * D), like=torch.zeros(1))
    tokens, written = torch.randn(1, M, 2 * D), torch.tensor([True])
    x = torch.randn(1, 5, 2 * D)

    def read(clip, now):
        pushed = queue.push(tokens, torch.tensor([clip]), torch.zeros(1, 2), written)
        memory = attention.keys_values(pushed, torch.tensor([now]), is_projected=False)
        return attention(x, memory)

    torch.testing.assert_close(read(0, 3), read(1000, 1003))
    assert not torch.allclose(read(0, 3), read(0, 5))
