"""The Planner page's answers: the plan of the command line, drawn and told; rates measured here."""

from __future__ import annotations

import json
import sys
import threading
import time

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages.api import answer_json
from app.pages.planner import measure as planner_measure
from app.pages.planner.fields import planned, request_of
from app.pages.planner.measure import Measurer, measure_rate
from app.pages.planner.routes import add_planner_routes
from app.pages.planner.views import catalogue, plan_answer, plan_download
from app.pages.planner.wording import NOT_KNOWN, PREPARING
from app.pages.planner.words import WORDS
from app.tools import ModelChoice, vidmem_tools
from tests.app.conftest import wait_until
from vidmem import cli
from vidmem.errors import SettingError
from vidmem.figures.theme import DARK, LIGHT
from vidmem.planner import plan

MODELS = [ModelChoice(name, name, True) for name in ("fam-swin-nano", "fam-swin-t", "spool-s")]
GPU = {"device": "cuda", "memory": "96"}


def drawn(query, theme="light"):
    """What the page gets."""
    return json.loads(answer_json(plan_answer(query, MODELS, theme)))


def said(**query):
    return drawn(query)["texts"]


def in_memory():
    """Streams of fam-swin-t on 96 GB."""
    return plan(request_of({"model": "fam-swin-t", **GPU}, planned("fam-swin-t"))).streams_in_memory


def facts(**query):
    return {fact["name"]: fact for fact in said(**query)["facts"]}


CASES = [
    ("fam-swin-nano", {}, []),
    (
        "fam-swin-t",
        {**GPU, "l_mem": "10", "fps": "4", "rate": "100", "decode": "30", "dtype": "bfloat16"},
        [
            *("--device", "cuda", "--memory-gb", "96", "--l-mem", "10", "--fps", "4"),
            *("--clips-per-second", "100", "--decode-speed", "30", "--dtype", "bfloat16"),
        ],
    ),
    (
        "spool-s",
        {"memory": "24", "height": "112", "width": "168", "clip_frames": "8", "batch": "2"}
        | {"device": "cpu", "free": "20"},
        [
            *("--device", "cpu", "--memory-gb", "24", "--frame-size", "112x168", "--batch", "2"),
            *("--clip-frames", "8", "--free-share", "0.2"),
        ],
    ),
]


@pytest.mark.parametrize(("model", "asked", "words"), CASES)
def test_the_file_holds_what_the_command_line_says(model, asked, words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["vidmem", "plan", model, *words, "--study", "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    file = plan_download({"model": model, **asked}, MODELS)
    assert json.loads(file.content) == json.loads(capsys.readouterr().out)
    assert file.name == f"plan-{model}.json"


def test_the_page_says_how_many_streams_and_what_runs_out_first():
    told = said(model="fam-swin-t", rate="100", decode="30", fps="4", **GPU)
    assert told["headline"] == "30 streams"
    fit = f"{in_memory():,}"
    assert (
        told["more"] == f"Decoding binds first ({fit} by memory, 800 by compute, 30 by decoding)."
    )
    assert told["binds"] == "decoding"
    half = said(model="fam-swin-t", rate="100", fps="4", **GPU)
    assert half["headline"] == "At most 800 streams"
    assert half["more"].endswith("how fast it decodes is not known.")
    unknown = said(model="fam-swin-t", fps="4", **GPU)
    assert unknown["headline"] == "How many in real time? Not measured yet"
    assert f"has room for {fit}," in unknown["more"]
    assert f"under {WORDS['plan_rates']})" in unknown["more"]  # as the section is headed
    assert unknown["binds"] == ""
    none = said(model="fam-swin-t", device="cuda", memory="0.1")
    assert (none["headline"], none["binds"]) == ("Not even one stream fits", "memory")


def test_figures_of_a_plan_are_told_in_words():
    known = facts(model="fam-swin-t", fps="4", **GPU)
    assert known["remembered"]["value"] == "3 min 20 s"
    assert known["remembered"]["note"] == "25 clips, one every 8 s"
    assert known["state, each stream"]["value"] == "14.1 MiB"
    assert known["weights, once"]["value"] == "59.5 MiB"
    assert known["streams that fit"]["value"] == f"{in_memory():,}"
    assert known["computed in real time"]["value"] == NOT_KNOWN
    off = facts(model="fam-swin-t", l_mem="0", **GPU)
    assert off["remembered"]["value"] == "nothing"
    assert off["state, each stream"]["value"] == "8 bytes"


def test_a_step_that_does_not_fit_is_told_to_be_smaller():
    told = said(model="fam-swin-t", device="cuda", memory="0.8", batch="64")
    assert told["batch"] < 64
    assert "A step of 64 streams does not fit" in told["notes"][0]


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_both_figures_are_drawn_in_the_colours_of_the_page(theme, colours):
    answer = drawn({"model": "fam-swin-t", "rate": "420", **GPU}, theme)
    for name in ("memory", "streams"):
        layout = answer[name]["layout"]
        assert layout["template"]["layout"]["paper_bgcolor"] == colours.card
    whole = [bar["x"][0] for bar in answer["memory"]["data"] if bar["yaxis"] == "y"]
    assert sum(whole) == 96e9
    curve = answer["streams"]["data"][0]
    assert (curve["x"][0], curve["x"][-1]) == (0, 50)
    assert curve["y"] == sorted(curve["y"], reverse=True)


def test_the_studys_table_is_for_what_was_chosen():
    rows = {row["l_mem"]: row for row in said(model="fam-swin-t", **GPU)["study"]["rows"]}
    assert list(rows) == [10, 20, 25, 30]
    assert rows[25]["shared_streams"]["96"] == in_memory()
    assert "32 to 40" in said(model="fam-swin-t", **GPU)["study"]["sentences"][0]


def test_what_is_not_allowed_is_refused_in_words():
    def refusal(**asked):
        with pytest.raises(SettingError) as refused:
            drawn({"model": "fam-swin-t", **GPU, **asked})
        return str(refused.value)

    assert "model must be one of fam-swin-nano" in refusal(model="/etc")
    assert "multiple of 2" in refusal(clip_frames="3")
    assert "a whole number from 16 to 4,096, got huge" in refusal(height="huge")
    assert "clips per second must be a number above 0" in refusal(rate="-1")
    assert "memory in GB must be a number above 0" in refusal(memory="nan")
    assert "numbers must be one of auto" in refusal(dtype="int8")


def test_the_catalogue_lists_what_can_be_set_of_each_model():
    broken = ModelChoice("no-such-model", "Broken", True)
    told = catalogue([*MODELS, broken])
    assert [one["name"] for one in told["models"]] == [one.name for one in MODELS]
    fields = {field["name"]: field for field in told["models"][1]["fields"]}
    assert (fields["l_mem"]["start"], fields["l_mem"]["stops"][-1]) == (25, 50)
    assert all(stop % 2 == 0 for stop in fields["clip_frames"]["stops"])
    assert all(stop % 14 == 0 for stop in fields["height"]["stops"])
    assert told["machine"]["here"]["cpu"] > 0.5


def test_two_measurements_do_not_run_at_once_and_one_can_be_cancelled():
    measurer, may_go_on = Measurer(), threading.Event()

    def work(tell):
        while not may_go_on.wait(0.01):
            tell(0.5, "half")
        return 3.0

    first = measurer.start("rate", work)
    wait_until(lambda: measurer.find(first.number).share == 0.5)
    with pytest.raises(SettingError, match="Another measurement is running"):
        measurer.start("decode", work)
    measurer.cancel(first.number)
    wait_until(lambda: first.is_done)
    assert (first.is_cancelled, first.value) == (True, None)
    may_go_on.set()
    second = measurer.start("rate", work)
    wait_until(lambda: second.is_done)
    assert second.value == 3.0
    with pytest.raises(SettingError, match="This measurement is over"):
        measurer.find(first.number)


def test_a_measurement_ends_when_nobody_asks_for_it_any_more(monkeypatch):
    monkeypatch.setattr(planner_measure, "LEASE_SECONDS", 0.05)

    def work(tell):
        while True:
            tell(0.1, "")
            time.sleep(0.01)

    left = Measurer().start("rate", work)
    wait_until(lambda: left.is_done)
    assert left.is_cancelled


@pytest.mark.slow
def test_a_rate_is_measured_in_a_process_of_its_own_and_told_step_by_step():
    asked = {"device": "cpu", "clip_frames": "4", "batch": "1", "dtype": "float32"}
    request, told = request_of(asked, planned("fam-swin-nano")), []
    rate = measure_rate(request, lambda share, words: told.append((share, words)))
    assert rate > 0
    assert told[0] == (0.0, PREPARING)
    assert told[-1][1] == "step 4 of 4"
    shares = [share for share, _ in told]
    assert shares == sorted(shares)


def test_what_has_no_room_here_is_not_measured():
    asked = {"device": "cpu", "memory": "90000", "batch": "1024", "height": "4096"}
    request = request_of({**asked, "width": "4096"}, planned("fam-swin-nano"))
    with pytest.raises(SettingError, match="a measurement may use"):
        measure_rate(request, lambda share, words: None)


def test_the_addresses_answer_with_plans_files_and_sentences(desk):
    api = FastAPI()
    add_planner_routes(api, desk.registry, vidmem_tools())
    client, asked = TestClient(api), {"model": "fam-swin-t", **GPU}
    assert client.get("/planner/models").json()["choices"][0]["name"] == "dtype"
    assert (
        client.get("/planner/plan", params=asked)
        .json()["texts"]["headline"]
        .endswith("Not measured yet")
    )
    refused = client.get("/planner/plan", params={**asked, "fps": "0"})
    assert (refused.status_code, "error" in refused.json()) == (200, True)
    file = client.get("/planner/plan.json", params=asked)
    assert file.headers["content-disposition"] == 'attachment; filename="plan-fam-swin-t.json"'
    assert client.get("/planner/plan.json", params={"model": "x"}).status_code == 400
    start = "/planner/measure/start"
    mine = {**asked, "run": desk.open().run_id}
    wrong = client.post(start, params={**mine, "kind": "taste"}).json()
    assert wrong["error"] == "kind must be rate or decode, got 'taste'"
    for kind in ("rate", "decode"):
        nobody = client.post(start, params={**mine, "kind": kind, "run": "gone"}).json()
        assert "Reload the page" in nobody["error"]
    assert "over" in client.get("/planner/measure", params={"number": "x"}).json()["error"]


def test_decoding_is_measured_on_the_video_that_is_open(desk):
    run = desk.open()
    api = FastAPI()
    add_planner_routes(api, desk.registry, vidmem_tools())
    client = TestClient(api)
    asked = {"model": "fam-swin-nano", "device": "cpu", "kind": "decode", "run": run.run_id}
    begun = client.post("/planner/measure/start", params=asked).json()
    states = [begun]

    def is_done():
        asked = {"number": begun["number"]}
        states.append(client.get("/planner/measure", params=asked).json())
        return states[-1]["is_done"]

    wait_until(is_done)
    # The desk's videos are texts: said as of any other file that is no video, by its title.
    assert run.video.title in states[-1]["error"]
    assert str(run.video.path) not in states[-1]["error"]
