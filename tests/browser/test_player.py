"""The player of the project's videos: which frame is on view, and when, of any file."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.browser.conftest import serving, wait_until
from tests.browser.test_looks import ON_VIEW, violations
from tests.video.making import COLUMNS, ROWS, Kind, write_video
from tests.video.playing.making import uneven, write_awkward

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

NUM_FRAMES = 22
TIMES = [float(one) for one in uneven(NUM_FRAMES)]

SET_UP = """
async () => {
  const base = document.querySelector("link[href$='/shared/bus.js']").href;
  const load = (name) => import(base.replace("shared/bus", `shared/${name}`));
  const [project, chooser, player] = await Promise.all(
    ["video/project", "video/chooser", "video/player"].map(load),
  );
  const host = document.createElement("main");
  host.className = "vm";
  const place = "position: fixed; inset: 0; z-index: 99";
  host.style = `${place}; background: var(--bg); overflow: auto`;
  const [top, here] = [document.createElement("div"), document.createElement("div")];
  here.style.width = "640px";
  host.id = "player-of-test";
  host.append(top, here);
  document.body.append(host);
  const made = player.makeVideoPlayer(here);
  const seen = { times: [], topics: [] };
  made.on("time", (seconds) => seen.times.push(seconds));
  for (const topic of ["play", "pause", "loaded", "speed", "trouble"]) {
    made.on(topic, () => seen.topics.push(topic));
  }
  chooser.makeVideoChooser(top);
  await project.loadVideos();
  window.vidmem.on("project_video", (record) => made.load(record));
  const numberOnView = () => {
    const video = here.querySelector("video");
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const pen = canvas.getContext("2d");
    pen.drawImage(video, 0, 0);
    let number = 0;
    for (let bit = 0; bit < COLUMNS * ROWS; bit += 1) {
      const x = ((2 * (bit % COLUMNS) + 1) * canvas.width) / (2 * COLUMNS);
      const y = ((2 * Math.floor(bit / COLUMNS) + 1) * canvas.height) / (2 * ROWS);
      if (pen.getImageData(x, y, 1, 1).data[0] > 120) number |= 1 << bit;
    }
    return number;
  };
  const { playerKeys } = player;
  Object.assign(window, { project, player: made, seen, numberOnView, playerKeys });
}
""".replace("COLUMNS", str(COLUMNS)).replace("ROWS", str(ROWS))

WALK = """
async (count) => {
  const walked = [];
  for (let number = 0; number < Math.abs(count); number += 1) {
    walked.push([numberOnView(), player.seconds]);
    await player.step(Math.sign(count));
  }
  return walked;
}
"""


@pytest.fixture(scope="module")
def site(browser, material, tmp_path_factory):
    with serving(material, tmp_path_factory.mktemp("player")) as running:
        folder = running.videos
        times = uneven(NUM_FRAMES)
        write_awkward(folder / "2026-05-03_02-14-36.mp4", times, start=Fraction(7, 2), b_frames=2)
        write_awkward(folder / "late.webm", times, start=Fraction(3, 2), codec="libvpx")
        write_video(folder, Kind("old", codec="mpeg4", suffix=".avi"), NUM_FRAMES)
        yield running


@pytest.fixture
def page(open_page):
    opened = open_page(width=1200)
    opened.wait_for_function("window.vidmem.run")
    opened.evaluate(SET_UP)
    return opened


def add(page, name: str) -> None:
    """Add a video as a person would, and wait until it can be played, or is not."""
    page.locator("#player-of-test .vm-chooser-offered").select_option(f"folder/{name}")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_function("name => player.record?.name === name", arg=name)


def wait_until_shown(page) -> None:
    page.wait_for_function(
        "player.frame && document.querySelector('#player-of-test .vm-vp-message').hidden"
    )


def check_steps(page, times: list[float]) -> None:
    """Each frame on, and back again: the picture is that of its number, at the file's time."""
    on = page.evaluate(WALK, len(times))
    assert [number for number, _ in on] == list(range(len(times)))
    assert [seconds for _, seconds in on] == pytest.approx(times, abs=2e-3)
    last = len(times) - 1
    assert page.evaluate("numberOnView()") == last  # there is none behind it
    back = page.evaluate(WALK, -last)
    assert [number for number, _ in back] == list(range(last, 0, -1))
    assert page.evaluate("[numberOnView(), player.seconds]") == [0, 0]


@pytest.mark.slow
def test_originals_and_copies_show_the_frame_that_they_say(page, site):
    add(page, "2026-05-03_02-14-36.mp4")
    wait_until_shown(page)
    check_steps(page, TIMES)
    for seconds in (0.0, TIMES[7], TIMES[7] + 0.005, TIMES[12] - 0.005, TIMES[-1], 1e6, -5.0):
        number, shown = page.evaluate(
            "async (at) => { await player.seek(at); return [numberOnView(), player.seconds]; }",
            seconds,
        )
        wanted = max(n for n, at in enumerate(TIMES) if at <= max(0.0, seconds) + 5e-4)
        assert (number, shown) == (wanted, pytest.approx(TIMES[wanted], abs=2e-3)), seconds
    check_clock(page)
    check_loop(page)
    check_speed_and_zoom(page)
    assert [
        one for one in violations(page, within=ON_VIEW) if "vm-vp" in one or "vm-chooser" in one
    ] == []
    add(page, "late.webm")
    wait_until_shown(page)
    check_steps(page, TIMES)
    check_copy(page)
    check_missing(page, site)


def check_clock(page) -> None:
    page.evaluate("seconds => player.seek(seconds)", TIMES[20])
    text = page.locator("#player-of-test .vm-vp-clock").text_content()
    assert text == f"2026-05-03 02:14:37 · 00:{TIMES[20]:06.3f} of 00:01"


def check_loop(page) -> None:
    """It goes round between its edges.

    On a busy machine the script may be late by a frame, and never by more: it would drift.
    """
    start, end = TIMES[5], TIMES[9]
    page.evaluate(
        "async ([start, end]) => { player.loop({ start, end }); await player.seek(start);"
        " seen.times.length = 0; await player.play(); }",
        [start, end],
    )
    rounds = "seen.times.filter((time, at) => at && time < seen.times[at - 1]).length >= 3"
    page.wait_for_function(rounds)
    page.evaluate("player.pause(), player.loop(null)")
    times = page.evaluate("seen.times")
    assert min(times) >= start - 2e-3
    assert TIMES[8] - 2e-3 <= max(times) <= end + 2e-3
    assert sum(time > end - 2e-3 for time in times) <= len(times) / 5


def check_speed_and_zoom(page) -> None:
    speeds = "[0.1, 0.25, 3, 16, 99].map((speed) => { player.speed = speed; return player.speed; })"
    assert page.evaluate(speeds) == [0.25, 0.25, 3, 16, 16]
    page.evaluate("player.speed = 1")
    screen = page.locator("#player-of-test .vm-vp-screen")
    screen.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    page.wait_for_function("player.zoom > 2")
    screen.dblclick()
    assert page.evaluate("player.zoom") == 1
    keys = page.evaluate("playerKeys.map(({ key, isShifted, words }) => [key, isShifted, words])")
    assert len({(key, is_shifted) for key, is_shifted, _ in keys}) == len(keys)
    assert all(words for *_, words in keys)


def check_copy(page) -> None:
    """What the browser cannot play is offered as a copy, and plays then, frame by frame."""
    add(page, "old.avi")
    page.locator("#player-of-test .vm-vp-offer").get_by_text(
        "cannot play this kind of video"
    ).wait_for()
    page.get_by_text("The copy takes about ").wait_for()
    page.get_by_role("button", name="Make a playable copy").click()
    wait_until_shown(page)
    check_steps(page, [number / 25 for number in range(NUM_FRAMES)])
    # From now on it is there at once.
    page.evaluate("project.chooseVideo('late.webm')")
    page.wait_for_function("player.record.name === 'late.webm'")
    page.evaluate("project.chooseVideo('old.avi')")
    page.wait_for_function(
        "document.querySelector('#player-of-test .vm-vp video').src.endsWith('proxy.mp4')"
    )
    wait_until_shown(page)


def check_missing(page, site) -> None:
    (site.videos / "late.webm").unlink()
    page.evaluate("project.loadVideos()")
    page.evaluate("project.chooseVideo('late.webm')")
    page.locator("#player-of-test .vm-vp-message").get_by_text("not where it was").wait_for()
    page.locator("#player-of-test .vm-chooser-videos").select_option(
        label="late.webm (file missing)"
    )
    remove = page.locator("#player-of-test .vm-chooser").get_by_role("button", name="Take out")
    remove.click()
    page.locator("#player-of-test .vm-chooser").get_by_role(
        "button", name="Really take it out"
    ).click()
    page.wait_for_function("!project.videosOfProject().some(({ name }) => name === 'late.webm')")
    wait_until(lambda: len(site.app.project.videos.list()) == 2)
