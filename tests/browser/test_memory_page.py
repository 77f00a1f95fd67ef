"""The Memory page in the browser: the clips read, their frames, regions, heads, past moments."""

from __future__ import annotations

import json

import pytest

from tests.app.other_scenes import OtherScenes
from tests.browser.conftest import (
    LONG,
    choose,
    leave,
    newest,
    set_slider,
    step_to,
    wait_for_status,
)
from tests.browser.test_looks import ON_VIEW, is_well_everywhere, violations

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DRAWN = """() => document.querySelector('.vm-mem').dataset.state === 'shown'
    && document.querySelector('[data-figure=ages] .main-svg')
    && document.querySelector('.vm-mem-picture').vmImage"""
KEY = "document.querySelector('.vm-mem').dataset.key"
FRAME = "document.querySelector('.vm-mem-player').dataset.frame"
MAP = "document.querySelector('.vm-mem-pair canvas').toDataURL()"
SHARES = (
    "[...document.querySelectorAll('.vm-mem-strip b')].map((share) => share.textContent).join()"
)
POINT = """([figure, x, y]) => {
    const plot = document.querySelector(`[data-figure=${figure}]`);
    const box = plot.getBoundingClientRect(), { xaxis, yaxis } = plot._fullLayout;
    return [box.x + xaxis._offset + xaxis.d2p(x), box.y + yaxis._offset + yaxis.d2p(y)];
}"""


def open_memory(page) -> None:
    page.get_by_role("link", name="Memory").click()
    page.wait_for_function(DRAWN)


def asked(page, **more) -> dict:
    """The server's own answer to what the page asks."""
    run = page.evaluate("window.vidmem.run")
    values = {"run": run, "at": "newest", **more}
    address = f"{page.url.split('#')[0]}inside/memory"
    while "waiting" in (answer := page.request.get(address, params=values).json()):
        page.wait_for_timeout(250)
    return answer


def choose_stage_3(page) -> None:
    """Its tokens are 2 x 2: stage 4 of the tiny model has one, which every region touches."""
    page.locator(".vm-mem-stage").select_option("3")
    page.wait_for_function("document.querySelector('.vm-mem-of').textContent.includes('stage 3')")


def click_in(page, figure: str, x: float, y: float) -> None:
    page.locator(f"[data-figure={figure}]").scroll_into_view_if_needed()
    left, top = page.evaluate(POINT, [figure, x, y])
    page.mouse.move(left, top)
    page.mouse.click(left, top)


def wait_for_change(page, script: str, before: object) -> None:
    page.wait_for_function(f"before => {script} !== before", arg=before)


@pytest.fixture
def page(open_page):
    return open_page()


def test_a_page_that_is_paused_is_asked_about_clips_regions_heads_and_moments(page):
    """One page for all of these: to open it and its figures takes longer than to ask it."""
    step_to(page, 8)
    open_memory(page)
    assert page.title() == "vidmem: Memory"
    assert page.locator(".vm-player").is_hidden()
    assert page.locator(".vm-timeline").is_visible()
    a_moment_picked_on_the_timeline_is_shown_and_the_newest_again(page)
    the_strongest_clip_plays_and_the_timeline_goes_to_it(page)
    pictures_figures_and_numbers_can_be_downloaded(page)
    a_region_can_be_asked_for_by_keyboard(page)
    stage_and_head_are_chosen_by_hand_or_in_the_figures(page)
    a_region_changes_maps_and_shares_until_it_is_cleared(page)
    no_picture_of_another_play_stays_under_the_number_of_a_clip(page)
    why_there_is_nothing_to_show_is_said(page)


def a_moment_picked_on_the_timeline_is_shown_and_the_newest_again(page):
    newest_key = page.evaluate(KEY)
    page.locator(".vm-timeline canvas").click(position={"x": 200, "y": 14})
    page.locator(".vm-past").wait_for()
    wait_for_change(page, KEY, newest_key)
    page.wait_for_function("!window.vidmem.last.inside_moment?.is_newest")
    seconds = page.evaluate("window.vidmem.last.look.seconds")
    answer = asked(page, at=seconds)["moment"]
    assert answer["start_seconds"] <= seconds < answer["end_seconds"]
    assert answer["index"] < newest(page)["index"]
    start = page.evaluate(
        "window.vidmem.clock(window.vidmem.last.inside_moment.start_seconds, { hasTenths: true })"
    )
    assert start in page.locator(".vm-moment-time").inner_text()
    past_key = page.evaluate(KEY)
    page.keyboard.press("ArrowLeft")
    wait_for_change(page, KEY, past_key)
    page.get_by_role("button", name="Back to the newest clip").click()
    page.wait_for_function(f"key => {KEY} === key", arg=newest_key)
    assert page.locator("[data-moment=newest]").is_hidden()


def the_strongest_clip_plays_and_the_timeline_goes_to_it(page):
    clips = asked(page)["clips"]
    strongest = max(clips, key=lambda clip: clip["share"])
    for _ in range(2):
        page.locator("[data-zoom=in]").click()  # to where it may lie outside
    first = page.locator(".vm-mem-pair button").first
    assert first.get_attribute("data-index") == str(strongest["index"])
    still = page.evaluate(MAP)
    first.click()
    page.wait_for_function(f"{FRAME} === '1'")
    wait_for_change(page, MAP, still)
    page.wait_for_function(f"{FRAME} === '3'")
    start, end = map(float, page.locator("[data-mark]").get_attribute("data-mark").split(","))
    assert (start, end) == (strongest["start_seconds"], strongest["end_seconds"])
    left, right = map(
        float, page.locator("#part-timeline [data-view]").get_attribute("data-view").split(",")
    )
    assert left <= start
    assert end <= right
    first.click()  # and holds
    frame = page.evaluate(FRAME)
    page.get_by_role("button", name="One frame forward").click()
    wait_for_change(page, FRAME, frame)
    page.get_by_role("button", name="Clear the selection").click()
    assert page.locator("[data-mark]").count() == 0
    assert page.evaluate("window.vidmem.last.look") is None  # the moment on view stays


def pictures_figures_and_numbers_can_be_downloaded(page):
    for button in page.locator(".vm-mem-files [data-png]").all():
        with page.expect_download() as download:
            button.click()
        assert download.value.suggested_filename.endswith(f"{button.get_attribute('data-png')}.png")
    for kind in ("json", "npz"):
        with page.expect_download() as download:
            page.locator(f".vm-mem-files [data-file={kind}]").click()
        assert download.value.suggested_filename.endswith(kind)
        if kind == "json":
            assert "moment" in json.loads(download.value.path().read_text())


def a_region_can_be_asked_for_by_keyboard(page):
    whole = page.evaluate(KEY)
    picture = page.locator(".vm-mem-picture")
    picture.focus()
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "Enter"):
        picture.press(key)
    wait_for_change(page, KEY, whole)
    assert page.locator(".vm-mem-asked").is_visible()
    assert page.evaluate("window.vidmem.last.look") is None
    picture.press("Escape")
    page.wait_for_function(f"whole => {KEY} === whole", arg=whole)


def stage_and_head_are_chosen_by_hand_or_in_the_figures(page):
    heads = page.locator(".vm-mem-head")
    click_in(page, "heads", 1, 2)
    page.wait_for_function("document.querySelector('.vm-mem-head').value === '2'")
    assert "head 2" in page.locator(".vm-mem-of").inner_text()
    heads.select_option("")
    page.wait_for_function("document.querySelector('.vm-mem-of').textContent.includes('all heads')")
    click_in(page, "ages", 0.01, 1)
    page.wait_for_function("document.querySelector('.vm-mem-head').value === '1'")
    choose_stage_3(page)
    bar = page.evaluate("document.querySelector('[data-figure=clips]').calcdata[0][2].s")
    click_in(page, "clips", 2, bar / 2)
    page.wait_for_function(
        "document.querySelectorAll('.vm-mem-strip li')[2].className === 'vm-picked'"
    )
    page.get_by_role("button", name="Share", exact=True).click()
    shares = [float(one.removesuffix(" %")) for one in page.evaluate(SHARES).split(",")]
    assert shares == sorted(shares, reverse=True)


def a_region_changes_maps_and_shares_until_it_is_cleared(page):
    choose_stage_3(page)
    whole, map_of_whole, shares = page.evaluate(KEY), page.evaluate(MAP), page.evaluate(SHARES)
    box = page.locator(".vm-mem-picture").bounding_box()
    corner = [box["x"] + 0.55 * box["width"], box["y"] + 0.55 * box["height"]]
    page.mouse.move(*corner)
    page.mouse.down()
    page.mouse.move(corner[0] + 60, corner[1] + 40, steps=3)
    page.mouse.up()
    wait_for_change(page, KEY, whole)
    wait_for_change(page, SHARES, shares)
    wait_for_change(page, MAP, map_of_whole)
    chip = page.locator(".vm-mem-asked")
    assert "framed region" in chip.inner_text()
    assert page.locator(".vm-mem-now .vm-region").is_visible()
    chip.click()
    page.wait_for_function(f"whole => {KEY} === whole", arg=whole)
    assert chip.is_hidden()
    assert page.evaluate(SHARES) == shares


def no_picture_of_another_play_stays_under_the_number_of_a_clip(page):
    page.wait_for_function("document.querySelector('.vm-mem-strip canvas')?.vmImage")
    page.evaluate("window.vidmem.act('choose', { video: window.vidmem.last.source.key })")
    page.wait_for_function("document.querySelector('.vm-mem').dataset.state === 'empty'")
    assert page.locator(".vm-mem-strip li").count() == 0
    assert page.evaluate("document.querySelector('.vm-mem-picture').vmImage") is None


def why_there_is_nothing_to_show_is_said(page):
    page.locator(".vm-mem-none [role=status]").wait_for()
    page.wait_for_function("document.querySelector('.vm-mem-none [role=status]').textContent")
    page.get_by_role("link", name="Watch").click()
    set_slider(page, "l_mem", 0)
    step_to(page, 1)
    page.get_by_role("link", name="Memory").click()
    page.wait_for_function(
        "document.querySelector('.vm-mem-none [role=status]').textContent.includes('off')"
    )


def test_footage_unlike_the_training_is_told_beside_the_moment_on_view(page, site, monkeypatch):
    look = OtherScenes()
    run = site.registry().find(page.evaluate("window.vidmem.run"))
    monkeypatch.setattr(run.chosen.load(), "look", look, raising=False)
    step_to(page, 2)
    look.is_other = True
    step_to(page, 3)
    open_memory(page)
    told, said = page.locator(".vm-moment .vm-unlike"), page.locator(".vm-moment-said")
    assert told.inner_text().startswith("Unlike what ")
    assert told.inner_text().endswith("what it says here means nothing.")
    line = "(part) => getComputedStyle(part.lastElementChild).textDecorationLine"
    assert said.evaluate(line) == "line-through"
    assert is_well_everywhere(page, within=".vm-moment")
    page.locator("[data-moment=back]").click()  # a clip that looks as it should
    page.wait_for_function("window.vidmem.last.inside_moment?.index === 2")
    assert told.is_hidden()
    assert said.evaluate(line) == "none"
    page.locator("[data-moment=newest]").click()
    told.wait_for()
    page.locator("nav a[data-view=heads]").click()
    page.wait_for_function("document.body.dataset.view === 'heads'")
    assert told.is_visible()
    page.locator("nav a[data-view=watch]").click()
    look.is_other = False
    step_to(page, 4)
    page.locator("nav a[data-view=memory]").click()
    page.wait_for_function("window.vidmem.last.inside_moment?.index === 4")
    assert told.is_hidden()
    page.locator("[data-moment=back]").click()
    told.wait_for()
    assert said.evaluate(line) == "line-through"


def test_the_newest_clip_is_followed_without_building_anything_anew(page, site):
    site.clip_seconds = 0.5
    choose(page, LONG)
    set_slider(page, "l_mem", 25)
    step_to(page, 3)
    open_memory(page)
    page.evaluate("""() => {
        window.kept = [...document.querySelectorAll('.vm-mem-plot .main-svg')];
        window.tile = document.querySelector('.vm-mem-strip li:last-child');
    }""")
    key = page.evaluate(KEY)
    page.locator("[data-moment=toggle]").click()
    wait_for_status(page, "playing")
    wait_for_change(page, KEY, key)
    assert page.evaluate("window.kept.every((svg) => svg.isConnected)")
    assert page.evaluate("window.tile.isConnected")
    page.locator("[data-moment=toggle]").click()
    wait_for_status(page, "paused")

    # At the latest when the clip that was being judged is there.
    page.wait_for_function(
        "window.vidmem.last.inside_moment.index === window.vidmem.last.now.index"
    )


def test_a_model_without_memory_tokens_is_sent_to_the_heads_page(open_page, spool_site):
    page = open_page(spool_site.address)
    page.get_by_role("link", name="Memory").click()
    page.get_by_text("not memory tokens of past clips").wait_for()
    page.locator(".vm-mem-other a").click()
    page.wait_for_function("document.body.dataset.view === 'heads'")
    assert page.title() == "vidmem: Heads"
    leave(page)
    spool_site.app.registry.clear()


def test_it_is_well_at_every_size_and_in_every_scheme_and_nothing_moves_by_itself(open_page, site):
    page = open_page(is_calm=True)
    page.get_by_role("link", name="Memory").click()
    page.locator(".vm-mem-none").wait_for()
    assert violations(page, within=ON_VIEW) == []
    page.get_by_role("link", name="Watch").click()
    step_to(page, 4)
    open_memory(page)
    nothing_moves_by_itself_where_motion_is_not_wanted(page)
    page.locator(".vm-mem-picture").focus()
    page.keyboard.press("Enter")
    page.locator(".vm-mem-asked").wait_for()
    assert is_well_everywhere(page)


def nothing_moves_by_itself_where_motion_is_not_wanted(page):
    page.locator(".vm-mem-pair button").first.click()
    page.wait_for_function(f"{FRAME} === '0'")
    page.wait_for_timeout(700)  # longer than a frame is shown where motion is wanted
    assert page.evaluate(FRAME) == "0"
    page.get_by_role("button", name="Play it", exact=True).click()
    page.wait_for_function(f"{FRAME} === '1'")
