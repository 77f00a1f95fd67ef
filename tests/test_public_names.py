"""What `import vidmem` gives, and that it does nothing else."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from typing import Any

import pytest

import vidmem
from vidmem.inspection import RecordedClip

# What other people's scripts may rely on (DESIGN 4), as far as it exists.
PROMISED = [
    "vidmem.load",
    "vidmem.save",
    "vidmem.watch",
    "vidmem.teach",
    "vidmem.models.FamSwin",
    "vidmem.models.FamSwinConfig",
    "vidmem.models.MemoryConfig",
    "vidmem.models.load_torchvision_swin",
    "vidmem.nn.attention.resolve_backend",
    "vidmem.nn.memory.MemoryQueue",
    "vidmem.video.open_video",
    "vidmem.streaming.Stream",
    "vidmem.streaming.Prediction",
    "vidmem.data.barn.write_video",
    "vidmem.teaching.TeachConfig",
    "vidmem.teaching.TeachReport",
    "vidmem.teaching.encode_video",
    "vidmem.teaching.read_report",
    "vidmem.teaching.teach",
]

# Importing must not fetch these, and the last must not be there at all.
HEAVY = ["torch", "numpy", "av", "decord", "PIL", "transformers", "plotly", "gradio", "app"]

REPORT = f"""
import json, os, sys, threading
environment = dict(os.environ)
import vidmem
import logging
print(json.dumps({{
    "heavy": [name for name in {HEAVY!r} if name in sys.modules],
    "environment": environment != dict(os.environ),
    "threads": threading.active_count(),
    "handlers": len(logging.getLogger().handlers) + len(logging.getLogger("vidmem").handlers),
}}))
"""

USE = """
import sys, vidmem
vidmem.watch, vidmem.load, vidmem.data.barn
import vidmem.evaluation, vidmem.figures, vidmem.models.backbones.backbone, vidmem.labels.results
import vidmem.notebooks
from vidmem.inspection import SpoolMaskSpec, view_mask
view_mask(SpoolMaskSpec())
print(*sys.modules)
"""


def resolve(name: str) -> object:
    """The object behind a dotted name, importing folders on the way."""
    value: object = importlib.import_module("vidmem")
    path = "vidmem"
    for part in name.split(".")[1:]:
        path = f"{path}.{part}"
        if not hasattr(value, part):
            importlib.import_module(path)
        value = getattr(value, part)
    return value


def folders() -> list[str]:
    """The packages of vidmem, by dotted name."""
    found = pkgutil.walk_packages(vidmem.__path__, "vidmem.")
    return ["vidmem", *(module.name for module in found if module.ispkg)]


def test_importing_vidmem_does_nothing():
    done = subprocess.run(
        [sys.executable, "-c", REPORT], capture_output=True, text=True, check=True, timeout=240
    )
    assert json.loads(done.stdout) == {
        "heavy": [],
        "environment": False,
        "threads": 1,
        "handlers": 0,
    }


@pytest.mark.slow
def test_what_is_heavy_is_imported_by_who_needs_it_only():
    """Neither by any room of the library, nor by a mask of its own: all in one process."""
    done = subprocess.run(
        [sys.executable, "-c", USE], capture_output=True, text=True, check=True, timeout=240
    )
    imported = set(done.stdout.split())
    assert {"vidmem.figures", "vidmem.models.backbones.backbone"} <= imported
    unwanted = {"gradio", "transformers", "huggingface_hub", "plotly", "captum", "app", "sklearn"}
    unwanted |= {"ipywidgets", "anywidget", "IPython"}
    assert not unwanted & imported
    assert "sympy" not in imported  # comes with torch's compiler


@pytest.mark.parametrize("name", PROMISED)
def test_a_promised_name_is_there(name):
    assert resolve(name) is not None


@pytest.mark.parametrize("name", folders())
def test_every_name_in_all_resolves(name):
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])
    assert len(names) == len(set(names))  # ruff (RUF022) keeps them sorted
    for public in names:
        assert getattr(module, public) is not None


def test_all_of_vidmem_is_complete():
    subpackages = {m.name for m in pkgutil.iter_modules(vidmem.__path__) if m.ispkg}
    subpackages -= {"bench", "cli"}  # for those who type, not for those who import
    assert subpackages <= set(vidmem.__all__)
    assert set(vidmem.__all__) <= set(dir(vidmem))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'spol'"):
        vidmem.spol  # noqa: B018


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("inspection.Region", "inspection.PictureBox"),
        ("models.StreamState", "models.ModelState"),
        ("profiling.MemoryTimeline", "profiling.FootprintTimeline"),
        ("streaming.Bout", "streaming.ClassBout"),
        ("streaming.RunMemory", "streaming.RunFootprint"),
        ("figures.memory_time_figure", "figures.footprint_figure"),
        ("data.barn.Bout", "data.barn.DrawnBout"),
    ],
)
def test_an_old_name_still_works_and_says_the_new_one(old, new):
    module, _, name = f"vidmem.{old}".rpartition(".")
    with pytest.warns(DeprecationWarning, match=f"is called {new.rpartition('.')[2]} now"):
        value = getattr(importlib.import_module(module), name)
    assert value is resolve(f"vidmem.{new}")


def test_an_old_field_still_works_and_says_the_new_one():
    record: Any = RecordedClip
    recorded = record(index=3, encoded=None)
    with pytest.warns(DeprecationWarning, match="RecordedClip.seen is called encoded now"):
        assert recorded.seen is None
    with pytest.warns(DeprecationWarning, match="RecordedClip.seen is called encoded now"):
        assert record(index=3, seen="a clip").encoded == "a clip"
    with pytest.raises(TypeError, match="sene"):
        record(index=3, sene="a clip")
