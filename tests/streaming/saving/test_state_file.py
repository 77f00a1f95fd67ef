"""Saved states: whole or not there, and refused where they are not what they should be."""

from __future__ import annotations

import os

import pytest
import torch
from safetensors.torch import save_file

from vidmem.errors import StateError, StorageError
from vidmem.streaming.saving.state_file import read_state_file, write_state_file

FACTS = {"position": {"next_frame": 3}, "name": "Zuchtsau Nº 7"}


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "state"
    tensors = {
        "tokens": torch.randn(1, 2, 3),
        "none": torch.zeros(1, 0),
        "flag": torch.tensor(True),
    }
    write_state_file(path, tensors, FACTS)
    saved = read_state_file(path)
    assert saved.facts == FACTS
    assert all(torch.equal(saved.tensors[name], tensor) for name, tensor in tensors.items())
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


def test_a_failed_write_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "state"
    write_state_file(path, {"tokens": torch.ones(3)}, FACTS)
    before = path.read_bytes()

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StorageError, match=r"state cannot be written: No space left on device"):
        write_state_file(path, {"tokens": torch.zeros(3)}, FACTS)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_vanished_folder_is_named(tmp_path):
    with pytest.raises(StorageError, match="gone/state cannot be written: No such file"):
        write_state_file(tmp_path / "gone" / "state", {}, FACTS)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StateError, match="there is no saved stream at"):
        read_state_file(tmp_path / "state")


@pytest.mark.parametrize("keep", [0, 5, 60, 200])
def test_a_cut_file_is_refused(tmp_path, keep):
    path = tmp_path / "state"
    write_state_file(path, {"tokens": torch.ones(50)}, FACTS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StateError, match="is damaged"):
        read_state_file(path)


def test_another_safetensors_file_is_refused(tmp_path):
    save_file({"weight": torch.ones(3)}, tmp_path / "model.safetensors")
    with pytest.raises(StateError, match="no stream saved by this version"):
        read_state_file(tmp_path / "model.safetensors")
