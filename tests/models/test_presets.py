import hashlib
import http.server
import threading

import pytest
import torch

from vidmem.errors import CheckpointError, SettingError, WeightsNotAvailableError
from vidmem.models import list_models, load, presets, save
from vidmem.models.download import PretrainedFile, fetch


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDMEM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path):
    """A web server on loopback that serves `weights.pth`."""
    (tmp_path / "weights.pth").write_bytes(b"weights")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}/weights.pth"
        web.shutdown()
        thread.join()


def published(url):
    return PretrainedFile(url, hashlib.sha256(b"weights").hexdigest()[:8])


def test_a_published_file_is_fetched_once(cache, server):
    path = fetch(published(server))
    assert path.read_bytes() == b"weights"
    again = published(server.replace("http://127.0.0.1", "http://127.0.0.2"))
    assert fetch(again) == path
    assert [p.name for p in cache.iterdir()] == ["weights.pth"]


def test_another_file_under_the_same_name_is_refused(cache, server):
    with pytest.raises(WeightsNotAvailableError, match="SHA-256"):
        fetch(PretrainedFile(server, "00000000"))
    assert list(cache.iterdir()) == []


def test_without_network_it_says_what_to_download_and_where_to_put_it(cache):
    file = PretrainedFile("http://127.0.0.1:9/swin.pth", "00000000")
    with pytest.raises(WeightsNotAvailableError) as caught:
        fetch(file, timeout_seconds=2)
    assert file.url in str(caught.value)
    assert str(cache / "swin.pth") in str(caught.value)


def test_a_preset_loads_from_the_cache(cache, monkeypatch, tiny_model):
    """With a small stand-in for the published file, under torchvision's names."""
    config = tiny_model.config
    weights = {}
    for key, value in tiny_model.state_dict().items():
        if key.startswith("memory."):
            continue
        name = key.replace("patch_embedding.", "patch_embed.").replace(".attention.", ".attn.")
        name = name.replace(".mlp.2.", ".mlp.3.")
        for i in range(4):
            name = name.replace(f"stages.{i}.blocks.", f"features.{2 * i}.")
            name = name.replace(f"merges.{i}.", f"features.{2 * i + 1}.")
        weights[name] = value
    weights["patch_embed.proj.weight"] = weights["patch_embed.proj.weight"].view(16, 3, 2, 8, 8)
    cache.mkdir()
    torch.save(weights, cache / "tiny.pth")
    digest = hashlib.sha256((cache / "tiny.pth").read_bytes()).hexdigest()
    file = PretrainedFile("http://127.0.0.1:9/tiny.pth", digest[:8])
    preset = presets.FamSwinPreset("Tiny", lambda: config, file)
    monkeypatch.setitem(presets._PRESETS, "fam-swin-t", preset)
    monkeypatch.setattr(presets, "_kinetics_card", lambda name, title: tiny_model.card)
    model = load("fam-swin-t", device="cpu", dtype="float32")
    clip = torch.randn(1, 8, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model(clip), tiny_model(clip))


def test_kinetics_has_400_names():
    card = presets._kinetics_card("fam-swin-t", "FAM Swin T")
    assert len(set(card.class_names)) == 400


@pytest.mark.parametrize("size", ["t", "s", "b"])
def test_presets_have_the_published_number_of_weights(size):
    """Of torchvision's documentation: swin3d_t 28,158,070, _s 49,816,678, _b 88,048,984."""
    published = {"t": 28_158_070, "s": 49_816_678, "b": 88_048_984}
    from vidmem.models import FamSwin

    with torch.device("meta"):
        model = FamSwin(getattr(presets, f"fam_swin_{size}")())
    own = sum(p.numel() for k, p in model.named_parameters() if not k.startswith("memory."))
    assert own == published[size]


def test_a_folder_loads(tiny_model, tmp_path):
    save(tiny_model, tmp_path)
    assert load(tmp_path, dtype="bfloat16", device="cpu").dtype == torch.bfloat16


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(CheckpointError, match="fam-swin-t"):
        load("no-such-model")
    with pytest.raises(SettingError, match="float32"):
        load("fam-swin-t", dtype="int8")
    with pytest.raises(SettingError, match="cpu or cuda"):
        load("fam-swin-t", device="toaster")


def test_listing_says_what_would_be_fetched(cache):
    listing = {model.name: model for model in list_models()}
    assert not listing["fam-swin-b"].is_available
    assert "swin3d_b" in listing["fam-swin-b"].needs
