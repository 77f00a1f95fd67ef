"""The shape of the code: who may import whom, and how large things may be (STYLE 2 and 3)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vidmem"
APP = ROOT / "app"

RESULTS = {"video", "nn", "data", "models", "inspection", "profiling", "streaming", "evaluation"}
EVERYTHING = {"errors", "training", "figures", "doctor", "console", "processors", *RESULTS}

# A folder of vidmem, and those that it may import from besides itself.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "video": {"errors"},
    "nn": {"errors"},
    "data": {"errors", "video"},
    "models": {"errors", "nn"},
    "inspection": {"errors", "nn", "models"},
    "profiling": {"errors", "nn", "models"},
    "streaming": {"errors", "video", "models", "profiling"},
    "training": {"errors", "data", "models"},
    # Evaluation: whether effects find what decided, where the data know it.
    "evaluation": {"errors", "data", "inspection", "models", "streaming"},
    "figures": {"errors", *RESULTS},
    "doctor": {"errors", "video", "nn", "models"},
    "processors": set(),
    "console": {"models", "streaming"},
    "cli": {"__init__", *EVERYTHING},
    "__init__": EVERYTHING,
}

# A heavy or optional package, and the only places that may import it.
WRAPPED: dict[str, tuple[str, ...]] = {
    "gradio": ("app/__main__.py", "app/page.py", "app/components/"),
    "decord": ("vidmem/video/",),
    "av": ("vidmem/video/", "vidmem/data/barn/"),
    "transformers": ("vidmem/models/backbones.py", "vidmem/profiling/peer_transformers.py"),
    "torchvision": (),
    "captum": ("vidmem/inspection/attribution.py",),
    "plotly": ("vidmem/figures/", "app/components/"),
    "typer": ("vidmem/cli/",),
    "rich": ("vidmem/cli/", "vidmem/console.py"),
    "app": ("app/",),
}

# What of vidmem the app may import from: the folders, and the submodules that have public names.
PUBLIC_SUBMODULES = {
    "vidmem.data.barn",
    "vidmem.models.presets",
    "vidmem.nn.attention",
    "vidmem.nn.masks",
}

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
USUAL_FUNCTION_LINES = 40
VAGUE_NAMES = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}

MODULES = sorted([*PACKAGE.rglob("*.py"), *APP.rglob("*.py")])
PACKAGE_MODULES = [path for path in MODULES if path.is_relative_to(PACKAGE)]
APP_MODULES = [path for path in MODULES if path.is_relative_to(APP)]
CODE = [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_modules(path: Path) -> set[str]:
    """What a file imports, in dotted names; `from vidmem import nn` counts as `vidmem.nn`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "vidmem":
            names |= {f"vidmem.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def imported_folders(path: Path) -> set[str]:
    """The folders of vidmem that a file imports from; a name of vidmem itself is `__init__`."""
    modules = {name for name in imported_modules(path) if name.split(".")[0] == "vidmem"}
    parts = {[*name.split("."), "__init__"][1] for name in modules}
    return {part if part in ALLOWED else "__init__" for part in parts}


def function_lines(path: Path) -> dict[str, int]:
    """Lines of each function's body, without its docstring."""
    lengths = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            lengths[f"{relative(path)}:{node.lineno} {node.name}"] = length
    return lengths


@pytest.mark.parametrize("path", PACKAGE_MODULES, ids=relative)
def test_imports_point_downwards(path):
    folder = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert folder in ALLOWED, f"say in ALLOWED what vidmem/{folder} may import"
    assert imported_folders(path) - {folder} <= ALLOWED[folder]


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_heavy_package_is_imported_only_by_what_wraps_it(path):
    imported = {name.split(".")[0] for name in imported_modules(path)}
    for package in imported & WRAPPED.keys():
        assert relative(path).startswith(WRAPPED[package]), f"{package} is for {WRAPPED[package]}"


@pytest.mark.parametrize("path", APP_MODULES, ids=relative)
def test_the_app_uses_only_public_names(path):
    for module in imported_modules(path):
        if module.split(".")[0] == "vidmem":
            assert module.count(".") <= 1 or module in PUBLIC_SUBMODULES


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_files_are_short_and_say_what_they_hold(path):
    num_lines = path.read_text().count("\n")
    assert num_lines <= MAX_FILE_LINES
    assert path.name not in VAGUE_NAMES


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_function_is_longer_than_a_screen(path):
    long = {name: n for name, n in function_lines(path).items() if n > MAX_FUNCTION_LINES}
    assert not long


def test_nine_functions_in_ten_are_short():
    lengths = {name: n for path in MODULES for name, n in function_lines(path).items()}
    longer = {name: n for name, n in lengths.items() if n > USUAL_FUNCTION_LINES}
    assert len(longer) <= len(lengths) / 10, longer
