"""The notebooks run from top to bottom, store nothing, and teach in the way that all of them do."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from docs.notebook_pages import page_of
from tests.test_architecture import PUBLIC_SUBMODULES

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"

CELL_SECONDS = 240
"""Only what hangs takes longer."""

MAX_CODE_LINES = 8

TOP = r"""
- \*\*Question:\*\* .+
- \*\*You will be able to\*\* .+
- \*\*Minutes:\*\* \d+ .+
- \*\*Know before:\*\* .+"""
EXERCISE = r"^### Exercise (\d): [^\n]+ \((?:easy|medium|hard), \d+ minutes\)$"
SOLUTION = re.compile(r"<details><summary>Solution</summary>\n\n```python\n(.*?)```", re.DOTALL)

MOVE_CONTROLS = """
from vidmem.notebooks import Explorer

for explorer in [one for one in globals().values() if isinstance(one, Explorer)]:
    for name, control in explorer.controls.items():
        before = explorer.figure.to_json()
        for value in reversed(control.options):
            control.value = value
            if explorer.figure.to_json() != before:
                break
        assert explorer.figure.to_json() != before, f"{name} moves nothing"
        assert not explorer.message.value, explorer.message.value
"""
"""Run behind each notebook: every control of its widgets changes the picture."""

of_each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def sources(path: Path, kind: str) -> list[str]:
    return [cell.source for cell in read(path).cells if cell.cell_type == kind]


def text_of(path: Path) -> str:
    return "\n\n".join(sources(path, "markdown"))


def place(path: Path, beginning: str) -> int:
    """The cell that begins so, or has a line that does."""
    cells = read(path).cells
    lines = [cell.source.splitlines() for cell in cells]
    found = [at for at, own in enumerate(lines) if any(one.startswith(beginning) for one in own)]
    assert found, beginning
    return found[0]


def outputs_of(cell: nbformat.NotebookNode, kind: str) -> list:
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return [one[kind] for one in data if kind in one]


def with_solutions(notebook: nbformat.NotebookNode) -> list[int]:
    """Append each exercise's solution and then its check; where the checks are."""
    is_check = [
        cell.cell_type == "code" and "notebooks.check(" in cell.source for cell in notebook.cells
    ]
    added, places = [], []
    for at, cell in enumerate(notebook.cells):
        solution = SOLUTION.search(cell.source) if cell.cell_type == "markdown" else None
        if solution is not None:
            check = next(n for n in reversed(range(at)) if is_check[n])
            added += [solution[1], notebook.cells[check].source]
            places.append(len(notebook.cells) + len(added) - 1)
    notebook.cells += map(nbformat.v4.new_code_cell, [*added, MOVE_CONTROLS])
    return places


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One for all notebooks: to start it and to load torch takes as long as one of them."""
    folder = tmp_path_factory.mktemp("notebooks")
    with pytest.MonkeyPatch.context() as patch:
        # Nothing is left outside the test's folder, and there is one thread, as in other tests.
        names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "VIDMEM_CACHE")
        for name in (*names, "TMPDIR"):
            (folder / name.lower()).mkdir()
            patch.setenv(name, str(folder / name.lower()))
        patch.setenv("OMP_NUM_THREADS", "1")
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(cwd=str(FOLDER))
        yield manager
        manager.shutdown_kernel(now=True)


@pytest.mark.slow
@of_each
def test_a_notebook_runs_and_draws_and_its_solutions_are_right(path, kernel):
    notebook = read(path)
    checks = with_solutions(notebook)
    whole = notebook.copy()
    # Nor a name of another one.
    whole.cells = [nbformat.v4.new_code_cell("%reset -f"), *notebook.cells]
    client = NotebookClient(whole, km=kernel, timeout=CELL_SECONDS)
    try:
        client.execute()
    finally:
        client.kc.stop_channels()  # of this client; the kernel goes on
    figures = [figure for cell in notebook.cells for figure in outputs_of(cell, PLOTLY)]
    assert figures
    for at in checks:
        assert outputs_of(notebook.cells[at], "text/plain")[0].startswith("\N{CHECK MARK}")
    check_order(notebook)
    check_page(page_of(notebook, path.stem), len(figures))


def check_order(notebook: nbformat.NotebookNode) -> None:
    """A filmstrip comes before any other figure, and behind a widget stands a still picture."""
    with_figure = [at for at, cell in enumerate(notebook.cells) if outputs_of(cell, PLOTLY)]
    with_widget = [at for at, cell in enumerate(notebook.cells) if outputs_of(cell, WIDGET)]
    assert "filmstrip" in notebook.cells[with_figure[0]].source
    explorers = [at for at in with_widget if "notebooks.explore(" in notebook.cells[at].source]
    assert explorers
    for at in explorers:
        assert any(at < still <= at + 3 for still in with_figure)
    unanswered = [
        cell
        for cell in notebook.cells
        if cell.get("metadata", {}).get("jupyter", {}).get("source_hidden")
    ]
    assert len(unanswered) == 3
    for cell in unanswered:
        assert "Not answered yet" in outputs_of(cell, "text/plain")[0]


def check_page(page: str, num_figures: int) -> None:
    """An exported page has all figures, each with a name of its own, and fetches nothing."""
    names = re.findall(r'<div class="figure" id="([^"]+)"', page)
    assert len(names) == num_figures == len(set(names))
    data = dict(
        re.findall(r'<script type="application/json" id="([^"]+)-data">(.*)</script>', page)
    )
    assert list(data) == names
    assert all({"data", "layout"} == json.loads(one).keys() for one in data.values())
    without_figures = re.sub(r'<script type="application/json".*</script>', "", page)
    assert re.findall(r'\b(?:src|data-src)="([^"]+)"', without_figures) == ["plotly.min.js"]
    assert not re.findall(r'<link\b|@import|href="(?!\w+\.html")', without_figures)


def test_the_notebooks_are_those_of_the_readme():
    named = re.findall(r"\]\((\w+\.ipynb)\)", (FOLDER / "README.md").read_text())
    assert named == [path.name for path in NOTEBOOKS]


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
def test_four_lines_at_the_top_say_what_it_is_for(path):
    assert re.search(TOP, sources(path, "markdown")[0])


@of_each
def test_a_reader_guesses_before_it_runs(path):
    code = sources(path, "code")
    guesses = [at for at, cell in enumerate(code) if cell.startswith("my_guess = None")]
    assert guesses
    assert all("notebooks.compare_guess(" in code[at + 1] for at in guesses)


@of_each
def test_the_wrong_way_is_shown_with_its_error(path):
    start = place(path, "## The wrong way")
    code = [cell.source for cell in read(path).cells[start:] if cell.cell_type == "code"]
    assert any("except" in cell and "print(" in cell for cell in code[:2])


@of_each
def test_there_are_three_exercises_with_checks_and_folded_solutions(path):
    text = text_of(path)
    assert re.findall(EXERCISE, text, re.MULTILINE) == ["1", "2", "3"]
    assert len(SOLUTION.findall(text)) == 3
    cells = [cell for cell in read(path).cells if "notebooks.check(" in cell.source]
    # Hidden until somebody looks, since a check often has the answer; its first line is not.
    assert [cell.metadata.jupyter.source_hidden for cell in cells] == [True] * 3
    assert all(cell.source.startswith("# Run this to check your answer.\n") for cell in cells)


@of_each
def test_its_sections_come_in_one_order(path):
    order = (
        "## What is watched",
        "## The result first",
        "## The wrong way",
        "## Footage of your own",
        "## Exercises",
        "## Limits",
    )
    places = [place(path, heading) for heading in order]
    assert places == sorted(places)


@of_each
def test_only_public_names_are_imported(path):
    code = "\n".join(sources(path, "code") + SOLUTION.findall(text_of(path)))
    for node in ast.walk(ast.parse(code)):
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
