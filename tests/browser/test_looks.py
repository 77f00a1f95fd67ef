"""Reachable by everybody: axe-core finds nothing, and nothing needs a sideways scroll."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from tests.browser.conftest import step_to

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

WIDTHS = "[document.documentElement.scrollWidth, window.innerWidth]"
WIDE_CARDS = """
[...document.querySelectorAll(".vm-card")].filter((card) => card.checkVisibility())
  .map((card) => [card.className, card.getBoundingClientRect()])
  .filter(([, { left, right }]) => left < 0 || right > innerWidth + 1)
  .map(([name, { left, right }]) => `${name}: ${left} to ${right}`)
"""
"""What is cut off, though nothing can be scrolled: the frame around the pages hides it."""

TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


ON_VIEW = ".vm-page, dialog[open]"
"""The page on view. What is around it is the same for all: it is looked at once, with `html`."""

FIND_VIOLATIONS = """
async ([within, contrast]) => {
  const CONTRAST = "color-contrast";
  const parts = [...document.querySelectorAll(within)].filter((one) => one.checkVisibility());
  const hasText = (one) =>
    one.matches("input, select, textarea") ||
    [...one.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
  const looks = new Map(); // to measure contrast takes longest: of each look, of one element
  const measured = contrast === "none" ? [] : parts;
  const all = measured.flatMap((part) => [part, ...part.querySelectorAll("*")]);
  for (const element of all) {
    if (!hasText(element) || !element.checkVisibility()) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const look = [element.localName, color, fontSize, fontWeight];
    for (let behind = element; behind; behind = behind.parentElement) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(behind);
      look.push(backgroundColor, backgroundImage, opacity);
    }
    looks.set(look.join(), element);
  }
  const found = async (part, options) =>
    (await axe.run(part, { resultTypes: ["violations"], ...options })).violations;
  const others = { rules: { [CONTRAST]: { enabled: false } } };
  return [
    ...(contrast === "alone" ? [] : await found({ include: parts }, others)),
    ...(looks.size ? await found({ include: [...looks.values()] }, { runOnly: [CONTRAST] }) : []),
  ];
}
"""

Contrast = Literal["too", "alone", "none"]
"""Whether contrast is measured, beside all other rules, or nothing else."""


def violations(page: Any, *, within: str, contrast: Contrast = "too") -> list[str]:
    """What axe finds in what is on view of a part."""
    from axe_playwright_python.base import AXE_SCRIPT

    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(FIND_VIOLATIONS, [within, contrast])
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes']]}" for one in found]


LOOKS: tuple[tuple[int, int, str, Contrast], ...] = (
    (1440, 1000, "light", "too"),
    (1440, 1000, "dark", "alone"),
    (390, 844, "dark", "none"),
)
"""Width, height and scheme. A scheme changes colours alone, and a width everything else."""


def is_well_everywhere(page: Any, within: str = ON_VIEW) -> bool:
    """Whether axe finds nothing and nothing needs a sideways scroll, wide or narrow, light or dark.

    Without motion: axe would measure the contrast of what is just fading out.
    """
    for width, height, scheme, contrast in LOOKS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(TWO_FRAMES)
        found = violations(page, within=within, contrast=contrast)
        assert found == [], f"{width} pixels wide, {scheme}"
        inner, outer = page.evaluate(WIDTHS)
        assert inner <= outer, f"{width} pixels wide, {scheme}"
        assert page.evaluate(WIDE_CARDS) == [], f"{width} pixels wide, {scheme}"
    return True


def test_axe_finds_nothing_before_and_after_playing(open_page, site):
    page = open_page(width=390, is_calm=True)
    assert page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    page.evaluate("window.vidmem.act('set', { setting: 'l_mem', value: 25 })")
    page.wait_for_function("document.querySelectorAll('.vm-strip li').length === 25")
    assert is_well_everywhere(page, within="html")
    step_to(page, 6)
    page.locator("[data-act=back]").click()
    page.locator(".vm-lookback").wait_for()
    assert is_well_everywhere(page)


def test_the_page_has_one_heading_named_regions_and_buttons_that_say_which_way(open_page):
    page = open_page()
    it_has_one_heading_and_named_regions(page)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 1000})
        the_buttons_that_step_say_which_way(page, width)
    the_tour_is_led_by_keys_and_offered_once(page)


def the_tour_is_led_by_keys_and_offered_once(page):
    page.evaluate("localStorage.removeItem('vidmem.tour')")
    page.reload()
    offer, tour = page.locator(".vm-tour-begin"), page.locator("dialog.vm-tour")
    page.wait_for_function("window.vidmem?.last.source && window.vidmem.last.picture")
    assert offer.inner_text() == "New here? Tour"
    offer.focus()
    page.keyboard.press("Enter")
    views = []
    num_steps = int(tour.locator("footer .vm-aside").inner_text().split()[-1])
    for number in range(num_steps):
        page.wait_for_function(
            f"document.querySelector('.vm-tour footer').innerText.startsWith('{number + 1} of')"
        )
        views.append(page.evaluate("document.body.dataset.view"))
        assert len(tour.locator("p").inner_text()) > 80
        if number == 0:
            assert violations(page, within="dialog.vm-tour") == []
        page.keyboard.press("Enter")  # the focus is on the button that leads on
    tour.wait_for(state="hidden")
    assert views[:2] == ["watch", "label"] and views[-1] == "memory"
    page.reload()
    page.wait_for_function("window.vidmem?.last.source && window.vidmem.last.picture")
    assert offer.inner_text() == "Tour"
    assert not page.locator(".vm-tour-refuse").is_visible()


def it_has_one_heading_and_named_regions(page):
    assert page.locator("h1").count() == 1
    for name in (
        "Player",
        "Timeline",
        "What it remembers",
        "Video",
        "Settings",
        "Bouts so far",
    ):
        assert page.get_by_role("region", name=name).count() == 1


def the_buttons_that_step_say_which_way(page, width):
    def steps(kind: str) -> list[str]:
        buttons = [page.locator(f"[data-{kind}={way}]") for way in ("back", "forward")]
        edges = [(box["x"], box["x"] + box["width"]) for box in (b.bounding_box() for b in buttons)]
        assert all(left >= 0 and right <= width for left, right in edges)
        return [button.inner_text() for button in buttons]

    page.locator("nav a[data-view=watch]").click()
    page.locator("[data-act=forward]").wait_for()
    assert steps("act") == ["Previous clip", "Next clip"]
    page.locator("nav a[data-view=memory]").click()
    page.locator(".vm-moment").wait_for()
    assert steps("moment") == ["Previous clip", "Next clip"]
    inner, outer = page.evaluate(WIDTHS)
    assert inner <= outer
