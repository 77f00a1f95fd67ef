"""The Streams page is reachable by everybody: axe-core finds nothing, nothing scrolls sideways."""

from __future__ import annotations

import pytest

from tests.browser.test_looks import is_well_everywhere
from tests.browser.test_streams import LABELLED

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_it_is_well_at_every_size_and_in_every_scheme(open_page, site):
    site.clip_seconds = 0.05
    page = open_page(f"{site.address}#streams", is_calm=True)
    page.get_by_role("button", name="2 \N{MULTIPLICATION SIGN} 2").click()
    page.get_by_role("button", name="Start 4 regions").click()
    page.wait_for_function(LABELLED, arg=4)
    page.get_by_role("button", name="Add streams").click()
    page.locator(".vm-boxes-list input").first.focus()
    assert is_well_everywhere(page)
