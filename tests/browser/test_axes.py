"""A model of several axes, in the browser: each axis has its label, its bars and its bands."""

from __future__ import annotations

import pytest

from tests.app.tiny_spool import make_tiny_spool
from tests.browser.conftest import leave, newest, serving, step_to
from vidmem.models import CardAxis

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

AXES = (
    CardAxis("activity", ("moving", "still")),
    CardAxis("place", ("at the wall", "in the centre", "none of these (place)")),
)


@pytest.fixture
def page(open_page, browser, material, tmp_path):
    import vidmem

    vidmem.save(make_tiny_spool(axes=AXES), tmp_path / "two-axes")
    with serving(material, tmp_path, model=str(tmp_path / "two-axes")) as running:
        opened = open_page(running.address)
        yield opened
        leave(opened)
        running.app.registry.clear()


def test_all_axes_are_shown(page):
    step_to(page, 5)
    now = newest(page)
    (other,) = now["others"]
    assert now["label"] in AXES[0].class_names
    assert other[0] in AXES[1].class_names
    page.wait_for_function("window.vidmem.last.picture.others?.length === 1")
    tag = page.locator(".vm-caption .vm-tag span").first.inner_text()
    assert [part[:-5] for part in tag.split(" · ")] == page.evaluate(
        "[window.vidmem.last.picture.label, window.vidmem.last.picture.others[0][0]]"
    )
    assert page.locator(".vm-bars .vm-first b").all_inner_texts() == [now["label"], other[0]]
    assert page.evaluate("window.vidmem.last.timeline.axes") == [[0, 1], [2, 3, 4]]
