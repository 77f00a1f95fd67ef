"""The shape of the code: who may import whom, and what names may be (STYLE 2 and 3)."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vidmem"
APP = ROOT / "app"

# A room of vidmem, and those below it that it may import from besides itself.
LEAVES = {"errors", "files", "holding", "plain", "processors", "renamed", "units"}
RESULTS = {"video", "nn", "data", "models", "inspection", "profiling", "planner", "streaming"}
EVERYTHING = {
    *LEAVES,
    *RESULTS,
    "labels",
    "projects",
    "review",
    "training",
    "teaching",
    "evaluation",
    "moments",
    "bench",
    "figures",
    "notebooks",
}
PROGRAMS = {"console", "doctor"}

ALLOWED: dict[str, set[str]] = {
    **{leaf: set() for leaf in LEAVES},
    "video": {"errors"},
    "nn": {"errors"},
    # Labels and projects are datasets, too; and so tables are read by one code.
    "data": {"errors", "video", "labels", "projects"},
    "models": {"errors", "nn"},
    "inspection": {"errors", "nn", "models"},
    "planner": {"errors", "nn", "models"},
    "profiling": {"errors"},
    "labels": {"errors"},
    "projects": {"errors", "labels"},
    "review": {"errors", "labels"},
    # It scores as it goes, and measures what that costs, as is done elsewhere.
    "training": {"errors", "data", "labels", "models", "nn", "video", "planner", "evaluation"},
    "streaming": {"errors", "video", "models", "profiling"},
    # The facade for its version alone, which a report of teaching records.
    "teaching": {"__init__", "errors", "nn", "video", "models", "streaming", "labels", "training"},
    "moments": {"errors", "inspection", "models", "streaming", "nn"},
    "evaluation": {"errors", "data", "inspection", "models", "streaming", "moments"},
    "bench": {"__init__", *LEAVES, *RESULTS, "labels", "teaching"},
    "figures": {"errors", "moments", "evaluation", "labels", "teaching", *RESULTS},
    # What the notebooks teach with: it shows videos and figures, and runs no model.
    "notebooks": {"errors", "figures", "video"},
    "doctor": {"errors", "video", "nn", "models"},
    "console": {"models", "streaming"},
    "cli": {"__init__", *EVERYTHING, *PROGRAMS},
    "__init__": EVERYTHING,
    "__main__": {"cli"},
}

# A facade that keeps names promised to scripts, and what it may reach up for.
FACADES = {"vidmem/profiling/__init__.py": {"planner"}}

# The rooms of the app, each above those that it may import. A page may import all below `pages`.
APP_ORDER = (
    "__main__",
    "launch",
    "serving",
    "page",
    "pages",
    "run",
    "explain",
    "teaching",
    "tools",
    "projects",
    "sources",
    "guard",
    "budget",
    "sentences",
)
PAGE_FOLDERS = {
    *("watch", "label", "teach", "lesson", "review", "results", "runs"),
    *("streams", "inside", "masks", "cost", "planner"),
}

# Inside rooms of vidmem: each level above those that it may import; none imports its neighbours.
INNER_ORDER: dict[str, tuple[set[str], ...]] = {
    "streaming": (
        {"watch"},
        {"engine", "pool"},
        {"run"},
        {"progress"},
        {"source", "pending_changes", "footprint", "recorder", "past_run"},
        {"saved_run"},
        {"history", "whole"},
        {"stream", "windows", "bouts"},
        {"saving"},
        {"feeds", "batching"},
        {"settings", "prediction", "step_errors"},
    ),
    "video": (
        {"decode_speed"},
        {"frame_feed", "pictures", "frame_task", "picture_task", "live", "playing"},
        {"protections", "protection_task"},
        {"readers", "claims"},
        {"child", "probe"},
        {"packets"},
        {"container", "mime", "orientation", "transforms", "sampling"},
    ),
    "data": (
        {"streams"},
        {"manifest", "barn"},
        {"encoding"},
    ),
    "labels": (
        {"formats", "results"},
        {"merging", "comparing", "sampling", "postprocessing"},
        {"labels"},
        {"tracks"},
        {"spans", "bout", "presets"},
        {"ethogram"},
        {"checks", "colours", "spelling"},
    ),
    "projects": (
        {"project"},
        {"opening", "importing"},
        {"ethogram_editor", "history"},
        {"label_store", "runs", "blind_checks"},
        {"feed", "rebasing", "videos"},
        {"journal"},
        {"rows"},
        {"storage", "fingerprint"},
    ),
    "teaching": (
        {"preview"},
        {"teach"},
        {"lessons"},
        {"warm_start"},
        {"report", "learning", "live"},
        {"splits", "subjects", "learners", "linear"},
        {"samples", "baselines"},
        {"stream_rows"},
        {"encoding"},
    ),
    "inspection": (
        {"attribution", "reach"},
        {"attention", "masks"},
        {"architectures"},
        {"fam_swin", "spool"},
        {"memory_tokens", "records"},
    ),
}

# A heavy or optional package, and the only places that may import it.
WRAPPED: dict[str, tuple[str, ...]] = {
    "gradio": ("app/__main__.py", "app/page.py"),
    "decord": ("vidmem/video/",),
    "av": ("vidmem/video/", "vidmem/data/encoding.py", "vidmem/data/barn/looping.py"),
    "transformers": (
        "vidmem/models/backbones/hugging_face.py",
        "vidmem/bench/peers/transformers.py",
        "vidmem/models/baselines/transformers_video.py",
    ),
    "torchvision": (),
    "captum": ("vidmem/inspection/attribution/gradients.py",),
    "plotly": ("vidmem/figures/", "vidmem/notebooks/"),
    "ipywidgets": ("vidmem/notebooks/",),
    "anywidget": ("vidmem/notebooks/",),
    "webvtt": ("vidmem/labels/formats/webvtt.py",),
    "pympi": ("vidmem/labels/formats/elan.py",),
    "openpyxl": ("vidmem/labels/formats/boris/tabular.py",),
    "typer": ("vidmem/cli/",),
    "sklearn": ("vidmem/labels/results/sklearn_figures.py", "vidmem/teaching/linear.py"),
    "rich": ("vidmem/cli/", "vidmem/console.py"),
    "app": ("app/",),
}

# What of vidmem the app may import from: the folders, and the submodules that have public names.
PUBLIC_SUBMODULES = {
    "vidmem.data.barn",
    "vidmem.labels.formats",
    "vidmem.labels.results",
    "vidmem.models.device",
    "vidmem.models.download",
    "vidmem.models.presets",
    "vidmem.nn.attention",
    "vidmem.nn.masks",
}

VAGUE_NAMES = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}

MODULES = sorted([*PACKAGE.rglob("*.py"), *APP.rglob("*.py")])
PACKAGE_MODULES = [path for path in MODULES if path.is_relative_to(PACKAGE)]
APP_MODULES = [path for path in MODULES if path.is_relative_to(APP)]
CODE = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imported_modules(path: Path) -> frozenset[str]:
    """What a file imports, in dotted names; `from vidmem import nn` counts as `vidmem.nn`.

    So does `from app.pages import cost`: a page would else reach another one that way.
    """
    names = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in {"vidmem", "app", "app.pages"}:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return frozenset(names)


def imported_folders(path: Path) -> set[str]:
    """The folders of vidmem that a file imports from; a name of vidmem itself is `__init__`."""
    modules = {name for name in imported_modules(path) if name.split(".")[0] == "vidmem"}
    parts = {[*name.split("."), "__init__"][1] for name in modules}
    return {part if part in ALLOWED else "__init__" for part in parts}


def test_imports_point_downwards():
    wrong = []
    for path in PACKAGE_MODULES:
        folder = room_of(path, PACKAGE)
        assert folder in ALLOWED, f"say in ALLOWED what vidmem/{folder} may import"
        allowed = (
            ALLOWED[folder]
            | FACADES.get(relative(path), set())
            | {"files", "holding", "plain", "renamed", "units"}
        )
        wrong += [
            f"{relative(path)} imports {other}"
            for other in sorted(imported_folders(path) - {folder} - allowed)
        ]
    assert wrong == []


def test_a_heavy_package_is_imported_only_by_what_wraps_it():
    wrong = []
    for path in MODULES:
        imported = {name.split(".")[0] for name in imported_modules(path)}
        wrong += [
            f"{relative(path)} imports {package}, which is for {WRAPPED[package]}"
            for package in sorted(imported & WRAPPED.keys())
            if not relative(path).startswith(WRAPPED[package])
        ]
    assert wrong == []


def test_the_app_uses_only_public_names():
    wrong = [
        f"{relative(path)} imports {module}"
        for path in APP_MODULES
        for module in sorted(imported_modules(path))
        if module.split(".")[0] == "vidmem"
        and module.count(".") > 1
        and module not in PUBLIC_SUBMODULES
    ]
    assert wrong == []


def app_room(module: str) -> str | None:
    """The room of the app that a dotted name lies in: `pages/watch`, `run`, `page`, ..."""
    parts = module.split(".")
    if parts[0] != "app" or len(parts) < 2:
        return None
    if parts[1] == "pages" and len(parts) > 2 and parts[2] in PAGE_FOLDERS:
        return f"pages/{parts[2]}"
    return parts[1]


def room_of(path: Path, of: Path) -> str:
    """The room that a file lies in: its folder, or itself where it stands alone."""
    return path.relative_to(of).parts[0].removesuffix(".py")


def may_import(room: str, other: str) -> bool:
    """Whether a room of the app may import from another."""
    if other.startswith("pages/"):
        # The list of pages names them all; no page knows another.
        return room in {"pages", "page", "launch"}
    if other == "pages" and room.startswith("pages/"):
        return True
    return APP_ORDER.index(other) > APP_ORDER.index(room.split("/")[0])


def test_in_the_app_imports_point_downwards():
    wrong = []
    for path in APP_MODULES:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        room = app_room(module)
        others = {app_room(name) for name in imported_modules(path)} - {None, room}
        wrong += [
            f"{relative(path)} imports {other}"
            for other in sorted(filter(None, others))
            if room is not None and not may_import(room, other)
        ]
    assert wrong == []


@pytest.mark.parametrize("folder", INNER_ORDER)
def test_in_a_room_imports_point_downwards(folder):
    order = INNER_ORDER[folder]
    level = {name: number for number, names in enumerate(order) for name in names}
    for path in sorted((PACKAGE / folder).rglob("*.py")):
        inner = room_of(path, PACKAGE / folder)
        if inner == "__init__":
            continue
        for module in imported_modules(path):
            parts = module.split(".")
            if parts[:2] == ["vidmem", folder] and len(parts) > 2 and parts[2] != inner:
                assert inner in level, f"say in INNER_ORDER where {folder}/{inner} stands"
                assert level[parts[2]] > level[inner], f"{relative(path)} imports {module}"


def public_types() -> dict[str, list[str]]:
    """Where each public class is defined."""
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in parse(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(relative(path))
    return homes


def test_no_two_public_types_share_a_name():
    twice = {name: homes for name, homes in public_types().items() if len(homes) > 1}
    assert not twice


def test_files_say_what_they_hold():
    assert [relative(path) for path in CODE if path.name in VAGUE_NAMES] == []
