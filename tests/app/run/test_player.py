"""The player alone: which status each command leads to, and what the engine is asked."""

from __future__ import annotations

import contextlib
import threading

import pytest

from app.run.pacing import Pacer
from app.run.player import Player
from tests.app.conftest import wait_until


class OneEngine:
    """Clips of 4 s until 20 s."""

    model = "a model"

    def __init__(self) -> None:
        self.seconds = 0.0
        self.is_closed = False

    def __next__(self):
        if self.seconds >= 20:
            raise StopIteration
        self.seconds += 4.0
        return type("Judged", (), {"end_seconds": self.seconds})()

    def seek(self, seconds: float) -> str:
        self.seconds = seconds
        return "The memory starts empty."

    def close(self) -> None:
        self.is_closed = True


class Heard:
    """A listener that writes down what it hears."""

    def __init__(self, player: Player) -> None:
        self.player, self.engine = player, OneEngine()
        self.may_open = threading.Event()
        self.may_open.set()
        self.ends: list[float] = []

    def open_engine(self) -> OneEngine:
        assert self.may_open.wait(10)
        return self.engine

    def on_opened(self, engine: OneEngine) -> None:
        self.player.hold_engine(engine)

    def around_step(self):
        return contextlib.nullcontext()

    def on_prediction(self, engine: OneEngine, prediction) -> None:
        self.ends.append(prediction.end_seconds)

    def on_finished(self, error) -> None:
        self.player.set_status("finished")

    def on_closed(self, error) -> None: ...


@pytest.fixture
def shown():
    return []


@pytest.fixture
def player(shown):
    made = Player(threading.RLock(), lambda model: None, lambda: shown.append(made.status))
    made.make_ready()
    yield made
    made.end_thread()


@pytest.fixture
def heard(player):
    return Heard(player)


def begin(player, heard, **how):
    player.begin(Pacer(), heard, is_live=False, **how)


def test_it_plays_to_the_end_and_says_each_status_once(player, heard, shown):
    begin(player, heard)
    wait_until(lambda: player.status == "finished")
    assert heard.ends == [4, 8, 12, 16, 20]
    assert shown == ["ready", "opening", "playing", "finished"]
    assert not player.is_active


def test_one_step_then_another(player, heard):
    begin(player, heard, is_one_step=True)
    wait_until(lambda: heard.ends == [4])
    assert player.status == "paused"
    player.step()
    wait_until(lambda: heard.ends == [4, 8])
    player.go_on()
    wait_until(lambda: player.status == "finished")


def test_held_while_it_opens_it_is_paused_when_it_is_open(player, heard):
    heard.may_open.clear()
    begin(player, heard)
    player.pause()
    assert player.status == "opening"
    assert player.engine is None
    heard.may_open.set()
    wait_until(lambda: player.status == "paused")
    assert heard.ends == []


def test_a_jump_goes_to_the_engine_or_to_the_next_play(player, heard):
    assert player.jump(8.0, is_playing=False) is None
    assert player.start_seconds == player.pacer.playhead_seconds == 8.0
    begin(player, heard)
    wait_until(lambda: player.status == "finished")
    assert player.jump(16.0, is_playing=True) == "The memory starts empty."
    wait_until(lambda: player.status == "finished")
    assert heard.ends[-1] == 20
    assert len(heard.ends) == 6


def test_stopped_the_engine_is_closed_and_the_next_play_begins_anew(player, heard):
    begin(player, heard, is_one_step=True)
    wait_until(lambda: heard.ends == [4])
    player.end_thread()
    player.mark_stopped()
    assert (player.status, player.engine, player.start_seconds) == ("stopped", None, 0.0)
    assert heard.engine.is_closed


def test_the_speed_is_that_of_the_next_play_too_unless_it_is_live(player, heard):
    player.set_speed(is_real_time=True)
    assert player.pacer.is_real_time
    player.begin(Pacer(), heard, is_live=True)
    assert not player.pacer.is_real_time
