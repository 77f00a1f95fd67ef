"""The flags, and what `python -m app` imports before it is asked to do anything."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from app.__main__ import parse_size, parser
from app.components import FOLDER
from app.words import WORDS


def test_the_defaults_are_this_machine_only():
    given = parser().parse_args([])
    assert (given.host, given.port) == ("127.0.0.1", 7860)
    assert given.max_upload == 4_000_000_000
    assert given.model is None


@pytest.mark.parametrize(("text", "size"), [("500MB", 500_000_000), ("1.5gb", 1_500_000_000)])
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "0MB", "-1GB", "12"])
def test_a_size_that_is_none_is_answered_with_one_that_is(text):
    with pytest.raises(argparse.ArgumentTypeError):
        parse_size(text)


def test_a_folder_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--videos", "no/such/folder"])
    assert "there is no folder no/such/folder" in capsys.readouterr().err


def test_importing_the_entry_point_is_light():
    code = "import sys, app.__main__; print('torch' in sys.modules, 'gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_every_word_on_the_page_has_a_text():
    for path in FOLDER.glob("*.html"):
        for key in path.read_text().split("[[")[1:]:
            assert key.split("]]")[0] in WORDS, path.name
