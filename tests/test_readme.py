"""The README's code runs, prints what it says, and the commands that documents name exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from vidmem.cli import cli
from vidmem.models.presets import bundled_models

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def lines_without_numbers(output: str) -> list[list[str]]:
    """Words only: probabilities differ in their last digits from machine to machine."""
    return [NUMBER.sub("#", line).split() for line in output.strip().splitlines()]


def test_the_python_of_the_readme_prints_what_it_says(tmp_path):
    if "fam-swin-nano" not in bundled_models():
        pytest.skip("the bundled model fam-swin-nano is not in assets/ yet")
    text = (ROOT / "README.md").read_text()
    script = tmp_path / "readme.py"
    script.write_text(code_blocks(text, "python")[0])
    done = subprocess.run(
        [sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    expected = code_blocks(text, "text")[0]
    assert lines_without_numbers(done.stdout) == lines_without_numbers(expected)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_named_exists(path):
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", path.read_text(), flags=re.MULTILINE))
    assert named
    for target in named:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_and_option_named_exists(path):
    commands = get_command(cli).commands  # type: ignore[attr-defined]
    for name, rest in re.findall(r"(?:^    |`)vidmem ([a-z]+)([^`\n#]*)", path.read_text(), re.M):
        assert name in commands
        command = commands[name]
        if hasattr(command, "commands"):  # a group: a word after its name is a command
            words = re.findall(r"^ +([a-z]+)", rest)
            command = command.commands[words[0]] if words else command
        if command.add_help_option:  # else the app has its own options
            known = {option for param in command.params for option in param.opts}
            known.add("--help")
            assert set(re.findall(r"--[a-z-]+", rest)) <= known


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_that_exist(path):
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (ROOT / target).exists(), target
