"""What is installed, what runs where, what is missing and how to get it."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import torch

from vidmem.errors import VidmemError
from vidmem.models.backbones.files import list_encoders
from vidmem.models.backbones.packaged import INSTALL_COMMAND
from vidmem.models.device import has_fast_bf16
from vidmem.models.download import cache_folder
from vidmem.models.presets import asset, bundled_models, list_models
from vidmem.nn.attention import resolve_backend
from vidmem.nn.frame_attention import resolve_frame_backend
from vidmem.units import memory_size
from vidmem.video import open_video
from vidmem.video.protections import try_protections

SAMPLE_VIDEO = "barn-sample.mp4"

Condition = Literal["ok", "optional", "missing"]

PACKAGES: tuple[tuple[str, str, Condition], ...] = (
    ("torch", "the models", "missing"),
    ("safetensors", "weights and saved streams", "missing"),
    ("av", "PyAV: reads every video", "missing"),
    ("decord", "a second reader, for --reader decord; no wheel for macOS and ARM", "optional"),
    ("transformers", "the image encoders of Spool", "missing"),
    ("gradio", "the app", "optional"),
    ("plotly", "the app's curves", "optional"),
)
"""Packages, what each is for, and what its absence means."""

INSTALL_COMMANDS = {"gradio": "pip install 'vidmem[app]'", "plotly": "pip install 'vidmem[app]'"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    """`python`, `device`, `readers`, ..."""

    text: str
    """What was found."""

    condition: Condition = "ok"
    """`optional`: something is not there, and most things work without it."""

    remedy: str = ""
    """What to do about it."""


def examine() -> list[Finding]:
    """Look at everything; takes a second or two and changes nothing."""
    checks = (_python, _packages, _device, _attention, _readers, _decoders, _encoders, _models)
    return [finding for check in checks for finding in check()]


def is_healthy(findings: list[Finding]) -> bool:
    """Nothing is missing that is needed to watch a video."""
    return all(finding.condition != "missing" for finding in findings)


def _python() -> Iterator[Finding]:
    is_supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(
        topic="python",
        text=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        condition="ok" if is_supported else "missing",
        remedy="" if is_supported else "use Python 3.11, 3.12 or 3.13",
    )


def _packages() -> Iterator[Finding]:
    for name, purpose, condition in PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            remedy = INSTALL_COMMANDS.get(name, f"pip install {name}")
            yield Finding(
                topic="packages",
                text=f"{name} is not installed ({purpose})",
                condition=condition,
                remedy=remedy,
            )
        else:
            yield Finding(topic="packages", text=f"{name} {version} ({purpose})")


def _device() -> Iterator[Finding]:
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        size = memory_size(properties.total_memory)
        yield Finding(topic="device", text=f"cuda:{index} {properties.name}, {size}")
    bf16 = "bfloat16 in hardware" if has_fast_bf16() else "no bfloat16 in hardware: float32"
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.machine()
    yield Finding(topic="device", text=f"cpu {name}, {torch.get_num_threads()} threads, {bf16}")


def _attention() -> Iterator[Finding]:
    for device in ("cuda", "cpu") if torch.cuda.is_available() else ("cpu",):
        for dtype in (torch.float32, torch.bfloat16):
            choice = resolve_backend(device, dtype)
            unmeasured = " (not measured on GPU)" if device == "cuda" else ""
            text = f"FAM Swin: {choice.name}, {choice.reason}{unmeasured}"
            yield Finding(topic="attention", text=text)
        backend, reason = resolve_frame_backend(device)
        if backend == "flex" and find_spec("triton") is None:
            yield Finding(
                topic="attention",
                text="Spool: flex, which cannot be compiled on CUDA without triton",
                condition="optional",
                remedy="pip install triton, or set the model's backend to sdpa",
            )
        else:
            yield Finding(topic="attention", text=f"Spool: {backend}, {reason}")


def _readers() -> Iterator[Finding]:
    """Read a frame of the sample video with each reader."""
    conditions: dict[str, Condition] = {"pyav": "missing", "decord": "optional"}
    for name, without in conditions.items():
        try:
            with open_video(asset(SAMPLE_VIDEO), width=128, height=128, reader=name) as video:
                video.frames([0])
        except VidmemError as error:
            remedy = "PyAV reads every video" if name == "decord" else "pip install --upgrade av"
            text = f"{name} does not read the sample video: {error}"
            yield Finding(topic="readers", text=text, condition=without, remedy=remedy)
        else:
            yield Finding(topic="readers", text=f"{name} reads the sample video")


def _decoders() -> Iterator[Finding]:
    """Try in a child what a decoder is kept from, should a video take it over."""
    try:
        protections = try_protections()
    except VidmemError as error:
        yield Finding(
            topic="decoders",
            text=f"a process for decoding does not run: {error}",
            condition="missing",
            remedy="allow Python to start processes",
        )
        return
    held = [one.text for one in protections if one.holds]
    if held:
        yield Finding(topic="decoders", text=f"a decoder {', '.join(held)}")
    for one in protections:
        if not one.holds:
            yield Finding(
                topic="decoders",
                text=f"not here: that a decoder {one.text}",
                condition="optional",
                remedy=f"{one.needs}; without it, take care whose videos are opened",
            )


def _encoders() -> Iterator[Finding]:
    """Which image encoders are here, and how to get one where there is none."""
    encoders = list_encoders()
    here = [one.name for one in encoders if one.is_available]
    absent = [one.name for one in encoders if not one.is_available]
    yield Finding(
        topic="encoders",
        text=f"image encoders here: {', '.join(here) or 'none'}; not here: "
        f"{', '.join(absent) or 'none'}",
        condition="ok" if here else "optional",
        remedy="" if here else INSTALL_COMMAND,
    )


def _models() -> Iterator[Finding]:
    bundled = bundled_models()
    if not bundled:
        yield Finding(
            topic="models",
            text="no bundled model",
            condition="missing",
            remedy="install vidmem again: its assets folder is not there",
        )
    for listing in list_models():
        is_bundled = listing.name in bundled
        where = "bundled" if is_bundled else f"in {cache_folder()}"
        yield Finding(
            topic="models",
            text=f"{listing.name} ({where if listing.is_available else 'not fetched yet'})",
            condition="ok" if listing.is_available else "optional",
            remedy=listing.needs,
        )
