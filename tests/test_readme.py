"""What the documents say runs, prints what they say, and leads to something that exists."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
import sys

import pytest
from typer.main import get_command

from app.__main__ import parser
from tests.documents import (
    DOCUMENTS,
    PAGES,
    README,
    ROOT,
    anchors,
    code_blocks,
    command_lines,
    document_id,
    without_code,
)
from vidmem import cli
from vidmem.models.presets import bundled_models

NUMBER = re.compile(r"\d+(?:\.\d+)?")
SLOW = ("sample",)
"""Commands of the README that take more than ten seconds on a busy machine."""

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=document_id)


def lines_without_numbers(output: str) -> list[list[str]]:
    """Words only: probabilities differ in their last digits from machine to machine."""
    return [NUMBER.sub("#", line).split() for line in output.strip().splitlines()]


def readme_commands() -> list[str]:
    block = README.read_text().partition("## From the command line")[2].partition("\n## ")[0]
    return re.findall(r"^    (vidmem [^\n#]+)", block, flags=re.MULTILINE)


def is_slow(command: str) -> bool:
    return command.split()[1] in SLOW


@pytest.mark.slow
def test_the_python_of_the_readme_prints_what_it_says(tmp_path):
    if "fam-swin-nano" not in bundled_models():
        pytest.skip("the bundled model fam-swin-nano is not in assets/ yet")
    text = README.read_text()
    script = tmp_path / "readme.py"
    script.write_text(code_blocks(text, "python")[0])
    done = subprocess.run(
        [sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    expected = code_blocks(text, "text")[0]
    assert lines_without_numbers(done.stdout) == lines_without_numbers(expected)


@pytest.fixture
def run_line(tmp_path, monkeypatch, capsys):
    """Run a line of the command line in this process, in a folder that has the sample."""
    (tmp_path / "assets").symlink_to(ROOT / "assets", target_is_directory=True)
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> None:
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        with pytest.raises(SystemExit) as ended:
            cli.main()
            raise SystemExit(0)
        printed = capsys.readouterr()
        assert not ended.value.code, f"{line}\n{printed.err}"

    return run


def test_the_readme_has_six_lines_of_the_command_line():
    assert len(readme_commands()) == 6
    assert any(map(is_slow, readme_commands()))


@pytest.mark.slow
def test_the_quick_lines_of_the_readme_run(run_line, tmp_path):
    for line in readme_commands():
        if not is_slow(line):
            run_line(line)
            assert all((tmp_path / out).exists() for out in re.findall(r"--out (\S+)", line)), line
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 1 + 15
    assert len(list((tmp_path / "tiles").glob("*.csv"))) == 4


@pytest.mark.slow
def test_the_slow_lines_of_the_readme_run(run_line, tmp_path):
    for line in filter(is_slow, readme_commands()):
        assert "--minutes 1 " in line
        run_line(line.replace("--minutes 1 ", "--minutes 0.1 "))  # a tenth of the time to draw
    assert (tmp_path / "barn.mp4").stat().st_size > 0


def test_the_readme_is_short():
    assert len(README.read_text().split()) <= 1000


@pytest.mark.parametrize("path", PAGES, ids=document_id)
def test_every_page_of_the_docs_is_listed(path):
    if path.name != "README.md":
        assert f"]({path.name})" in (ROOT / "docs" / "README.md").read_text()
    assert f" {path.name}\n" in (ROOT / "docs" / "mkdocs" / "mkdocs.yml").read_text()


@every_document
def test_every_make_target_named_exists(path):
    makefile = (ROOT / "Makefile").read_text()
    for words in command_lines(path.read_text(), "make"):
        targets = [word for word in words if re.fullmatch("[a-z]+", word)]
        if targets:  # else `make PYTHON=...`
            assert re.search(rf"^{targets[0]}:", makefile, flags=re.MULTILINE), targets[0]


@every_document
def test_every_command_and_option_named_exists(path):
    commands = get_command(cli.cli).commands  # type: ignore[attr-defined]
    for name, *rest in command_lines(path.read_text(), "vidmem"):
        if name.startswith("--"):
            continue
        assert name in commands
        command = commands[name]
        if hasattr(command, "commands") and rest and re.fullmatch("[a-z]+", rest[0]):
            command = command.commands[rest[0]]  # a word after the name of a group is a command
        known = {option for param in command.params for option in param.opts} | {"--help"}
        if name == "app":  # it has its own options
            known = {option for action in parser()._actions for option in action.option_strings}
        assert {word for word in rest if word.startswith("--")} <= known


@every_document
def test_links_lead_to_files_and_headings_that_exist(path):
    for target, _, anchor in re.findall(
        r"\]\(([^)#:]*)(#([^)]+))?\)", without_code(path.read_text())
    ):
        file = path.parent / target if target else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), f"{target}#{anchor}"


@every_document
def test_python_in_the_docs_imports_what_exists(path):
    for block in code_blocks(path.read_text(), "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vidmem"):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names), node.module
