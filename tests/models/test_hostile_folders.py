"""Folders of models from anybody: refused with a sentence, before anything is allocated."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from dataclasses import asdict
from functools import cache

import psutil
import pytest

import vidmem
from tests.models.test_spool_checkpoint import make_backbone, make_spool
from tests.mutated import mutated
from vidmem.errors import CheckpointError, VidmemError
from vidmem.models import load_folder, save
from vidmem.models.architectures import architecture_of
from vidmem.models.checkpoint import read_description
from vidmem.models.weights import read_outline

NUM_DAMAGED = 500


@pytest.fixture
def folder(tiny_model, tmp_path):
    save(tiny_model, tmp_path / "tiny")
    return tmp_path / "tiny"


def change(folder, **values):
    """Write other values into a folder's config; returns the file."""
    path = folder / "config.json"
    document = json.loads(path.read_text())
    for key, value in values.items():
        part, _, name = key.partition("__")
        document[part][name] = value
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"config__embed_dim": 3_000_000}, "must have shape"),
        ({"config__depths": [10**9, 1, 1, 1]}, "1000000003 layers"),
        ({"config__attention_window": [8, 10**5, 10**5]}, "at most 4096 tokens"),
        ({"config__embed_dim": 10**30, "config__num_heads": [1, 1, 1, 1]}, "does not describe"),
        ({"config__embed_dim": 16.0}, "config.embed_dim must be a whole number, got 16.0"),
        ({"config__memory": {"l_mem": "many"}}, "config.memory.l_mem must be a whole number"),
        ({"card__frame_height": 10**9}, "at most 8192 pixels a side"),
        ({"card__fps": 0}, "fps must be above 0"),
        ({"card__class_names": [1, 2, 3]}, "class_names.0. must be a text"),
        ({"card__std": ["a", "b", "c"]}, "must be a number"),
    ],
)
def test_a_config_that_asks_for_more_than_its_weights_is_refused_at_once(folder, values, message):
    change(folder, **values)
    before, started = psutil.Process().memory_info().rss, time.process_time()
    with pytest.raises(CheckpointError, match=message):
        load_folder(folder)
    assert time.process_time() - started < 5
    assert psutil.Process().memory_info().rss - before < 200 * 2**20


def test_a_spools_own_backbone_is_held_against_its_weights_too(tmp_path):
    backbone = make_backbone()
    save(make_spool(backbone, backbone_config=asdict(backbone.config)), tmp_path)
    assert load_folder(tmp_path) is not None
    document = json.loads((tmp_path / "config.json").read_text())
    options = document["config"]["backbone_config"]["options"]
    for values, message in (
        ({"num_hidden_layers": 10**9}, "layers, and it has"),
        ({"mlp_ratio": 1_000_000}, "must have shape"),
    ):
        before = dict(options)
        options.update(values)
        (tmp_path / "config.json").write_text(json.dumps(document))
        started = time.process_time()
        with pytest.raises(CheckpointError, match=message):
            load_folder(tmp_path)
        assert time.process_time() - started < 5
        options.clear()
        options.update(before)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_what_is_no_file_is_not_waited_for(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(CheckpointError, match="a pipe"):
        vidmem.load(str(folder))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deep"),
        (json.dumps({"format": "vidmem"})[:-1] + ', "x": NaN}', "NaN, which is no number"),
        (" " * (17 * 2**20), "more than 16777216 bytes"),
        ("\udcff", "JSON"),
        ("", "JSON"),
    ],
)
def test_hostile_json_is_refused(folder, text, message):
    (folder / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CheckpointError, match=message):
        load_folder(folder)


HOSTILE = (None, -1, 0, 1, 10**12, 1e308, -0.5, "", "x", [], [[]], {}, True, [1] * 5, {"a": {}})


def structurally(document, random_):
    """The document with one value anywhere replaced, doubled or left out."""
    document = json.loads(json.dumps(document))
    places = [document[part] for part in ("config", "card")] + [document]
    inner = document["config"].get("memory")
    place = random_.choice([*places[:2], *places, *([inner] if inner else [])])
    name = random_.choice([*place])
    if random_.random() < 0.1:
        del place[name]
    elif isinstance(place[name], list) and place[name] and random_.random() < 0.5:
        place[name][random_.randrange(len(place[name]))] = random_.choice(HOSTILE)
    else:
        place[name] = random_.choice(HOSTILE)
    return document


def test_hundreds_of_damaged_configs_crash_nothing(folder):
    """What is read is held against the weights; what passes that is loaded."""
    path, random_ = folder / "config.json", random.Random(0)
    data = path.read_bytes()
    document, outline = json.loads(data), read_outline(folder / "model.safetensors")

    @cache
    def fits(config):
        with contextlib.suppress(VidmemError, RuntimeError, TypeError, ValueError, OverflowError):
            card = read_description(folder)[1]
            wanted = architecture_of(config).outline(config, card, outline)
            return {k: t.shape for k, t in wanted.items()} == {
                k: t.shape for k, t in outline.items()
            }
        return False

    num_refused = num_loaded = 0
    for number in range(NUM_DAMAGED):
        if number % 2:
            path.write_bytes(mutated(data, random_))
        else:
            path.write_text(json.dumps(structurally(document, random_)))
        try:
            config, _ = read_description(folder)
            if fits(config) and num_loaded < 10:
                num_loaded += 1
                load_folder(folder)
        except VidmemError as error:
            num_refused += 1
            assert str(error)
    assert num_refused > NUM_DAMAGED / 2
