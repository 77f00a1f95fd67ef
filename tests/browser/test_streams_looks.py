"""The Streams page is reachable by everybody: axe-core finds nothing, nothing scrolls sideways."""

from __future__ import annotations

import pytest

from tests.browser.test_looks import violations
from tests.browser.test_streams import LABELLED

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
)
def test_axe_finds_nothing_and_nothing_needs_a_sideways_scroll(open_page, site, width, scheme):
    site.clip_seconds = 0.05
    page = open_page(f"{site.address}#streams", width, scheme, reduced_motion="reduce")
    page.get_by_role("button", name="2 \N{MULTIPLICATION SIGN} 2").click()
    page.get_by_role("button", name="Start 4 regions").click()
    page.wait_for_function(LABELLED, arg=4)
    page.get_by_role("button", name="Add streams").click()
    page.locator(".vm-boxes-list input").first.focus()
    assert violations(page) == []
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
