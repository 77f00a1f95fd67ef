"""The notebooks as pages of HTML, with their figures: `make notebooks-html`.

    python docs/notebook_pages.py build/notebooks                        all of them, and an index
    python docs/notebook_pages.py build/notebooks notebooks/01_watch.ipynb

Each notebook is run, and written as one page. Figures are drawn by Plotly in the browser, from a
copy of it beside the pages: a page asks no other machine for anything, and opens from a disk.
"""

from __future__ import annotations

import json
import re
import sys
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from markdown_it import MarkdownIt
from nbclient import NotebookClient
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"
SCRIPT = "plotly.min.js"
CELL_SECONDS = 600

STYLE = """
body { margin: 0 auto; padding: 1rem; max-width: 52rem; background: #faf9f6; color: #1d2226;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
nav { font-size: 0.85rem; } nav a { margin-right: 0.8rem; white-space: nowrap; }
a { color: #00607a; }
h1 { line-height: 1.2; } h2 { margin-top: 2.2rem; } h3 { margin-top: 1.6rem; }
pre { padding: 0.7rem 0.9rem; overflow-x: auto; border: 1px solid #dfdcd5; border-radius: 6px;
  background: #fff; font-size: 0.84rem; line-height: 1.45; }
pre.output { border-width: 0 0 0 3px; border-radius: 0; background: none; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: 0.92em; }
.figure { margin: 0.8rem 0; border: 1px solid #dfdcd5; border-radius: 6px; background: #fff;
  min-height: 8rem; }
.still { color: #59626a; }
summary { cursor: pointer; color: #00607a; }
table { border-collapse: collapse; } td, th { padding: 0.2rem 0.7rem; border: 1px solid #dfdcd5; }
"""

DRAW = """
for (const place of document.querySelectorAll(".figure")) {
  const figure = JSON.parse(document.getElementById(place.id + "-data").textContent);
  Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displaylogo: false });
}
"""

_LINK_OUTSIDE = re.compile(r'<a href="\.\./([^"#]+)(?:#[^"]*)?">(.*?)</a>', re.DOTALL)
_LINK_TO_NOTEBOOK = re.compile(r'href="(\w+)\.ipynb"')


def run(path: Path) -> nbformat.NotebookNode:
    """A notebook with the outputs of a run of its own."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(path.parent)}}
    )
    return client.execute()


def page_of(notebook: nbformat.NotebookNode, stem: str) -> str:
    """A notebook that was run, as a page.

    Args:
        notebook: With its outputs.
        stem: Its name without suffix, which begins the names of figures.
    """
    writer = _Page(stem)
    title = notebook.cells[0].source.partition("\n")[0].removeprefix("# ")
    body = "\n".join(writer.cell(cell) for cell in notebook.cells)
    links = " ".join(f'<a href="{one.stem}.html">{_short(one)}</a>' for one in NOTEBOOKS)
    return _page(title, f"<nav>{links}</nav>\n{body}", has_figures=True)


class _Page:
    """Writes cells, and numbers the figures of one page."""

    def __init__(self, stem: str) -> None:
        self._stem, self._num_figures = stem, 0
        self._markdown = MarkdownIt("commonmark", {"highlight": _highlighted}).enable("table")
        self._code = HtmlFormatter(nobackground=True, noclasses=True, style="friendly")

    def cell(self, cell: Any) -> str:
        if cell.cell_type == "markdown":
            html = self._markdown.render(cell.source)
            html = _LINK_OUTSIDE.sub(r"<code>\1</code>", html)  # a file of the repository
            return _LINK_TO_NOTEBOOK.sub(r'href="\1.html"', html)
        code = highlight(cell.source, PythonLexer(), self._code)
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            code = f"<details><summary>The check</summary>{code}</details>"
        return "\n".join([code, *map(self._output, cell.get("outputs", []))])

    def _output(self, output: Any) -> str:
        if output.output_type == "stream":
            return _printed(output.text)
        if output.output_type == "error":
            return _printed(f"{output.ename}: {output.evalue}")
        data = output.data
        if PLOTLY in data:
            return self._figure(data[PLOTLY])
        if "text/html" in data:  # what stands for a widget
            return f'<div class="still">{data["text/html"]}</div>'
        return _printed(data.get("text/plain", ""))

    def _figure(self, figure: Any) -> str:
        self._num_figures += 1
        name = f"figure-{self._stem}-{self._num_figures}"
        height = figure["layout"].get("height", 450)
        numbers = json.dumps({"data": figure["data"], "layout": figure["layout"]})
        numbers = numbers.replace("</", "<\\/")  # else it would end the script
        return (
            f'<div class="figure" id="{name}" style="height:{height}px"></div>\n'
            f'<script type="application/json" id="{name}-data">{numbers}</script>'
        )


def _highlighted(code: str, language: str, _: object) -> str:
    if language != "python":
        return ""
    formatter = HtmlFormatter(nowrap=True, noclasses=True, style="friendly")
    return highlight(code, PythonLexer(), formatter)


def _printed(text: str) -> str:
    return f'<pre class="output">{escape(text.rstrip())}</pre>'


def _short(path: Path) -> str:
    return path.stem.replace("_", " ")


def _page(title: str, body: str, *, has_figures: bool) -> str:
    scripts = f'<script src="{SCRIPT}"></script><script>{DRAW}</script>' if has_figures else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>\n{body}\n{scripts}</body></html>\n"
    )


def write_index(folder: Path) -> None:
    """The list of the notebooks, from their README."""
    text = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    cell = nbformat.v4.new_markdown_cell(text)
    html = _page("Notebooks", _Page("index").cell(cell), has_figures=False)
    (folder / "index.html").write_text(html, encoding="utf-8")


def main() -> None:
    """Run the notebooks that are named, or all, and write their pages."""
    from plotly.offline import get_plotlyjs

    folder, *named = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SCRIPT).write_text(get_plotlyjs(), encoding="utf-8")
    for path in named or NOTEBOOKS:
        print(path.name)
        html = page_of(run(path), path.stem)
        (folder / f"{path.stem}.html").write_text(html, encoding="utf-8")
    # Last: the pages are as old as the index, for make.
    write_index(folder)


if __name__ == "__main__":
    main()
