"""See what a long-context video model sees, remembers and costs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidmem import (
        data,
        errors,
        evaluation,
        figures,
        inspection,
        labels,
        models,
        nn,
        notebooks,
        planner,
        profiling,
        projects,
        review,
        streaming,
        teaching,
        training,
        video,
    )
    from vidmem.errors import VidmemError
    from vidmem.models import list_models, load, save
    from vidmem.streaming import Prediction, watch
    from vidmem.teaching import teach

__version__ = "0.1.0"

__all__ = [
    "Prediction",
    "VidmemError",
    "__version__",
    "data",
    "errors",
    "evaluation",
    "figures",
    "inspection",
    "labels",
    "list_models",
    "load",
    "models",
    "nn",
    "notebooks",
    "planner",
    "profiling",
    "projects",
    "review",
    "save",
    "streaming",
    "teach",
    "teaching",
    "training",
    "video",
    "watch",
]

# A name is imported when it is first asked for, so that `import vidmem` is quick and does nothing.
_HOMES = {
    "Prediction": "vidmem.streaming",
    "VidmemError": "vidmem.errors",
    "list_models": "vidmem.models",
    "load": "vidmem.models",
    "save": "vidmem.models",
    "teach": "vidmem.teaching",
    "watch": "vidmem.streaming",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in __all__:
        value = importlib.import_module(f"vidmem.{name}")
    else:
        raise AttributeError(f"module 'vidmem' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
