"""Where an encoder's files come from, and what they say of its pictures."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from vidmem.errors import CheckpointError, WeightsNotAvailableError
from vidmem.models.backbones.files import (
    Preprocessing,
    find_backbone,
    own_folder,
    read_preprocessing,
)

NAME = "facebook/dinov2-small"
NOT_CACHED = LocalEntryNotFoundError("not in the cache")


@pytest.fixture(autouse=True)
def _no_network_and_own_cache(monkeypatch, tmp_path_factory):
    def refuse(name, **options):
        if options.get("local_files_only"):
            raise NOT_CACHED
        raise AssertionError(f"the hub was contacted for {name}")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    monkeypatch.setenv("VIDMEM_CACHE", str(tmp_path_factory.mktemp("cache")))


def fill(folder: Path) -> None:
    """The files of an encoder, without what is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.safetensors", "preprocessor_config.json"):
        (folder / name).write_text("{}")


def test_a_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(WeightsNotAvailableError, match="there is no folder"):
        find_backbone(tmp_path / "nothing")
    with pytest.raises(WeightsNotAvailableError, match=r"no config\.json and no model\.safet"):
        find_backbone(tmp_path)


def test_a_missing_shard_is_named(tmp_path):
    fill(tmp_path)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsNotAvailableError, match=r"has no model-1\.safetensors;"):
        find_backbone(tmp_path)


def test_a_hub_name_is_not_fetched_unasked():
    with pytest.raises(WeightsNotAvailableError) as caught:
        find_backbone(NAME)
    message = str(caught.value)
    assert "https://huggingface.co/facebook/dinov2-small/tree/main" in message
    assert str(own_folder(NAME)) in message
    assert "config.json, preprocessor_config.json and model.safetensors" in message


def test_files_put_where_the_message_says_are_found():
    fill(own_folder(NAME))
    assert find_backbone(NAME) == own_folder(NAME)


def test_a_hub_name_is_fetched_when_asked(monkeypatch):
    def fetch(name, *, local_dir=None, local_files_only=False, **options):
        if local_files_only:
            raise NOT_CACHED
        assert options["etag_timeout"] <= 60
        fill(Path(local_dir))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert find_backbone(NAME, may_fetch=True) == own_folder(NAME)
    assert find_backbone(NAME) == own_folder(NAME)


def test_the_hub_being_away_says_what_to_do(monkeypatch):
    def fail(name, **options):
        raise LocalEntryNotFoundError("no network\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(WeightsNotAvailableError, match=r"fetched \(no network\)\. Download config"):
        find_backbone(NAME, may_fetch=True)


def test_a_hub_model_without_safetensors_is_refused(monkeypatch):
    def fetch(name, *, local_dir=None, local_files_only=False, **options):
        if local_files_only:
            raise NOT_CACHED
        Path(local_dir).mkdir(parents=True)
        (Path(local_dir) / "config.json").write_text("{}")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    with pytest.raises(WeightsNotAvailableError, match=r"has no model\.safetensors on the Hugging"):
        find_backbone("someone/old-model", may_fetch=True)


def test_the_cache_of_the_hubs_own_client_is_used(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: str(tmp_path))
    with pytest.raises(WeightsNotAvailableError, match="is not on this machine"):
        find_backbone(NAME)  # a part of it is no use
    fill(tmp_path)
    assert find_backbone(NAME) == tmp_path


def test_an_unfinished_fetch_is_taken_up_again(monkeypatch):
    fill(own_folder(NAME))
    (own_folder(NAME) / "preprocessor_config.json").unlink()

    def fetch(name, *, local_dir=None, local_files_only=False, **options):
        if local_files_only:
            raise NOT_CACHED
        fill(Path(local_dir))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert find_backbone(NAME, may_fetch=True) == own_folder(NAME)


HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ({"size": {"height": 24, "width": 32}}, (24, 32, "squash", 0.5)),
        ({"size": 40, "do_center_crop": False}, (40, 40, "squash", 0.5)),
        ({"size": {"shortest_edge": 48}}, (48, 48, "crop", 0.5)),
        ({"size": 40, "crop_size": 32, "do_center_crop": True}, (32, 32, "crop", 0.5)),
        ({"size": 8, "rescale_factor": 0.00392156862745098}, (8, 8, "squash", 0.5)),
        ({"size": 8, "do_rescale": False, "image_mean": [127.5] * 3}, (8, 8, "squash", 0.5)),
        ({"size": 8, "do_normalize": False}, (8, 8, "squash", 0.0)),
    ],
)
def test_every_way_to_write_the_size_is_read(values, want, tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**HALF, **values}))
    got = read_preprocessing(tmp_path)
    assert (got.frame_height, got.frame_width, got.resize, got.mean[0]) == want
    (tmp_path / "preprocessor_config.json").unlink()
    both = {"image_processor": {**HALF, **values}, "processor_class": "CLIPProcessor"}
    (tmp_path / "processor_config.json").write_text(json.dumps(both))
    assert read_preprocessing(tmp_path) == got


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame_width": 0}, "at least 1 x 1 pixels, got 224 x 0"),
        ({"resize": "fit"}, '"squash", "crop" or "letterbox", got \'fit\''),
        ({"std": (0.2, 0.2, 0.0)}, "std above 0"),
        ({"mean": (0.5,)}, "three numbers each"),
    ],
)
def test_impossible_pictures_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Preprocessing(**changes)


def test_broken_json_is_refused(tmp_path):
    for text in ("{", "[1]", '{"size": 8, "image_mean": [1, 2]}'):
        (tmp_path / "preprocessor_config.json").write_text(text)
        with pytest.raises(CheckpointError, match=r"preprocessor_config\.json"):
            read_preprocessing(tmp_path)
