"""Parts of a file: whatever is asked, what comes is of the file, and it is what was asked for."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from app.budget import Budget, WorkLimit
from app.pages import file_ranges
from app.pages.file_ranges import FileRanges, Unsatisfiable, range_of
from app.projects.open_file import open_file

CONTENT = bytes(number * 7 % 251 for number in range(1000))
MODEST = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pen.mp4"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def client(file: Path, monkeypatch) -> TestClient:
    monkeypatch.setattr(file_ranges, "PIECE_BYTES", 64)  # many pieces of a small file
    api = FastAPI()

    async def answer(request):
        return FileRanges(open_file(file, "pen.mp4"))

    api.router.routes.append(Route("/file", answer, methods=["GET", "HEAD"]))
    return TestClient(api)


@given(st.lists(st.integers(0, len(CONTENT)), max_size=8))
@settings(max_examples=40, parent=MODEST)
def test_parts_put_together_are_the_file(client, cuts):
    edges = sorted({0, *cuts, len(CONTENT)})
    put_together = b""
    for start, end in pairwise(edges):
        answer = client.get("/file", headers={"Range": f"bytes={start}-{end - 1}"})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
        assert int(answer.headers["content-length"]) == len(answer.content) == end - start
        put_together += answer.content
    assert put_together == CONTENT


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 1500))
@settings(max_examples=200, parent=MODEST)
def test_a_part_is_what_its_definition_says(first, last, size):
    content = bytes(size)
    wanted = content[first : last + 1]
    if last < first:
        assert range_of(f"bytes={first}-{last}", size) is None
    elif first >= size:
        with pytest.raises(Unsatisfiable):
            range_of(f"bytes={first}-{last}", size)
    else:
        start, end = range_of(f"bytes={first}-{last}", size) or (0, 0)
        assert (start, end - start) == (first, len(wanted))
        assert range_of(f"BYTES = {first}-", size) == (first, size)
    if last and size:
        assert range_of(f"bytes=-{last}", size) == (max(0, size - last), size)


@pytest.mark.parametrize(
    "header",
    ["bytes=", "bytes=-", "items=0-1", "bytes=5-2", "bytes=a-b", "0-1", "bytes=0-1,5-6", "\u0662"],
)
def test_what_is_no_single_part_is_answered_whole(client, header):
    answer = client.get("/file", headers={"Range": header.encode()})
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_a_part_behind_the_end_is_refused_with_the_size(client, header):
    answer = client.get("/file", headers={"Range": header})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == "bytes */1000"


def test_head_says_what_get_would_and_sends_nothing(client):
    for headers in ({}, {"Range": "bytes=5-9"}, {"Range": "bytes=2000-"}):
        head, get = (client.request(one, "/file", headers=headers) for one in ("HEAD", "GET"))
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert dict(head.headers) == dict(get.headers)


def test_a_part_of_the_file_as_it_was_is_not_mixed_with_what_it_is_now(client, file):
    first = client.get("/file", headers={"Range": "bytes=0-9"})
    tag, date = first.headers["etag"], first.headers["last-modified"]
    for known in (tag, date):
        again = client.get("/file", headers={"Range": "bytes=10-19", "If-Range": known})
        assert (again.status_code, again.content) == (206, CONTENT[10:20])
    assert client.get("/file", headers={"If-None-Match": f'"x", {tag}'}).status_code == 304
    file.write_bytes(b"another one")
    os.utime(file, (1, 1))
    for known in (tag, date, "W/" + tag, "nonsense"):
        again = client.get("/file", headers={"Range": "bytes=2-3", "If-Range": known})
        assert (again.status_code, again.content) == (200, b"another one")
    assert client.get("/file", headers={"If-None-Match": tag}).status_code == 200


async def _ask(file: Path, gone_after: int, budget: Budget) -> int:
    """How many pieces are sent to a browser that leaves after some."""
    sent, left = 0, anyio.Event()

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        nonlocal sent
        sent += message["type"] == "http.response.body"
        if sent == gone_after:
            left.set()
            await anyio.sleep_forever()  # nobody takes it: only being cancelled ends this

    scope = {"type": "http", "method": "GET", "headers": []}
    answer = FileRanges(open_file(file, "pen.mp4"), budget.take("media"))
    with anyio.fail_after(60.0):  # long before it would be taken for a browser that stalls
        await answer(scope, receive, send)
    return sent


def test_nothing_more_is_read_once_the_browser_has_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(file_ranges, "PIECE_BYTES", 16)
    file = tmp_path / "long.mp4"
    file.write_bytes(bytes(16 * 2000))
    budget = Budget({"media": WorkLimit(1, 1)})
    # In a thread of its own: where browser tests ran before, this one has a loop already.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(anyio.run, _ask, file, 3, budget).result() == 3
    assert budget.num_held("media") == 0
