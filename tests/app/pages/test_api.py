"""The guard in front of every address: whatever is sent, an answer or a sentence comes back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from app.explain.inspector import WaitingError
from app.pages import PAGES
from app.pages.api import (
    MAX_JSON_BYTES,
    Download,
    NoFileError,
    PageRequest,
    Routes,
    answer_json,
)
from app.pages.project_routes import add_project_routes
from app.pages.services import Services
from app.pages.streams.pools import StreamPools
from app.projects.proxies import Proxies
from app.projects.taught_models import TaughtModels
from app.run.results.files import CsvFolder
from app.teaching.jobs import TeachJobs
from app.teaching.live_lessons import LiveLessons
from tests.app.conftest import Desk
from vidmem.errors import SettingError, VideoNotFoundError


class Plot:
    """As Plotly's figures, as far as an answer asks of them."""

    def to_json(self) -> str:
        return '{"data":[NaN_is_Plotlys_own_business]}'


def client_for(make, verb="json", address="/x", find_run=lambda run_id: None, **more) -> TestClient:
    api = FastAPI()
    getattr(Routes(api, find_run), verb)(address, make, **more)
    return TestClient(api)


def refuse(error):
    def make(request: PageRequest):
        raise error

    return make


def test_plain_values_are_answered_as_they_are():
    plain = {"a": [1, 2.5, None, True], "b": {"c": "Ferkel \N{PIG FACE}"}, "d": ("x",)}
    assert client_for(lambda request: plain).get("/x").json() == {**plain, "d": ["x"]}
    assert client_for(lambda request: [1]).get("/x").json() == [1]
    assert client_for(lambda request: None, "post").post("/x").status_code == 204


def test_figures_are_put_in_as_plotly_writes_them():
    text = answer_json({"figures": {"one": Plot(), "none": None}, "said": 'a "word"'})
    assert text == f'{{"figures":{{"one":{Plot().to_json()},"none":null}},"said":"a \\"word\\""}}'


def test_numbers_that_json_has_no_word_for_are_a_bug():
    with pytest.raises(ValueError, match="not JSON compliant"):
        answer_json({"deep": {"down": [math.nan]}})


def test_half_a_character_of_a_browser_can_be_sent_back():
    client = client_for(lambda request: {"text": request.text("text")}, "post_json")
    assert client.post("/x", content=b'{"text": "\\ud83d"}').json() == {"text": "\ud83d"}


@pytest.mark.parametrize(
    ("error", "for_scripts", "for_links"),
    [
        (SettingError("must be 3"), (200, "must be 3"), (400, "must be 3")),
        (OSError("no room"), (200, "no room"), (400, "no room")),
        (NoFileError("gone"), (200, "gone"), (404, "gone")),
        (VideoNotFoundError("x"), (200, "The file is not there any more."), (400, "The file is")),
    ],
)
def test_errors_are_sentences(error, for_scripts, for_links):
    for verb, (status, sentence) in (("json", for_scripts), ("file", for_links)):
        answer = client_for(refuse(error), verb).get("/x")
        text = answer.text if status == 404 else answer.json()["error"]
        assert (answer.status_code, text[: len(sentence)]) == (status, sentence)


def test_an_error_names_the_video_of_the_run_that_was_used_and_of_no_other(desk):
    run = desk.open()

    def with_run(request: PageRequest):
        raise VideoNotFoundError(str(request.run.video.path))

    def with_its_id(request: PageRequest):
        raise VideoNotFoundError(request.run_id)

    for make, name in ((with_run, run.video.title), (with_its_id, "The file")):
        client = client_for(make, find_run=desk.registry.find)
        assert client.get("/x", params={"run": run.run_id}).json() == {
            "error": f"{name} is not there any more. Choose another video."
        }


def test_who_must_wait_is_told_how_far_it_is():
    response = client_for(refuse(WaitingError(2, 5))).get("/x")
    assert (response.status_code, response.headers["retry-after"]) == (202, "1")
    answer = response.json()
    assert (answer["done"], answer["total"]) == (2, 5)
    assert "clip 3 of 5" in answer["waiting"]


def test_a_bug_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        client_for(lambda request: 1 / 0).get("/x")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("pen-1.csv", 'attachment; filename="pen-1.csv"'),
        ("Stall 1 ä.csv", "attachment; filename*=utf-8''Stall%201%20%C3%A4.csv"),
        ('a"\r\nb.csv', "attachment; filename*=utf-8''a%22%0D%0Ab.csv"),
    ],
)
def test_files_keep_their_names(name, header):
    pieces = iter([b"1\n", b"2\n"])
    for content, size in ((b"1\n2\n", None), (pieces, 4)):
        client = client_for(lambda request: Download(name, "text/csv", content, size), "file")  # noqa: B023
        answer = client.get("/x")
        assert answer.headers["content-disposition"] == header
        assert (answer.content, answer.headers["content-length"]) == (b"1\n2\n", "4")


def test_fields_are_read_by_their_type():
    request = PageRequest(
        query={},
        path={},
        find_run=lambda run_id: None,
        fields={"text": "a", "half": 0.5, "three": "3", "huge": 10**400, "flag": True, "list": []},
    )
    assert (request.text("text"), request.text("none", "b")) == ("a", "b")
    assert (request.number("half"), request.number("three")) == (0.5, 3.0)
    assert (request.whole("three"), request.whole("none", 8)) == (3, 8)
    for read, name, sentence in (
        (request.text, "half", "half must be a text, got 0.5"),
        (request.number, "none", "none must be a number, got nothing"),
        (request.number, "text", "text must be a number, got 'a'"),
        (request.number, "huge", "huge must be a number, got 1000"),
        (request.number, "flag", "flag must be a number, got True"),
        (request.number, "list", "list must be a number, got list"),
        (request.whole, "half", "half must be a whole number, got 0.5"),
    ):
        with pytest.raises(SettingError, match=sentence):
            read(name)


def test_a_body_is_read_as_far_as_it_may_go_and_not_at_all_where_none_is_wanted():
    def size(request: PageRequest):
        return {"size": len(request.body)}

    limited = client_for(size, "post", max_bytes=10, body="a picture")
    assert limited.post("/x", content=b"0" * 10).json() == {"size": 10}
    assert limited.post("/x", content=b"0" * 11).json() == {
        "error": "a picture may have 10 bytes, got more"
    }
    assert client_for(size, "post").post("/x", content=b"0" * 10).json() == {"size": 0}


# All addresses of the app


class Site:
    """Every page's addresses, over made-up tools."""

    def __init__(self, desk: Desk) -> None:
        tools = desk.machine.tools()
        self.pools = StreamPools(tools, desk.shelf, CsvFolder(desk.folder / "s"), max_pools=1)
        self.api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        services = Services(
            registry=desk.registry,
            tools=tools,
            actions=desk.handlers,
            files=desk.files,
            pools=self.pools,
            project=desk.project,
            teaching=TeachJobs(desk.project, TaughtModels(desk.project.models_folder)),
            lessons=LiveLessons(),
        )
        for page in PAGES:
            if page.add_routes is not None:
                page.add_routes(self.api, services)
        add_project_routes(self.api, services, Proxies(services.project))
        self.client = TestClient(self.api)  # an exception in a route is raised here

    def routes(self) -> Iterator[tuple[str, str, str]]:
        """Method, pattern and an address of each."""
        parts = {"kind": "json", "run_id": "0" * 32, "name": "x.csv", "page": "p"}
        parts["video_id"] = "1"
        for route in self.api.routes:
            if isinstance(route, APIRoute) and route.path != "/plotly.js":
                address = re.sub(r"{(\w+)}", lambda match: parts[match[1]], route.path)
                yield next(iter(route.methods)), route.path, address


@pytest.fixture
def site(desk):
    site = Site(desk)
    with site.client:  # one event loop for its thousands of requests
        yield site


WRONG = ("1e400", "-1e400", "nan", "1e308", "1e-300", "-1", "--5", "\N{SUPERSCRIPT TWO}")
WRONG += ("9" * 5000, "soon", "1,2,3,4", "\0", "[[")

PLAN = {"model": "fam-swin-nano", "device": "cpu", "kind": "taste"}
MASK = {"mask": "band", "direction": "lookback", "range": "2", "frames": "8", "tokens": "2"}
MASK |= {"block": "8", "head": "0"}
BASES = {
    "/bouts": {},
    "/inside/frames": {"start": "1", "end": "2", "count": "1"},
    "/inside/tests": {"kind": "occlusion", "at": "newest", "class": "", "have": ""},
    "/inside/": {"at": "newest", "stage": "", "layer": "", "head": "", "frame": "", "region": ""},
    "/cost/": {},
    "/masks/": MASK,
    "/planner/": PLAN
    | dict.fromkeys(("height", "width", "clip_frames", "l_mem", "batch"), "")
    | dict.fromkeys(("free", "fps", "rate", "decode", "memory", "dtype", "number"), ""),
    "/streams/news": {"since": "-1", "pool": ""},
    "/streams/": {},
    "/watch/": {},
    "/webcam/": {"seconds": "1"},
    "/results/agreement": {"first": "labels", "second": "author:", "interval": "", "tolerance": ""},
    "/results/bouts": {"min": "", "max": "", "from": ""},
    "/results/budget": {"every": ""},
    "/results/transitions": {"gap": "", "axis": ""},
    "/results/": {"kind": "ethogram", "of": "labels"},
    "/left/": {},
    "/lesson/": {"seconds": "1", "apart": "0.1", "behaviour": "", "what": "last"},
    "/project/": {"video": ""},
    "/media/": {"from": "0", "to": "1"},
    "/runs/": {},
    "/label/labels": {"video": ""},
    "/label/changes": {"video": "", "since": "0"},
    "/label/ethogram": {},
    "/label/formats": {},
    "/label/import/": {"name": "a.csv", "first": "1"},
    "/label/export/": {"format": "csv", "video": "", "kept_run": ""}
    | dict.fromkeys(("fps", "threshold", "fill_gap", "join", "min_bout"), ""),
    "/label/": {},
    "/review/": dict.fromkeys(("run", "start", "end", "count", "first", "shorter"), ""),
    "/teach/": {"subject": "", "fps": "", "axes": "", "model": "", "baselines": "1"},
    "/project/runs": {"video": "x", "id": "0" * 32},
}
"""By the beginning of an address: the fields that it reads, as a page sends them."""


def check(answer, where) -> None:
    assert answer.status_code < 500, where
    if answer.headers.get("content-type") == "application/json":
        json.loads(answer.content, parse_constant=lambda word: pytest.fail(f"{where}: {word}"))


def test_all_pages_have_addresses(site):
    patterns = {pattern for _, pattern, _ in site.routes()}
    assert len(patterns) >= 25
    for page in ("/cost/", "/inside/", "/masks/", "/planner/", "/streams/", "/runs/", "/webcam/"):
        assert any(pattern.startswith(page) for pattern in patterns), page


def test_a_run_that_is_gone_is_a_sentence_at_every_address(site):
    for method, pattern, address in site.routes():
        for query in ({}, {"run": "gone"}, {"run": "0" * 32}, {"run": "\0"}):
            answer = site.client.request(method, address, params=query)
            check(answer, pattern)
            if pattern.startswith(("/cost", "/inside", "/webcam")):
                assert "Reload the page" in answer.json()["error"], pattern


@pytest.mark.parametrize("wrong", WRONG, ids=lambda text: text[:8])
def test_a_wrong_number_is_an_answer_at_every_address(site, desk, wrong):
    run = desk.open()
    for method, pattern, address in site.routes():
        base = next(base for start, base in BASES.items() if pattern.startswith(start))
        for name in base or ("run",):
            query = {"run": run.run_id, **base, name: wrong}
            check(site.client.request(method, address, params=query), (pattern, name))


DEEP = b"[" * 50_000
BODIES = [
    *(b"", b"{", b"[]", b"null", b'"run"', b"\xff", b"\x00", DEEP, b'{"a":' * 10_000),
    *(b'{"seconds": 1e400}', b'{"seconds": NaN}', b'{"l_mem": %s}' % (b"9" * 5000)),
    b'{"stream": {}, "run": []}',
    b'{"l_mem": %s}' % (b"[" * 300 + b"]" * 300),
]
RUN_BODIES = [
    '"stream": "s1", "seconds": 1e400, "l_mem": 1e400',
    '"stream": ["s1"], "seconds": true, "l_mem": 2.5',
    '"stream": "\\ud800", "seconds": "soon", "l_mem": null',
    '"videos": "abc", "model": "fake"',
    '"videos": [1], "model": "fake"',
    '"videos": ["\\u0000", "../x", "\\ud800"], "model": {}',
    '"addresses": [{}], "model": "fake"',
    '"regions": [1], "video": "sample"',
    '"regions": {"a": 1}, "video": "sample"',
    '"regions": [{"left": 1e400, "top": 0, "width": 1, "height": 1}], "video": "sample"',
    '"regions": [{"left": [], "top": {}, "width": 1, "height": 1}], "video": "sample"',
    '"regions": [{"left": NaN, "top": 0, "width": 1, "height": 1}], "video": ["sample"]',
]


def test_a_body_that_no_page_sends_is_an_answer_at_every_address(site, desk):
    run = desk.open()
    bodies = [*BODIES, *(f'{{"run": "{run.run_id}", {more}}}'.encode() for more in RUN_BODIES)]
    for method, pattern, address in site.routes():
        if method != "POST":
            continue
        for body in bodies:
            answer = site.client.post(address, params={"run": run.run_id}, content=body)
            check(answer, (pattern, body[:80]))
            if pattern.startswith("/streams/") and body in BODIES[:9]:
                assert answer.status_code == 400, (pattern, body[:80])
                assert answer.json() == {"error": "a request must be an object in JSON"}
    assert site.client.post("/streams/jump", json={"seconds": "1e400"}).status_code == 400
    assert len(site.pools) == 0


def test_a_body_that_is_too_large_is_a_sentence(site):
    for method, pattern, address in site.routes():
        if method == "POST" and pattern.startswith("/streams/"):
            answer = site.client.post(address, content=b" " * (MAX_JSON_BYTES + 1)).json()
            assert answer == {"error": "a request may have 100,000 bytes, got more"}, pattern
