"""Memory over time in the app: the card, the Cost page, its files, and what outlives what."""

from __future__ import annotations

import csv
import io
import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages.api import answer_json
from app.pages.cost.routes import add_cost_routes
from app.pages.cost.views import NO_GPU, NOTHING_MEASURED, page_answer, page_download
from app.run.results.costs import RunCosts, card_section
from tests.app.conftest import wait_until
from vidmem.errors import SettingError
from vidmem.profiling import FootprintSample, FootprintTimeline

MIB = 2**20


def make_record(seconds=4000, mib_per_hour=0.2, **more):
    timeline = FootprintTimeline()
    timeline.mark(0, "model", "Fake in use")
    for second in range(0, seconds, 4):
        held = 800 * MIB + round(mib_per_hour * MIB * second / 3600)
        clips = {"num_clips": second + 1, "held_clips": 8, "l_mem": 8, "num_evicted": second}
        timeline.add(
            second,
            FootprintSample(
                process_bytes=held,
                state_bytes=196_808,
                video_seconds=4.0 * second,
                **clips,
                **more,
            ),
        )
    return timeline.record()


def shown(record, theme="light"):
    """What the page gets."""
    return json.loads(answer_json(page_answer(record, theme)))


def test_the_card_is_small_and_says_the_slope():
    section = card_section(make_record())
    assert 100 < len(section["seconds"]) == len(section["mib"]) <= 241
    assert section["seconds"][-1] == 3996
    assert section["note"] == "800.2 MiB · flat: 0.2 MiB per hour · state 192.2 KiB"
    assert section["events"] == [0]
    assert "settling" in card_section(make_record(100))["note"]
    assert card_section(None) == {"seconds": [], "mib": [], "events": [], "note": ""}


def test_the_page_says_whether_it_grows_and_what_that_was_measured_on():
    answer = shown(make_record(), "dark")
    assert answer["headline"] == "Flat: 0.2 MiB per hour"
    assert answer["proof"].startswith("The process held between 800.1 MiB and 800.2 MiB over the")
    assert answer["proof"].endswith("Per hour of video: 0.05 MiB.")
    assert answer["figure"]["layout"]["title"]["text"] == "Memory over time"
    assert answer["events"] == [["00:00", "model", "Fake in use", 0, 1]]
    early = shown(make_record(60))
    assert early["headline"] == "Settling"
    assert early["proof"] == "A slope is given after the warm-up, in 2 min 4 s of running."


def test_the_page_names_what_is_held_and_nothing_that_was_not_measured():
    answer = shown(make_record())
    facts = dict(answer["facts"])
    assert facts["state of the stream"] == "196,808 bytes = 192.2 KiB"
    assert facts["clips remembered"] == "8 of 8"
    assert not any(name.startswith("GPU") for name in facts)
    assert answer["gpu"] == NO_GPU
    gpu = make_record(allocated_bytes=3 * MIB, peak_allocated_bytes=5 * MIB)
    assert dict(shown(gpu)["facts"])["GPU, peak allocated"] == "5.0 MiB"
    assert shown(gpu)["gpu"] == ""


def test_files_hold_the_timeline():
    record = make_record(40)
    content = json.loads(page_download(record, "json").content)
    assert content["spans"]["num_clips"]["high"][-1] == 37
    rows = list(csv.DictReader(io.StringIO(page_download(record, "csv").content.decode())))
    assert len(rows) == 10
    with pytest.raises(SettingError, match="as json or csv, got exe"):
        page_download(record, "exe")


@pytest.fixture
def played(desk):
    run = desk.open()
    desk.ask(run, ("play", None))
    wait_until(lambda: run.status == "finished")
    return run


def test_a_run_is_measured_from_its_first_clip_on(desk, played):
    costs = played.view.costs
    assert costs.record().newest.num_clips == played.view.newest.index + 1
    assert costs.record().newest.process_bytes > 10 * MIB
    section = played.board.get("cost")
    assert section["mib"]
    assert "state 878.9 KiB" in section["note"]


def test_another_play_begins_anew_and_another_model_of_a_play_does_not(desk, played):
    first = played.view.costs
    desk.ask(played, ("play", None))
    wait_until(lambda: played.view.costs is not first)
    wait_until(lambda: played.status == "finished")
    second = played.view.costs
    played.source.begin_view(played.chosen, is_same_play=True)  # as a model with other classes does
    assert played.view.costs is second
    assert RunCosts().record() is None


def test_the_addresses_answer_with_figures_files_and_sentences(desk, played):
    api = FastAPI()
    add_cost_routes(api, desk.registry)
    client, asked = TestClient(api), {"run": played.run_id}
    dark = client.get("/cost/figure", params={**asked, "theme": "dark"}).json()
    assert dark["figure"]["layout"]["template"]["layout"]["paper_bgcolor"] == "#1c2226"
    file = client.get("/cost/data.csv", params=asked)
    assert file.headers["content-disposition"] == 'attachment; filename="memory-over-time.csv"'
    assert client.get("/cost/data.exe", params=asked).status_code == 400
    nobody = client.get("/cost/figure", params={"run": "gone"})
    assert (nobody.status_code, "Reload the page" in nobody.json()["error"]) == (200, True)
    fresh = desk.open(page="another", run_id="")
    waiting = client.get("/cost/figure", params={"run": fresh.run_id}).json()
    assert waiting == {"error": NOTHING_MEASURED}
