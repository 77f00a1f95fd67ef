"""Watching a video in the browser, from the first press on play to the last row of the table."""

from __future__ import annotations

import csv
import re
import time
from threading import Event

import pytest

from app.pages.watch.actions import Handlers
from app.run.model import RunModel
from tests.browser.conftest import (
    CLIP_SECONDS,
    LONG,
    VIDEO_SECONDS,
    WAIT_SECONDS,
    choose,
    new_page,
    newest,
    serving,
    set_slider,
    status,
    step_to,
    wait_for_clip,
    wait_for_status,
    wait_until,
)
from vidmem.streaming import StreamSettings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

NUM_CLIPS = VIDEO_SECONDS // CLIP_SECONDS


def test_a_video_is_played_from_beginning_to_end_and_again(open_page, site):
    """One page for all of these: to open it takes longer than what each of them looks at."""
    page = open_page()
    the_sample_plays_to_the_end(page)
    choose_anew(page, "sample")
    the_timeline_keeps_its_zoom_and_shows_the_frame_at_a_click(page, site)
    choose_anew(page, LONG)
    earlier_files_of_one_video_are_told_apart(page, site)
    choose_anew(page, LONG)
    controls_are_felt_within_one_clip(page, site)
    choose_anew(page, "sample")
    a_reload_finds_the_run_and_closing_frees_it(page, site)


def choose_anew(page, video):
    """A video from its beginning, also where it is the one that was played."""
    page.evaluate("video => window.vidmem.act('choose', { video })", video)
    page.wait_for_function(
        "key => window.vidmem.last.source.key === key && window.vidmem.last.play.status === 'ready'"
        " && !window.vidmem.last.now",
        arg=video,
    )


def the_sample_plays_to_the_end(page):
    assert page.locator("h1").inner_text() == "vidmem"
    assert "192" in page.locator(".vm-file").inner_text()
    page.locator(".vm-big").click()
    page.locator(".vm-tag").wait_for()
    wait_for_status(page, "finished")
    page.wait_for_function("window.vidmem.last.timeline.analysed > 47")
    assert newest(page)["index"] == NUM_CLIPS - 1
    assert page.locator(".vm-progress").first.get_attribute("aria-valuenow") == "100"
    assert "Watched to the end" in page.locator(".vm-pace").inner_text()
    assert page.locator(".vm-strip li[data-clip]:not(.vm-leaving)").count() == 4
    assert page.locator(".vm-evicted").inner_text().startswith(f"{NUM_CLIPS - 5} clips")
    totals = page.locator(".vm-bouts td:nth-child(3)").all_inner_texts()
    assert sum(int(t[:2]) * 60 + int(t[3:]) for t in totals) == pytest.approx(VIDEO_SECONDS, abs=2)
    assert "Reader:" in page.locator(".vm-reader").inner_text()
    with page.expect_download() as download:
        page.locator(".vm-csv").click()
    assert download.value.suggested_filename == "barn-predictions.csv"
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert len(rows) == NUM_CLIPS
    assert float(rows[-1]["end_seconds"]) == pytest.approx(VIDEO_SECONDS, abs=0.3)


def the_timeline_keeps_its_zoom_and_shows_the_frame_at_a_click(page, site):
    site.clip_seconds = 0.15
    page.locator(".vm-main").click()
    wait_for_clip(page, 4)
    page.get_by_label("Zoom in").click()
    page.get_by_label("Zoom in").click()
    view = page.locator("#part-timeline [data-view]").get_attribute("data-view")
    before = page.evaluate("window.vidmem.last.picture.number")
    plot = page.locator(".vm-plot canvas")
    box = plot.bounding_box()
    plot.click(position={"x": box["width"] * 0.4, "y": 30})
    page.locator(".vm-lookback").wait_for()
    page.wait_for_function("n => window.vidmem.last.picture.number > n", arg=before)
    wanted = page.evaluate("window.vidmem.last.look.seconds")
    page.wait_for_function(
        "s => Math.abs(window.vidmem.last.picture.seconds - s) < 0.3", arg=wanted
    )
    wait_for_clip(page, 12)
    assert page.locator("#part-timeline [data-view]").get_attribute("data-view") == view
    slider = page.get_by_role("slider", name=re.compile("Timeline"))
    slider.focus()
    slider.press("Home")
    page.wait_for_function("window.vidmem.last.look?.seconds === 0")
    assert slider.get_attribute("aria-valuenow") == "0.0"
    slider.press("Escape")
    page.wait_for_function("window.vidmem.last.look === null")


def earlier_files_of_one_video_are_told_apart(page, site):
    site.clip_seconds = 0.3
    page.locator("[data-act=toggle]").click()
    for _ in range(2):
        wait_for_status(page, "playing")
        wait_for_clip(page, 0)
        page.locator("[data-act=stop]").click()
        wait_for_status(page, "stopped")
        restart = page.locator("[data-act=restart]")
        restart.click()
        restart.click()  # it asks whether one is sure
    files = page.locator(".vm-earlier > span", has_text="long pen")
    files.nth(1).wait_for()
    texts = files.all_inner_texts()
    assert len(texts) == len(set(texts)) == 2
    begun = r"long pen-predictions\.csv begun \d.*\d:\d\d.* · tiny.* · to 00:\d\d"
    assert all(re.fullmatch(begun, text) for text in texts), texts


def controls_are_felt_within_one_clip(page, site):
    site.clip_seconds = 0.25
    page.locator(".vm-main").click()
    wait_for_clip(page, 5)
    assert page.locator(".vm-strip li[data-clip]:not(.vm-leaving)").count() == 4
    set_slider(page, "l_mem", 2)
    assert (
        page.locator(".vm-slider", has_text="L_mem").inner_text().endswith("remembers the last 4 s")
    )
    now = newest(page)["index"]
    wait_for_clip(page, now + 2)
    assert page.evaluate("window.vidmem.last.memory.num_places") == 2
    page.wait_for_function(
        "document.querySelectorAll('.vm-strip li:not(.vm-leaving)').length === 2"
    )
    set_slider(page, "window_stride", 4)
    told = page.locator(".vm-slider", has_text="Frames per second").inner_text()
    used = StreamSettings(**page.evaluate("window.vidmem.last.settings.values"))
    assert told.endswith(f"shortest bout it can resolve: {used.shortest_bout_seconds:g} s")
    now = newest(page)["index"]
    wait_for_clip(page, now + 2)
    first = newest(page)
    wait_for_clip(page, first["index"] + 1)
    second = newest(page)
    distance = (second["start_seconds"] - first["start_seconds"]) / (
        second["index"] - first["index"]
    )
    assert distance == pytest.approx(1.0)
    assert status(page) == "playing"
    page.locator("[data-act=stop]").click()
    wait_for_status(page, "stopped")


def a_reload_finds_the_run_and_closing_frees_it(page, site):
    site.clip_seconds = 0.2
    page.locator(".vm-main").click()
    wait_for_clip(page, 3)
    run = page.evaluate("window.vidmem.run")
    page.reload()
    page.wait_for_function("window.vidmem?.last.now?.index >= 3")
    assert page.evaluate("window.vidmem.run") == run
    assert status(page) in {"playing", "finished"}
    page.wait_for_function("window.vidmem.last.range?.start.length + window.vidmem.tail.length > 3")
    page.locator(".vm-strip li[data-clip] .vm-thumb[style*='data:image']").first.wait_for()
    site.clip_seconds = 0.0  # it plays to the end first
    site.set_grace(0.5)
    page.close()
    wait_until(lambda: site.registry().find(run) is None)


def test_a_video_is_stepped_through_and_played_with_the_clock(open_page, site, monkeypatch):
    page = open_page()
    time_and_label_on_the_picture_are_the_pictures_own(page)
    what_is_wrong_with_a_time_is_said_until_something_else_is_done(page)
    keys_play_step_and_look_back_but_not_while_typing(page, site)
    changing_the_clip_length_says_that_the_memory_starts_empty(page)
    a_slider_stays_where_the_hand_put_it_however_late_the_app_answers(page, monkeypatch)
    choose_anew(page, LONG)
    in_real_time_the_playhead_goes_with_the_clock(page, site)


def time_and_label_on_the_picture_are_the_pictures_own(page):
    step_to(page, 9)
    page.wait_for_function(
        "window.vidmem.last.picture.label !== undefined && "
        "document.querySelector('.vm-clock').textContent === "
        "window.vidmem.clock(window.vidmem.last.picture.seconds)"
    )
    told = page.evaluate("""() => ({
        tag: document.querySelector('.vm-tag').innerText,
        pace: document.querySelector('.vm-pace').innerText,
        label: window.vidmem.last.picture.label,
        seconds: window.vidmem.last.picture.seconds,
        playhead: window.vidmem.last.play.playhead.seconds,
    })""")
    assert told["tag"].startswith(f"{told['label']} ·")
    assert told["seconds"] < told["playhead"]
    assert re.match(r"Analysed to 00:\d\d of 00:48 · Paused\.", told["pace"])
    other = page.locator(".vm-source select")
    other.select_option("folder/second pen.mp4")
    page.wait_for_function(
        "window.vidmem.last.source.key.startsWith('folder/') && "
        "document.querySelector('.vm-screen img').hidden === "
        "(window.vidmem.last.picture.video !== window.vidmem.last.source.key)"
    )
    page.wait_for_function("!document.querySelector('.vm-screen img').hidden")
    assert page.evaluate("window.vidmem.last.picture.video").startswith("folder/")
    assert page.locator(".vm-tag").is_hidden()


def what_is_wrong_with_a_time_is_said_until_something_else_is_done(page):
    why = page.locator(".vm-jump-why")
    for typed, fault in (("soon", "a time such as"), ("9:00", "is the end")):
        page.locator("#vm-jump-time").fill(typed)
        page.locator(".vm-jump button").click()
        why.filter(has_text=fault).wait_for()
    page.locator("[data-act=forward]").click()
    assert why.inner_text() == ""


def keys_play_step_and_look_back_but_not_while_typing(page, site):
    choose(page, LONG)
    page.locator("body").press("ArrowRight")
    wait_for_clip(page, 0)
    wait_for_status(page, "paused")
    assert newest(page)["index"] == 0
    page.locator("body").press("ArrowRight")
    wait_for_clip(page, 1)
    page.locator(".vm-strip li[data-clip='0'] .vm-thumb[style*='data:image']").wait_for()
    page.locator("body").press("ArrowLeft")
    page.wait_for_function("window.vidmem.last.look?.seconds === 2")
    assert "Looking at 00:02" in page.locator(".vm-lookback").inner_text()
    assert page.locator(".vm-now .vm-when").inner_text().endswith("the newest clip")
    page.locator("body").press("Escape")
    page.wait_for_function("window.vidmem.last.look === null")
    assert "newest" not in page.locator(".vm-now .vm-when").inner_text()
    box = page.get_by_label("Jump to a time")
    box.fill("0:30")
    box.press("Space")
    box.press("ArrowLeft")
    assert status(page) == "paused"
    box.press("Enter")
    page.wait_for_function("window.vidmem.last.play.playhead.seconds === 30")
    site.clip_seconds = 0.2
    page.locator("h2").first.click()
    page.locator("body").press("Space")
    wait_for_status(page, "playing")
    wait_for_clip(page, 2)
    assert newest(page)["start_seconds"] >= 30
    page.locator("body").press("Space")
    wait_for_status(page, "paused")


def changing_the_clip_length_says_that_the_memory_starts_empty(page):
    set_slider(page, "clip_frames", 16)
    page.get_by_role("alert").filter(has_text="memory starts empty").wait_for()
    page.get_by_label("Close this message").dispatch_event("click")  # or it left by itself
    page.locator(".vm-notice").wait_for(state="hidden")


def a_slider_stays_where_the_hand_put_it_however_late_the_app_answers(page, monkeypatch):
    slider = page.locator("[data-setting=clip_frames]")
    now = int(slider.input_value())
    wanted = page.evaluate("window.vidmem.last.settings.allowed.clip_frames")[now - 2]
    with monkeypatch.context() as late:
        asked, may_answer = hold_back_settings(late)
        try:
            slider.press("ArrowLeft")
            wait_until(asked.is_set)
            page.wait_for_timeout(1300)  # the hand rests; what it chose is nowhere but on the page
            assert slider.input_value() == str(now - 1)
        finally:
            may_answer.set()
        page.keyboard.press("ArrowLeft")  # as the answer comes
        in_use = "value => window.vidmem.last.settings.values.clip_frames === value"
        page.wait_for_function(in_use, arg=wanted)
    assert slider.input_value() == str(now - 2)
    assert slider.evaluate("slider => slider === document.activeElement")


def hold_back_settings(late):
    """Two events: a setting was asked for, and it may be taken."""
    update, asked, may_answer = RunModel.update, Event(), Event()

    def update_late(chosen, **changes):
        asked.set()
        assert may_answer.wait(WAIT_SECONDS)
        return update(chosen, **changes)

    late.setattr(RunModel, "update", update_late)
    return asked, may_answer


def in_real_time_the_playhead_goes_with_the_clock(page, site):
    page.get_by_label("Speed", exact=True).select_option("real")
    page.locator(".vm-main").click()
    wait_for_clip(page, 0)
    pacer = site.registry().find(page.evaluate("window.vidmem.run")).player.pacer
    began, before = time.monotonic(), pacer.playhead_seconds
    page.wait_for_function("before => window.vidmem.last.playhead > before + 3", arg=before)
    shown, now = page.evaluate("window.vidmem.last.playhead"), pacer.playhead_seconds
    assert now - before <= time.monotonic() - began  # it may wait, never run ahead
    assert shown <= now + 0.5
    page.wait_for_function("window.vidmem.last.picture.seconds > 1")
    page.locator("[data-act=stop]").click()
    wait_for_status(page, "stopped")


def test_the_bundled_models_watch_the_sample(browser, tmp_path):
    first, second = "fam-swin-nano", "spool-nano"
    with serving(None, tmp_path, model=first, sample=None) as site:
        page = new_page(browser)
        page.goto(site.address)
        page.wait_for_function("model => window.vidmem?.last.model?.name === model", arg=first)
        a_bundled_model_watches_to_the_end(page)
        page.locator("#page").get_by_label("Model", exact=True).select_option(second)
        page.wait_for_function("model => window.vidmem.last.model.name === model", arg=second)
        choose_anew(page, "sample")
        a_bundled_model_watches_to_the_end(page)
        page.context.close()


def a_bundled_model_watches_to_the_end(page):
    page.locator(".vm-main").click()
    wait_for_clip(page, 0)
    assert "Trained on" in page.locator("#page .vm-note").inner_text()
    wait_for_status(page, "finished")
    assert page.locator(".vm-now .vm-badge").is_hidden()


def test_a_page_whose_connection_broke_still_tells_that_it_is_closed(open_page, site, tabs):
    page = open_page()
    page.route("**/heartbeat/**", lambda route: route.abort())  # Gradio never opens it again
    page.reload()
    page.wait_for_function("window.vidmem?.run")
    run = page.evaluate("window.vidmem.run")
    assert site.registry().find(run) is not None
    site.set_grace(0.5)
    page.goto("about:blank")
    wait_until(lambda: site.registry().find(run) is None)
    page.unroute_all()
    tabs.complaints.clear()  # the browser's, of the request that was refused


def test_two_people_watch_their_own_and_a_third_is_told(open_page, site, monkeypatch):
    first = each_page_has_one_run_of_its_own_however_long_it_takes_to_open(
        open_page, site, monkeypatch
    )
    site.clip_seconds = 0.3
    second, third = open_page(), open_page()
    first.locator(".vm-main").click()
    wait_for_clip(first, 1)
    first.locator(".vm-main").click()
    wait_for_status(first, "paused")  # and stays one of two
    second.locator(".vm-source select").select_option(LONG)
    second.wait_for_function("window.vidmem.last.source.key.startsWith('folder')")
    second.locator(".vm-main").click()
    wait_for_clip(second, 0)
    assert first.evaluate("window.vidmem.run") != second.evaluate("window.vidmem.run")
    third.locator(".vm-main").click()
    third.get_by_role("alert").filter(has_text="already watching 2 videos").wait_for()
    assert status(third) == "ready"
    first.locator("[data-act=stop]").click()
    wait_for_status(first, "stopped")
    assert status(second) == "playing"
    third.locator(".vm-main").click()
    wait_for_clip(third, 0)


def each_page_has_one_run_of_its_own_however_long_it_takes_to_open(open_page, site, monkeypatch):
    opening = Handlers.open_page

    def open_slowly(*arguments):
        time.sleep(2.5)  # the page's clock ticks each second
        return opening(*arguments)

    with monkeypatch.context() as slow:
        slow.setattr(Handlers, "open_page", open_slowly)
        page = open_page()
    assert page.evaluate("window.vidmem.last.notice") is None
    assert page.locator(".vm-notice").is_hidden()
    assert len(site.registry()) == 1
    return page
