"""Looking into a run: the newest clip, a past moment, who pays for it and when it ends."""

from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.explain.inspector import Inspector, WaitingError
from app.explain.jobs import ModelTestRequest
from app.pages.inside.routes import add_inside_routes
from app.pages.inside.views import ModelCrop, read_box, small_codes
from app.run.kept.files import KeptFiles
from app.run.registry import RunRegistry
from app.run.results.files import CsvFolder
from app.run.run import Run
from app.sources.shelf import Video
from app.tools import vidmem_tools
from tests.app.conftest import wait_until
from tests.app.other_scenes import OtherScenes
from tests.app.tiny_spool import make_tiny_spool
from tests.conftest import make_tiny_model
from tests.data.footage import write_pen
from tests.models.features.tiny import tiny_backbone, tiny_spool
from vidmem import save
from vidmem.errors import SettingError
from vidmem.inspection import PictureBox, inspect_memory
from vidmem.models.features import encoder as encoding
from vidmem.projects import Project
from vidmem.video.transforms import to_clip

NUM_CLIPS = 12


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inside")
    save(make_tiny_model(), folder / "tiny")
    save(make_tiny_spool(), folder / "tiny-spool")
    save(tiny_spool(), folder / "tiny-on-features")
    write_pen(folder / "barn.mp4", 24, width=192, height=108, fps=8)
    return folder


class Place:
    """A run over a real video with a real model, and the addresses in front of it."""

    def __init__(self, material: Path, folder: Path, model: str) -> None:
        self.tools = vidmem_tools(str(material / model))
        self.project = Project.open_or_create(folder / "project")
        files = KeptFiles(self.project, CsvFolder(folder))
        self.registry = RunRegistry(
            lambda run_id: Run(run_id, self.tools, str(material / model), files), max_runs=2
        )
        self.run, _ = self.registry.open("", "page")
        self.run.choose(Video("barn", "barn", material / "barn.mp4"))
        api = FastAPI()
        add_inside_routes(api, self.registry)
        self.client = TestClient(api)

    def close(self) -> None:
        self.registry.close()
        self.project.close()

    def watch(self, clips: int = NUM_CLIPS) -> None:
        for _ in range(clips):
            before = self.run.view.newest
            self.run.step()
            wait_until(lambda: self.run.view.newest is not before)  # noqa: B023

    def ask(self, page: str, **asked: object) -> dict:
        end = 400
        while end:
            answer = self.client.get(
                f"/inside/{page}", params={"run": self.run.run_id, **asked}
            ).json()
            if "waiting" not in answer:
                return answer
            end -= 1
        raise AssertionError("it waits for ever")


@pytest.fixture
def place(material, tmp_path):
    made = Place(material, tmp_path, "tiny")
    yield made
    made.close()


@pytest.fixture
def spool_place(material, tmp_path):
    made = Place(material, tmp_path, "tiny-spool")
    yield made
    made.close()


def test_before_anything_is_judged_it_says_so(place):
    assert "Press play" in place.ask("memory")["error"]
    assert "not there" in place.client.get("/inside/memory", params={"run": "x"}).json()["error"]


def test_shares_maps_and_no_memory_add_up(place):
    place.watch()
    for asked in ({}, {"head": 1}, {"stage": 3}, {"region": "0.1,0.6,0.2,0.7"}):
        answer = place.ask("memory", **asked)
        shares = [clip["share"] for clip in answer["clips"]]
        assert sum(shares) + answer["no_memory"] == pytest.approx(1, abs=2e-3)
        for clip, share in zip(answer["clips"], shares, strict=True):
            assert np.sum(clip["map"]) == pytest.approx(share, abs=2e-4)
        assert sorted(answer["strongest"]) == [clip["index"] for clip in answer["clips"]]
        assert max(shares) == next(
            c["share"] for c in answer["clips"] if c["index"] == answer["strongest"][0]
        )


def test_the_newest_is_what_the_package_says_whether_or_not_a_page_looked(place):
    place.watch(NUM_CLIPS - 1)
    unwatched = place.ask("memory")  # nobody had looked: the step is done again
    moment = place.run.inside.find("newest").moment
    model = place.run.inside.model
    view = inspect_memory(
        model,
        _clip_of(model, moment),
        moment.state.memory,
        torch.tensor([[moment.window.start_seconds, moment.window.end_seconds]]).double(),
    )
    want = view.stages[-1].clip_share.mean(0)
    got = [clip["share"] for clip in unwatched["clips"]]
    np.testing.assert_allclose(got, want, atol=1e-3)
    place.watch(1)
    watched = place.run.inside.find("newest")  # a page looked just before: the step was watched
    assert watched.index == NUM_CLIPS - 1
    np.testing.assert_allclose(
        [clip["share"] for clip in place.ask("memory")["clips"]],
        [
            clip["share"]
            for clip in place.ask("memory", at=watched.moment.window.start_seconds)["clips"]
        ],
    )


def test_a_step_is_watched_only_while_a_page_looks(place):
    place.watch(2)
    inside = place.run.inside
    assert inside._newest is None
    place.ask("memory")
    place.watch(1)
    assert inside._newest is not None
    inside._watched_until = 0.0
    place.watch(1)
    assert inside._newest is None


def test_a_past_moment_is_what_was_seen_then(place):
    place.ask("memory")
    place.watch(5)
    then = place.ask("memory")
    place.watch(NUM_CLIPS - 5)
    assert place.ask("memory")["moment"]["index"] == NUM_CLIPS - 1
    again = place.ask("memory", at=then["moment"]["start_seconds"] + 0.1)
    assert again["moment"] == {**then["moment"], "is_newest": False}
    for one, other in zip(again["clips"], then["clips"], strict=True):
        assert one["index"] == other["index"]
        assert one["share"] == pytest.approx(other["share"], abs=1e-4)


@pytest.mark.slow
def test_a_moment_says_whether_it_looks_unlike_what_the_model_was_trained_on(
    place, spool_place, monkeypatch
):
    for one, page in ((place, "memory"), (spool_place, "heads")):
        look = OtherScenes()
        monkeypatch.setattr(one.run.chosen.load(), "look", look, raising=False)
        one.watch(2)
        look.is_other = True
        one.watch(1)
        assert one.ask(page)["moment"]["is_unlike"]
        assert not one.ask(page, at=0.5)["moment"]["is_unlike"]
        look.is_other = False
        one.watch(1)
        assert not one.ask(page)["moment"]["is_unlike"]
        assert one.ask(page, at=4.5)["moment"]["is_unlike"]


def test_clips_keep_their_numbers_where_the_memory_begins_anew(place):
    place.watch(3)
    place.run.jump(16.0, is_playing=False)
    place.watch(3)
    answer = place.ask("memory")
    assert answer["moment"]["index"] == 5
    assert [clip["index"] for clip in answer["clips"]] == [3, 4]
    assert answer["clips"][0]["start_seconds"] == pytest.approx(16, abs=0.3)
    bars = answer["figures"]["clips"]["data"][0]
    assert np.ravel(bars["customdata"]).tolist() == [3, 4]
    assert place.ask("memory", at=4.5)["moment"]["index"] == 2
    assert place.ask("memory", at=18.5)["moment"]["index"] == 4


def test_times_that_were_not_judged_are_refused(place):
    place.watch(2)
    assert "nothing was judged" in place.ask("memory", at=20)["error"]
    assert "time in seconds" in place.ask("memory", at="soon")["error"]
    assert "region" in place.ask("memory", region="1,0,0,1")["error"]
    assert "whole number" in place.ask("memory", head="x")["error"]


def test_the_way_to_a_moment_ends_when_nobody_waits_for_it_any_more(place, monkeypatch):
    place.watch(6)
    ways: list[int] = []

    def endless(path, model, snapshot, index, *, progress):
        ways.append(index)
        try:
            while True:
                progress(0, 9)
                time.sleep(0.002)
        finally:
            ways.remove(index)

    monkeypatch.setattr("app.explain.inspector.revisit", endless)
    with pytest.raises(WaitingError):
        place.run.inside.find(2.5)
    with pytest.raises(WaitingError):
        place.run.inside.find(4.5)
    wait_until(lambda: ways == [2])
    assert place.run.inside.find("newest").index == 5
    wait_until(lambda: not ways)
    with pytest.raises(WaitingError):
        place.run.inside.find(2.5)
    place.registry.clear()
    wait_until(lambda: not ways)


def test_after_another_model_or_video_nothing_of_the_one_before_is_left(place, material):
    place.watch(4)
    place.ask("memory")
    assert place.ask("memory", at=0.5)["moment"]["index"] == 0
    place.run.choose(Video("barn", "barn", material / "barn.mp4"))
    assert "Press play" in place.ask("memory", at=0.5)["error"]


def test_memory_off_and_models_without_it_say_so(place, spool_place):
    place.run.chosen.update(l_mem=0)
    place.watch(2)
    assert "Memory is off" in place.ask("memory")["error"]
    assert "Spool" in place.ask("heads")["error"]
    spool_place.watch(2)
    assert "FAM Swin" in spool_place.ask("memory")["error"]


def test_where_heads_look_adds_up_and_knows_its_times(spool_place):
    spool_place.watch(5)
    for asked in ({}, {"layer": 0, "head": 3}, {"frame": 2.0}, {"region": "0,0.4,0,0.4"}):
        answer = spool_place.ask("heads", **asked)
        context = [share for share in answer["context"].values() if share is not None]
        shares = [look["share"] for look in answer["looks"]]
        assert sum(shares) + sum(context) == pytest.approx(1, abs=2e-3)
        assert len(context) == 1
        for look in answer["looks"]:
            assert np.sum(look["map"]) == pytest.approx(look["share"], abs=2e-4)
            assert abs(look["offset"]) <= answer["range"]
            side = 1 if answer["direction"] == "lookahead" else -1
            assert look["offset"] * side >= 0
    assert spool_place.ask("heads", frame=2.0)["frame"]["seconds"] == pytest.approx(2.0, abs=0.3)
    assert len(answer["grid"]) == answer["num_layers"]


def test_the_frames_of_a_model_on_features_are_those_that_were_encoded(
    material, tmp_path, monkeypatch
):
    monkeypatch.setattr(encoding, "load_backbone", lambda name, tokens_per_frame: tiny_backbone())
    place = Place(material, tmp_path, "tiny-on-features")
    try:
        place.watch(3)
        answer = place.ask("heads")
        # Clips of four sampled frames in a second; the second and the fourth of each were encoded.
        times = [frame["seconds"] for frame in answer["frames"]]
        assert times == pytest.approx([0.25, 0.75, 1.25, 1.75, 2.25, 2.75], abs=0.02)
        assert answer["frame"]["seconds"] == times[-1]
        assert isinstance(answer["moment"]["is_unlike"], bool)
        newest = place.run.view.newest
        assert newest.unlikeness is not None
        assert place.ask("heads", at=1.5)["moment"]["index"] == 1
    finally:
        place.close()


def test_downloads_hold_the_view_on_screen(place, spool_place):
    place.watch(3)
    asked = {"run": place.run.run_id}
    said = place.client.get("/inside/memory.json", params=asked)
    assert json.loads(said.content)["view"]["clips"][0]["index"] == 0
    with np.load(io.BytesIO(place.client.get("/inside/memory.npz", params=asked).content)) as file:
        assert file["stages.0.token_share"].shape[1] == 2
    assert place.client.get("/inside/memory.exe", params=asked).status_code == 400
    spool_place.watch(2)
    asked = {"run": spool_place.run.run_id}
    assert spool_place.client.get("/inside/heads.npz", params=asked).status_code == 200


def test_pictures_of_a_clip_come_from_its_time_and_are_bounded(place):
    found = place.ask("frames", start=4, end=6, count=4)["frames"]
    times = [frame["seconds"] for frame in found]
    assert times == sorted(times)
    assert all(4 <= seconds < 6 for seconds in times)
    assert place.ask("frames", start=4, end=6, count=4)["frames"] == found
    for wrong in ({"count": 17}, {"count": 0}, {"start": -1}, {"end": 1}):
        assert (
            "frames" in place.ask("frames", **{"start": 4, "end": 6, "count": 4, **wrong})["error"]
        )
    endless = place.ask("frames", start=4, end="inf", count=4)
    assert endless["error"] == "end must be a time in seconds, got 'inf'"


def test_wrong_numbers_of_a_moment_are_answers(place, spool_place):
    for page, one in (("memory", place), ("heads", spool_place)):
        one.watch(2)
        for name in ("at", "stage", "layer", "head", "frame", "region"):
            for wrong in ("1e400", "nan", "1e308", "--5", "9" * 5000, "\N{SUPERSCRIPT TWO}", "[["):
                query = {"run": one.run.run_id, name: wrong}
                answer = one.client.get(f"/inside/{page}", params=query)
                assert answer.status_code < 500


def test_a_closed_run_lets_the_reader_go(place):
    place.ask("frames", start=1, end=2, count=1)
    clips = place.run.inside._clips
    assert clips._source is not None
    place.registry.clear()
    assert clips._source is None
    with pytest.raises(SettingError):
        clips.frames(1, 2, 1)


def test_the_part_of_the_picture_that_a_cropping_model_sees(place):
    card = make_tiny_model().card

    class Cropping:
        resize, frame_height, frame_width = "crop", 64, 64

    frame = ModelCrop.of(Cropping, 1280, 720)
    # Decoded at 114 x 64 pixels; the middle 64 x 64 are cut out.
    assert frame.shown(0, 1, 0, 1) == pytest.approx((0, 1, 25 / 114, 89 / 114))
    assert frame.region((0, 1, 0, 1)) == PictureBox()
    whole = frame.region((0, 0.5, 0.21875, 0.5))
    assert (whole.top, whole.bottom, whole.left) == pytest.approx((0, 0.5, 0))
    assert whole.right == pytest.approx(0.5)
    assert ModelCrop.of(card, 1280, 720) == ModelCrop()


def test_a_model_with_bars_sees_more_than_the_picture():
    class Letterboxing:
        resize, frame_height, frame_width = "letterbox", 64, 64

    # 64 x 36 of 64 x 64 pixels: 14 rows of bars above and below.
    frame = ModelCrop.of(Letterboxing, 1280, 720)
    assert frame.shown(0, 1, 0, 1) == pytest.approx((-14 / 36, 50 / 36, 0, 1))
    assert frame.shown(14 / 64, 50 / 64, 0.25, 0.5) == pytest.approx((0, 1, 0.25, 0.5))
    region = frame.region((0, 0.5, 0, 1))
    assert (region.top, region.bottom) == pytest.approx((14 / 64, 0.5))
    tall = ModelCrop.of(Letterboxing, 300, 700)  # 27 x 64 pixels: the odd column is on the left
    assert tall.shown(0, 1, 19 / 64, 46 / 64) == pytest.approx((0, 1, 0, 1))


def test_regions_and_codes():
    assert read_box(None) is None
    assert read_box("0,1,0.5,0.5") == (0, 1, 0.5, 0.5)
    for wrong in ("1", "a,b,c,d", "0,2,0,1", "nan,1,0,1"):
        with pytest.raises(SettingError):
            read_box(wrong)
    assert small_codes(np.array([[0.0, 0.5], [np.nan, 1.0]])) == _codes(0, 127, 255, 254)


def test_an_empty_inside_can_be_closed(place):
    Inspector(place.tools).close()


def _codes(*values: int) -> str:
    return base64.b64encode(bytes(values)).decode()


def _clip_of(model, moment):
    return to_clip(moment.pixels, mean=model.card.mean, std=model.card.std)


def test_effects_of_this_very_moment_stand_beside_the_shares(place):
    place.watch(5)
    tests = place.run.inside.tests
    before = place.ask("memory")
    tests.start(ModelTestRequest.read("direct", "newest", "", is_same_moment=False))
    assert tests.wait(60)
    after = place.ask("memory")
    assert after["key"] != before["key"]
    assert len(after["figures"]["clips"]["data"]) > len(before["figures"]["clips"]["data"])
    other = place.ask("memory", at=2.5)["figures"]["clips"]["data"]
    assert len(other) == len(before["figures"]["clips"]["data"])
