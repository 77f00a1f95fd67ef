"""The Planner page in the browser: live, equal to the command line, with rates measured here."""

from __future__ import annotations

import json
import re
import sys

import pytest

from app.pages.planner import wording
from tests.browser.test_looks import is_well_everywhere
from vidmem import cli
from vidmem.figures import memory_size
from vidmem.models.presets import describe
from vidmem.planner import plan, request_for

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DRAWN = """document.querySelector('.vm-plan-memory .main-svg')
    && document.querySelector('.vm-plan-streams .main-svg')"""
BEGUN = re.compile(rf"{re.escape(wording.PREPARING)}|step \d")
FACTS = """() => {
    const boxes = [...document.querySelectorAll('.vm-plan-facts > div')];
    const value = (box) => box.querySelector('dd').firstChild.textContent;
    const name = (box) => box.querySelector("dt").textContent;
    return Object.fromEntries(boxes.map((box) => [name(box), value(box)]));
}"""


def open_planner(page, model="fam-swin-t") -> None:
    page.get_by_role("link", name="Planner", exact=True).click()
    page.wait_for_function(DRAWN)
    page.locator(".vm-plan-model").select_option(model)


def planned(**given):
    config, card = describe("fam-swin-t")
    return plan(request_for(config, card, device="cuda", device_bytes=96 * 10**9, **given))


def wait_for_fact(page, name, value) -> None:
    wanted = "([name, value]) => (" + FACTS + ")()[name] === value"
    page.wait_for_function(wanted, arg=[name, value])


def slide(page, name, steps) -> None:
    slider = page.locator(f".vm-planner [data-number={name}]")
    slider.focus()
    for _ in range(abs(steps)):
        slider.press("ArrowRight" if steps > 0 else "ArrowLeft")


@pytest.fixture
def page(open_page):
    opened = open_page()
    open_planner(opened)
    return opened


def test_a_plan_follows_every_control_beside_the_study(page, monkeypatch, capsys):
    """One page for all of these: to open it and its figures takes longer than to ask it."""
    the_study_stands_beside_ours_and_figures_can_be_taken_away(page)
    every_control_is_felt_and_the_file_is_that_of_the_command_line(page, monkeypatch, capsys)
    what_cannot_be_is_said_and_the_last_answer_stays(page)
    page.get_by_label("Clips per second, all streams").fill("0.01")
    wait_for_fact(page, "computed in real time", "0")
    assert is_well_everywhere(page)


def the_study_stands_beside_ours_and_figures_can_be_taken_away(page):
    table = page.locator(".vm-plan-study table")
    assert "32\N{EN DASH}40" in table.inner_text()
    assert table.locator("tbody tr[data-own] th").inner_text() == "25"
    assert "That the study ran outside torch.no_grad()" in page.locator(".vm-plan-why").inner_text()
    for name in ("memory", "streams"):
        with page.expect_download() as download:
            page.locator(f".vm-plan-files [data-png={name}]").click()
        assert download.value.path().read_bytes().startswith(b"\x89PNG")


def every_control_is_felt_and_the_file_is_that_of_the_command_line(page, monkeypatch, capsys):
    assert page.title() == "vidmem: Planner"
    page.get_by_label("Device", exact=True).select_option("cuda")
    assert page.get_by_label("Its memory", exact=True).input_value() == "96"
    slide(page, "l_mem", -15)
    wanted = planned(l_mem=10, batch_size=8)
    wait_for_fact(page, "state, each stream", memory_size(wanted.state_bytes))
    wait_for_fact(page, "streams that fit", f"{wanted.streams_in_memory:,}")
    slide(page, "batch", -3)
    wanted = planned(l_mem=10, batch_size=1, clips_per_second=100)
    wait_for_fact(page, "a step of 1, once", memory_size(wanted.step_bytes))
    page.get_by_label("Clips per second, all streams").fill("100")
    wait_for_fact(page, "computed in real time", str(wanted.streams_computed))
    page.get_by_label("Decode speed, times real time").fill("30,5")
    wait_for_fact(page, "decoded in real time", "30")
    assert page.locator(".vm-plan-headline").inner_text() == "30 streams"
    binding = page.locator(".vm-plan-facts .vm-binds")
    assert binding.locator("dt").inner_text() == "decoded in real time"
    with page.expect_download() as download:
        page.locator(".vm-plan-files [data-file=json]").click()
    words = ["--device", "cuda", "--memory-gb", "96", "--l-mem", "10", "--batch", "1"]
    words += ["--clips-per-second", "100", "--decode-speed", "30.5", "--study", "--json"]
    monkeypatch.setattr(sys, "argv", ["vidmem", "plan", "fam-swin-t", *words])
    with pytest.raises(SystemExit):
        cli.main()
    assert json.loads(download.value.path().read_text()) == json.loads(capsys.readouterr().out)


def what_cannot_be_is_said_and_the_last_answer_stays(page):
    page.get_by_label("Its memory", exact=True).select_option("own")
    page.get_by_label("Memory in GB").fill("a lot")
    problem = page.locator(".vm-plan-error")
    problem.get_by_text("memory in GB must be a number above 0").wait_for()
    page.get_by_label("Memory in GB").fill("0.1")
    page.locator(".vm-plan-headline", has_text="Not even one stream fits").wait_for()
    assert problem.is_hidden()


def test_rates_are_measured_here(page):
    a_rate_is_measured_here_and_dropped_with_the_settings_it_is_of(page)
    a_measurement_can_be_cancelled_and_the_open_video_is_measured(page)


def a_rate_is_measured_here_and_dropped_with_the_settings_it_is_of(page):
    page.locator(".vm-plan-model").select_option("fam-swin-nano")
    rate = page.get_by_label("Clips per second, all streams")
    page.get_by_role("button", name="Measure here").click()
    page.wait_for_function("document.querySelector('.vm-planner [data-number=rate]').value > 0")
    page.wait_for_function("(" + FACTS + ")()['computed in real time'] !== 'not known'")
    page.get_by_text("Measured on this machine just now").wait_for()
    slide(page, "l_mem", 3)
    wait_for_fact(page, "computed in real time", "not known")
    assert rate.input_value() == ""
    page.get_by_text("holds for other settings").wait_for()


def a_measurement_can_be_cancelled_and_the_open_video_is_measured(page):
    page.locator(".vm-plan-model").select_option("fam-swin-b")
    page.get_by_role("button", name="Measure here").click()
    # Until the server has answered that it began, a second press is not taken.
    page.locator(".vm-plan-rate small", has_text=BEGUN).wait_for()
    page.get_by_role("button", name="Cancel").and_(page.locator(".vm-plan-rate *")).click()
    page.get_by_text("Cancelled: nothing was measured.").wait_for()
    page.get_by_role("button", name="Measure the video").click()
    page.get_by_text("Measured just now: one decoder").wait_for()
    assert float(page.get_by_label("Decode speed, times real time").input_value()) > 0
