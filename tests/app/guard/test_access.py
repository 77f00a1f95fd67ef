"""Tokens, passwords and passes; where they come from, and when the app does not start."""

from __future__ import annotations

import io
import logging
import os
import stat

import pytest

from app import sentences
from app.__main__ import main, parser
from app.guard import browser as browser_module
from app.guard import given as given_module
from app.guard import wording
from app.guard.access import PASS_SECONDS, Access, Attempts, Password
from app.guard.given import given_password, given_token
from app.guard.hosts import allowed_hosts, is_loopback
from app.guard.visitor import LOCAL, look_at
from app.launch import AppSettings
from app.sources.live import Reach
from app.sources.shelf import VideoShelf
from tests.app.guard.conftest import GRADIO_LOOPS, HOST
from vidmem.errors import SettingError, StorageError, VideoNotFoundError

pytestmark = GRADIO_LOOPS
LAB = {"X-Forwarded-For": "10.0.0.7", "X-Forwarded-Proto": "https"}


@pytest.fixture
def clock():
    class Clock:
        now = 1_000_000.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture(scope="module")
def lab(make_site):
    """An app behind a proxy, for which it has another name."""
    return make_site(
        password="a good password", allowed_hosts=("lab.example.org",), allow_addresses=True
    )


def test_a_pass_ends(clock):
    access = Access("token", clock=clock)
    given = access.new_pass()
    assert access.is_pass(given)
    assert Access("token", clock=clock).is_pass(given)  # after a new start with the same token
    assert not Access("other", clock=clock).is_pass(given)
    assert not Access(None, Password.of("x"), clock=clock).is_pass(given)
    clock.now += PASS_SECONDS
    assert not access.is_pass(given)


def test_guesses_are_slowed_for_each_and_bounded(clock):
    attempts = Attempts(burst=3, seconds=10.0, clock=clock)
    assert [attempts.begin("a") for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]
    assert attempts.begin("b") == 0.0
    clock.now += 10
    assert [attempts.begin("a") for _ in range(2)] == [0.0, 10.0]
    attempts.forgive("a")
    assert attempts.begin("a") == 0.0
    for number in range(3 * Attempts.MAX_PEERS):
        attempts.begin(str(number))
    assert len(attempts._used) <= Attempts.MAX_PEERS


def test_a_password_lets_in_and_wrong_ones_are_slowed(lab):
    client = lab.client(peer="10.1.1.1", host="lab.example.org", **LAB)
    origin = {"Origin": "https://lab.example.org", "Sec-Fetch-Site": "same-origin"}
    assert "token" not in lab.app.address
    page = client.get("/")
    assert page.status_code == 401
    assert 'type="password"' in page.text
    assert client.get("/planner/models").json()["error"] == wording.NO_PASS_PASSWORD
    for _ in range(4):
        answer = client.post("/login", data={"secret": "a bad <password>"}, headers=origin)
        assert answer.status_code == 401
        assert "not the password" in answer.text
    answer = client.post("/login", data={"secret": "a good password"}, headers=origin)
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    assert "secure" in answer.headers["set-cookie"].lower()
    for _ in range(5):
        client.post("/login", data={"secret": "x"}, headers=origin)
    answer = client.post("/login", data={"secret": "a good password"}, headers=origin)
    assert answer.status_code == 429
    assert "Try again in" in answer.text
    other = lab.client(peer="10.1.1.2", host="lab.example.org")
    assert other.post("/login", data={"secret": "a good password"}).status_code == 303


def test_a_password_is_not_kept():
    password = Password.of("a good password")
    assert password.is_right("a good password")
    assert not password.is_right("a good passwor")
    assert "good" not in repr(password) + repr(vars(password))
    assert "good" not in repr(AppSettings(password="a good password", token="a good token"))


def test_without_a_token_nothing_is_asked_but_no_proxy_is_answered(make_site):
    site = make_site(has_token=False)
    assert site.client().get("/planner/models").status_code == 200
    assert site.client(**LAB).get("/planner/models").status_code == 403
    assert site.client().get("/", headers={"Host": "evil.example:7860"}).status_code == 421
    foreign = {"Origin": "http://evil.example"}
    assert site.client().post("/streams/close", json={}, headers=foreign).status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "labserver", "pen.example"])
def test_where_others_can_reach_it_a_password_is_needed(host, caplog, monkeypatch):
    monkeypatch.delenv("VIDMEM_PASSWORD", raising=False)
    assert main(["--host", host]) == 1
    assert f"vidmem app --host {host} --password" in caplog.text
    AppSettings(host=host, password="a good password").check_reach()
    with pytest.raises(SettingError, match="--password"):
        AppSettings(host=host, token="given").check_reach()
    with pytest.raises(SettingError, match="--password"):
        AppSettings(host=host, has_token=False).check_reach()


def test_no_token_is_for_this_machine_alone():
    AppSettings(has_token=False).check_reach()
    with pytest.raises(SettingError, match="--no-token"):
        AppSettings(has_token=False, allowed_hosts=("lab.example.org",)).check_reach()


@pytest.mark.parametrize(
    "name", ["*", "https://lab.example.org", "lab.example.org/", "", "a b", "x:y"]
)
def test_a_name_must_be_one(name):
    with pytest.raises(SettingError, match="--allowed-host"):
        AppSettings(allowed_hosts=(name,)).check_reach()


def test_names_of_the_app():
    assert allowed_hosts("127.0.0.1", 80) >= {"localhost", "localhost:80", "[::1]"}
    named = allowed_hosts("127.0.0.1", 7860, ["Lab.example.org", "b.example:8443"])
    assert {"lab.example.org", "lab.example.org:7860", "b.example:8443"} <= named
    assert not {"b.example", "localhost", "evil.example:7860"} & named
    assert "[fd12::5]:7860" in allowed_hosts("fd12::5", 7860)
    everywhere = allowed_hosts("0.0.0.0", 7860)
    assert "127.0.0.1:7860" in everywhere
    assert "0.0.0.0:7860" not in everywhere
    assert is_loopback("::ffff:127.0.0.1")


def scope_of(peer="127.0.0.1", **headers):
    named = [
        (name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()
    ]
    return {"client": (peer, 1) if peer else None, "headers": named}


def test_who_sits_at_this_machine():
    assert look_at(scope_of(), HOST) == LOCAL
    assert look_at(scope_of("::1"), "[::1]:7860").is_local
    assert not look_at(scope_of(), "lab.example.org").is_local
    for peer in ("10.0.0.7", "", None, "testclient"):
        assert not look_at(scope_of(peer), HOST).is_local
    for name in ("Forwarded", "X_Forwarded_For", "X_Forwarded_Whatever", "Via", "X_Real_IP"):
        assert not look_at(scope_of(**{name: "127.0.0.1"}), HOST).is_local


def test_addresses_for_whom(lab):
    remote = look_at(scope_of(Via="1.1 proxy"), HOST)
    assert Reach().policy_for(remote) is None
    assert Reach().policy_for(LOCAL).allows_private
    assert Reach().policy_for(LOCAL).tells_why
    policy = Reach(allows_everybody=True, networks=("10.0.0.0/8",)).policy_for(remote)
    assert (policy.allows_private, policy.tells_why) == (False, False)
    assert policy.refusal("10.1.2.3") is None


def test_a_visitor_whom_a_proxy_forwards_opens_no_address(site):
    for headers, is_refused in (({}, False), ({"X-Real-IP": "127.0.0.1"}, True)):
        client = site.signed_in(**headers)
        run = site.app.registry.open("", "page")[0].run_id
        asked = {"run": run, "model": "fake", "addresses": ["http://127.0.0.1:9/x"]}
        said = client.post("/streams/start", json=asked).json().get("error", "")
        assert ("not at the machine" in said) == is_refused
    site.app.registry.clear()


def test_where_the_password_comes_from(tmp_path, monkeypatch, caplog):
    file = tmp_path / "password"
    file.write_text("from the file\nanother line\n")
    monkeypatch.setenv("VIDMEM_PASSWORD", "from the environment")
    assert given_password(None, file) == "from the file"
    assert "VIDMEM_PASSWORD" not in os.environ  # nor in that of a child
    for flag in (None, ""):
        monkeypatch.setenv("VIDMEM_PASSWORD", "from the environment")
        assert given_password(flag, None) == "from the environment"
    assert given_password(None, None) is None
    assert given_password("on the line", None) == "on the line"
    assert "other users of this machine can read it" in caplog.text
    monkeypatch.setattr("sys.stdin", io.StringIO())
    for refused, words in (
        (("", None), "no terminal"),
        ((None, tmp_path / "none"), "cannot be read"),
    ):
        with pytest.raises(SettingError, match=words):
            given_password(*refused)
    file.write_text("\n")
    with pytest.raises(SettingError, match="empty"):
        given_password(None, file)


def test_a_password_is_asked_for_twice(monkeypatch):
    answers = iter(["a good password", "a good password", "one", "two"])
    monkeypatch.setattr(given_module.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(given_module.getpass, "getpass", lambda prompt: next(answers))
    assert given_password("", None) == "a good password"
    with pytest.raises(SettingError, match="differ"):
        given_password("", None)


def test_where_the_token_comes_from(monkeypatch, caplog):
    monkeypatch.delenv("VIDMEM_TOKEN", raising=False)
    assert given_token() is None
    monkeypatch.setenv("VIDMEM_TOKEN", "short")
    assert given_token() == "short"
    assert "can be guessed" in caplog.text
    assert "VIDMEM_TOKEN" not in os.environ
    monkeypatch.setenv("VIDMEM_TOKEN", "a b")
    with pytest.raises(SettingError, match="without spaces"):
        given_token()


def test_guesses_at_a_short_token_are_slowed(make_site):
    site = make_site(token="short")
    assert site.app.address.endswith("/?token=short")
    codes = [site.client().get("/", params={"token": "x"}).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]


def test_no_token_is_said_aloud(monkeypatch, caplog):
    import app.launch

    monkeypatch.setattr(app.launch, "_free_port", lambda host, port: port)

    class StoppedError(Exception):
        pass

    def build(settings):
        raise StoppedError

    monkeypatch.setattr(app.launch, "build_app", build)
    with caplog.at_level(logging.WARNING), pytest.raises(StoppedError):
        app.launch.run_app(AppSettings(has_token=False))
    assert "WITHOUT A TOKEN" in caplog.text


def test_a_browser_is_opened_without_showing_the_token(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(browser_module.Path, "home", lambda: tmp_path)
    monkeypatch.setattr(browser_module.webbrowser, "open", shown.append)
    file = browser_module.open_browser("http://127.0.0.1:7860/?token=secret&x=1")
    assert "secret" not in shown[0]
    assert "token=secret&amp;x=1" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_flags():
    given = parser().parse_args(["--password", "--allowed-host", "a", "--allowed-host", "b"])
    assert (given.password, given.allowed_host, given.no_token) == ("", ["a", "b"], False)
    assert parser().parse_args([]).password is None


def test_links_do_not_lead_out_of_the_folder(tmp_path):
    inside, outside = tmp_path / "videos", tmp_path / "private"
    for folder in (inside / "pen", outside):
        folder.mkdir(parents=True)
        (folder / "a.mp4").touch()
    (inside / "file.mp4").symlink_to(outside / "a.mp4")
    (inside / "folder").symlink_to(outside)
    (inside / "own.mp4").symlink_to(inside / "pen" / "a.mp4")
    (tmp_path / "given").symlink_to(inside)
    for given in (inside, tmp_path / "given"):
        shelf = VideoShelf(None, given, tmp_path / "uploads")
        listed = [key for _, videos in shelf.groups("run") for key, _ in videos]
        assert listed == ["folder/own.mp4", "folder/pen/a.mp4"]
        assert shelf.num_left_out == 2
        for key in ("folder/file.mp4", "folder/folder/a.mp4", "folder/../private/a.mp4"):
            with pytest.raises(VideoNotFoundError):
                shelf.find("run", key)
        followed = VideoShelf(None, given, tmp_path / "uploads", follows_links=True)
        assert len(followed.groups("run")[0][1]) == 4
        assert followed.num_left_out == 0


def test_sentences_about_files_name_no_folder():
    folder = "/home/owner/.cache/vidmem/runs"
    refused = PermissionError(13, "Permission denied", f"{folder}/abc-pen.csv")
    stored = StorageError(f"{folder}/abc-pen.csv cannot be written")
    stored.__cause__ = refused
    for error in (refused, stored, OSError(28, "No space left on device", f"{folder}/x")):
        assert folder not in sentences.sentence_for(error)
        assert "denied" in sentences.sentence_for(error) or "full" in sentences.sentence_for(error)
