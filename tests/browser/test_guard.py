"""Other pages in the same browser: by a name that leads here, by forms, images and frames."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.conftest import CHROMIUM, FLAGS, HANDLE, WAIT_SECONDS
from tests.browser.test_looks import violations

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

EVIL = "evil.example"
ATTACK = """
async (app) => {
  const results = {};
  const attempt = async (name, what) => {
    results[name] = await Promise.race([
      what().then((value) => String(value), () => "failed"),
      new Promise((done) => setTimeout(() => done("nothing"), 5000)),
    ]);
  };
  const loads = (tag, attributes) => new Promise((done, fail) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.onload = () => done("loaded");
    element.onerror = fail;
    document.body.append(element);
  });
  const credentials = "include";
  await attempt("fetch", async () => (await fetch(app + "/")).status);
  await attempt("with cookies", async () => (await fetch(app + "/", { credentials })).status);
  await attempt("no-cors", async () => {
    const options = { mode: "no-cors", method: "POST", credentials, body: '{"run": "x"}' };
    return (await fetch(app + "/streams/close", options)).type;
  });
  await attempt("beacon", async () => navigator.sendBeacon(app + "/left/page"));
  await attempt("image", () => loads("img", { src: app + "/static/img/logo.svg" }));
  await attempt("script", () => loads("script", { src: app + "/plotly.js" }));
  const frame = document.createElement("iframe");
  frame.src = app + "/";
  await new Promise((done) => { frame.onload = done; document.body.append(frame); });
  results.frame = frame.contentDocument ? "readable" : "closed";
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: app + "/streams/close", target: "sent" });
  document.body.append(Object.assign(document.createElement("iframe"), { name: "sent" }), form);
  const sent = new Promise((done) => { document.getElementsByName("sent")[0].onload = done; });
  form.submit();
  await sent;
  return results;
}
"""


@pytest.fixture(scope="module")
def evil_page():
    """A page of somebody else, on a server of theirs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><body>evil")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{EVIL}:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_other_pages_read_nothing_and_do_nothing(browser, site, evil_page):
    """Signed in, in one browser with a page of another name, which leads to this machine too."""
    program = next(filter(None, map(shutil.which, CHROMIUM)))
    flags = [*FLAGS, f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"]
    chromium = browser.browser_type.launch(executable_path=program, args=flags)
    context = chromium.new_context()
    context.set_default_timeout(1000 * WAIT_SECONDS)
    own = context.new_page()
    own.add_init_script(HANDLE)
    answers = []
    context.on("response", lambda answer: answers.append(answer))
    own.goto(site.address)
    assert "token" not in own.url
    own.wait_for_function("window.vidmem?.last.source")
    app = own.url.rstrip("/")
    run_id = own.evaluate("window.vidmem.run")
    own.goto("about:blank")  # so that all that comes is from the other page
    answers.clear()

    evil = context.new_page()
    evil.goto(evil_page)
    results = evil.evaluate(ATTACK, app)
    assert results.pop("no-cors") in ("opaque", "failed")
    assert results.pop("beacon") in ("true", "failed")
    assert results == dict.fromkeys(("fetch", "with cookies", "image", "script"), "failed") | {
        "frame": "closed"
    }
    statuses = {answer.status for answer in answers if answer.url.startswith(app)}
    assert statuses == {403}

    # By a name of its own that leads to the app, as if it were the app's page. What its own server
    # sent before has no policy, so that of the refusal is not kept to.
    rebound = app.replace("127.0.0.1", EVIL)
    strange = chromium.new_context(bypass_csp=True).new_page()
    assert strange.goto(f"{rebound}/").status == 421
    read = "async (path) => { const a = await fetch(path); return [a.status, await a.text()]; }"
    for path in ("/", "/planner/models", f"/streams/news?run={run_id}"):
        status, text = strange.evaluate(read, path)
        assert status == 421
        assert "does not answer to evil.example" in text
    assert site.app.registry.find(run_id) is not None

    # A link leads in, though the browser keeps the cookie back at first.
    evil.goto(evil_page)
    evil.evaluate("(app) => { location.href = app + '/'; }", app)
    evil.wait_for_function("document.title.startsWith('vidmem: Watch')")
    chromium.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whoever_is_not_signed_in_finds_a_way_in(browser, site, scheme):
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(1000 * WAIT_SECONDS)
    page = context.new_page()
    page.goto(site.address.partition("?")[0])
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 844})
        page.get_by_role("heading", name="This app needs its token").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page, within="html") == []
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").get_by_text("That is not the token").wait_for()
    page.get_by_label("Token").fill(site.address.partition("?token=")[2])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_function("document.title.startsWith('vidmem: Watch')")
    context.close()
