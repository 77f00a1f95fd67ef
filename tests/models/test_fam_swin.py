import ctypes
import gc
import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.conftest import make_tiny_model
from vidmem.errors import SettingError, StateError
from vidmem.models import FamSwin, FamSwinConfig, MemoryConfig, load_torchvision_swin, save

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def make_clips(batch=2, num_clips=6, seed=0):
    torch.manual_seed(seed)
    return torch.randn(batch, num_clips, 8, 3, 64, 64)


@pytest.fixture(params=["exact", "padded", "batch"])
def reference(request, shared_reference):
    with safe_open(shared_reference / f"swin3d_{request.param}.safetensors", "pt") as file:
        config = json.loads(file.metadata()["config"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    return config, tensors


def model_of_reference(config, tensors, memory):
    model = FamSwin(
        FamSwinConfig(
            tubelet_size=tuple(config["patch_size"]),
            embed_dim=config["embed_dim"],
            depths=tuple(config["depths"]),
            num_heads=tuple(config["num_heads"]),
            attention_window=tuple(config["window_size"]),
            num_classes=config["num_classes"],
            memory=memory,
        )
    )
    prefix = "weights."
    load_torchvision_swin(
        model, {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    )
    return model.eval()


@torch.no_grad()
def test_stages_and_logits_equal_torchvisions(reference):
    config, tensors = reference
    model = model_of_reference(config, tensors, memory=None)
    clip = tensors["input"].transpose(1, 2)
    for n, grid in enumerate(model.stage_grids(clip), 1):
        torch.testing.assert_close(grid.unflatten(), tensors[f"out.stage{n}"], rtol=0, atol=1e-4)
    torch.testing.assert_close(model(clip), tensors["out.logits"], rtol=0, atol=1e-4)


@torch.no_grad()
def test_a_closed_gate_leaves_pretrained_logits_bit_for_bit(reference):
    config, tensors = reference
    model = model_of_reference(config, tensors, MemoryConfig(l_mem=2, tokens_per_clip=16))
    clip = tensors["input"].transpose(1, 2)
    state = model.init_state(len(clip))
    for _ in range(4):
        output = model.step(clip, state)
        state = output.state
        assert torch.equal(output.logits, model(clip))
    assert state.num_remembered.tolist() == [2] * len(clip)


def test_memory_attention_starts_as_a_copy_of_its_blocks_self_attention():
    model = FamSwin(FamSwinConfig(embed_dim=12, num_heads=(1, 2, 3, 4), num_classes=3))
    block, memory = model.stages[2].blocks[-1], model.memory["3"]
    query, key, value = block.attention.qkv.weight.chunk(3)
    for ours, theirs in ((memory.query, query), (memory.key, key), (memory.value, value)):
        assert torch.equal(ours.weight, theirs)
    assert torch.equal(memory.proj.weight, block.attention.proj.weight)
    assert memory.gate.item() == 0


@torch.no_grad()
def test_l_mem_zero_is_memory_off(tiny_model):
    clips = make_clips()
    state = tiny_model.init_state(2, l_mem=0)
    for clip in clips.unbind(1):
        output = tiny_model.step(clip, state)
        state = output.state
        assert torch.equal(output.logits, tiny_model(clip))


@torch.no_grad()
def test_whole_equals_clip_by_clip_equals_batched(tiny_model):
    clips = make_clips()
    whole, end = tiny_model.forward_clips(clips)
    first, middle = tiny_model.forward_clips(clips[:, :2])
    rest, resumed = tiny_model.forward_clips(clips[:, 2:], middle)
    torch.testing.assert_close(torch.cat([first, rest], 1), whole, **TOLERANCE)
    torch.testing.assert_close(resumed.queues[0].tokens, end.queues[0].tokens, **TOLERANCE)
    for row in range(2):
        alone, _ = tiny_model.forward_clips(clips[row : row + 1])
        torch.testing.assert_close(alone, whole[row : row + 1], **TOLERANCE)


@torch.no_grad()
def test_streams_of_different_age_share_a_batch(tiny_model):
    clips = make_clips()
    _, old = tiny_model.forward_clips(clips[:1, :5])
    _, young = tiny_model.forward_clips(clips[1:, :1])
    both = type(old)(
        queues=tuple(
            type(a)(
                tokens=torch.cat([a.tokens, b.tokens]),
                slot_clips=torch.cat([a.slot_clips, b.slot_clips]),
                slot_seconds=torch.cat([a.slot_seconds, b.slot_seconds]),
            )
            for a, b in zip(old.queues, young.queues, strict=True)
        ),
        clip_index=torch.cat([old.clip_index, young.clip_index]),
        is_projected=old.is_projected,
    )
    clip = clips[:, 5]
    together = tiny_model.step(clip, both)
    torch.testing.assert_close(together.logits[:1], tiny_model.step(clip[:1], old).logits)
    torch.testing.assert_close(together.logits[1:], tiny_model.step(clip[1:], young).logits)
    assert together.state.num_remembered.tolist() == [4, 2]
    again = tiny_model.step(clip[1:], both.select([1]))
    torch.testing.assert_close(again.logits, together.logits[1:])


@torch.no_grad()
def test_cached_keys_and_values_equal_re_projected_memory(tiny_model):
    clips = make_clips()
    cached, _ = tiny_model.forward_clips(clips)
    plain, _ = tiny_model.forward_clips(clips, tiny_model.init_state(2, is_projected=False))
    torch.testing.assert_close(cached, plain, **TOLERANCE)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_agrees_with_itself_and_with_float32(tiny_model, dtype):
    clips, (rtol, atol) = make_clips(), (0.05, 0.05)
    want, _ = tiny_model.forward_clips(clips)
    tiny_model.to(dtype)
    whole, state = tiny_model.forward_clips(clips)
    assert {queue.tokens.dtype for queue in state.queues} == {dtype}
    assert whole.dtype == torch.float32
    torch.testing.assert_close(whole, want, rtol=rtol, atol=atol)
    plain, _ = tiny_model.forward_clips(clips, tiny_model.init_state(2, is_projected=False))
    torch.testing.assert_close(plain, whole, rtol=rtol, atol=atol)
    _, middle = tiny_model.forward_clips(clips[:, :3])
    resumed = tiny_model.state_from_tensors(middle.to_tensors())
    assert torch.equal(tiny_model.forward_clips(clips[:, 3:], resumed)[0], whole[:, 3:])


@torch.no_grad()
def test_an_evicted_clip_still_speaks_through_feedback(tiny_model):
    clips = make_clips(batch=1, num_clips=8)
    changed = clips.clone()
    changed[:, 0] = torch.randn_like(changed[:, 0])
    (a, end), (b, _) = tiny_model.forward_clips(clips), tiny_model.forward_clips(changed)
    assert end.slot_clips[0].tolist() == [4, 5, 6, 7]
    assert (a[:, 7] - b[:, 7]).abs().max() > 1e-5


@torch.no_grad()
def test_without_feedback_an_evicted_clip_is_silent(tiny_model):
    clips = make_clips(batch=1, num_clips=8)

    def with_another(number):
        changed = clips.clone()
        changed[:, number] = torch.randn_like(changed[:, number])
        return changed

    def last_logits(clips):
        # Each clip is written by a stream of its own, so its memory knows nothing of earlier clips.
        state = tiny_model.init_state(1)
        for number, clip in enumerate(clips[:, :-1].unbind(1)):
            lonely = tiny_model.init_state(1)
            lonely = type(lonely)(
                queues=lonely.queues,
                clip_index=lonely.clip_index + number,
                is_projected=lonely.is_projected,
            )
            written = tiny_model.step(clip, lonely).state
            queues = tuple(
                queue.push(
                    new.tokens[:, -1], lonely.clip_index, torch.zeros(1, 2), torch.ones(1).bool()
                )
                for queue, new in zip(state.queues, written.queues, strict=True)
            )
            state = type(state)(
                queues=queues, clip_index=written.clip_index, is_projected=state.is_projected
            )
        return tiny_model.step(clips[:, -1], state).logits

    want = last_logits(clips)
    for evicted in (0, 1, 2):
        assert torch.equal(last_logits(with_another(evicted)), want)
    for remembered in (3, 4, 5, 6):
        assert not torch.equal(last_logits(with_another(remembered)), want)


def test_gradients_reach_one_step_back_and_no_further():
    model = make_tiny_model().train()
    for last in (2, 3, 4):
        clips = make_clips(batch=1, num_clips=5).requires_grad_()
        logits, _ = model.forward_clips(clips)
        logits[:, last].sum().backward()
        reached = clips.grad.abs().amax(dim=(0, 2, 3, 4, 5)) > 0
        assert reached.tolist() == [t in (last - 1, last) for t in range(5)]


@pytest.mark.parametrize("is_projected", [False, True])
def test_gradients_of_a_batch_of_streams_stay_one_step_long(is_projected):
    model = make_tiny_model(memory_every=2).train()
    clips = make_clips(batch=2, num_clips=6).requires_grad_()
    state = model.init_state(2, is_projected=is_projected)
    logits, state = model.forward_clips(clips, replace(state, clip_index=torch.tensor([0, 1])))
    assert state.slot_clips.tolist() == [[-1, 0, 2, 4], [-1, 2, 4, 6]]
    logits[:, 3].sum().backward()
    reached = clips.grad.abs().amax(dim=(2, 3, 4, 5)) > 0
    assert reached.tolist() == [
        [False, False, True, True, False, False],
        [False, False, False, True, False, False],  # its clip before (the third) was not written
    ]


@pytest.mark.parametrize("is_projected", [False, True])
def test_in_eval_mode_no_graph_grows_through_memory(is_projected):
    model, clips = make_tiny_model(), make_clips(batch=1, num_clips=3).requires_grad_()
    logits, state = model.forward_clips(clips, model.init_state(1, is_projected=is_projected))
    assert not any(queue.tokens.requires_grad for queue in state.queues)
    logits[:, 2].sum().backward()
    reached = clips.grad.abs().amax(dim=(0, 2, 3, 4, 5)) > 0
    assert reached.tolist() == [False, False, True]


def test_a_stream_goes_on_when_the_mode_is_switched():
    model, clips = make_tiny_model(), make_clips(batch=1)
    with torch.no_grad():
        want, _ = model.forward_clips(clips)
    with torch.inference_mode():
        first, state = model.forward_clips(clips[:, :2])
    state = model.state_from_tensors({k: v.clone() for k, v in state.to_tensors().items()})
    middle, state = model.train().forward_clips(clips[:, 2:4], state)
    middle.sum().backward()
    with torch.no_grad():
        last, _ = model.eval().forward_clips(clips[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, middle, last], 1), want, **TOLERANCE)


def test_the_summariser_learns():
    model = make_tiny_model().train()
    clips = make_clips(batch=1, num_clips=2)
    logits, _ = model.forward_clips(clips)
    logits[:, 1].sum().backward()
    for attention in model.memory.values():
        assert attention.key.weight.grad.abs().max() > 0
        assert attention.gate.grad.abs() > 0


@torch.no_grad()
def test_training_and_inference_compute_the_same():
    model, clips = make_tiny_model(), make_clips()
    want, _ = model.forward_clips(clips)
    with torch.enable_grad():
        got, _ = model.train().forward_clips(clips)
    torch.testing.assert_close(got, want, **TOLERANCE)


@torch.no_grad()
def test_memory_every_reaches_further_back():
    model, clips = make_tiny_model(memory_every=3), make_clips(batch=1, num_clips=12)
    _, state = model.forward_clips(clips)
    assert state.slot_clips[0].tolist() == [0, 3, 6, 9]


@torch.no_grad()
def test_anchors_stay():
    model, clips = make_tiny_model(anchors=1), make_clips(batch=1, num_clips=9)
    _, state = model.forward_clips(clips)
    assert state.slot_clips[0].tolist() == [0, 6, 7, 8]


@torch.no_grad()
def test_anchors_are_the_first_clips_that_were_written():
    model = make_tiny_model(anchors=2, memory_every=2)
    _, state = model.forward_clips(make_clips(batch=1, num_clips=13))
    assert state.slot_clips[0].tolist() == [0, 2, 10, 12]
    assert state.resized(3).slot_clips[0].tolist() == [0, 2, 12]
    restored = model.state_from_tensors(state.to_tensors())
    assert restored.resized(3).slot_clips[0].tolist() == [0, 2, 12]


@torch.no_grad()
def test_resizing_in_mid_stream_keeps_the_newest_clips(tiny_model):
    clips = make_clips(batch=1, num_clips=8)
    _, state = tiny_model.forward_clips(clips[:, :6])
    small = state.resized(2)
    assert small.slot_clips[0].tolist() == [4, 5]
    after = tiny_model.step(clips[:, 6], small.resized(4)).state
    assert after.slot_clips[0].tolist() == [-1, 4, 5, 6]
    assert after.num_bytes == state.num_bytes
    with pytest.raises(SettingError, match="at least 0 clips"):
        state.resized(-1)


@torch.no_grad()
def test_slots_know_their_source_time(tiny_model):
    seconds = torch.tensor([[8.0, 10.0]])
    state = tiny_model.step(make_clips(1)[:, 0], tiny_model.init_state(1), seconds).state
    assert state.slot_seconds[0, -1].tolist() == [8.0, 10.0]


class HeapReport(ctypes.Structure):
    """What `mallinfo2` of glibc answers."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def heap_bytes() -> int:
    """Bytes in use in the heap of C and C++, where tensors are: exact, as pages are not."""
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = HeapReport
    report = ask()
    return report.uordblks + report.hblkhd


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="only glibc, from 2.33 on, tells what is in use",
)
@torch.inference_mode()
def test_state_and_process_stay_flat_over_many_steps(tiny_model):
    clip, state = torch.randn(1, 2, 3, 32, 32), tiny_model.init_state(1)
    sizes, held, num_steps = set(), [], 400
    for step in range(-100, num_steps):  # the first ones fill what is kept once
        if step in (0, num_steps - 1):
            gc.collect()
            held.append((heap_bytes(), sys.getallocatedblocks()))
        state = tiny_model.step(clip, state).state
        sizes.add(state.num_bytes)
    assert len(sizes) == 1
    assert state.clip_index.item() == 100 + num_steps
    more_bytes, more_blocks = (after - before for before, after in zip(*held, strict=True))
    assert more_bytes < 100 * num_steps  # a megabyte in ten thousand steps
    assert more_blocks < num_steps / 3  # not one in three steps is kept, however small


RESUME = """
import sys, torch
from safetensors.torch import load_file, save_file
from vidmem.models import load
model = load(sys.argv[1], device="cpu", dtype="float32")
data = load_file(sys.argv[2])
state = model.state_from_tensors({k[6:]: v for k, v in data.items() if k.startswith("state.")})
with torch.no_grad():
    logits, _ = model.forward_clips(data["clips"], state)
save_file({"logits": logits}, sys.argv[3])
"""


@pytest.mark.slow
@torch.no_grad()
def test_resumed_in_another_process_equals_uninterrupted(tiny_model, tmp_path):
    clips = make_clips(batch=1)
    want, _ = tiny_model.forward_clips(clips)
    _, state = tiny_model.forward_clips(clips[:, :3])
    save(tiny_model, tmp_path / "model")
    tensors = {f"state.{key}": value for key, value in state.to_tensors().items()}
    save_file({"clips": clips[:, 3:].contiguous(), **tensors}, tmp_path / "in.safetensors")
    files = [tmp_path / "model", tmp_path / "in.safetensors", tmp_path / "out.safetensors"]
    subprocess.run([sys.executable, "-c", RESUME, *map(str, files)], check=True, timeout=240)
    with safe_open(files[2], "pt") as file:
        torch.testing.assert_close(file.get_tensor("logits"), want[:, 3:], **TOLERANCE)


@torch.no_grad()
@pytest.mark.parametrize("l_mem", [0, 3])
def test_a_state_survives_a_file(tiny_model, l_mem, tmp_path):
    clips = make_clips(batch=2, num_clips=5)
    _, state = tiny_model.forward_clips(clips, tiny_model.init_state(2, l_mem=l_mem))
    save_file(state.select([1, 0]).to_tensors(), tmp_path / "state.safetensors")
    again = tiny_model.state_from_tensors(load_file(tmp_path / "state.safetensors"))
    assert again.num_bytes == state.num_bytes
    want = tiny_model.step(clips[:, 0], state.resized(4))
    got = tiny_model.step(clips[:, 0].flip(0), again.resized(4))
    torch.testing.assert_close(got.logits.flip(0), want.logits)
    assert torch.equal(got.state.slot_clips, want.state.slot_clips)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("queue1.slot_clips"), "lacks 'queue1.slot_clips'"),
        (lambda t: t.pop("is_projected"), "lacks 'is_projected'"),
        (lambda t: t.update({"queue0.tokens": torch.zeros(2, 4, 8, 64)}), "stage 3 must have"),
        (lambda t: t.update({"queue0.tokens": torch.zeros(2, 4, 9, 128)}), "stage 3 must have"),
        (lambda t: t.update({"queue0.slot_seconds": torch.zeros(2, 4)}), "stage 3 must have"),
        (lambda t: t.update({"clip_index": torch.zeros(1).long()}), "of different sizes"),
    ],
)
def test_a_state_of_another_model_is_refused(tiny_model, change, message):
    tensors = tiny_model.init_state(2).to_tensors()
    change(tensors)
    with pytest.raises(StateError, match=message):
        tiny_model.state_from_tensors(tensors)
