"""Every address of the app, asked by those who may not: other names and pages, without a pass."""

from __future__ import annotations

import json
import re

import pytest
from starlette.routing import Mount, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from tests.app.guard.conftest import GRADIO_LOOPS, HOST, ORIGIN, PORT

pytestmark = GRADIO_LOOPS

FOREIGN_HOSTS = (
    *("evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:7861", "localhost:80"),
    *(f"127.0.0.1.evil.example:{PORT}", f"127.0.0.1:{PORT}.evil.example", f"localhost.:{PORT}"),
    *(f"0.0.0.0:{PORT}", f"evil@127.0.0.1:{PORT}", f"127.0.0.1:{PORT}/", f"127.0.0.2:{PORT}", ""),
    *(f"127.0.0.1:0{PORT}", f"127.0.0.1:{PORT},evil.example", f"2130706433:{PORT}"),
)
FOREIGN_ORIGINS = (
    *("http://evil.example", f"http://evil.example:{PORT}", "null", "", "http://127.0.0.1"),
    *("http://127.0.0.1:7861", f"https://{HOST}", f"http://localhost:{PORT}", f"{ORIGIN}/"),
    *(f"{ORIGIN}.evil.example", f"{ORIGIN} http://evil.example", "file://", "chrome-extension://x"),
)
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def routes_of(routes):
    """Method and path of all routes, those of mounted apps and included routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if isinstance(route, Mount):
            for method, path in routes_of(route.routes):
                yield method, route.path + path
        elif inner is not None:
            yield from routes_of(inner.routes)
        else:
            path = re.sub(r"\{[^}]*\}", "x", route.path)
            for method in getattr(route, "methods", None) or {"GET"}:
                yield method, path


@pytest.fixture(scope="module")
def routes(site):
    found = {*routes_of(site.app.api.routes), ("GET", "/login"), ("OPTIONS", "/"), ("PUT", "/x")}
    assert {("GET", "/"), ("POST", "/gradio_api/run/x"), ("GET", "/config")} <= found
    assert len(found) > 100
    return sorted(found)


SIGN_IN = {("POST", "/login")}
"""What somebody without a pass may do: `test_a_wrong_token_gets_nobody_in`."""


def assert_refused(answer, statuses):
    assert answer.status_code in statuses, (answer.request.url, answer.status_code)
    assert_headers(answer)


def assert_headers(answer):
    headers = answer.headers
    assert not [name for name in headers if name.startswith("access-control-")]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


def test_no_address_is_answered_to_whom_it_must_not(site, routes):
    name, value = next(iter(site.signed_in().cookies.items()))
    own = {"Host": HOST, "Cookie": f"{name}={value}"}
    for method, path in routes:
        for refused, status in (
            ({"Host": f"evil.example:{PORT}"}, 421),
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Cookie": f"{name}=x"}, 401),
        ):
            if status == 401 and (method, path) in SIGN_IN:
                continue
            answer = site.refused(method, path, {**own, **refused})
            assert answer.status_code == status, (method, path, refused)
            assert_headers(answer)


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_other_names_are_refused(site, host):
    client = site.signed_in()
    assert_refused(client.get("/scripts/x", headers={"Host": host}), {421})
    assert_refused(client.get("/", headers={"X-Forwarded-Host": host}), {421})


def test_a_request_has_one_name(site):
    assert site.refused("GET", "/", {}).status_code == 400
    assert site.refused("GET", "/", {"Host": HOST, "host": HOST}).status_code == 400


@pytest.mark.parametrize("host", [HOST, f"localhost:{PORT}", f"[::1]:{PORT}", f"LocalHost:{PORT}"])
def test_its_own_names_are_answered(site, host):
    client = site.signed_in(host=host.lower())
    answer = client.get("/planner/models", headers={"Host": host})
    assert answer.status_code == 200
    assert_headers(answer)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_other_pages_are_refused(site, origin):
    client = site.signed_in()
    for method in ("GET", "POST", "OPTIONS"):
        answer = client.request(
            method,
            "/streams/close",
            headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
        )
        assert_refused(answer, {403})


@pytest.mark.parametrize("mode", ["navigate", "no-cors", "cors", "websocket"])
@pytest.mark.parametrize(
    "dest", ["document", "iframe", "frame", "embed", "object", "image", "empty"]
)
def test_only_a_link_leads_from_another_page_to_the_first_one(site, mode, dest):
    client = site.signed_in()
    sent = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
    is_link = (mode, dest) == ("navigate", "document")
    assert client.get("/", headers=sent).status_code == (200 if is_link else 403)
    assert client.get("/planner/models", headers=sent).status_code == 403
    assert client.post("/", headers=sent).status_code == 403


def test_pages_of_its_own_are_answered(site):
    client = site.signed_in()
    for sent in ({"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}, {"Sec-Fetch-Site": "none"}):
        assert client.post("/streams/close", json={"run": "x"}, headers=sent).status_code == 200
        assert client.get("/planner/models", headers=sent).status_code == 200
    odd = {"Sec-Fetch-Site": "of my own"}
    assert client.get("/planner/models", headers=odd).status_code == 403


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(site):
    client = site.client()
    address = site.app.address
    answer = client.get(address + "&__theme=dark")
    assert (answer.status_code, answer.headers["location"]) == (303, "./?__theme=dark")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"vidmem-{PORT}=")
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/"))
    assert "secure" not in cookie
    assert client.get("/").status_code == 200
    assert (
        "secure"
        in site.client(**{"X-Forwarded-Proto": "https"}).get(address).headers["set-cookie"].lower()
    )


@pytest.mark.parametrize("token", ["", "x", "\N{SNOWMAN}", "a" * 3000, "%00"])
def test_a_wrong_token_gets_nobody_in(site, token):
    client = site.client()
    answer = client.get("/", params={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "not the token" in answer.text
    assert client.post("/login", data={"secret": token or " "}).status_code == 401


def test_whoever_has_a_pass_may_come_by_an_old_address(site):
    answer = site.signed_in().get("/?token=old")
    assert (answer.status_code, answer.headers["location"]) == (303, "./")


def test_passes_are_sealed(site, make_site):
    other = make_site().signed_in()
    name, value = next(iter(other.cookies.items()))
    ends, number, seal = value.split(".")
    for forged in (
        value,
        f"{ends}.{number}.",
        f"{int(ends) + 1}.{number}.{seal}",
        "",
        "a.b.c",
        "\xff",
    ):
        headers = {"Cookie": f"{name}={forged}".encode("latin-1")}
        assert site.client().get("/planner/models", headers=headers).status_code == 401
    own = site.signed_in()
    cookies = f"{name}=x; {name}={own.cookies[name]}"
    assert site.client().get("/planner/models", headers={"Cookie": cookies}).status_code == 200


def test_scripts_bring_the_token_in_a_header(site):
    token = site.app.address.partition("?token=")[2]
    client = site.client()
    for given, status in ((f"Bearer {token}", 200), ("Bearer x", 401), (f"Basic {token}", 401)):
        answer = client.get("/planner/models", headers={"Authorization": given})
        assert answer.status_code == status


def test_without_a_pass_the_first_page_asks_for_the_token(site):
    client = site.client()
    page = client.get("/")
    assert page.status_code == 401
    assert "?token=" in page.text
    assert "script" not in page.headers["content-security-policy"]
    refused = client.get("/planner/models")
    assert "Open the address that the app printed" in refused.json()["error"]
    token = site.app.address.partition("?token=")[2]
    assert client.post("/login", data={"secret": f" {token}\n"}).status_code == 303
    assert client.get("/").status_code == 200


def test_a_link_of_another_page_leads_on_though_the_cookie_is_kept_back(site):
    answer = site.client().get("/", headers=LINK)
    assert answer.status_code == 401
    assert 'http-equiv="refresh"' in answer.text


def test_a_long_form_is_refused(site):
    answer = site.client().post("/login", data={"secret": "x" * 10_000})
    assert answer.status_code == 413
    assert_headers(answer)


def test_the_page_runs_its_own_scripts_only(site):
    page = site.signed_in().get("/")
    assert_headers(page)
    policy = page.headers["content-security-policy"]
    scripts = policy.split("script-src ")[1].split(";")[0]
    assert "'unsafe-inline'" not in scripts
    assert len(re.findall("'sha256-[^']+'", scripts)) == len(
        re.findall(r"<script(?![^>]*src=)", page.text)
    )
    assert not re.search(r"https?:|\*", policy)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/config",
            "/openapi.json",
            "/docs",
            "/redoc",
            "/gradio_api/info",
            "/gradio_api/openapi.json",
        ),
        *("/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://evil.example", "/monitoring"),
        *("/gradio_api/queue/data", "/gradio_api/vibe-code", "/gradio_api/runs", "/svelte/x"),
        *("/gradio_api/call/sync", "/gradio_api/api/sync", "/gradio_api/run/open_page", "/logout"),
    ],
)
def test_what_the_page_does_not_need_is_not_there(site, path):
    client = site.signed_in()
    for method in ("GET", "POST"):
        assert client.request(method, path, json={}).status_code in (404, 405)


def test_an_error_has_the_headers_and_a_sentence(site, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("a bug, with /a/path")

    monkeypatch.setattr(site.app.streams, "find", broken)
    answer = site.signed_in().get("/streams/news?run=x")
    assert answer.status_code == 500
    assert_headers(answer)
    assert "/a/path" not in answer.text
    assert "terminal" in answer.json()["error"]


def test_web_sockets_are_asked_the_same(site, monkeypatch):
    async def socket(websocket):
        await websocket.accept()
        await websocket.close()

    monkeypatch.setattr(
        site.app.api.router, "routes", [WebSocketRoute("/socket", socket), *site.app.api.routes]
    )
    client = site.signed_in()
    own = {"Host": HOST, "Cookie": "; ".join(f"{k}={v}" for k, v in client.cookies.items())}
    with client.websocket_connect("/socket", headers={**own, "Origin": ORIGIN}):
        pass
    for refused in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Cookie": "x=y"}):
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/socket", headers={**own, **refused}),
        ):
            pass


CALL = {"fn_index": 1, "session_hash": "s", "data": [None, "{}"]}


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"x", b"[]", b"null", b"1e400", b"NaN", b"\xff", b"[" * 100_000, b'{"a":' * 50_000),
        *(
            {"actions": ["x"]},
            {**CALL, "data": []},
            {**CALL, "data": ["", {}]},
            {**CALL, "data": 5},
        ),
        *({**CALL, "fn_index": one} for one in (99, -1, "1", None, 1.0, True, [])),
        *({**CALL, "session_hash": one} for one in (5, None, [])),
        *({**CALL, "trigger_id": "x"}, {**CALL, "event_id": {}}, {**CALL, "data": [[[]], ""]}),
        json.dumps(CALL).replace('"s"', "1e400").encode(),
    ],
)
def test_a_call_that_no_page_makes_gets_a_sentence(site, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    client = site.signed_in()
    answer = client.post("/gradio_api/run/predict", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_message_that_no_page_sends_changes_nothing(site):
    client = site.signed_in()
    jump = '{"actions":[{"name":"jump","value":{"seconds":%s}}]}'
    for message in (
        '{"actions":["x"]}',
        jump % '"inf"',
        jump % "1e400",
        "[" * 9000,
        "NaN",
        "\ud800",
    ):
        call = {**CALL, "data": [None, message]}
        sent = {"content": json.dumps(call), "headers": {"Content-Type": "application/json"}}
        assert client.post("/gradio_api/run/predict", **sent).status_code == 200
    assert client.post("/gradio_api/run/predict", content=b"x" * 1_000_001).status_code == 413
