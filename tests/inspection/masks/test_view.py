import itertools
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

from vidmem.errors import SettingError
from vidmem.inspection import (
    BandMaskSpec,
    ContextMaskSpec,
    CustomMaskSpec,
    FrameLayout,
    MemoryHistorySpec,
    MemoryMaskSpec,
    SpoolMaskSpec,
    WindowMaskSpec,
    view_mask,
)
from vidmem.inspection.masks.frames import DIRECTIONS
from vidmem.inspection.masks.memory import remembered_clips
from vidmem.inspection.masks.spec import TIMES
from vidmem.nn.masks import CONTEXT_SCOPES, mask_matrix
from vidmem.nn.memory import MemoryQueue


def make_layout(**changes):
    settings = {
        "num_frames": 5,
        "tokens_per_frame": 3,
        "local_frame_range": 2,
        "num_lookback_heads": 1,
        "num_heads": 2,
    }
    return FrameLayout(**(settings | changes))


def causal(b, h, q_idx, kv_idx):
    return q_idx >= kv_idx


def blind_in_the_middle(b, h, q_idx, kv_idx):
    return (q_idx >= kv_idx) & (q_idx != 2) & ~((q_idx >= 5) & (q_idx < 9))


LAYOUTS = [
    make_layout(local_frame_range=reach, context_scope=scope)
    for reach in (0, 2, 9)
    for scope in CONTEXT_SCOPES
]
SPECS = [
    *(BandMaskSpec(direction=d, num_frames=6, tokens_per_frame=2) for d in DIRECTIONS),
    *(SpoolMaskSpec(layout=layout) for layout in LAYOUTS),
    SpoolMaskSpec(layout=make_layout(has_context_frames=False)),
    *(ContextMaskSpec(layout=layout) for layout in LAYOUTS),
    WindowMaskSpec(size=(2, 5, 6), attention_window=(2, 4, 4), shift=(0, 0, 0)),
    *(
        WindowMaskSpec(size=(3, 5, 6), attention_window=(2, 4, 4), shift=(1, 2, 2), order=order)
        for order in ("grid", "windows")
    ),
    *(MemoryMaskSpec(l_mem=6, clip_index=n, tokens_per_clip=3) for n in (0, 4, 300)),
    MemoryMaskSpec(l_mem=4, clip_index=90, memory_every=3, anchors=2, seconds_per_clip=4.0),
    MemoryMaskSpec(l_mem=0, clip_index=3),
    *(
        MemoryHistorySpec(num_clips=30, l_mem=l_mem, memory_every=every, anchors=anchors)
        for l_mem in (0, 1, 5)
        for every in (1, 3)
        for anchors in (0, 2, 9)
    ),
    CustomMaskSpec(predicate=causal, num_queries=7, num_keys=11),
    CustomMaskSpec(
        predicate=lambda b, h, q_idx, kv_idx: (q_idx - kv_idx) == h + b,
        num_queries=9,
        num_keys=9,
        num_heads=2,
        batch_row=1,
        tokens_per_frame=4,
    ),
]


def matrix_of(spec, head):
    """The predicate itself, without any of what is tested here."""
    sizes = (spec.queries.num_tokens, spec.keys.num_tokens)
    return mask_matrix(spec.mask_mod(), *sizes, num_heads=spec.num_heads)[0, head]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.title)
def test_words_matrix_and_counts_agree_with_the_predicate(spec):
    for head in range(spec.num_heads):
        want = matrix_of(spec, head)
        view = view_mask(spec, head=head, block_tokens=4, max_drawn_tokens=256)
        assert view.allowed.tolist() == want.tolist()
        assert [[r.is_allowed for r in row] for row in view.reasons] == want.tolist()
        assert view.num_allowed == want.sum()
        assert view.empty_queries == tuple((~want.any(1)).nonzero().flatten().tolist())
        assert ((view.kinds > 0) == view.allowed).all()
        assert not view.is_sampled


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.title)
def test_every_reason_has_a_kind_where_it_allows_and_none_where_not(spec):
    view = view_mask(spec, block_tokens=4, max_drawn_tokens=256)
    for reason in itertools.chain(*view.reasons):
        assert reason.kind in spec.kinds if reason.is_allowed else reason.kind == ""
        assert str(reason).endswith(": allowed" if reason.is_allowed else ": not allowed")


@pytest.mark.parametrize("block_tokens", [1, 4, 7, 64])
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.title)
def test_blocks_equal_those_of_torch(spec, block_tokens):
    head = spec.num_heads - 1
    sizes = (spec.queries.num_tokens, spec.keys.num_tokens)
    blocks = view_mask(spec, head=head, block_tokens=block_tokens).blocks
    want = create_block_mask(
        spec.mask_mod(), 1, spec.num_heads, *sizes, device="cpu", BLOCK_SIZE=block_tokens
    )
    states = np.zeros_like(blocks.states)
    for state, counts, indices in (
        (1, want.kv_num_blocks, want.kv_indices),
        (2, want.full_kv_num_blocks, want.full_kv_indices),
    ):
        for row, count in enumerate(counts[0, head]):
            states[row, indices[0, head, row, :count]] = state
    assert blocks.states.tolist() == states.tolist()
    assert sum(map(blocks.count, range(3))) == states.size
    assert blocks.skipped_share == (states == 0).mean()


def test_a_mask_counted_in_strips_is_the_mask(monkeypatch):
    spec = SpoolMaskSpec(layout=make_layout())
    whole = view_mask(spec, block_tokens=4)
    monkeypatch.setattr("vidmem.inspection.masks.view.MAX_GROUPS", 0)  # all tokens are asked
    monkeypatch.setattr("vidmem.inspection.masks.view.STRIP_CELLS", 1)
    strips = view_mask(spec, block_tokens=4)
    assert strips.blocks.num_allowed.tolist() == whole.blocks.num_allowed.tolist()
    assert (strips.num_allowed, strips.sees_itself) == (whole.num_allowed, True)


@pytest.mark.parametrize("l_mem", [1, 3, 5])
@pytest.mark.parametrize("memory_every", [1, 3])
@pytest.mark.parametrize("anchors", [0, 2, 7])
def test_the_clips_said_to_be_remembered_are_those_in_the_queue(l_mem, memory_every, anchors):
    queue = MemoryQueue.empty(1, l_mem, (1, 1), like=torch.zeros(1), anchors=anchors * memory_every)
    for clip in range(40):
        found = queue.slot_clips[0][queue.is_valid[0]].tolist()
        assert remembered_clips(clip, l_mem, memory_every, anchors) == found
        is_write = torch.tensor([clip % memory_every == 0])
        queue = queue.push(torch.zeros(1, 1, 1), torch.tensor([clip]), torch.zeros(1, 2), is_write)


def test_a_dropped_clip_is_dropped_when_it_is_said_to_be():
    for l_mem, every, anchors in itertools.product((1, 4), (1, 3), (0, 2, 9)):
        spec = MemoryHistorySpec(num_clips=40, l_mem=l_mem, memory_every=every, anchors=anchors)
        for query, clip in itertools.product(range(40), repeat=2):
            words = spec.explain(0, query, clip + 1).words
            if "dropped when clip" in words:
                dropping = int(words.split("dropped when clip ")[1].split()[0])
                rest = (l_mem, every, anchors)
                assert clip in remembered_clips(dropping, *rest)
                assert clip not in remembered_clips(dropping + 1, *rest)


def test_words_are_those_that_one_would_say():
    back = SpoolMaskSpec(layout=make_layout(num_frames=12, local_frame_range=4, tokens_per_frame=1))
    memory = MemoryMaskSpec(l_mem=4, clip_index=2, tokens_per_clip=1, seconds_per_clip=2.5)
    window = WindowMaskSpec(size=(1, 2, 4), attention_window=(1, 2, 2), shift=(0, 0, 0))
    frames = CustomMaskSpec(predicate=causal, num_queries=8, num_keys=8, tokens_per_frame=4)
    said = {
        back.explain(0, 12, 9): "frame 12 to frame 9, lookback, 3 back of 4: allowed",
        back.explain(0, 12, 3): "frame 12 to frame 3, lookback, 9 back, beyond 4: not allowed",
        back.explain(0, 3, 5): "frame 3 to frame 5, lookback, later by 2: not allowed",
        back.explain(1, 3, 5): "frame 3 to frame 5, lookahead, 2 ahead of 4: allowed",
        back.explain(0, 0, 9): (
            "start context frame to frame 9, global scope, it sees every frame: allowed"
        ),
        back.explain(1, 3, 0): (
            "frame 3 to start context frame, lookahead heads do not see it: not allowed"
        ),
        memory.explain(0, 0, 1): "slot 0 is empty: not allowed",
        memory.explain(0, 0, 3): ("clip 0 in slot 2, 2 clips ago (5 s), age bucket 2: allowed"),
        window.explain(0, 0, 3): (
            "step 0 row 0 column 0 to step 0 row 0 column 3, window 0 to window 1, other window: "
            "not allowed"
        ),
        frames.explain(0, 5, 1): "frame 1, token 1 to frame 0, token 1, by causal: allowed",
    }
    assert [str(reason) for reason in said] == list(said.values())


def test_a_long_sequence_is_drawn_by_some_tokens_of_each_frame_and_counted_whole():
    layout = make_layout(num_frames=14, tokens_per_frame=50)
    view = view_mask(SpoolMaskSpec(layout=layout), max_drawn_tokens=64)
    assert view.allowed.shape == (64, 64)
    frames = [token // 50 for token in view.query_tokens]
    assert frames == sorted([*range(16)] * 4)
    assert view.drawn == "drawn: 64 of 800 queries, 64 of 800 keys"
    assert view.num_allowed == matrix_of(view.spec, 0).sum()
    drawn = np.ix_(view.query_tokens, view.key_tokens)
    assert view.allowed.tolist() == matrix_of(view.spec, 0).numpy()[drawn].tolist()


def test_of_more_frames_than_can_be_drawn_the_first_and_the_last_are():
    layout = make_layout(num_frames=200, tokens_per_frame=2)
    view = view_mask(SpoolMaskSpec(layout=layout), max_drawn_tokens=20)
    assert len(view.query_tokens) == len(set(view.query_tokens)) == 20
    assert (view.query_tokens[0], view.query_tokens[-1]) == (0, 402)


def test_rows_with_nothing_to_attend_to_are_listed_in_words():
    spec = CustomMaskSpec(
        predicate=blind_in_the_middle, num_queries=12, num_keys=12, tokens_per_frame=4
    )
    view = view_mask(spec)
    assert view.empty_queries == (2, 5, 6, 7, 8)
    assert view.empty_places == ("frame 0, token 2", "frame 1, token 1 to frame 2, token 0")
    assert view.sees_itself is False
    assert "5 rows with nothing to attend to" in view.summary


def test_whether_tokens_see_themselves_is_asked_only_where_they_could():
    assert view_mask(SpoolMaskSpec()).sees_itself is True
    assert view_mask(ContextMaskSpec()).sees_itself is False
    assert view_mask(MemoryMaskSpec(num_queries=33, l_mem=8)).sees_itself is None


def test_a_summary_says_it_all():
    layout = make_layout(num_frames=6, tokens_per_frame=2)
    view = view_mask(SpoolMaskSpec(layout=layout), head=1, block_tokens=4)
    assert view.summary == (
        "Spool, 6 frames of 2 tokens, range 2, global scope, head 1, lookahead. "
        "57.8% of all pairs may attend; no empty row. "
        f"In blocks of 4 {TIMES} 4 tokens, 3 are full, "
        "10 partial, 3 empty: 19% of the work is skipped."
    )


def test_work_saved_is_that_of_the_blocks_skipped():
    spec = CustomMaskSpec(predicate=causal, num_queries=8, num_keys=8)
    blocks = view_mask(spec, block_tokens=2).blocks
    assert [blocks.count(n) for n in range(3)] == [6, 4, 6]
    assert blocks.skipped_share == 6 / 16
    assert blocks.times_less_work == 16 / 10
    nothing = CustomMaskSpec(predicate=lambda b, h, q, k: q < 0, num_queries=8, num_keys=8)
    assert view_mask(nothing, block_tokens=2).blocks.times_less_work == float("inf")


def test_arrays_hold_the_view(tmp_path):
    view = view_mask(SpoolMaskSpec(), block_tokens=8)
    np.savez(tmp_path / "mask.npz", **view.arrays())
    with np.load(tmp_path / "mask.npz") as saved:
        assert saved["allowed"].tolist() == view.allowed.tolist()
        assert saved["block_states"].tolist() == view.blocks.states.tolist()
        assert int(saved["block_tokens"]) == 8


def test_a_mask_too_large_to_look_at_is_refused_with_its_size():
    spec = CustomMaskSpec(predicate=causal, num_queries=20_000, num_keys=10_000)
    with pytest.raises(SettingError, match=r"20,000 . 10,000 tokens .* 200,000,000 pairs"):
        view_mask(spec)


def test_too_many_blocks_are_refused_with_the_size_that_would_do():
    spec = CustomMaskSpec(predicate=causal, num_queries=600, num_keys=600)
    with pytest.raises(SettingError, match="block_tokens must be at least 3 for 600 tokens"):
        view_mask(spec, block_tokens=2)
    assert view_mask(spec, block_tokens=3).blocks.states.shape == (200, 200)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": 4}, r"head must be in \[0, 4\), got 4"),
        ({"head": -1}, r"head must be in \[0, 4\), got -1"),
        ({"block_tokens": 0}, "block_tokens must be at least 1, got 0"),
        ({"max_drawn_tokens": 0}, "max_drawn_tokens must be at least 1, got 0"),
        ({"max_drawn_tokens": 300}, "max_drawn_tokens must be at most 256, got 300"),
    ],
)
def test_a_view_that_cannot_be_is_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        view_mask(SpoolMaskSpec(), **changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(BandMaskSpec, direction="sideways"), "lookback or lookahead, got 'sideways'"),
        (partial(BandMaskSpec, local_frame_range=-1), "local_frame_range must be at least 0"),
        (partial(BandMaskSpec, num_frames=0), "num_frames must be at least 1, got 0"),
        (
            lambda: ContextMaskSpec(layout=make_layout(has_context_frames=False)),
            "has_context_frames=True",
        ),
        (partial(WindowMaskSpec, size=(0, 4, 4)), "each of size must be at least 1, got 0"),
        (partial(WindowMaskSpec, size=(4, 4)), "size must be 3 numbers"),
        (partial(WindowMaskSpec, shift=(0, 4, 2)), "shift must be below attention_window"),
        (partial(WindowMaskSpec, shift=(0, -1, 2)), "each of shift must be at least 0, got -1"),
        (partial(WindowMaskSpec, order="random"), "order must be grid or windows, got 'random'"),
        (partial(MemoryMaskSpec, l_mem=-1), "l_mem must be at least 0, got -1"),
        (partial(MemoryMaskSpec, tokens_per_clip=0), "tokens_per_clip must be at least 1, got 0"),
        (partial(MemoryMaskSpec, seconds_per_clip=0.0), "seconds_per_clip must be above 0"),
        (partial(MemoryHistorySpec, num_clips=2000), "num_clips must be at most 1024, got 2000"),
        (
            partial(CustomMaskSpec, predicate=causal, num_queries=0, num_keys=3),
            "num_queries must be at least 1, got 0",
        ),
        (
            partial(CustomMaskSpec, predicate=7, num_queries=3, num_keys=3),
            "predicate must be a mask_mod, a function, got int",
        ),
    ],
)
def test_a_mask_that_cannot_be_is_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()


def test_a_token_that_is_not_there_cannot_be_explained():
    view = view_mask(SpoolMaskSpec())
    with pytest.raises(SettingError, match=r"key must be in \[0, 56\), got 56"):
        view.explain(0, 56)


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        (lambda b, h, q, k: q > k and q > 3, "no if, and, or, not"),
        (lambda b, h, q, k: True, "return a tensor"),
        (lambda b, h, q, k: q - k, "one boolean per pair, got torch.int64"),
        (lambda b, h, q, k: torch.stack([q, k]) > 3, r"one boolean per pair, .* shape \[2\]"),
        (lambda b, h, q: q > 3, "cannot be asked"),
    ],
)
def test_a_predicate_that_flex_attention_could_not_ask_is_refused(predicate, message):
    spec = CustomMaskSpec(predicate=predicate, num_queries=6, num_keys=7)
    with pytest.raises(ValueError, match=f"(?s)mask_mod <lambda>.*{message}"):
        view_mask(spec)


def test_a_predicate_may_index_as_flex_attention_allows():
    table = torch.tensor([[True, False, True], [False, True, False]])
    predicates = [lambda b, h, q, k: table[q][k], lambda b, h, q, k: table[q, k]]
    for predicate in predicates:
        view = view_mask(CustomMaskSpec(predicate=predicate, num_queries=2, num_keys=3))
        assert view.allowed.tolist() == table.tolist()
        assert [[r.is_allowed for r in row] for row in view.reasons] == table.tolist()


def test_a_predicate_without_a_name_has_that_of_its_class():
    spec = CustomMaskSpec(predicate=partial(causal), num_queries=2, num_keys=2)
    assert spec.explain(0, 1, 0).words == "token 1 to token 0, by partial"
