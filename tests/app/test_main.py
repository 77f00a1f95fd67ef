"""The flags, and what `python -m app` imports before it is asked to do anything."""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
import uvicorn
from fastapi import FastAPI

from app import launch
from app.__main__ import parse_size, parser
from app.pages import PAGES
from app.serving.clock import AnsweringClock
from tests.app.conftest import wait_until


def test_the_defaults_are_this_machine_only():
    given = parser().parse_args([])
    assert (given.host, given.port) == ("127.0.0.1", 7860)
    assert given.max_upload == 4_000_000_000
    assert given.model is None


def test_without_flags_it_answers_this_machine_and_listens_to_no_other(monkeypatch, tmp_path):
    app = SimpleNamespace(
        api=FastAPI(),
        clock=AnsweringClock(),
        end_connections=lambda: None,
        address="here",
        close=lambda: None,
    )
    ports: list[int] = []

    def build(settings):
        ports.append(settings.port)
        return app

    monkeypatch.setattr(launch, "build_app", build)
    servers: list[uvicorn.Server] = []
    startup = uvicorn.Server.startup

    async def startup_seen(server, sockets=None):
        await startup(server, sockets)
        servers.append(server)

    monkeypatch.setattr(uvicorn.Server, "startup", startup_seen)
    given = parser().parse_args(["--port", "0"])
    settings = launch.AppSettings(
        host=given.host, port=given.port, runs_folder=tmp_path, upload_folder=tmp_path / "uploads"
    )
    visited = []

    def visit(address):
        socket.create_connection(("127.0.0.1", ports[0]), 60).close()
        visited.append(address)

    monkeypatch.setattr(launch, "open_browser", visit)
    thread = threading.Thread(target=launch.run_app, args=(settings,), kwargs={"is_opened": True})
    thread.start()
    try:
        wait_until(lambda: servers)
        listening = [one.getsockname() for made in servers[0].servers for one in made.sockets]
        [(host, port)] = listening
        assert host == "127.0.0.1"
        assert ports == [port]  # what the printed address has, if any free one is asked for
        with pytest.raises(urllib.error.HTTPError, match="404") as answered:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/none", timeout=60)
        answered.value.close()
        wait_until(lambda: visited == ["here"])  # a browser is opened when it can connect
    finally:
        for server in servers:
            server.should_exit = True
        thread.join(60)


@pytest.mark.parametrize(("text", "size"), [("500MB", 500_000_000), ("1.5gb", 1_500_000_000)])
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "0MB", "-1GB", "12"])
def test_a_size_that_is_none_is_answered_with_one_that_is(text):
    with pytest.raises(argparse.ArgumentTypeError):
        parse_size(text)


@pytest.mark.parametrize("text", ["70000", "-1", "http"])
def test_a_port_that_is_none_is_refused_with_those_that_are(text, capsys):
    with pytest.raises(SystemExit):
        parser().parse_args([f"--port={text}"])
    assert "from 0 (any free one) to 65535" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--videos", "no/such/folder"])
    assert "there is no folder no/such/folder" in capsys.readouterr().err


def test_importing_the_entry_point_is_light():
    code = "import sys, app.__main__; print('torch' in sys.modules, 'gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_every_word_on_the_page_has_a_text():
    from app.page import words  # imports Gradio: not for whoever runs other tests

    known = words()
    for path in {path for page in PAGES for path in page.folder.glob("*.html")}:
        for key in path.read_text().split("[[")[1:]:
            assert key.split("]]")[0] in known, path.name


def test_no_word_is_on_two_pages():
    keys = [key for page in PAGES for key in page.words]
    assert len(keys) == len(set(keys))
