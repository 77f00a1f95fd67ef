"""What many tests share."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings

from tests.video.warm_child import warm_children
from vidmem.models import FamSwin, FamSwinConfig, MemoryConfig, ModelCard

torch.set_num_threads(
    1
)  # the models here are so small that a second thread costs more than it gives

# The same examples in each run, or what nobody changed would fail one day. For others:
# make test ARGS=--hypothesis-profile=default
settings.register_profile("suite", derandomize=True)
settings.load_profile("suite")

BROWSER = "tests/browser/"
MIDDLE_OF_BROWSER_TESTS = "test_n"
"""By the alphabet of their files: both halves take about as long."""

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure() -> None:
    """Let Ctrl-C and a closed terminal come through, wherever the tests were started.

    What runs in the background of a shell, or under `nohup`, begins with them ignored, and the
    programs tested here leave what is ignored alone.
    """
    gc.disable()  # while tests are collected: see `pytest_collection_finish`
    # No test may open the project of who runs it.
    os.environ["VIDMEM_PROJECT"] = tempfile.mkdtemp(prefix="vidmem-project-of-tests-")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_unconfigure() -> None:
    """Delete the project that tests opened without naming one."""
    shutil.rmtree(os.environ["VIDMEM_PROJECT"], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Several workers (`make test`): a file is run by one of them, the browser by two at most.

    Browser tests mostly wait, so three workers keep two cores busy; more browsers than two would
    slow each other down.
    """
    from xdist.scheduler import LoadFileScheduling

    class TwoBrowsers(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if not nodeid.startswith(BROWSER):
                return super()._split_scope(nodeid)
            file = nodeid.split("::")[0].removeprefix(BROWSER)
            return f"{BROWSER}{file < MIDDLE_OF_BROWSER_TESTS}"

    return TwoBrowsers(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For workers: what takes longest first, lest one is at it alone in the end."""
    if not hasattr(config, "workerinput"):
        return
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.nodeid.startswith(BROWSER), item.path not in slow))


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: no garbage collection looks through them again.

    They are more than a million objects, and each whole collection would take half a second.
    """
    gc.freeze()
    gc.enable()


@contextmanager
def only_new_garbage() -> Iterator[None]:
    """What is there already is not looked at by `gc.collect` in here, nor later on.

    A process that has run many tests holds half a million objects beside what it began with.
    """
    gc.freeze()
    yield


@pytest.fixture(scope="session", autouse=True)
def decoders() -> Iterator[None]:
    """Decoding children start warm; see `tests.video.warm_child`."""
    with warm_children():
        yield


def _shared_folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"shared/{name} is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def shared_videos() -> Path:
    """Real footage and awkward files; skips where they are absent."""
    return _shared_folder("videos")


@pytest.fixture(scope="session")
def shared_failing() -> Path:
    """Files that earlier versions got wrong; skips where they are absent."""
    return _shared_folder("failing")


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """Numbers from an independent implementation; skips where they are absent."""
    return _shared_folder("reference")


@pytest.fixture(scope="session")
def shared_formats() -> Path:
    """Samples of label formats; skips where they are absent."""
    return _shared_folder("formats")


def make_tiny_model(
    *,
    gate: float = 1.0,
    l_mem: int = 4,
    memory_every: int = 1,
    anchors: int = 0,
    num_classes: int = 3,
):
    """A FAM Swin with random weights: 64 x 64 pixels, 8 frames; memory speaks loudly."""
    memory = MemoryConfig(
        l_mem=l_mem, tokens_per_clip=8, memory_every=memory_every, anchors=anchors
    )
    config = FamSwinConfig(
        tubelet_size=(2, 8, 8),
        embed_dim=16,
        depths=(1, 1, 2, 1),
        num_heads=(1, 2, 2, 4),
        attention_window=(2, 4, 4),
        num_classes=num_classes,
        memory=memory,
    )
    card = ModelCard(
        name="tiny",
        title="Tiny",
        class_names=("lying", "standing", "walking"),
        fps=4.0,
        clip_frames=8,
        window_stride=8,
        frame_height=64,
        frame_width=64,
        resize="squash",
        trained_on="Not trained.",
    )
    torch.manual_seed(7)
    model = FamSwin(config, card)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    for attention in model.memory.values():
        torch.nn.init.constant_(attention.gate, gate)
    return model.eval()


@pytest.fixture
def own_threads() -> Callable[..., list[str]]:
    """Names of the threads that began during the test and still run, by how the names begin.

    Without those of other tests of this process: the app that browser tests share goes on playing.
    """
    before = set(threading.enumerate())

    def names(*beginnings: str) -> list[str]:
        return [
            one.name
            for one in threading.enumerate()
            if one not in before and one.name.startswith(beginnings)
        ]

    return names


@pytest.fixture
def flex_as_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """`flex_attention` traced into one graph, which runs as it is: no C++ is made of it.

    What makes torch compile again, and which tensors a graph reads, is settled before C++ is
    written, which takes ten times as long. Tests of the numbers that C++ gives do without this.
    """
    from torch.nn.attention.flex_attention import flex_attention

    from vidmem.nn import flex

    traced = torch.compile(flex_attention, dynamic=False, backend="eager")
    monkeypatch.setattr(flex, "_compiled", lambda: traced)


@pytest.fixture
def tiny_model():
    """See `make_tiny_model`."""
    return make_tiny_model()
