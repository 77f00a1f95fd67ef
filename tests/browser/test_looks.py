"""Reachable by everybody: axe-core finds nothing, and nothing needs a sideways scroll."""

from __future__ import annotations

import pytest

from tests.browser.conftest import wait_for_clip, wait_for_status

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def violations(page: object) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_before_and_after_playing(open_page, site, width, scheme):
    # without motion: axe would measure the contrast of what is just fading out
    page = open_page(width=width, scheme=scheme, reduced_motion="reduce")
    assert page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    page.evaluate("window.vidmem.act('set', { setting: 'l_mem', value: 25 })")
    page.wait_for_function("document.querySelectorAll('.vm-strip li').length === 25")
    assert violations(page) == []
    page.locator(".vm-main").click()
    wait_for_clip(page, 6)
    page.locator("[data-act=back]").click()
    page.locator(".vm-lookback").wait_for()
    wait_for_status(page, "paused") if page.evaluate(
        "window.vidmem.last.play.status"
    ) != "finished" else None
    assert violations(page) == []
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]


def test_the_page_has_one_heading_and_named_regions(open_page, site):
    page = open_page()
    assert page.locator("h1").count() == 1
    for name in (
        "Player",
        "Timeline",
        "What it remembers",
        "Video",
        "Live controls",
        "Bouts so far",
    ):
        assert page.get_by_role("region", name=name).count() == 1
