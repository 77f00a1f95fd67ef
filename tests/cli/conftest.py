"""Commands run in this process."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from vidmem import cli


@dataclass
class Done:
    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `vidmem ...` in this process."""

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["vidmem", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run
