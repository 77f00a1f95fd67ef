"""What is noted of a run beside its numbers: code, versions, machine."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

_ROOT = Path(__file__).resolve().parents[3]


def run_record(device: torch.device, seed: int) -> dict[str, Any]:
    """What a run was begun with."""
    return {
        "started": now(),
        "seed": seed,
        "git_revision": git_revision(_ROOT),
        "vidmem": _vidmem_version(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "machine": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
    }


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def git_revision(folder: Path) -> str | None:
    """The commit of a checkout, with "+" where files differ from it; `None`: it is none."""
    if not (folder / ".git").exists():
        return None
    revision = _git(folder, "rev-parse", "HEAD")
    if revision is None:
        return None
    return revision + ("+" if _git(folder, "status", "--porcelain", "-uno") else "")


def _git(folder: Path, *words: str) -> str | None:
    try:
        found = subprocess.run(
            ("git", "-C", str(folder), *words), capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def _vidmem_version() -> str | None:
    try:
        return version("vidmem")
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
