"""The notebooks run from top to bottom, store nothing, and use what vidmem exports by name."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from tests.test_architecture import PUBLIC_SUBMODULES

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"

CELL_SECONDS = 120
"""Only what hangs takes longer; all three take less than a minute on two idle cores."""

MAX_CODE_LINES = 8

of_each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def sources(path: Path, kind: str) -> list[str]:
    return [cell.source for cell in read(path).cells if cell.cell_type == kind]


def test_the_notebooks_are_those_of_the_readme():
    named = re.findall(r"\]\((\w+\.ipynb)\)", (FOLDER / "README.md").read_text())
    assert named == [path.name for path in NOTEBOOKS]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One for all notebooks: to start it and to load torch takes as long as one of them."""
    folder = tmp_path_factory.mktemp("notebooks")
    with pytest.MonkeyPatch.context() as patch:
        # Nothing is left outside the test's folder, and there is one thread, as in other tests.
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "VIDMEM_CACHE"):
            patch.setenv(name, str(folder / name.lower()))
        patch.setenv("OMP_NUM_THREADS", "1")
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(cwd=str(FOLDER))
        yield manager
        manager.shutdown_kernel(now=True)


@pytest.mark.slow
@of_each
def test_a_notebook_runs_and_draws(path, kernel):
    notebook = read(path)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))  # nor a name of another one
    client = NotebookClient(notebook, km=kernel, timeout=CELL_SECONDS)
    try:
        cells = client.execute().cells
    finally:
        client.kc.stop_channels()  # of this client; the kernel goes on
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert any(PLOTLY in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error"]


@of_each
def test_no_outputs_are_stored(path):
    for cell in read(path).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@of_each
def test_a_notebook_asks_explains_and_says_what_is_next(path):
    text, code = sources(path, "markdown"), sources(path, "code")
    assert re.match(r"# .*\?\n", text[0])
    assert "**Next:**" in text[-1]
    assert len(text) >= 0.8 * len(code)
    assert all(cell.count("\n") < MAX_CODE_LINES for cell in code)


@of_each
def test_only_public_names_are_imported(path):
    for node in ast.walk(ast.parse("\n".join(sources(path, "code")))):
        if isinstance(node, ast.Import):
            modules = {alias.name for alias in node.names}
            assert modules <= {"torch", "vidmem"}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert module.count(".") <= 1 or module in PUBLIC_SUBMODULES
            names = getattr(importlib.import_module(module), "__all__", None)
            if names is not None:
                assert {alias.name for alias in node.names} <= set(names)


@of_each
def test_links_lead_to_files_that_exist(path):
    for target in re.findall(r"\]\(([^)#:]+)\)", "\n".join(sources(path, "markdown"))):
        assert (FOLDER / target).exists(), target
