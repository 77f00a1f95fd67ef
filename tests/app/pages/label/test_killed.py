"""kill -9 of the process that serves the Label page, while edits come in."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages.label.routes import add_coding_routes
from tests.app.conftest import wait_until
from tests.labels.strategies import ETHOGRAM
from vidmem.projects import Project

VIDEO = "a.mp4"
SERVER = """
import sys
import uvicorn
from fastapi import FastAPI
from app.pages.label.routes import add_coding_routes
from vidmem.projects import Project

api = FastAPI()
add_coding_routes(api, Project.open(sys.argv[1]))
uvicorn.run(api, host="127.0.0.1", port=int(sys.argv[2]), log_level="critical")
"""


def edit(number: int) -> dict:
    """A press of a key, each on a frame of its own."""
    fields = {"subject": "", "author": "", "comment": str(number), "source": "human"}
    bout = {"behaviour": "rolling", "start": number, "end": number, "score": None, **fields}
    return {"id": f"press-{number}", "do": "add", "bout": bout}


def body(revision: int, *edits: dict) -> dict:
    return {"video": VIDEO, "revision": revision, "author": "", "edits": edits}


@contextlib.contextmanager
def served(folder):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(port)]) as process:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as page:

            def answers() -> bool:
                assert process.poll() is None
                with contextlib.suppress(httpx.TransportError):
                    return page.get("/label/labels", params={"video": VIDEO}).is_success
                return False

            wait_until(answers)
            yield process, page
        process.kill()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_what_was_answered_is_there_and_what_was_not_is_done_once(tmp_path):
    with Project.create(tmp_path / "p") as project:
        project.behaviours.unite(ETHOGRAM)
        (tmp_path / VIDEO).write_bytes(b"video")
        project.add_video(tmp_path / VIDEO)
        revision = project.revision
    answered = []
    with served(tmp_path / "p") as (process, page), ThreadPoolExecutor(1) as thread:
        for number in range(8):
            sent = thread.submit(page.post, "/label/edit", json=body(revision, edit(number)))
            if number == 7:
                # On its way: how far is another moment each time, and none may matter.
                time.sleep(0.002)
                process.kill()
            with contextlib.suppress(httpx.TransportError):
                answer = sent.result().json()
                answered += [one["id"] for one in answer["results"] if "error" not in one]
                revision = answer["revision"]
    assert len(answered) >= 7
    with Project.open(tmp_path / "p") as project:
        comments = [int(one.comment) for one in project.labels.of(VIDEO).labels.bouts]
        assert {f"press-{one}" for one in comments} >= set(answered)
        api = FastAPI()
        add_coding_routes(api, project)
        # The page sends what it got no answer for, and what was pressed since.
        waiting = [edit(one) for one in range(7, 12)]
        answer = TestClient(api).post("/label/edit", json=body(revision, *waiting)).json()
        assert [one.get("error") for one in answer["results"]] == [None] * 5
        found = project.labels.of(VIDEO).labels.bouts
        assert [int(one.comment) for one in found] == list(range(12))
        made = [one.edit_id for one in project.history.last() if one.edit_id]
        assert sorted(made) == sorted(f"press-{one}" for one in range(12))
