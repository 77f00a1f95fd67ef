import json
import subprocess
import sys

import pytest
import torch

from vidmem.errors import CheckpointError, StorageError
from vidmem.models import load_folder, load_torchvision_swin, save
from vidmem.models.fam_swin.checkpoint import torchvision_key


class FullDisk:
    def __call__(self, *paths):
        raise OSError(28, "No space left on device")


def test_saved_and_loaded_is_the_same_model(tiny_model, tmp_path):
    save(tiny_model, tmp_path)
    loaded = load_folder(tmp_path)
    assert loaded.config == tiny_model.config
    assert loaded.card == tiny_model.card
    assert not loaded.training
    clip = torch.randn(1, 8, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded(clip), tiny_model(clip))


def test_weights_come_back_in_float32(tiny_model, tmp_path):
    save(tiny_model.bfloat16(), tmp_path)
    loaded = load_folder(tmp_path)
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded.head.weight, tiny_model.head.weight.float())


def test_a_folder_that_cannot_be_written_is_named(tiny_model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"could not be written to .*file"):
        save(tiny_model, tmp_path / "file")
    (tmp_path / "model.safetensors").mkdir()  # refused by safetensors with an error of its own
    with pytest.raises(StorageError, match="could not be written to"):
        save(tiny_model, tmp_path)


def test_a_checkpoint_that_cannot_be_replaced_stays_whole(tiny_model, tmp_path, monkeypatch):
    save(tiny_model, tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    monkeypatch.setattr("safetensors.torch.save", lambda weights: b"half")
    monkeypatch.setattr("pathlib.Path.replace", FullDisk())
    with pytest.raises(StorageError, match="could not be written"):
        save(tiny_model, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_torchvisions_names_are_mapped():
    assert (
        torchvision_key("features.4.1.attn.qkv.weight") == "stages.2.blocks.1.attention.qkv.weight"
    )
    assert torchvision_key("features.5.reduction.weight") == "merges.2.reduction.weight"
    assert torchvision_key("features.0.0.mlp.3.bias") == "stages.0.blocks.0.mlp.2.bias"
    assert torchvision_key("patch_embed.norm.bias") == "patch_embedding.norm.bias"


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        load_folder(tmp_path)


def test_damaged_weights_are_refused(tiny_model, tmp_path):
    save(tiny_model, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(CheckpointError, match="is damaged"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format="other"), "not written by vidmem"),
        (lambda d: d.update(architecture="other"), "architecture 'other'"),
        (lambda d: d["config"].update(depth=3), "does not describe a FAM Swin"),
        (lambda d: d.pop("architecture"), "architecture None"),
        (lambda d: d.update(card="nano"), "does not describe a FAM Swin"),
        (lambda d: d.update(config=[1, 2]), "does not describe a FAM Swin"),
        (lambda d: d["config"].update(embed_dim="16"), "does not describe a FAM Swin"),
        (lambda d: d["config"].update(depths=[1, 2]), "depths must be 4 numbers"),
        (lambda d: d["card"].update(class_names=None), "does not describe a FAM Swin"),
        (lambda d: d["card"].update(class_names=["one"]), "1 classes for 3 logits"),
        (lambda d: d["config"].update(embed_dim=32), "must have shape"),
        (lambda d: d["config"].update(depths=[1, 1, 1, 1]), "of another model"),
    ],
)
def test_another_models_config_is_refused(tiny_model, tmp_path, change, message):
    save(tiny_model, tmp_path)
    document = json.loads((tmp_path / "config.json").read_text())
    change(document)
    (tmp_path / "config.json").write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match=message):
        load_folder(tmp_path)


def test_foreign_weights_are_refused_before_anything_is_loaded(tiny_model):
    before = tiny_model.head.weight.clone()
    with pytest.raises(CheckpointError, match="weights are missing"):
        load_torchvision_swin(tiny_model, {"head.weight": torch.zeros(3, 128)})
    assert torch.equal(tiny_model.head.weight, before)


def test_a_model_is_loaded_without_torchs_compiler():
    # Which takes a second to import: each command and each start of the app would wait for it.
    code = (
        "import sys, vidmem; vidmem.load('fam-swin-nano'); sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
