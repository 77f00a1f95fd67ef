import pytest
import torch

from vidmem.nn import attention
from vidmem.nn.attention import attend, attention_weights, resolve_backend


def make_inputs(batch=3, heads=5, queries=37, keys=29, width=8):
    torch.manual_seed(0)
    shapes = [(batch, heads, queries, width), *[(batch, heads, keys, width)] * 2]
    return tuple(torch.randn(shape) for shape in shapes)


@pytest.mark.parametrize("backend", ["sdpa", "pieces"])
@pytest.mark.parametrize("piece_bytes", [1 << 9, 1 << 14, 1 << 22])
@pytest.mark.parametrize("under", ["nothing", "bias", "row bias", "mask"])
def test_backends_equal_dense(backend, piece_bytes, under, monkeypatch):
    monkeypatch.setattr(attention, "PIECE_BYTES", piece_bytes)
    q, k, v = make_inputs()
    options = {}
    if under == "bias":
        options["bias"] = torch.randn(5, 37, 29)
    if under == "row bias":
        options["bias"] = torch.randn(3, 5, 1, 29)
    if under == "mask":
        options["mask"] = torch.rand(3, 1, 1, 29) > 0.5
        options["mask"][..., 0] = True
    want = attend(q, k, v, backend="dense", **options)
    got = attend(q, k, v, backend=backend, **options)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("heads", [1, 3, 4, 5, 8])
@pytest.mark.parametrize("queries", [1, 40, 1000])
def test_pieces_stay_small_and_cover_everything(heads, queries, monkeypatch):
    monkeypatch.setattr(attention, "PIECE_BYTES", 1 << 12)
    row_bytes, counts = 2 * 32, torch.zeros(6, heads, queries)
    for piece in attention._pieces(counts.shape, row_bytes):
        counts[piece] += 1
        assert counts[piece].numel() * row_bytes <= max(2 << 12, 16 * 4 * row_bytes)
    assert counts.eq(1).all()


def test_weights_sum_to_one_over_what_is_unmasked():
    q, k, _ = make_inputs()
    mask = torch.rand(3, 1, 1, 29) > 0.5
    mask[..., 0] = True
    weights = attention_weights(q, k, mask=mask)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 5, 37))
    assert weights.masked_select(~mask).eq(0).all()


@pytest.mark.parametrize("learned", range(4))
def test_training_takes_the_differentiable_backend(learned, monkeypatch):
    inputs = [x.bfloat16() for x in (*make_inputs(), torch.zeros(5, 37, 29))]
    inputs[learned].requires_grad_()
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(attention, "_attend_in_pieces", None)
    attend(*inputs[:3], bias=inputs[3]).sum().backward()
    assert inputs[learned].grad is not None


@pytest.mark.parametrize(("has_amx", "name"), [(True, "sdpa"), (False, "pieces")])
def test_the_choice_of_backend_is_said(has_amx, name, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_amx)
    assert resolve_backend("cpu", torch.bfloat16).name == name
    assert "cpu" in resolve_backend("cpu", torch.float32).reason


def test_unknown_backend_and_bias_with_mask_are_refused():
    q, k, v = make_inputs()
    with pytest.raises(ValueError, match="sdpa, pieces, dense"):
        attend(q, k, v, backend="magic")
    with pytest.raises(ValueError, match="got both"):
        attend(q, k, v, bias=torch.zeros(5, 37, 29), mask=torch.ones(3, 1, 1, 29).bool())
